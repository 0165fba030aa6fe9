// The notation of pipelines: any text is read or refused with a place, what is read prints as text that reads
// the same, and what transform_graph's grammar accepts means the same in ours.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "transforms/pass_manager.h"
#include "transforms/spec.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what, absl::string_view text) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(text).c_str());
  std::abort();
}

bool Same(const std::vector<SpecItem>& a, const std::vector<SpecItem>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].is_repeat != b[i].is_repeat || a[i].name != b[i].name || a[i].max != b[i].max ||
        a[i].params.size() != b[i].params.size() || !Same(a[i].body, b[i].body)) {
      return false;
    }
    for (size_t k = 0; k < a[i].params.size(); ++k) {
      if (a[i].params[k].key != b[i].params[k].key || a[i].params[k].value != b[i].params[k].value)
        return false;
    }
  }
  return true;
}

bool NamesRepeat(const Spec& spec) {
  for (const SpecItem& item : spec.items) {
    if (item.name == "repeat") return true;
  }
  return false;
}

void Check(absl::string_view text) {
  const absl::StatusOr<Spec> ours = ParseSpec(text), strict = ParseSpec(text, SpecOptions{true});
  for (const absl::StatusOr<Spec>* spec : {&ours, &strict}) {
    if (!spec->ok()) {
      const absl::string_view message = spec->status().message();
      Require(absl::IsInvalidArgument(spec->status()) && absl::StartsWith(message, "pass spec ") &&
                  absl::EndsWith(message, "^") && message.size() < 1000,
              "an error of another form", message);
      continue;
    }
    const std::string printed = (*spec)->ToText();
    const absl::StatusOr<Spec> again = ParseSpec(printed);
    // "repeat" is a name in transform_graph's grammar alone.
    if (spec == &strict && NamesRepeat(**spec)) continue;
    Require(again.ok() && Same((*spec)->items, again->items), "does not read back", printed);
    Require(again->ToText() == printed, "prints in two ways", printed);
  }
  if (strict.ok() && strict->warnings.empty() && !NamesRepeat(*strict)) {
    Require(ours.ok() && Same(ours->items, strict->items), "means something else than in transform_graph",
            text);
  }
  // Names and values are looked up; nothing is run.
  PassManager::Parse(text).status().IgnoreError();
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cryograph::Check(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}

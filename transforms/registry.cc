#include "transforms/registry.h"

#include <cstdio>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/nearest.h"
#include "transforms/pass.h"
#include "transforms/unsupported.h"

namespace cryograph {
namespace {

// Text in a cell of a Markdown table.
std::string Cell(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", " "}}); }

absl::string_view SemanticsText(Semantics semantics) {
  switch (semantics) {
    case Semantics::kExact:
      return "kept exactly";
    case Semantics::kWithinRounding:
      return "kept within float rounding";
    case Semantics::kNotKept:
      return "changed as the user asks for";
  }
  return "";
}

// What a pass says about its error beyond what its semantics say.
std::string BoundText(const Pass& pass) {
  const ErrorBound own = pass.error_bound(), usual = DefaultErrorBound(pass.semantics());
  if (own.absolute == usual.absolute && own.relative == usual.relative && own.ulps == usual.ulps) return "";
  std::string text =
      absl::StrCat("; outputs are held to ", own.absolute, ", or ", own.relative, " of the value");
  if (own.ulps > 0) absl::StrAppend(&text, ", or ", own.ulps, " ulps");
  return text;
}

}  // namespace

PassRegistry& PassRegistry::Global() {
  static PassRegistry& registry = *new PassRegistry;
  return registry;
}

void PassRegistry::Register(Factory factory, std::initializer_list<const char*> aliases) {
  const std::string name = factory()->name();
  std::vector<std::string> all = {name};
  all.insert(all.end(), aliases.begin(), aliases.end());
  for (const std::string& each : all) {
    if (factories_.count(each) != 0 || aliases_.count(each) != 0) {
      std::fprintf(stderr, "two passes are named '%s'\n", each.c_str());
      std::abort();
    }
    if (each != name) aliases_[each] = name;
  }
  factories_[name] = factory;
}

absl::StatusOr<std::unique_ptr<Pass>> PassRegistry::Create(absl::string_view name) const {
  auto alias = aliases_.find(name);
  auto found = factories_.find(alias == aliases_.end() ? name : absl::string_view(alias->second));
  if (found != factories_.end()) return found->second();
  if (const absl::string_view why = WhyUnsupported(name); !why.empty()) {
    return absl::UnimplementedError(absl::StrCat("'", name, "' is not supported: ", why));
  }
  std::vector<absl::string_view> candidates;
  for (const auto& [each, factory] : factories_) candidates.push_back(each);
  for (const auto& [each, target] : aliases_) candidates.push_back(each);
  return absl::NotFoundError(
      absl::StrCat("no pass is named '", name, "'", DidYouMean(NearestNames(name, candidates, 3))));
}

std::vector<std::string> PassRegistry::names() const {
  std::vector<std::string> names;
  for (const auto& [name, factory] : factories_) names.push_back(name);
  return names;
}

std::vector<std::string> PassRegistry::aliases(absl::string_view name) const {
  std::vector<std::string> aliases;
  for (const auto& [alias, target] : aliases_) {
    if (target == name) aliases.push_back(alias);
  }
  return aliases;
}

std::string PassRegistry::Summary() const {
  size_t width = 0;
  for (const auto& [name, factory] : factories_) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, factory] : factories_) {
    absl::StrAppend(&text, "  ", name, std::string(width + 2 - name.size(), ' '), factory()->summary(), "\n");
  }
  return text;
}

std::string PassRegistry::Markdown() const {
  std::string text =
      "# Passes\n\n"
      "Every pass that a spec can name, generated from the registry (`transform_graph --passes_markdown`; a "
      "test\n"
      "compares). Each also takes `ignore_errors=true`: if it fails, the graph stays as it was before it and "
      "the run\n"
      "goes on. Types: `regex` is RE2 syntax and must match the whole text (a lone `*` matches any); a list "
      "takes its\n"
      "key several times. The notation itself: [spec.md](spec.md).\n\n"
      "| pass | what it does |\n|---|---|\n";
  for (const auto& [name, factory] : factories_) {
    absl::StrAppend(&text, "| [`", name, "`](#", name, ") | ", Cell(factory()->summary()), " |\n");
  }
  for (const auto& [name, factory] : factories_) {
    const std::unique_ptr<Pass> pass = factory();
    absl::StrAppend(&text, "\n## ", name, "\n\n", pass->summary(), "\n\n");
    if (const std::vector<std::string> others = aliases(name); !others.empty()) {
      absl::StrAppend(&text, "Also named `", absl::StrJoin(others, "`, `"), "`. ");
    }
    absl::StrAppend(&text, "What the graph computes is ", SemanticsText(pass->semantics()), BoundText(*pass),
                    ".\n");
    if (!pass->params().empty()) {
      text += "\n| parameter | type | default | meaning |\n|---|---|---|---|\n";
      for (const ParamBase* param : pass->params()) {
        const std::string fallback = param->required() ? "required"
                                     : param->default_text().empty()
                                         ? ""
                                         : absl::StrCat("`", param->default_text(), "`");
        absl::StrAppend(&text, "| `", param->name(), "` | ", param->type_name(),
                        param->expected().empty() ? "" : ", ", Cell(param->expected()), " | ", Cell(fallback),
                        " | ", Cell(param->doc()), " |\n");
      }
    }
    if (const std::string doc = pass->doc(); !doc.empty()) absl::StrAppend(&text, "\n", doc, "\n");
  }
  return text;
}

}  // namespace cryograph

// State files and slice specifications of any text: what can be read is written as text that reads the same.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "checkpoint/slice_spec.h"
#include "checkpoint/state_file.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// Not a number is the same as itself here.
bool Same(double a, double b) { return a == b || (a != a && b != b); }

void CheckState(absl::string_view text) {
  const absl::StatusOr<CheckpointState> state = ParseCheckpointState(text, "checkpoint");
  if (!state.ok()) return;
  const absl::StatusOr<CheckpointState> again = ParseCheckpointState(CheckpointStateText(*state), "again");
  Require(again.ok(), "the text that we write cannot be read");
  Require(again->latest == state->latest && again->all == state->all, "a path reads differently");
  Require(again->timestamps.size() == state->timestamps.size(), "times are lost");
  for (size_t i = 0; i < state->timestamps.size(); ++i) {
    Require(Same(again->timestamps[i], state->timestamps[i]), "a time reads differently");
  }
  Require(Same(again->last_preserved_timestamp, state->last_preserved_timestamp), "a time reads differently");
}

void CheckSlice(absl::string_view text) {
  const absl::StatusOr<SliceSpec> spec = ParseSliceSpec(text);
  if (!spec.ok()) return;
  const absl::StatusOr<SliceSpec> again = ParseSliceSpec(SliceSpecText(*spec));
  Require(again.ok() && again->dims == spec->dims && again->slice == spec->slice,
          "a slice reads differently");
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  cryograph::CheckState(text);
  cryograph::CheckSlice(text);
  return 0;
}

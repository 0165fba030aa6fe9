// The notation of pipelines, as transform_graph has it and a little more: docs/spec.md.
#ifndef CRYOGRAPH_TRANSFORMS_SPEC_H_
#define CRYOGRAPH_TRANSFORMS_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

// KEY=value. Offsets are of bytes in the text that was parsed.
struct SpecParam {
  std::string key;
  std::string value;
  size_t offset = 0;        // Of the key.
  size_t value_offset = 0;  // Of the value's first character, behind its quote.
};

// One transform, or a group that is repeated until it changes nothing.
struct SpecItem {
  bool is_repeat = false;
  size_t offset = 0;

  std::string name;               // Of a transform.
  std::vector<SpecParam> params;  // In the order given; a key may come several times.

  int64_t max = 0;             // Of a repeat: how often at most.
  std::vector<SpecItem> body;  // Of a repeat.

  std::string ToText() const;
};

struct Spec {
  std::vector<SpecItem> items;
  std::vector<std::string> warnings;  // Of a text that was read as transform_graph would, in strict_compat.

  // One line from which ParseSpec makes the same pipeline.
  std::string ToText() const;
};

struct SpecOptions {
  // Accept what transform_graph's parser accepts, and nothing else. A transform whose parenthesis is never
  // closed is dropped, as there, but with a warning; otherwise it is an error.
  bool strict_compat = false;
};

inline constexpr int64_t kDefaultRepeatMax = 100;
inline constexpr int kMaxRepeatDepth = 16;

// InvalidArgument for text that is no spec: SpecError() of the place. An empty text is a spec without items.
// Names of passes and parameters are not looked up.
absl::StatusOr<Spec> ParseSpec(absl::string_view text, const SpecOptions& options = {});

// "pass spec 2:4: <message>", then the line at fault and a caret below the place. Lines and columns count
// from 1, columns in characters.
absl::Status SpecError(absl::StatusCode code, absl::string_view text, size_t offset,
                       absl::string_view message);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_SPEC_H_

// Facts about Unicode characters, as TensorFlow's ICU knows them: scripts and letter case.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_UNICODE_DATA_H_
#define CRYOGRAPH_RUNTIME_KERNELS_UNICODE_DATA_H_

#include <cstdint>

#include "absl/types/span.h"

namespace cryograph {
namespace unicode {

// From `first` on, to the next step.
struct ScriptStep {
  int32_t first;
  int32_t script;  // UScriptCode of ICU.
};
// What decides whether a capital sigma becomes a final one.
enum class CaseKind : uint8_t { kUncased, kCased, kIgnorable };
struct CaseStep {
  int32_t first;
  CaseKind kind;
};
// first, first + stride … last become what is `difference` higher.
struct CaseRun {
  int32_t first, last, stride, difference;
};
// A character that becomes more than one, in UTF-8.
struct CaseText {
  int32_t code;
  const char* text;
};

// All sorted; runs lie one behind the other.
absl::Span<const ScriptStep> Scripts();
absl::Span<const CaseStep> Cases();
absl::Span<const CaseRun> Lower();
absl::Span<const CaseRun> Upper();
absl::Span<const CaseText> LowerTexts();
absl::Span<const CaseText> UpperTexts();

}  // namespace unicode
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_UNICODE_DATA_H_

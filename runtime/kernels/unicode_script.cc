// UnicodeScript.
#include <algorithm>

#include "runtime/kernel.h"
#include "runtime/kernels/unicode_data.h"

namespace cryograph {
namespace {

// -1 for what is no code point.
int32_t ScriptOf(int32_t code) {
  if (code < 0 || code > 0x10ffff) return -1;
  const auto steps = unicode::Scripts();
  const auto above =
      std::upper_bound(steps.begin(), steps.end(), code,
                       [](int32_t wanted, const unicode::ScriptStep& step) { return wanted < step.first; });
  return (above - 1)->script;
}

absl::Status UnicodeScript(KernelContext& context) {
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, context.input(0).shape()));
  const int32_t* codes = context.input(0).data<int32_t>();
  for (int64_t i = 0; i < output->num_elements(); ++i)
    output->mutable_data<int32_t>()[i] = ScriptOf(codes[i]);
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(UnicodeScript, "UnicodeScript");

}  // namespace
}  // namespace cryograph

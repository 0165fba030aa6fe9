// StringLower, StringUpper.
#include <string>

#include "absl/strings/ascii.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class StringCaseKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string encoding;
    RETURN_IF_ERROR(node.Attr("encoding", &encoding));
    if (encoding != "" && encoding != "utf-8") {
      return absl::InvalidArgumentError(
          absl::StrCat("encoding must be empty or utf-8, not '", encoding, "'"));
    }
    utf8_ = encoding == "utf-8";
    upper_ = node.op() == "StringUpper";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      std::string text = input.data<std::string>()[i];
      for (const char c : text) {
        if (utf8_ && !absl::ascii_isascii(static_cast<unsigned char>(c))) {
          return absl::UnimplementedError("upper and lower case of letters beyond ASCII");
        }
      }
      upper_ ? absl::AsciiStrToUpper(&text) : absl::AsciiStrToLower(&text);
      output->mutable_data<std::string>()[i] = std::move(text);
    }
    return absl::OkStatus();
  }

 private:
  bool utf8_ = false, upper_ = false;
};
CRYOGRAPH_KERNEL(StringCaseKernel, "StringLower", "StringUpper");

}  // namespace
}  // namespace cryograph

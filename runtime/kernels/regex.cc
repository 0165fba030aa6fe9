// RegexReplace, RegexFullMatch and their static forms.
#include <memory>
#include <string>

#include "re2/re2.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::StatusOr<std::unique_ptr<RE2>> Compile(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<RE2>(pattern, options);
  if (regex->ok()) return regex;
  return absl::InvalidArgumentError(absl::StrCat("Invalid pattern: ", pattern, ", error: ", regex->error()));
}

class RegexKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const absl::string_view op = node.op();
    replaces_ = op == "RegexReplace" || op == "StaticRegexReplace";
    if (replaces_) RETURN_IF_ERROR(node.Attr("replace_global", &global_));
    if (op != "StaticRegexReplace" && op != "StaticRegexFullMatch") return absl::OkStatus();
    std::string pattern;
    RETURN_IF_ERROR(node.Attr("pattern", &pattern));
    ASSIGN_OR_RETURN(fixed_, Compile(pattern));
    return replaces_ ? node.Attr("rewrite", &rewrite_) : absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    std::unique_ptr<RE2> given;
    std::string rewrite = rewrite_;
    if (fixed_ == nullptr) {
      RETURN_IF_ERROR(ExpectScalar(context.input(1), "the pattern"));
      ASSIGN_OR_RETURN(given, Compile(context.input(1).scalar<std::string>()));
      if (replaces_) {
        RETURN_IF_ERROR(ExpectScalar(context.input(2), "the rewrite"));
        rewrite = context.input(2).scalar<std::string>();
      }
    }
    const RE2& regex = fixed_ != nullptr ? *fixed_ : *given;
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      const std::string& text = input.data<std::string>()[i];
      if (!replaces_) {
        output->mutable_data<bool>()[i] = RE2::FullMatch(text, regex);
        continue;
      }
      std::string& out = output->mutable_data<std::string>()[i];
      out = text;
      if (global_) {
        RE2::GlobalReplace(&out, regex, rewrite);
      } else {
        RE2::Replace(&out, regex, rewrite);
      }
    }
    return absl::OkStatus();
  }

 private:
  bool replaces_ = false, global_ = true;
  std::unique_ptr<RE2> fixed_;
  std::string rewrite_;
};
CRYOGRAPH_KERNEL(RegexKernel, "RegexFullMatch", "RegexReplace", "StaticRegexFullMatch", "StaticRegexReplace");

}  // namespace
}  // namespace cryograph

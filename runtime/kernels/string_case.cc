// StringLower, StringUpper: of ASCII, or of all of Unicode.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "base/wire.h"
#include "runtime/kernel.h"
#include "runtime/kernels/unicode_data.h"
#include "runtime/kernels/utf8.h"

namespace cryograph {
namespace {

constexpr uint32_t kReplacement = 0xfffd, kCapitalSigma = 0x3a3, kSigma = 0x3c3, kFinalSigma = 0x3c2;

unicode::CaseKind CaseKindOf(uint32_t code) {
  const auto steps = unicode::Cases();
  const auto above =
      std::upper_bound(steps.begin(), steps.end(), static_cast<int32_t>(code),
                       [](int32_t wanted, const unicode::CaseStep& step) { return wanted < step.first; });
  return above == steps.begin() ? unicode::CaseKind::kUncased : (above - 1)->kind;
}

void AppendMapped(uint32_t code, absl::Span<const unicode::CaseRun> runs,
                  absl::Span<const unicode::CaseText> texts, std::string* out) {
  const auto wanted = static_cast<int32_t>(code);
  const auto text =
      std::lower_bound(texts.begin(), texts.end(), wanted,
                       [](const unicode::CaseText& each, int32_t value) { return each.code < value; });
  if (text != texts.end() && text->code == wanted) {
    out->append(text->text);
    return;
  }
  const auto above =
      std::upper_bound(runs.begin(), runs.end(), wanted,
                       [](int32_t value, const unicode::CaseRun& run) { return value < run.first; });
  if (above != runs.begin()) {
    const unicode::CaseRun& run = *(above - 1);
    if (wanted <= run.last && (wanted - run.first) % run.stride == 0) {
      AppendUtf8(static_cast<uint32_t>(wanted + run.difference), out);
      return;
    }
  }
  AppendUtf8(code, out);
}

// Unicode 3.13: behind a cased character and before none, ignorable ones aside.
bool IsFinal(absl::string_view text, size_t behind, unicode::CaseKind before) {
  if (before != unicode::CaseKind::kCased) return false;
  while (behind < text.size()) {
    const int64_t code = NextUtf8(text, &behind);
    const unicode::CaseKind kind =
        CaseKindOf(code == kMalformed ? kReplacement : static_cast<uint32_t>(code));
    if (kind != unicode::CaseKind::kIgnorable) return kind != unicode::CaseKind::kCased;
  }
  return true;
}

std::string MapUtf8(absl::string_view text, bool upper) {
  std::string out;
  unicode::CaseKind before = unicode::CaseKind::kUncased;  // The last character that is not ignorable.
  for (size_t at = 0; at < text.size();) {
    const int64_t next = NextUtf8(text, &at);
    const uint32_t code = next == kMalformed ? kReplacement : static_cast<uint32_t>(next);
    if (!upper && code == kCapitalSigma) {
      AppendUtf8(IsFinal(text, at, before) ? kFinalSigma : kSigma, &out);
    } else {
      AppendMapped(code, upper ? unicode::Upper() : unicode::Lower(),
                   upper ? unicode::UpperTexts() : unicode::LowerTexts(), &out);
    }
    const unicode::CaseKind kind = CaseKindOf(code);
    if (kind != unicode::CaseKind::kIgnorable) before = kind;
  }
  return out;
}

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
      if (utf8_) {
        // TensorFlow's text ends at a zero.
        text = MapUtf8(absl::string_view(text).substr(0, text.find('\0')), upper_);
      } else {
        upper_ ? absl::AsciiStrToUpper(&text) : absl::AsciiStrToLower(&text);
      }
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

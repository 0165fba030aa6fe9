// StringNGrams.
#include <algorithm>
#include <string>
#include <vector>

#include "runtime/kernel.h"
#include "runtime/kernels/ragged_splits.h"

namespace cryograph {
namespace {

class StringNGramsKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("separator", &separator_));
    RETURN_IF_ERROR(node.Attr("ngram_widths", &widths_));
    RETURN_IF_ERROR(node.Attr("left_pad", &left_pad_));
    RETURN_IF_ERROR(node.Attr("right_pad", &right_pad_));
    RETURN_IF_ERROR(node.Attr("pad_width", &pad_width_));
    RETURN_IF_ERROR(node.Attr("preserve_short_sequences", &keep_short_));
    for (const int64_t width : widths_) {
      if (width < 1 || width > kMaxTokens) {
        return absl::InvalidArgumentError(absl::StrCat("ngram_widths must be in [1, ", kMaxTokens, "]"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& data = context.input(0);
    RETURN_IF_ERROR(ExpectVector(data, "data"));
    if (context.input(1).num_elements() == 0) {
      RETURN_IF_ERROR(context.AllocateOutput(0, {0}).status());
      return context.AllocateOutput(1, {0}).status();
    }
    ASSIGN_OR_RETURN(const Shape splits, RowSplits(context.input(1), data.num_elements()));
    const auto rows = static_cast<int64_t>(splits.size()) - 1;
    ASSIGN_OR_RETURN(Value * out_splits, context.AllocateOutput(1, {rows + 1}));
    int64_t total = 0, tokens = 0;
    RETURN_IF_ERROR(SetSplit(out_splits, 0, 0));
    for (int64_t row = 0; row < rows; ++row) {
      RETURN_IF_ERROR(ForEachGram(splits[row], splits[row + 1], [&](int64_t count, int64_t width, int64_t) {
        total += count;
        if (count > kMaxTokens / width || (tokens += count * width) > kMaxTokens) {
          return absl::ResourceExhaustedError("the n-grams have too many tokens");
        }
        return absl::OkStatus();
      }));
      RETURN_IF_ERROR(SetSplit(out_splits, row + 1, total));
    }
    ASSIGN_OR_RETURN(Value * grams, context.AllocateOutput(0, {total}));
    std::string* out = grams->mutable_data<std::string>();
    for (int64_t row = 0; row < rows; ++row) {
      RETURN_IF_ERROR(context.CheckLimits());
      const std::string* words = data.data<std::string>() + splits[row];
      const int64_t length = splits[row + 1] - splits[row];
      RETURN_IF_ERROR(
          ForEachGram(splits[row], splits[row + 1], [&](int64_t count, int64_t width, int64_t pad) {
            for (int64_t i = 0; i < count; ++i, ++out) {
              for (int64_t k = 0; k < width; ++k) {
                if (k > 0) *out += separator_;
                const int64_t word = i + k - pad;
                *out += word < 0 ? left_pad_ : word >= length ? right_pad_ : words[word];
              }
            }
            return absl::OkStatus();
          }));
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int64_t kMaxTokens = int64_t{1} << 28;

  // Calls grams(count, width, padding on each side) for every width that fits the row of words
  // [begin, end).
  template <typename Grams>
  absl::Status ForEachGram(int64_t begin, int64_t end, Grams grams) const {
    const int64_t length = end - begin;
    bool any = false;
    for (const int64_t width : widths_) {
      const int64_t pad = Padding(width);
      const int64_t count = length + 2 * pad - width + 1;
      if (count <= 0) continue;
      any = true;
      RETURN_IF_ERROR(grams(count, width, pad));
    }
    if (any || !keep_short_ || length == 0) return absl::OkStatus();
    const int64_t pad = std::clamp<int64_t>(pad_width_, 0, kMaxTokens);
    const int64_t width = length + 2 * pad;
    return grams(1, width, Padding(width));
  }

  int64_t Padding(int64_t width) const {
    return pad_width_ < 0 ? width - 1 : std::min<int64_t>(pad_width_, width - 1);
  }

  std::string separator_, left_pad_, right_pad_;
  std::vector<int64_t> widths_;
  int64_t pad_width_ = 0;
  bool keep_short_ = false;
};
CRYOGRAPH_KERNEL(StringNGramsKernel, "StringNGrams");

}  // namespace
}  // namespace cryograph

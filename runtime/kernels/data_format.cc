// DataFormatDimMap, DataFormatVecPermute: dimension numbers and per-dimension vectors in another layout.
#include <algorithm>
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class DataFormatKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    permute_ = node.op() == "DataFormatVecPermute";
    RETURN_IF_ERROR(node.Attr("src_format", &from_));
    RETURN_IF_ERROR(node.Attr("dst_format", &to_));
    if (from_.size() != to_.size() || from_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("formats ", from_, " and ", to_, " differ in length"));
    }
    for (const char letter : from_) {
      if (to_.find(letter) == std::string::npos || from_.find(letter) != from_.rfind(letter)) {
        return absl::InvalidArgumentError(absl::StrCat(to_, " is not a permutation of ", from_));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    return permute_ ? Permute(context) : Map(context);
  }

 private:
  absl::Status Map(KernelContext& context) const {
    const Value& input = context.input(0);
    const auto rank = static_cast<int64_t>(from_.size());
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    return DispatchType<IndexTypes>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (int64_t i = 0; i < input.num_elements(); ++i) {
        // Any number is taken, modulo the rank, as TensorFlow does.
        const int64_t axis = (input.data<T>()[i] % rank + rank) % rank;
        output->mutable_data<T>()[i] = static_cast<T>(to_.find(from_[static_cast<size_t>(axis)]));
      }
      return absl::OkStatus();
    });
  }

  absl::Status Permute(KernelContext& context) const {
    const Value& input = context.input(0);
    std::string from = from_, to = to_;
    const auto rows = input.rank() > 0 ? static_cast<size_t>(input.dim(0)) : 0;
    if (rows + 2 == from.size()) {  // Of the spatial dimensions alone.
      const auto drop = [](std::string& format) {
        std::string kept;
        for (const char letter : format) {
          if (letter != 'N' && letter != 'C') kept += letter;
        }
        format = kept;
      };
      drop(from);
      drop(to);
    }
    if (input.rank() < 1 || input.rank() > 2 || rows != from.size() ||
        (input.rank() == 2 && input.dim(1) != 2)) {
      return absl::InvalidArgumentError(absl::StrCat("the input must be [n] or [n,2] for ", from_.size(),
                                                     " dimensions, all or spatial, not ",
                                                     ShapeText(input.shape())));
    }
    const int64_t width = input.rank() == 2 ? 2 : 1;
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (size_t i = 0; i < to.size(); ++i) {
        const T* row = input.data<T>() + static_cast<int64_t>(from.find(to[i])) * width;
        std::copy_n(row, width, output->mutable_data<T>() + static_cast<int64_t>(i) * width);
      }
      return absl::OkStatus();
    });
  }

  bool permute_ = false;
  std::string from_, to_;
};
CRYOGRAPH_KERNEL(DataFormatKernel, "DataFormatDimMap", "DataFormatVecPermute");

}  // namespace
}  // namespace cryograph

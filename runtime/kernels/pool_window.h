// What pooling and its gradients have in common: the window, and the types.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_POOL_WINDOW_H_
#define CRYOGRAPH_RUNTIME_KERNELS_POOL_WINDOW_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/window.h"

namespace cryograph {

using MaxPoolTypes =
    TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>, TypeEntry<DT_INT8, int8_t>,
             TypeEntry<DT_INT16, int16_t>, TypeEntry<DT_INT32, int32_t>, TypeEntry<DT_INT64, int64_t>,
             TypeEntry<DT_UINT8, uint8_t>, TypeEntry<DT_UINT16, uint16_t>>;
using AveragePoolTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

// ksize and strides, and the shape that they give for an input.
class PoolWindow {
 public:
  absl::Status Init(const NodeInfo& node, int spatial_dims) {
    attrs_.AllowChannelStride();
    RETURN_IF_ERROR(attrs_.Init(node, spatial_dims));
    if (node.attr("ksize").kind() == AttrView::kNone) return absl::OkStatus();  // An input, then.
    std::vector<int64_t> ksize;
    RETURN_IF_ERROR(node.Attr("ksize", &ksize));
    return SetWindow(ksize);
  }

  absl::Status SetWindow(absl::Span<const int64_t> ksize) {
    if (static_cast<int>(ksize.size()) != attrs_.rank()) {
      return absl::InvalidArgumentError(
          absl::StrCat("ksize has ", ksize.size(), " numbers instead of ", attrs_.rank()));
    }
    ksize_.assign(ksize.begin(), ksize.end());
    const int64_t over_channels = ksize[attrs_.channel_axis()];
    bool over_image = false;
    for (int i = 0; i < attrs_.spatial_dims(); ++i) over_image |= ksize[attrs_.spatial_axis(i)] != 1;
    if (ksize[0] != 1 || over_channels < 1 || (over_channels > 1 && over_image)) {
      return absl::InvalidArgumentError(
          absl::StrCat("ksize [", absl::StrJoin(ksize, ","),
                       "] is neither a window of the image nor one of the channels"));
    }
    // A window of one channel ends before the next one begins, whatever the stride.
    if (over_channels > 1 && over_channels != attrs_.channel_stride()) {
      return absl::InvalidArgumentError(absl::StrCat("a window of ", over_channels,
                                                     " channels with a stride of ", attrs_.channel_stride(),
                                                     ", which must be the same"));
    }
    return absl::OkStatus();
  }

  // The same window with the sizes and strides of these inputs, for ops that take them so.
  absl::StatusOr<PoolWindow> WithSizes(const Value& ksize, const Value& strides) const {
    PoolWindow window = *this;
    ASSIGN_OR_RETURN(const Shape sizes, IntVector(ksize, "ksize"));
    ASSIGN_OR_RETURN(const Shape steps, IntVector(strides, "strides"));
    RETURN_IF_ERROR(window.attrs_.SetStrides(steps));
    RETURN_IF_ERROR(window.SetWindow(sizes));
    return window;
  }

  absl::StatusOr<compute::WindowShape> ShapeFor(const Value& input) const {
    RETURN_IF_ERROR(ExpectRank(input, attrs_.rank(), "input"));
    return ShapeFor(input.shape());
  }
  // For an input of `dims`, one for each dimension of the input.
  absl::StatusOr<compute::WindowShape> ShapeFor(absl::Span<const int64_t> dims) const {
    std::vector<int64_t> window;
    for (int i = 0; i < attrs_.spatial_dims(); ++i) window.push_back(ksize_[attrs_.spatial_axis(i)]);
    return attrs_.ShapeFor(dims, window);
  }

  int64_t over_channels() const { return ksize_[attrs_.channel_axis()]; }
  const WindowAttrs& attrs() const { return attrs_; }

 private:
  WindowAttrs attrs_;
  std::vector<int64_t> ksize_;  // In the order of data_format.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_POOL_WINDOW_H_

// The attributes that convolutions and pooling have in common, and the sizes that follow from them.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_WINDOW_H_
#define CRYOGRAPH_RUNTIME_KERNELS_WINDOW_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runtime/compute/conv.h"
#include "runtime/node_info.h"
#include "runtime/value.h"

namespace cryograph {

class WindowAttrs {
 public:
  // Reads data_format, strides, dilations, padding and explicit_paddings, as far as the op has them; the
  // others are 1, and NHWC. InvalidArgument for what TensorFlow refuses: sizes below 1, strides or dilations
  // of batch or channels.
  absl::Status Init(const NodeInfo& node, int spatial_dims);

  // Strides that are an input rather than an attribute; checked like those.
  absl::Status SetStrides(absl::Span<const int64_t> strides);

  // Dilations by another name.
  absl::Status SetDilations(absl::Span<const int64_t> dilations);

  // Windows over channels that are not 1 are an error unless this is called before Init(): pooling has them.
  void AllowChannelStride() { allow_channel_stride_ = true; }

  // Takes over a node that pads the image with zeros: Pad or PadV2 with constant paddings, of space alone.
  // False, and nothing changes, if it does something else.
  bool FusePad(const NodeInfo& pad, absl::Span<const Value* const> constants);

  int spatial_dims() const { return spatial_dims_; }
  int rank() const { return spatial_dims_ + 2; }
  bool channels_first() const { return channels_first_; }
  int channel_axis() const { return channels_first_ ? 1 : spatial_dims_ + 1; }
  int spatial_axis(int i) const { return channels_first_ ? 2 + i : 1 + i; }
  int64_t channel_stride() const { return strides_[channel_axis()]; }
  // The stride along spatial dimension i.
  int64_t stride(int i) const { return strides_[spatial_axis(i)]; }
  bool has_dilation() const;

  // The sizes for an input of `dims` (rank() of them, in the order of data_format) and a window of
  // spatial_dims() sizes, each at least 1. in_channels and out_channels are both the input's. InvalidArgument
  // if the window is larger than the padded image.
  absl::StatusOr<compute::WindowShape> ShapeFor(absl::Span<const int64_t> dims,
                                                absl::Span<const int64_t> window) const;

  // [batch, out …, channels] in the order of data_format.
  Shape OutputDims(const compute::WindowShape& shape, int64_t channels) const;
  // The same, channels last.
  Shape ChannelsLastDims(const compute::WindowShape& shape, int64_t channels) const;

 private:
  enum Padding { kValid, kSame, kExplicit };

  absl::Status Check(absl::string_view key, const std::vector<int64_t>& values,
                     bool channels_may_differ) const;

  int spatial_dims_ = 2;
  bool channels_first_ = false;
  bool allow_channel_stride_ = false;
  Padding padding_ = kValid;
  std::vector<int64_t> strides_, dilations_;  // In the order of data_format.
  std::vector<int64_t> explicit_paddings_;    // Two for each dimension, likewise.
  std::vector<int64_t> fused_paddings_;       // Those of FusePad(), likewise; or empty.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_WINDOW_H_

#include "runtime/kernels/window.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

// Sizes beyond this make no sense, and products of them would overflow.
constexpr int64_t kMostSize = int64_t{1} << 31;

bool HasAttr(const NodeInfo& node, absl::string_view key) { return node.attr(key).kind() != AttrView::kNone; }

}  // namespace

absl::Status WindowAttrs::Check(absl::string_view key, const std::vector<int64_t>& values,
                                bool channels_may_differ) const {
  if (static_cast<int>(values.size()) != rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, " has ", values.size(), " numbers instead of ", rank()));
  }
  for (int64_t value : values) {
    if (value < 1 || value > kMostSize) {
      return absl::InvalidArgumentError(
          absl::StrCat(key, " [", absl::StrJoin(values, ","), "] must be positive"));
    }
  }
  if (values[0] != 1 || (values[channel_axis()] != 1 && !channels_may_differ)) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, " [", absl::StrJoin(values, ","), "] must be 1 for batch and channels"));
  }
  return absl::OkStatus();
}

absl::Status WindowAttrs::Init(const NodeInfo& node, int spatial_dims) {
  spatial_dims_ = spatial_dims;
  const absl::string_view last = spatial_dims == 2 ? "NHWC" : "NDHWC",
                          first = spatial_dims == 2 ? "NCHW" : "NCDHW";
  if (HasAttr(node, "data_format")) {
    std::string format;
    RETURN_IF_ERROR(node.Attr("data_format", &format));
    channels_first_ = format == first;
    if (format == "NCHW_VECT_C" && node.input_type(0) == DT_QINT8) {
      return node.UnsupportedAttr("data_format", format);
    }
    if (format != first && format != last) {
      return absl::InvalidArgumentError(
          absl::StrCat("data_format is '", format, "' instead of '", last, "' or '", first, "'"));
    }
  }
  strides_.assign(rank(), 1);
  dilations_.assign(rank(), 1);
  if (HasAttr(node, "strides")) {
    RETURN_IF_ERROR(node.Attr("strides", &strides_));
    RETURN_IF_ERROR(Check("strides", strides_, allow_channel_stride_));
  }
  if (HasAttr(node, "dilations")) {
    RETURN_IF_ERROR(node.Attr("dilations", &dilations_));
    RETURN_IF_ERROR(Check("dilations", dilations_, false));
  }
  std::string padding;
  RETURN_IF_ERROR(node.Attr("padding", &padding));
  if (padding == "VALID") {
    padding_ = kValid;
  } else if (padding == "SAME") {
    padding_ = kSame;
  } else if (padding == "EXPLICIT" && HasAttr(node, "explicit_paddings")) {
    padding_ = kExplicit;
    RETURN_IF_ERROR(node.Attr("explicit_paddings", &explicit_paddings_));
    if (static_cast<int>(explicit_paddings_.size()) != 2 * rank()) {
      return absl::InvalidArgumentError(absl::StrCat("explicit_paddings has ", explicit_paddings_.size(),
                                                     " numbers instead of ", 2 * rank()));
    }
    for (int64_t pad : explicit_paddings_) {
      if (pad < 0 || pad > kMostSize) {
        return absl::InvalidArgumentError(absl::StrCat("explicit padding ", pad, " must not be negative"));
      }
    }
    for (int axis : {0, channel_axis()}) {
      if (explicit_paddings_[2 * axis] == 0 && explicit_paddings_[2 * axis + 1] == 0) continue;
      return absl::InvalidArgumentError("explicit_paddings must be 0 for batch and channels");
    }
  } else {
    return absl::InvalidArgumentError(absl::StrCat("padding '", padding, "' is not known"));
  }
  return absl::OkStatus();
}

absl::Status WindowAttrs::SetStrides(absl::Span<const int64_t> strides) {
  strides_.assign(strides.begin(), strides.end());
  return Check("strides", strides_, allow_channel_stride_);
}

absl::Status WindowAttrs::SetDilations(absl::Span<const int64_t> dilations) {
  dilations_.assign(dilations.begin(), dilations.end());
  return Check("rates", dilations_, false);
}

bool WindowAttrs::FusePad(const NodeInfo& pad, absl::Span<const Value* const> constants) {
  if ((pad.op() != "Pad" && pad.op() != "PadV2") || !fused_paddings_.empty()) return false;
  const Value* paddings = constants[1];
  if (paddings == nullptr || paddings->rank() != 2 || paddings->dim(0) != rank() || paddings->dim(1) != 2)
    return false;
  if (pad.op() == "PadV2") {
    const Value* value = constants[2];
    if (value == nullptr || value->num_elements() != 1) return false;
    for (int i = 0; i < DataTypeBytes(value->dtype()); ++i) {
      if (value->raw()[i] != 0) return false;
    }
  }
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < paddings->num_elements(); ++i) {
    sizes.push_back(paddings->dtype() == DT_INT32 ? paddings->data<int32_t>()[i]
                                                  : paddings->data<int64_t>()[i]);
    const bool of_space = i / 2 != 0 && i / 2 != channel_axis();
    if (sizes[i] < 0 || sizes[i] > (of_space ? kMostSize : 0)) return false;
  }
  fused_paddings_ = std::move(sizes);
  return true;
}

bool WindowAttrs::has_dilation() const {
  return std::any_of(dilations_.begin(), dilations_.end(), [](int64_t dilation) { return dilation != 1; });
}

absl::StatusOr<compute::WindowShape> WindowAttrs::ShapeFor(absl::Span<const int64_t> dims,
                                                           absl::Span<const int64_t> window) const {
  compute::WindowShape shape;
  shape.batch = dims[0];
  shape.in_channels = shape.out_channels = dims[channel_axis()];
  for (int i = 0; i < spatial_dims_; ++i) {
    const int to = 3 - spatial_dims_ + i, axis = spatial_axis(i);
    const int64_t stride = strides_[axis], dilation = dilations_[axis];
    const int64_t fused_before = fused_paddings_.empty() ? 0 : fused_paddings_[2 * axis];
    const int64_t fused_after = fused_paddings_.empty() ? 0 : fused_paddings_[2 * axis + 1];
    if (window[i] < 1 || window[i] > kMostSize || dims[axis] > (int64_t{1} << 60)) {
      return absl::InvalidArgumentError(
          absl::StrCat("a window of ", window[i], " over ", dims[axis], " pixels"));
    }
    const int64_t in = dims[axis] + fused_before + fused_after;
    const int64_t extent = (window[i] - 1) * dilation + 1;
    int64_t before = 0, padded = in;
    if (padding_ == kExplicit) {
      before = explicit_paddings_[2 * axis];
      padded += before + explicit_paddings_[2 * axis + 1];
    }
    if (padding_ == kSame) {
      shape.out[to] = in / stride + (in % stride != 0);
      before = in == 0 ? 0 : std::max<int64_t>((shape.out[to] - 1) * stride + extent - in, 0) / 2;
    } else {
      if (padded < extent) {
        return absl::InvalidArgumentError(absl::StrCat("a window of ", extent, " pixels does not fit into ",
                                                       padded, " of dimension ", axis));
      }
      shape.out[to] = (padded - extent) / stride + 1;
    }
    shape.in[to] = dims[axis];
    shape.window[to] = window[i];
    shape.stride[to] = stride;
    shape.dilation[to] = dilation;
    shape.pad[to] = before + fused_before;
  }
  return shape;
}

Shape WindowAttrs::OutputDims(const compute::WindowShape& shape, int64_t channels) const {
  Shape dims(rank());
  dims[0] = shape.batch;
  dims[channel_axis()] = channels;
  for (int i = 0; i < spatial_dims_; ++i) dims[spatial_axis(i)] = shape.out[3 - spatial_dims_ + i];
  return dims;
}

Shape WindowAttrs::ChannelsLastDims(const compute::WindowShape& shape, int64_t channels) const {
  Shape dims(rank());
  dims[0] = shape.batch;
  dims[rank() - 1] = channels;
  for (int i = 0; i < spatial_dims_; ++i) dims[1 + i] = shape.out[3 - spatial_dims_ + i];
  return dims;
}

}  // namespace cryograph

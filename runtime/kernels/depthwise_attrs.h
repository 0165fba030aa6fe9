// What depthwise convolutions and their gradients can do of a window's attributes.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_DEPTHWISE_ATTRS_H_
#define CRYOGRAPH_RUNTIME_KERNELS_DEPTHWISE_ATTRS_H_

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/kernels/window.h"

namespace cryograph {

// InvalidArgument for strides that differ, and for dilations: TensorFlow 1.15 takes no notice of them, and
// computes something else than was trained.
inline absl::Status InitDepthwise(const NodeInfo& node, WindowAttrs& attrs) {
  RETURN_IF_ERROR(attrs.Init(node, 2));
  if (attrs.stride(0) != attrs.stride(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("strides of rows and columns differ: ", attrs.stride(0), " and ", attrs.stride(1)));
  }
  if (attrs.has_dilation()) return absl::InvalidArgumentError("dilations must be 1");
  return absl::OkStatus();
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_DEPTHWISE_ATTRS_H_

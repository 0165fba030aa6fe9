// Image files as values for a model's input: decoded, resized and scaled as TensorFlow's label_image does.
#ifndef CRYOGRAPH_TOOLS_IMAGE_FEED_H_
#define CRYOGRAPH_TOOLS_IMAGE_FEED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "runtime/memory.h"
#include "runtime/value.h"
#include "tools/cli.h"

namespace cryograph {

struct ImageOptions {
  int64_t height = 0, width = 0;  // 0: what the input's shape says, else the image's own.
  // Of (pixel - mean) / deviation, one number or one for each channel in the order that the model gets them.
  // Empty: 0 and, for floating-point inputs, 255 (pixels in [0, 1]), else 1.
  std::vector<std::string> mean, deviation;
  std::string channel_order = "rgb";  // Or "bgr".
  std::string layout = "auto";        // "nhwc", "nchw"; "auto": by where the input's shape has 1, 3 or 4.
};

// Declares --input_width, --input_height, --input_mean, --input_std, --channel_order, --layout.
void DeclareImageOptions(ImageOptions& options, cli::Command& command);

// The bytes begin as those of a JPEG, PNG, GIF or BMP file do.
bool IsImage(absl::string_view bytes);

// `bytes` as a value for an input of `dtype` and `shape`: decoded (the first frame of an animation) to as
// many channels as the shape has, 3 if it does not say; resized as ResizeBilinear does; scaled; of shape
// [1,height,width,channel] or [1,channel,height,width], without the first dimension if the input is of rank
// 3. Integers are rounded and kept in their range. InvalidArgument: bytes that are no image, a shape that
// takes none, options that do not fit; ResourceExhausted beyond the pool's limit.
absl::StatusOr<Value> ImageValue(absl::string_view bytes, DataType dtype, const PartialShape& shape,
                                 const ImageOptions& options, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_IMAGE_FEED_H_

// Decoders and encoders of image files. Bytes are foreign: damage is InvalidArgument.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_IMAGE_CODEC_H_
#define CRYOGRAPH_RUNTIME_KERNELS_IMAGE_CODEC_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

struct ImageSize {
  int64_t frames = 1, height = 0, width = 0, channels = 0;
};

// Is asked once, before any pixel is decoded, for the memory of all pixels: [frames, height, width,
// channels], row major. Fails where that is too much.
using AllocatePixels = absl::FunctionRef<absl::StatusOr<void*>(const ImageSize& size)>;

struct JpegDecoding {
  int channels = 0;  // 0: as in the file; 1: grey; 3: RGB.
  int ratio = 1;     // 1, 2, 4, 8: the image becomes smaller by that.
  bool fancy_upscaling = true;
  bool fast_dct = true;  // TensorFlow's default: less accurate.
  bool recover_truncated = false;
  float acceptable_fraction = 1;  // Of the lines, when recovering.
  // The part that is wanted, within the image; all of it if the height is 0.
  int64_t crop_y = 0, crop_x = 0, crop_height = 0, crop_width = 0;
};

struct JpegEncoding {
  bool grey = false;
  int quality = 95;
  bool progressive = false, optimize = false, chroma_downsampling = true;
  int density_unit = 1;  // 1: dots per inch; 2: per centimeter.
  int x_density = 300, y_density = 300;
  std::string xmp;
};

// The size in the file, without decoding pixels.
absl::StatusOr<ImageSize> JpegSize(absl::string_view bytes);
absl::Status DecodeJpeg(absl::string_view bytes, const JpegDecoding& options, AllocatePixels allocate);
// `pixels`: [height, width, 1 or 3].
absl::StatusOr<std::string> EncodeJpeg(const uint8_t* pixels, const ImageSize& size,
                                       const JpegEncoding& options);

// `channels`: 0 (as in the file) to 4. Pixels are uint16_t if `sixteen_bits`, else uint8_t.
absl::Status DecodePng(absl::string_view bytes, int channels, bool sixteen_bits, AllocatePixels allocate);
// `compression`: -1 (zlib's default) to 9.
absl::StatusOr<std::string> EncodePng(const void* pixels, const ImageSize& size, bool sixteen_bits,
                                      int compression);

// RGB. `first_only`: the first frame.
absl::Status DecodeGif(absl::string_view bytes, bool first_only, AllocatePixels allocate);

// Uncompressed. `channels`: 0, or what the file has: 1, 3, 4.
absl::Status DecodeBmp(absl::string_view bytes, int channels, AllocatePixels allocate);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_IMAGE_CODEC_H_

// Decoders of images on any bytes: they answer, ask for memory once, and what they accept is an image that
// PNG keeps without loss.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "runtime/kernels/image_codec.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

struct Image {
  ImageSize size;
  size_t bytes = 0;
  std::unique_ptr<uint8_t[]> pixels;
};

constexpr int64_t kMostBytes = int64_t{1} << 24;

bool Decode(absl::FunctionRef<absl::Status(AllocatePixels)> decode, int64_t sample_bytes, Image* image) {
  const absl::Status status = decode([&](const ImageSize& size) -> absl::StatusOr<void*> {
    Require(image->pixels == nullptr, "asked for memory twice");
    Require(size.frames > 0 && size.height > 0 && size.width > 0 && size.channels > 0 && size.channels <= 4,
            "an image without pixels");
    int64_t bytes = sample_bytes;
    for (const int64_t dim : {size.frames, size.height, size.width, size.channels}) {
      if (dim > kMostBytes / bytes) return absl::ResourceExhaustedError("too large");
      bytes *= dim;
    }
    image->size = size;
    image->bytes = static_cast<size_t>(bytes);
    image->pixels = std::make_unique<uint8_t[]>(image->bytes);
    return image->pixels.get();
  });
  if (status.ok()) {
    Require(image->pixels != nullptr, "an image from nowhere");
    return true;
  }
  Require(absl::IsInvalidArgument(status) || absl::IsResourceExhausted(status),
          "another status than a defect of the image");
  return false;
}

void RequireSameThroughPng(const Image& image, bool sixteen_bits) {
  ImageSize size = image.size;
  size.height *= size.frames;
  const absl::StatusOr<std::string> png = EncodePng(image.pixels.get(), size, sixteen_bits, 1);
  Require(png.ok(), "no PNG of an image");
  Image again;
  const auto decode = [&](AllocatePixels allocate) { return DecodePng(*png, 0, sixteen_bits, allocate); };
  Require(Decode(decode, sixteen_bits ? 2 : 1, &again), "our own PNG is not read");
  Require(again.bytes == image.bytes && std::memcmp(again.pixels.get(), image.pixels.get(), image.bytes) == 0,
          "PNG changed the pixels");
}

void Try(absl::FunctionRef<absl::Status(AllocatePixels)> decode, bool sixteen_bits = false) {
  Image image;
  if (Decode(decode, sixteen_bits ? 2 : 1, &image)) RequireSameThroughPng(image, sixteen_bits);
}

void DecodeAll(absl::string_view bytes) {
  for (const int channels : {0, 1, 3}) {
    for (const bool recover : {false, true}) {
      JpegDecoding options;
      options.channels = channels;
      options.ratio = recover ? 2 : 1;
      options.recover_truncated = recover;
      options.acceptable_fraction = 0;
      Try([&](AllocatePixels allocate) { return DecodeJpeg(bytes, options, allocate); });
    }
  }
  for (const int channels : {0, 1, 2, 3, 4}) {
    for (const bool sixteen_bits : {false, true}) {
      Try([&](AllocatePixels allocate) { return DecodePng(bytes, channels, sixteen_bits, allocate); },
          sixteen_bits);
    }
  }
  for (const bool first_only : {false, true}) {
    Try([&](AllocatePixels allocate) { return DecodeGif(bytes, first_only, allocate); });
  }
  Try([&](AllocatePixels allocate) { return DecodeBmp(bytes, 0, allocate); });
  (void)JpegSize(bytes).ok();
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cryograph::DecodeAll(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}

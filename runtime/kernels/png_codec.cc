// PNG by libpng. Its errors jump back to the function that called setjmp(): those functions have no objects
// with destructors, and everything that must be freed is in a struct of their caller.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/kernels/image_codec.h"

namespace cryograph {
namespace {

struct Png {
  ~Png() {
    if (writes) {
      png_destroy_write_struct(&png, &info);
    } else {
      png_destroy_read_struct(&png, &info, nullptr);
    }
  }
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool writes = false;
  absl::string_view input;
  std::string output;
  char message[96] = "";
  int bit_depth = 0, color_type = 0, channels = 0;
  bool widen = false;  // Samples of eight bits become sixteen.
};

void OnError(png_structp png, png_const_charp message) {
  auto* self = static_cast<Png*>(png_get_error_ptr(png));
  std::strncpy(self->message, message, sizeof(self->message) - 1);
  png_longjmp(png, 1);
}
void OnWarning(png_structp, png_const_charp) {}

void Read(png_structp png, png_bytep bytes, size_t size) {
  auto* self = static_cast<Png*>(png_get_io_ptr(png));
  if (size > self->input.size()) png_error(png, "it ends too early");
  std::memcpy(bytes, self->input.data(), size);
  self->input.remove_prefix(size);
}

void Write(png_structp png, png_bytep bytes, size_t size) {
  static_cast<Png*>(png_get_io_ptr(png))->output.append(reinterpret_cast<const char*>(bytes), size);
}
void Flush(png_structp) {}

bool ReadHeader(Png* self) {
  self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, OnError, OnWarning);
  if (self->png == nullptr) return false;
  if (setjmp(png_jmpbuf(self->png)) != 0) return false;
  self->info = png_create_info_struct(self->png);
  if (self->info == nullptr) return false;
  png_set_read_fn(self->png, self, Read);
  png_read_info(self->png, self->info);
  return true;
}

// Asks libpng for `wanted` (0: the file's) samples of eight or, in this machine's order, sixteen bits.
bool SetUp(Png* self, int wanted, bool sixteen_bits) {
  png_structp png = self->png;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  self->bit_depth = png_get_bit_depth(png, self->info);
  self->color_type = png_get_color_type(png, self->info);
  const bool transparent = png_get_valid(png, self->info, PNG_INFO_tRNS) != 0;
  const bool palette = self->color_type == PNG_COLOR_TYPE_PALETTE;
  const int own = palette ? (transparent ? 4 : 3) : png_get_channels(png, self->info);
  const int channels = wanted != 0 ? wanted : own;
  self->channels = channels;
  if (channels % 2 == 0) {
    if ((self->color_type & PNG_COLOR_MASK_ALPHA) == 0) {
      if (transparent) {
        png_set_tRNS_to_alpha(png);
      } else {
        png_set_add_alpha(png, (1u << self->bit_depth) - 1, PNG_FILLER_AFTER);
      }
    }
  } else if ((self->color_type & PNG_COLOR_MASK_ALPHA) != 0 || transparent) {
    png_set_strip_alpha(png);
  }
  if (self->bit_depth > 8 && !sixteen_bits) png_set_strip_16(png);
  self->widen = self->bit_depth <= 8 && sixteen_bits;
  png_set_packing(png);
  if (sixteen_bits) png_set_swap(png);
  if (palette) png_set_palette_to_rgb(png);
  const bool grey = (self->color_type & PNG_COLOR_MASK_COLOR) == 0;
  if (grey && self->bit_depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (channels < 3) {
    if (!grey) png_set_rgb_to_gray(png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
  } else if (grey) {
    png_set_gray_to_rgb(png);
  }
  return true;
}

bool ReadRows(Png* self, uint8_t* pixels, size_t height, size_t row_samples, size_t row_bytes) {
  png_structp png = self->png;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, self->info);
  if (png_get_rowbytes(png, self->info) != (self->widen ? row_samples : row_bytes)) {
    png_error(png, "unknown kind of samples");
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t y = 0; y < height; ++y) png_read_row(png, pixels + y * row_bytes, nullptr);
  }
  png_read_end(png, self->info);
  return true;
}

absl::Status Damaged(const Png& png) {
  return absl::InvalidArgumentError(absl::StrCat("invalid PNG: ", png.message));
}

bool WriteAll(Png* self, const uint8_t* pixels, const ImageSize* size, bool sixteen_bits, int compression) {
  constexpr int kColorTypes[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA};
  self->writes = true;
  self->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, self, OnError, OnWarning);
  if (self->png == nullptr) return false;
  png_structp png = self->png;
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  self->info = png_create_info_struct(png);
  if (self->info == nullptr) return false;
  png_set_write_fn(png, self, Write, Flush);
  png_set_compression_level(png, compression);
  png_set_IHDR(png, self->info, static_cast<png_uint_32>(size->width), static_cast<png_uint_32>(size->height),
               sixteen_bits ? 16 : 8, kColorTypes[size->channels - 1], PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, self->info);
  if (sixteen_bits) png_set_swap(png);
  const auto row_bytes = static_cast<size_t>(size->width * size->channels * (sixteen_bits ? 2 : 1));
  for (int64_t y = 0; y < size->height; ++y) png_write_row(png, pixels + row_bytes * static_cast<size_t>(y));
  png_write_end(png, nullptr);
  return true;
}

}  // namespace

absl::Status DecodePng(absl::string_view bytes, int channels, bool sixteen_bits, AllocatePixels allocate) {
  Png png;
  png.input = bytes;
  if (!ReadHeader(&png) || !SetUp(&png, channels, sixteen_bits)) return Damaged(png);
  const ImageSize size = {1, png_get_image_height(png.png, png.info), png_get_image_width(png.png, png.info),
                          png.channels};
  ASSIGN_OR_RETURN(void* const memory, allocate(size));
  const auto row_samples = static_cast<size_t>(size.width * size.channels);
  const auto height = static_cast<size_t>(size.height);
  auto* const pixels = static_cast<uint8_t*>(memory);
  if (!ReadRows(&png, pixels, height, row_samples, sixteen_bits ? 2 * row_samples : row_samples)) {
    return Damaged(png);
  }
  for (size_t y = 0; png.widen && y < height; ++y) {
    const uint8_t* const narrow = pixels + 2 * row_samples * y;
    uint16_t* const wide = static_cast<uint16_t*>(memory) + row_samples * y;
    for (size_t i = row_samples; i-- > 0;) wide[i] = static_cast<uint16_t>(narrow[i] * 257);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> EncodePng(const void* pixels, const ImageSize& size, bool sixteen_bits,
                                      int compression) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (size.height < 1 || size.width < 1 || size.height > kMost || size.width > kMost / 8) {
    return absl::InvalidArgumentError(
        absl::StrCat("an image of ", size.height, " x ", size.width, " pixels is no PNG"));
  }
  if (size.channels < 1 || size.channels > 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("an image must have 1 to 4 channels, not ", size.channels));
  }
  Png png;
  if (!WriteAll(&png, static_cast<const uint8_t*>(pixels), &size, sixteen_bits, compression)) {
    return absl::InvalidArgumentError(absl::StrCat("no PNG: ", png.message));
  }
  return std::move(png.output);
}

}  // namespace cryograph

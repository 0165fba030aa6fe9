// JPEG by libjpeg. Its errors jump back to the function that called setjmp(): those functions have no objects
// with destructors, and everything that must be freed is in a struct of their caller.
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

// After <cstdio> and <cstddef>, whose names it takes for granted.
// clang-format off
#include <jpeglib.h>
// clang-format on

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/kernels/image_codec.h"

namespace cryograph {
namespace {

struct ErrorHandler {
  jpeg_error_mgr manager;  // First: libjpeg hands out its address.
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void OnError(j_common_ptr jpeg) {
  auto* handler = reinterpret_cast<ErrorHandler*>(jpeg->err);
  handler->manager.format_message(jpeg, handler->message);
  std::longjmp(handler->jump, 1);
}

void Silent(j_common_ptr, int) {}
void SilentOutput(j_common_ptr) {}

void Install(ErrorHandler* handler, jpeg_error_mgr** place) {
  *place = jpeg_std_error(&handler->manager);
  handler->manager.error_exit = OnError;
  handler->manager.emit_message = Silent;
  handler->manager.output_message = SilentOutput;
  handler->message[0] = '\0';
}

struct Decoder {
  ~Decoder() { jpeg_destroy_decompress(&jpeg); }
  jpeg_decompress_struct jpeg{};
  ErrorHandler errors{};
};

boolean NoMoreBytes(j_decompress_ptr) { return FALSE; }  // Suspends: the caller gets no line.
void Ignore(j_decompress_ptr) {}
void Skip(j_decompress_ptr jpeg, long count) {  // NOLINT(google-runtime-int): libjpeg's type.
  if (count <= 0) return;
  const size_t skipped = std::min(static_cast<size_t>(count), jpeg->src->bytes_in_buffer);
  jpeg->src->next_input_byte += skipped;
  jpeg->src->bytes_in_buffer -= skipped;
}

bool ReadHeader(Decoder* decoder, const char* bytes, size_t size, jpeg_source_mgr* source) {
  Install(&decoder->errors, &decoder->jpeg.err);
  if (setjmp(decoder->errors.jump) != 0) return false;
  jpeg_create_decompress(&decoder->jpeg);
  source->next_input_byte = reinterpret_cast<const JOCTET*>(bytes);
  source->bytes_in_buffer = size;
  source->init_source = Ignore;
  source->fill_input_buffer = NoMoreBytes;
  source->skip_input_data = Skip;
  source->resync_to_restart = jpeg_resync_to_restart;
  source->term_source = Ignore;
  decoder->jpeg.src = source;
  return jpeg_read_header(&decoder->jpeg, TRUE) == JPEG_HEADER_OK;
}

bool SetUp(Decoder* decoder, const JpegDecoding* options) {
  jpeg_decompress_struct& jpeg = decoder->jpeg;
  if (setjmp(decoder->errors.jump) != 0) return false;
  const bool four = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  const int channels = options->channels != 0 ? options->channels : std::min(jpeg.num_components, 3);
  jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_RGB;
  jpeg.do_fancy_upsampling = options->fancy_upscaling ? TRUE : FALSE;
  jpeg.dct_method = options->fast_dct ? JDCT_IFAST : JDCT_ISLOW;
  jpeg.scale_num = 1;
  jpeg.scale_denom = static_cast<unsigned>(options->ratio);
  jpeg_calc_output_dimensions(&jpeg);
  return true;
}

// Starts, and with a file in several scans reads them all. libjpeg itself skips what is cut off, as
// TensorFlow has it do: pixels at the edge then know nothing of their neighbours outside. *left is how many
// columns it gives in front of the first that is wanted: it begins at the boundary of a block.
bool Start(Decoder* decoder, const JpegDecoding* options, size_t* left) {
  jpeg_decompress_struct& jpeg = decoder->jpeg;
  if (setjmp(decoder->errors.jump) != 0) return false;
  if (jpeg_start_decompress(&jpeg) != TRUE) return false;
  if (options->crop_height == 0) return true;
  JDIMENSION x = static_cast<JDIMENSION>(options->crop_x);
  JDIMENSION width = static_cast<JDIMENSION>(options->crop_width);
  jpeg_crop_scanline(&jpeg, &x, &width);
  *left = static_cast<size_t>(options->crop_x) - x;
  const auto skipped = static_cast<JDIMENSION>(options->crop_y);
  return skipped == 0 || jpeg_skip_scanlines(&jpeg, skipped) == skipped;
}

// Where lines go. They pass through `line` if that is not null: four inks, or more columns than are wanted.
struct Target {
  uint8_t* pixels;
  size_t width, height, channels;
  size_t left;  // Columns before the first that is wanted.
  uint8_t* line;
};

// The number of lines that were there; -1 for damage.
int ReadLines(Decoder* decoder, const Target* target) {
  jpeg_decompress_struct& jpeg = decoder->jpeg;
  if (setjmp(decoder->errors.jump) != 0) return -1;
  const bool four = jpeg.out_color_space == JCS_CMYK;
  const JDIMENSION first = jpeg.output_scanline;
  while (jpeg.output_scanline - first < target->height) {
    uint8_t* const line = target->pixels + target->width * target->channels * (jpeg.output_scanline - first);
    JSAMPROW row = target->line != nullptr ? target->line : line;
    if (jpeg_read_scanlines(&jpeg, &row, 1) != 1) break;
    if (target->line != nullptr && !four) {
      std::copy_n(target->line + target->left * target->channels, target->width * target->channels, line);
    }
    for (size_t x = 0; four && x < target->width; ++x) {
      const uint8_t* const from = target->line + 4 * (target->left + x);
      for (size_t c = 0; c < 3; ++c) {
        // Adobe's files hold the complements.
        const int ink = jpeg.saw_Adobe_marker ? from[c] : 255 - from[c];
        const int key = jpeg.saw_Adobe_marker ? from[3] : 255 - from[3];
        line[3 * x + c] = static_cast<uint8_t>(ink * key / 255);
      }
    }
  }
  return static_cast<int>(jpeg.output_scanline - first);
}

absl::Status Damaged(const Decoder& decoder) {
  const char* const message = decoder.errors.message;
  return absl::InvalidArgumentError(
      absl::StrCat("invalid JPEG: ", message[0] != '\0' ? message : "it ends too early"));
}

}  // namespace

absl::StatusOr<ImageSize> JpegSize(absl::string_view bytes) {
  Decoder decoder;
  jpeg_source_mgr source{};
  if (!ReadHeader(&decoder, bytes.data(), bytes.size(), &source)) return Damaged(decoder);
  return ImageSize{1, decoder.jpeg.image_height, decoder.jpeg.image_width, decoder.jpeg.num_components};
}

absl::Status DecodeJpeg(absl::string_view bytes, const JpegDecoding& options, AllocatePixels allocate) {
  Decoder decoder;
  jpeg_source_mgr source{};
  if (!ReadHeader(&decoder, bytes.data(), bytes.size(), &source)) return Damaged(decoder);
  jpeg_decompress_struct& jpeg = decoder.jpeg;
  // A block of 64 samples takes at least a bit of each scan that it is in, in every coding that there is;
  // images of many more pixels than that are bombs, and libjpeg may keep all of their coefficients.
  constexpr uint64_t kPixelsPerByte = 8192;
  if (uint64_t{jpeg.image_height} * jpeg.image_width / kPixelsPerByte > bytes.size()) {
    return absl::InvalidArgumentError(absl::StrCat("invalid JPEG: ", jpeg.image_height, " x ",
                                                   jpeg.image_width, " pixels in ", bytes.size(), " bytes"));
  }
  if (!SetUp(&decoder, &options)) return Damaged(decoder);
  const bool four = jpeg.out_color_space == JCS_CMYK;
  ImageSize size = {1, jpeg.output_height, jpeg.output_width, jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3};
  const bool cropped = options.crop_height > 0;
  if (cropped) {
    const int64_t y = options.crop_y, x = options.crop_x;
    if (y < 0 || x < 0 || options.crop_width < 1 || options.crop_height > size.height - y ||
        options.crop_width > size.width - x) {
      return absl::InvalidArgumentError(
          absl::StrCat("the crop window [", y, ", ", x, ", ", options.crop_height, ", ", options.crop_width,
                       "] is not in the image of ", size.height, " x ", size.width, " pixels"));
    }
    size.height = options.crop_height;
    size.width = options.crop_width;
  }
  ASSIGN_OR_RETURN(void* const memory, allocate(size));
  auto* const pixels = static_cast<uint8_t*>(memory);
  const auto row_bytes = static_cast<size_t>(size.width * size.channels);
  std::vector<uint8_t> line(four || cropped ? static_cast<size_t>(4) * jpeg.output_width : 0);
  Target target = {pixels,
                   static_cast<size_t>(size.width),
                   static_cast<size_t>(size.height),
                   static_cast<size_t>(size.channels),
                   0,
                   line.empty() ? nullptr : line.data()};
  if (!Start(&decoder, &options, &target.left)) return Damaged(decoder);
  const int lines = ReadLines(&decoder, &target);
  if (lines < 0) return Damaged(decoder);
  if (lines < size.height) {
    const float fraction = static_cast<float>(lines) / static_cast<float>(size.height);
    if (!options.recover_truncated || lines == 0 || fraction < options.acceptable_fraction) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid JPEG: it ends after ", lines, " of ", size.height, " lines"));
    }
    for (int64_t y = lines; y < size.height; ++y) {
      std::copy_n(pixels + row_bytes * static_cast<size_t>(lines - 1), row_bytes,
                  pixels + row_bytes * static_cast<size_t>(y));
    }
  }
  return absl::OkStatus();
}

namespace {

struct Encoder {
  ~Encoder() {
    jpeg_destroy_compress(&jpeg);
    std::free(bytes);  // NOLINT(cppcoreguidelines-no-malloc): libjpeg's.
  }
  jpeg_compress_struct jpeg{};
  ErrorHandler errors{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): libjpeg's type.
};

bool Encode(Encoder* encoder, const uint8_t* pixels, const ImageSize* size, const JpegEncoding* options,
            const std::string* xmp) {
  jpeg_compress_struct& jpeg = encoder->jpeg;
  Install(&encoder->errors, &jpeg.err);
  if (setjmp(encoder->errors.jump) != 0) return false;
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, &encoder->bytes, &encoder->size);
  jpeg.image_width = static_cast<JDIMENSION>(size->width);
  jpeg.image_height = static_cast<JDIMENSION>(size->height);
  jpeg.input_components = options->grey ? 1 : 3;
  jpeg.in_color_space = options->grey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg.optimize_coding = options->optimize ? TRUE : FALSE;
  jpeg.density_unit = static_cast<UINT8>(options->density_unit);
  jpeg.X_density = static_cast<UINT16>(options->x_density);
  jpeg.Y_density = static_cast<UINT16>(options->y_density);
  jpeg.write_JFIF_header = TRUE;
  if (options->progressive) jpeg_simple_progression(&jpeg);
  if (!options->chroma_downsampling) {
    for (int i = 0; i < jpeg.num_components; ++i) {
      jpeg.comp_info[i].h_samp_factor = jpeg.comp_info[i].v_samp_factor = 1;
    }
  }
  jpeg_set_quality(&jpeg, options->quality, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  if (!xmp->empty()) {
    jpeg_write_marker(&jpeg, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(xmp->data()),
                      static_cast<unsigned>(xmp->size()));
  }
  const auto row_bytes = static_cast<size_t>(size->width * jpeg.input_components);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = const_cast<uint8_t*>(pixels) + row_bytes * jpeg.next_scanline;
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  return true;
}

}  // namespace

absl::StatusOr<std::string> EncodeJpeg(const uint8_t* pixels, const ImageSize& size,
                                       const JpegEncoding& options) {
  if (size.height < 1 || size.width < 1 || size.height > JPEG_MAX_DIMENSION ||
      size.width > JPEG_MAX_DIMENSION) {
    return absl::InvalidArgumentError(
        absl::StrCat("an image of ", size.height, " x ", size.width, " pixels is no JPEG"));
  }
  std::string xmp;
  if (!options.xmp.empty()) {
    xmp = absl::StrCat("http://ns.adobe.com/xap/1.0/", absl::string_view("\0", 1), options.xmp);
    if (xmp.size() > 65533) return absl::InvalidArgumentError("xmp_metadata is too long for a JPEG");
  }
  Encoder encoder;
  if (!Encode(&encoder, pixels, &size, &options, &xmp)) {
    return absl::InvalidArgumentError(absl::StrCat("no JPEG: ", encoder.errors.message));
  }
  return std::string(reinterpret_cast<const char*>(encoder.bytes), encoder.size);
}

}  // namespace cryograph

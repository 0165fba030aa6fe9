// DecodeAndCropJpeg, DecodeBmp, DecodeGif, DecodeImage, DecodeJpeg, DecodePng, EncodeJpeg, EncodePng,
// ExtractJpegShape.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/image_codec.h"

namespace cryograph {
namespace {

enum class Format { kUnknown, kJpeg, kPng, kGif, kBmp };

Format FormatOf(absl::string_view bytes) {
  if (bytes.substr(0, 3) == "\xff\xd8\xff") return Format::kJpeg;
  if (bytes.substr(0, 4) == "\x89PNG") return Format::kPng;
  if (bytes.substr(0, 4) == "GIF8") return Format::kGif;
  if (bytes.substr(0, 2) == "BM") return Format::kBmp;
  return Format::kUnknown;
}

absl::Status ReadJpegOptions(const NodeInfo& node, JpegDecoding* options) {
  std::string dct;
  RETURN_IF_ERROR(node.Attr("ratio", &options->ratio));
  RETURN_IF_ERROR(node.Attr("fancy_upscaling", &options->fancy_upscaling));
  RETURN_IF_ERROR(node.Attr("try_recover_truncated", &options->recover_truncated));
  RETURN_IF_ERROR(node.Attr("acceptable_fraction", &options->acceptable_fraction));
  RETURN_IF_ERROR(node.Attr("dct_method", &dct));
  if (options->ratio != 1 && options->ratio != 2 && options->ratio != 4 && options->ratio != 8) {
    return absl::InvalidArgumentError(absl::StrCat("ratio must be 1, 2, 4 or 8, not ", options->ratio));
  }
  if (!dct.empty() && dct != "INTEGER_FAST" && dct != "INTEGER_ACCURATE") {
    return absl::InvalidArgumentError("dct_method must be empty, 'INTEGER_FAST' or 'INTEGER_ACCURATE'");
  }
  options->fast_dct = dct != "INTEGER_ACCURATE";
  return absl::OkStatus();
}

// Pixels that a decoder has made, of type uint8 or uint16 and shape [frames, height, width, channels].
struct Pixels {
  Value value;
  ImageSize size;
};

template <typename Decode>
absl::StatusOr<Pixels> DecodeInto(KernelContext& context, DataType dtype, Decode decode) {
  Pixels pixels;
  RETURN_IF_ERROR(decode([&](const ImageSize& size) -> absl::StatusOr<void*> {
    pixels.size = size;
    ASSIGN_OR_RETURN(pixels.value,
                     context.AllocateTemp(dtype, {size.frames, size.height, size.width, size.channels}));
    return static_cast<void*>(pixels.value.mutable_raw());
  }));
  return pixels;
}

// One kernel, since each op but DecodeBmp takes the files of the others.
class DecodeImageKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    op_ = std::string(node.op());
    if (op_ != "DecodeGif") RETURN_IF_ERROR(node.Attr("channels", &jpeg_.channels));
    if (op_ == "DecodePng" || op_ == "DecodeImage") RETURN_IF_ERROR(node.Attr("dtype", &dtype_));
    if (op_ == "DecodeImage") RETURN_IF_ERROR(node.Attr("expand_animations", &expand_));
    if (op_ == "DecodeJpeg" || op_ == "DecodeAndCropJpeg") RETURN_IF_ERROR(ReadJpegOptions(node, &jpeg_));
    const int channels = jpeg_.channels;
    const bool fits = channels == 0 || channels == 1 || channels == 3 ||
                      (channels == 4 && op_ != "DecodeJpeg" && op_ != "DecodeAndCropJpeg");
    if (!fits) return absl::InvalidArgumentError(absl::StrCat("no images of ", channels, " channels"));
    const bool known =
        dtype_ == DT_UINT8 || dtype_ == DT_UINT16 || (op_ == "DecodeImage" && dtype_ == DT_FLOAT);
    return known ? absl::OkStatus() : node.UnsupportedType(dtype_);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectScalar(context.input(0), "contents"));
    const absl::string_view bytes = context.input(0).scalar<std::string>();
    const Format format = FormatOf(bytes);
    RETURN_IF_ERROR(CheckFormat(format));
    ASSIGN_OR_RETURN(Pixels pixels, Decode(context, bytes, format));
    ASSIGN_OR_RETURN(Value value, Converted(context, std::move(pixels.value), format));
    const ImageSize& size = pixels.size;
    const bool animation = op_ == "DecodeGif" || (op_ == "DecodeImage" && format == Format::kGif && expand_);
    if (animation) {
      context.SetOutput(0, std::move(value));
      return absl::OkStatus();
    }
    if (size.frames != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("the GIF has ", size.frames, " frames: ", op_, " takes one"));
    }
    context.SetOutput(0, value.Reshaped({size.height, size.width, size.channels}));
    return absl::OkStatus();
  }

 private:
  absl::Status CheckFormat(Format format) const {
    const bool bmp = format == Format::kBmp, jpeg = format == Format::kJpeg;
    const bool right = op_ == "DecodeImage"         ? format != Format::kUnknown
                       : op_ == "DecodeBmp"         ? bmp
                       : op_ == "DecodeAndCropJpeg" ? jpeg
                                                    : format != Format::kUnknown && !bmp;
    if (!right) {
      return absl::InvalidArgumentError(absl::StrCat("contents are not an image that ", op_, " takes"));
    }
    if (format == Format::kGif && jpeg_.channels != 0 && jpeg_.channels != 3) {
      return absl::InvalidArgumentError("a GIF has 3 channels");
    }
    if (jpeg && jpeg_.channels == 4) return absl::InvalidArgumentError("a JPEG has 1 or 3 channels");
    return absl::OkStatus();
  }

  absl::StatusOr<Pixels> Decode(KernelContext& context, absl::string_view bytes, Format format) const {
    switch (format) {
      case Format::kJpeg: {
        JpegDecoding options = jpeg_;
        if (op_ == "DecodeGif") options.channels = 3;
        if (op_ == "DecodeAndCropJpeg") RETURN_IF_ERROR(ReadCrop(context, &options));
        return DecodeInto(context, DT_UINT8, [&](AllocatePixels allocate) {
          return cryograph::DecodeJpeg(bytes, options, allocate);
        });
      }
      case Format::kPng: {
        const bool sixteen = dtype_ != DT_UINT8;
        const int channels = op_ == "DecodeGif" ? 3 : jpeg_.channels;
        return DecodeInto(context, sixteen ? DT_UINT16 : DT_UINT8, [&](AllocatePixels allocate) {
          return cryograph::DecodePng(bytes, channels, sixteen, allocate);
        });
      }
      case Format::kGif:
        return DecodeInto(context, DT_UINT8, [&](AllocatePixels allocate) {
          return cryograph::DecodeGif(bytes, op_ == "DecodeImage" && !expand_, allocate);
        });
      default:
        return DecodeInto(context, DT_UINT8, [&](AllocatePixels allocate) {
          return cryograph::DecodeBmp(bytes, jpeg_.channels, allocate);
        });
    }
  }

  // To the type that is wanted: float is in [0, 1]; bytes become the upper ones of uint16.
  absl::StatusOr<Value> Converted(KernelContext& context, Value value, Format format) const {
    if (value.dtype() == dtype_) return value;
    ASSIGN_OR_RETURN(Value result, context.AllocateTemp(dtype_, value.shape()));
    const int64_t count = value.num_elements();
    if (dtype_ == DT_UINT16) {
      std::transform(value.data<uint8_t>(), value.data<uint8_t>() + count, result.mutable_data<uint16_t>(),
                     [](uint8_t x) { return static_cast<uint16_t>(x << 8); });
    } else if (format == Format::kPng) {
      std::transform(value.data<uint16_t>(), value.data<uint16_t>() + count, result.mutable_data<float>(),
                     [](uint16_t x) { return static_cast<float>(x) * (1.0f / 65535.0f); });
    } else {
      std::transform(value.data<uint8_t>(), value.data<uint8_t>() + count, result.mutable_data<float>(),
                     [](uint8_t x) { return static_cast<float>(x) * (1.0f / 255.0f); });
    }
    return result;
  }

  static absl::Status ReadCrop(KernelContext& context, JpegDecoding* options) {
    RETURN_IF_ERROR(ExpectVector(context.input(1), "crop_window"));
    ASSIGN_OR_RETURN(const Shape window, IntVector(context.input(1), "crop_window"));
    if (window.size() != 4) return absl::InvalidArgumentError("crop_window must be [y, x, height, width]");
    options->crop_y = window[0];
    options->crop_x = window[1];
    options->crop_height = window[2];
    options->crop_width = window[3];
    if (window[2] < 1) return absl::InvalidArgumentError("the crop window has no height");
    return absl::OkStatus();
  }

  std::string op_;
  JpegDecoding jpeg_;
  DataType dtype_ = DT_UINT8;
  bool expand_ = true;
};
CRYOGRAPH_KERNEL(DecodeImageKernel, "DecodeAndCropJpeg", "DecodeBmp", "DecodeGif", "DecodeImage",
                 "DecodeJpeg", "DecodePng");

absl::Status ExtractJpegShape(KernelContext& context) {
  RETURN_IF_ERROR(ExpectScalar(context.input(0), "contents"));
  ASSIGN_OR_RETURN(const ImageSize size, JpegSize(context.input(0).scalar<std::string>()));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {3}));
  return DispatchType<IndexTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    T* const out = output->mutable_data<T>();
    out[0] = static_cast<T>(size.height);
    out[1] = static_cast<T>(size.width);
    out[2] = static_cast<T>(size.channels);
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(ExtractJpegShape, "ExtractJpegShape");

class EncodePngKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("compression", &compression_));
    if (compression_ < -1 || compression_ > 9) {
      return absl::InvalidArgumentError(absl::StrCat("compression must be in [-1, 9], not ", compression_));
    }
    const DataType dtype = node.input_type(0);
    return dtype == DT_UINT8 || dtype == DT_UINT16 ? absl::OkStatus() : node.UnsupportedType(dtype);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& images = context.input(0);
    const int rank = images.rank();
    if (rank < 3) {
      return absl::InvalidArgumentError(
          absl::StrCat("image must be at least of rank 3, not of shape ", ShapeText(images.shape())));
    }
    const ImageSize size = {1, images.dim(rank - 3), images.dim(rank - 2), images.dim(rank - 1)};
    const Shape batch(images.shape().begin(), images.shape().end() - 3);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, batch));
    const auto bytes = static_cast<int64_t>(images.num_bytes());
    for (int64_t i = 0; i < output->num_elements(); ++i) {
      ASSIGN_OR_RETURN(output->mutable_data<std::string>()[i],
                       cryograph::EncodePng(images.raw() + bytes / output->num_elements() * i, size,
                                            images.dtype() == DT_UINT16, compression_));
    }
    return absl::OkStatus();
  }

 private:
  int32_t compression_ = -1;
};
CRYOGRAPH_KERNEL(EncodePngKernel, "EncodePng");

class EncodeJpegKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string unit;
    RETURN_IF_ERROR(node.Attr("format", &format_));
    RETURN_IF_ERROR(node.Attr("quality", &options_.quality));
    RETURN_IF_ERROR(node.Attr("progressive", &options_.progressive));
    RETURN_IF_ERROR(node.Attr("optimize_size", &options_.optimize));
    RETURN_IF_ERROR(node.Attr("chroma_downsampling", &options_.chroma_downsampling));
    RETURN_IF_ERROR(node.Attr("density_unit", &unit));
    RETURN_IF_ERROR(node.Attr("x_density", &options_.x_density));
    RETURN_IF_ERROR(node.Attr("y_density", &options_.y_density));
    RETURN_IF_ERROR(node.Attr("xmp_metadata", &options_.xmp));
    if (!format_.empty() && format_ != "grayscale" && format_ != "rgb") {
      return absl::InvalidArgumentError("format must be empty, 'grayscale' or 'rgb'");
    }
    if (unit != "in" && unit != "cm") return absl::InvalidArgumentError("density_unit must be 'in' or 'cm'");
    options_.density_unit = unit == "in" ? 1 : 2;
    if (options_.quality < 0 || options_.quality > 100) {
      return absl::InvalidArgumentError(absl::StrCat("quality must be in [0, 100], not ", options_.quality));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& image = context.input(0);
    RETURN_IF_ERROR(ExpectRank(image, 3, "image"));
    const ImageSize size = {1, image.dim(0), image.dim(1), image.dim(2)};
    JpegEncoding options = options_;
    options.grey = format_.empty() ? size.channels == 1 : format_ == "grayscale";
    if (size.channels != (options.grey ? 1 : 3)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "image must have ", options.grey ? "1 channel" : "3 channels", ", not ", size.channels));
    }
    ASSIGN_OR_RETURN(std::string bytes, cryograph::EncodeJpeg(image.data<uint8_t>(), size, options));
    return context.SetScalarOutput<std::string>(0, std::move(bytes));
  }

 private:
  std::string format_;
  JpegEncoding options_;
};
CRYOGRAPH_KERNEL(EncodeJpegKernel, "EncodeJpeg");

}  // namespace
}  // namespace cryograph

// GIF: frames drawn over one another; disposal methods are not looked at. And BMP.
#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/kernels/image_codec.h"

namespace cryograph {
namespace {

uint32_t Number(absl::string_view bytes, size_t at, int size) {
  uint32_t number = 0;
  for (int i = 0; i < size; ++i) number |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << 8 * i;
  return number;
}

struct Frame {
  int64_t left = 0, top = 0, width = 0, height = 0;
  bool interlaced = false;
  int transparent = -1;
  absl::string_view colors;
  absl::string_view codes;  // From the byte of the code size; its blocks are all there.
};

// Walks over the blocks of a file; the last frame that is complete ends it where the rest is damaged.
class GifReader {
 public:
  explicit GifReader(absl::string_view bytes) : bytes_(bytes) {}

  std::vector<Frame> Frames() {
    std::vector<Frame> frames;
    if (bytes_.size() < 13 || (bytes_.substr(0, 6) != "GIF87a" && bytes_.substr(0, 6) != "GIF89a"))
      return frames;
    const uint32_t flags = Number(bytes_, 10, 1);
    at_ = 13;
    absl::string_view colors;
    if (!Colors(flags, &colors)) return frames;
    int transparent = -1;
    while (at_ < bytes_.size()) {
      const uint32_t kind = Number(bytes_, at_++, 1);
      if (kind == 0x21) {
        if (!Extension(&transparent)) break;
      } else if (kind == 0x2c) {
        Frame frame;
        frame.transparent = transparent;
        frame.colors = colors;
        if (!Image(&frame)) break;
        frames.push_back(frame);
        transparent = -1;
      } else {
        break;  // 0x3b, the end, or damage.
      }
    }
    return frames;
  }

 private:
  bool Colors(uint32_t flags, absl::string_view* colors) {
    if ((flags & 0x80) == 0) return true;
    const size_t size = size_t{3} << ((flags & 7) + 1);
    if (size > bytes_.size() - at_) return false;
    *colors = bytes_.substr(at_, size);
    at_ += size;
    return true;
  }

  bool SkipBlocks() {
    while (at_ < bytes_.size()) {
      const size_t size = Number(bytes_, at_, 1);
      if (size > bytes_.size() - at_ - 1) return false;
      at_ += size + 1;
      if (size == 0) return true;
    }
    return false;
  }

  bool Extension(int* transparent) {
    if (bytes_.size() - at_ < 7) return false;
    const bool control = Number(bytes_, at_, 1) == 0xf9 && Number(bytes_, at_ + 1, 1) == 4;
    if (control) {
      *transparent =
          (Number(bytes_, at_ + 2, 1) & 1) != 0 ? static_cast<int>(Number(bytes_, at_ + 5, 1)) : -1;
    }
    ++at_;
    return SkipBlocks();
  }

  bool Image(Frame* frame) {
    if (bytes_.size() - at_ < 10) return false;
    frame->left = Number(bytes_, at_, 2);
    frame->top = Number(bytes_, at_ + 2, 2);
    frame->width = Number(bytes_, at_ + 4, 2);
    frame->height = Number(bytes_, at_ + 6, 2);
    const uint32_t flags = Number(bytes_, at_ + 8, 1);
    at_ += 9;
    frame->interlaced = (flags & 0x40) != 0;
    if (!Colors(flags, &frame->colors) || at_ >= bytes_.size()) return false;
    const size_t begin = at_++;
    if (!SkipBlocks()) return false;
    frame->codes = bytes_.substr(begin, at_ - begin);
    return true;
  }

  absl::string_view bytes_;
  size_t at_ = 0;
};

// The variable-length codes of Lempel, Ziv and Welch, as GIF packs them.
class GifCodes {
 public:
  explicit GifCodes(absl::string_view codes) : bits_(static_cast<int>(Number(codes, 0, 1))), codes_(codes) {}

  // `emit(index)` for each color index until it says false. False for damage.
  template <typename Emit>
  bool Decode(Emit emit) {
    constexpr int kMostBits = 12, kMostCodes = 1 << kMostBits;
    if (bits_ < 1 || bits_ > 8) return false;
    const int clear = 1 << bits_, end = clear + 1;
    std::vector<uint16_t> prefix(kMostCodes);
    std::vector<uint8_t> last(kMostCodes), stack(kMostCodes + 1);
    int width = bits_ + 1, next = end + 1, previous = -1;
    uint8_t first = 0;
    for (int code = 0; (code = Take(width)) >= 0;) {
      if (code == end) return false;  // Before all of the pixels.
      if (code == clear) {
        width = bits_ + 1;
        next = end + 1;
        previous = -1;
        continue;
      }
      if (code > next || (code == next && previous < 0) || (previous < 0 && code > end)) return false;
      size_t depth = 0;
      int chain = code;
      if (code == next) {
        stack[depth++] = first;
        chain = previous;
      }
      for (; chain > end; chain = prefix[chain]) stack[depth++] = last[chain];
      first = static_cast<uint8_t>(chain);
      stack[depth++] = first;
      if (previous >= 0 && next < kMostCodes) {
        prefix[next] = static_cast<uint16_t>(previous);
        last[next] = first;
        if (++next == 1 << width && width < kMostBits) ++width;
      }
      previous = code;
      while (depth > 0) {
        if (!emit(stack[--depth])) return true;
      }
    }
    return false;
  }

 private:
  int Take(int width) {
    while (held_ < width) {
      if (block_ == 0) {
        if (at_ >= codes_.size()) return -1;
        block_ = Number(codes_, at_++, 1);
        if (block_ == 0) return -1;
      }
      if (at_ >= codes_.size()) return -1;
      buffer_ |= Number(codes_, at_++, 1) << held_;
      held_ += 8;
      --block_;
    }
    const int code = static_cast<int>(buffer_ & ((1u << width) - 1));
    buffer_ >>= width;
    held_ -= width;
    return code;
  }

  const int bits_;
  absl::string_view codes_;
  size_t at_ = 1;
  uint32_t block_ = 0, buffer_ = 0;
  int held_ = 0;
};

// The lines of an interlaced image come in four passes; 0 or below: after the last.
int64_t NextLine(int64_t y, int64_t height, int* pass) {
  constexpr int64_t kFirst[] = {0, 4, 2, 1}, kStep[] = {8, 8, 4, 2};
  y += kStep[*pass];
  while (y >= height && *pass < 3) y = kFirst[++*pass];
  return y;
}

bool Draw(const Frame& frame, const ImageSize& canvas, uint8_t* pixels) {
  if (frame.width == 0 || frame.height == 0) return true;
  int64_t x = 0, y = 0, left = frame.width * frame.height;
  int pass = 0;
  return GifCodes(frame.codes).Decode([&](uint8_t index) {
    const int64_t to_x = frame.left + x, to_y = frame.top + y;
    if (to_x < canvas.width && to_y < canvas.height && index != frame.transparent) {
      uint8_t* const pixel = pixels + 3 * (to_y * canvas.width + to_x);
      for (size_t c = 0; c < 3; ++c) {
        const size_t at = 3 * size_t{index} + c;
        pixel[c] = at < frame.colors.size() ? static_cast<uint8_t>(frame.colors[at]) : uint8_t{0};
      }
    }
    if (++x == frame.width) {
      x = 0;
      y = frame.interlaced ? NextLine(y, frame.height, &pass) : y + 1;
    }
    return --left > 0;
  });
}

}  // namespace

absl::Status DecodeGif(absl::string_view bytes, bool first_only, AllocatePixels allocate) {
  std::vector<Frame> frames = GifReader(bytes).Frames();
  if (frames.empty()) return absl::InvalidArgumentError("invalid GIF: no complete frame");
  if (first_only) frames.resize(1);
  ImageSize size = {static_cast<int64_t>(frames.size()), 0, 0, 3};
  for (const Frame& frame : frames) {
    size.height = std::max(size.height, frame.height);
    size.width = std::max(size.width, frame.width);
    if (frame.colors.empty()) return absl::InvalidArgumentError("invalid GIF: a frame without colors");
  }
  if (size.height < 1 || size.width < 1) return absl::InvalidArgumentError("invalid GIF: no pixels");
  // A code stands for at most 4096 pixels and takes at least three bits.
  constexpr int64_t kPixelsPerByte = 4096 * 8 / 3;
  if (size.height * size.width / kPixelsPerByte > static_cast<int64_t>(bytes.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid GIF: ", size.height, " x ", size.width, " pixels in ", bytes.size(), " bytes"));
  }
  ASSIGN_OR_RETURN(void* const memory, allocate(size));
  auto* pixels = static_cast<uint8_t*>(memory);
  const int64_t frame_bytes = 3 * size.height * size.width;
  for (size_t i = 0; i < frames.size(); ++i, pixels += frame_bytes) {
    if (i == 0) {
      std::fill_n(pixels, frame_bytes, uint8_t{0});
    } else {
      std::copy_n(pixels - frame_bytes, frame_bytes, pixels);
    }
    if (!Draw(frames[i], size, pixels)) {
      return absl::InvalidArgumentError(absl::StrCat("invalid GIF: frame ", i, " is damaged"));
    }
  }
  return absl::OkStatus();
}

absl::Status DecodeBmp(absl::string_view bytes, int channels, AllocatePixels allocate) {
  if (bytes.size() < 32 || bytes.substr(0, 2) != "BM") {
    return absl::InvalidArgumentError("invalid BMP: it does not begin with the header of one");
  }
  const int64_t first = Number(bytes, 10, 4);
  const int64_t width = static_cast<int32_t>(Number(bytes, 18, 4));
  const int64_t signed_height = static_cast<int32_t>(Number(bytes, 22, 4));
  const int64_t bits = Number(bytes, 28, 2);
  if (bits != 8 && bits != 24 && bits != 32) {
    return absl::InvalidArgumentError(absl::StrCat("BMP of ", bits, " bits: only 8, 24 and 32 are read"));
  }
  const ImageSize size = {1, std::abs(signed_height), width, bits / 8};
  if (channels != 0 && channels != size.channels) {
    return absl::InvalidArgumentError(
        absl::StrCat("the BMP has ", size.channels, " channels, not the ", channels, " that are wanted"));
  }
  if (width < 1 || size.height < 1) return absl::InvalidArgumentError("invalid BMP: no pixels");
  const int64_t row = (width * size.channels + 3) / 4 * 4;
  // The last line may come without its padding.
  const auto length = static_cast<int64_t>(bytes.size());
  if (first > length || size.height - 1 > (length - first) / row ||
      (size.height - 1) * row + width * size.channels > length - first) {
    return absl::InvalidArgumentError(absl::StrCat("invalid BMP: ", size.height, " lines of ", row,
                                                   " bytes from byte ", first, " are not in ", length,
                                                   " bytes"));
  }
  ASSIGN_OR_RETURN(void* const memory, allocate(size));
  auto* out = static_cast<uint8_t*>(memory);
  const auto* const in = reinterpret_cast<const uint8_t*>(bytes.data()) + first;
  for (int64_t y = 0; y < size.height; ++y) {
    const uint8_t* from = in + row * (signed_height < 0 ? y : size.height - 1 - y);
    for (int64_t x = 0; x < width; ++x, from += size.channels, out += size.channels) {
      std::copy_n(from, size.channels, out);
      if (size.channels >= 3) std::swap(out[0], out[2]);
    }
  }
  return absl::OkStatus();
}

}  // namespace cryograph

// AudioSpectrogram, DecodeWav, EncodeWav, Mfcc.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

constexpr double kPi = 3.14159265358979323846;

uint32_t Number(absl::string_view bytes, size_t at, int size) {
  uint32_t number = 0;
  for (int i = 0; i < size; ++i) number |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << 8 * i;
  return number;
}

struct Wav {
  int64_t channels = 0, sample_rate = 0;
  absl::string_view samples;
};

absl::Status BadWav(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not a WAV file of 16-bit PCM: ", why));
}

absl::StatusOr<Wav> ParseWav(absl::string_view bytes) {
  if (bytes.size() < 12 || bytes.substr(0, 4) != "RIFF" || bytes.substr(8, 4) != "WAVE") {
    return BadWav("it does not begin with RIFF and WAVE");
  }
  Wav wav;
  size_t at = 12;
  while (bytes.size() - at >= 8) {
    const absl::string_view id = bytes.substr(at, 4);
    const size_t size = Number(bytes, at + 4, 4);
    at += 8;
    if (size > bytes.size() - at) {
      return BadWav(absl::StrCat("a chunk of ", size, " bytes at byte ", at, " of ", bytes.size()));
    }
    if (id == "fmt ") {
      if (size != 16 && size != 18) return BadWav("its format chunk is not of 16 or 18 bytes");
      if (Number(bytes, at, 2) != 1) return BadWav("its format is not 1 (PCM)");
      wav.channels = Number(bytes, at + 2, 2);
      wav.sample_rate = Number(bytes, at + 4, 4);
      if (wav.channels < 1) return BadWav("no channels");
      if (Number(bytes, at + 14, 2) != 16) return BadWav("its samples are not of 16 bits");
      if (Number(bytes, at + 12, 2) != 2 * wav.channels) return BadWav("its frames are of another size");
    } else if (id == "data") {
      if (wav.channels == 0) return BadWav("samples before the format");
      wav.samples = bytes.substr(at, size);
      return wav;
    }
    at += size;
  }
  return BadWav("it ends before the samples");
}

class DecodeWavKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("desired_channels", &channels_));
    return node.Attr("desired_samples", &samples_);
  }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectScalar(context.input(0), "contents"));
    ASSIGN_OR_RETURN(const Wav wav, ParseWav(context.input(0).scalar<std::string>()));
    const auto frames = static_cast<int64_t>(wav.samples.size()) / (2 * wav.channels);
    const int64_t wanted = samples_ < 0 ? frames : samples_;
    const int64_t channels = channels_ < 0 ? wav.channels : channels_;
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {wanted, channels}));
    float* out = output->mutable_data<float>();
    std::fill_n(out, output->num_elements(), 0.0f);
    for (int64_t i = 0; i < std::min(frames, wanted); ++i) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t from = i * wav.channels + std::min(c, wav.channels - 1);
        const auto sample = static_cast<int16_t>(Number(wav.samples, static_cast<size_t>(2 * from), 2));
        out[i * channels + c] = static_cast<float>(sample) / 32768.0f;
      }
    }
    return context.SetScalarOutput<int32_t>(1, static_cast<int32_t>(wav.sample_rate));
  }

 private:
  int64_t channels_ = -1, samples_ = -1;
};
CRYOGRAPH_KERNEL(DecodeWavKernel, "DecodeWav");

absl::Status EncodeWav(KernelContext& context) {
  const Value& audio = context.input(0);
  RETURN_IF_ERROR(ExpectRank(audio, 2, "audio"));
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "sample_rate"));
  ASSIGN_OR_RETURN(const int64_t rate, ScalarInt(context.input(1), "sample_rate"));
  const int64_t channels = audio.dim(1);
  constexpr int64_t kHeader = 44;
  if (rate <= 0) return absl::InvalidArgumentError("sample_rate must be positive");
  if (channels < 1 || channels > 0x7fff || rate > std::numeric_limits<uint32_t>::max() / (2 * channels)) {
    return absl::InvalidArgumentError(absl::StrCat(channels, " channels do not fit into a WAV file"));
  }
  if (audio.num_elements() > (std::numeric_limits<uint32_t>::max() - kHeader) / 2) {
    return absl::InvalidArgumentError("the audio is too long for a WAV file");
  }
  const auto size = static_cast<uint32_t>(2 * audio.num_elements());
  std::string wav;
  wav.reserve(size + kHeader);
  const auto append = [&wav](int64_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) wav.push_back(static_cast<char>(number >> 8 * i & 0xff));
  };
  wav += "RIFF";
  append(int64_t{size} + kHeader - 8, 4);
  wav += "WAVEfmt ";
  append(16, 4);
  append(1, 2);
  append(channels, 2);
  append(rate, 4);
  append(rate * channels * 2, 4);
  append(channels * 2, 2);
  append(16, 2);
  wav += "data";
  append(size, 4);
  for (const float x : audio.span<float>()) {
    const float scaled = std::isnan(x) ? 0.0f : std::round(x * 32768.0f);
    append(static_cast<int64_t>(std::min(std::max(scaled, -32768.0f), 32767.0f)), 2);
  }
  return context.SetScalarOutput<std::string>(0, std::move(wav));
}
CRYOGRAPH_KERNEL_FUNCTION(EncodeWav, "EncodeWav");

// In place; `size` is a power of two (Cooley and Tukey, 1965).
void FourierTransform(std::complex<double>* data, int64_t size) {
  for (int64_t i = 1, j = 0; i < size; ++i) {
    int64_t bit = size >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(data[i], data[j]);
  }
  for (int64_t length = 2; length <= size; length *= 2) {
    for (int64_t k = 0; k < length / 2; ++k) {
      const auto turn = std::polar(1.0, -2 * kPi * static_cast<double>(k) / static_cast<double>(length));
      for (int64_t i = k; i < size; i += length) {
        const std::complex<double> even = data[i], odd = data[i + length / 2] * turn;
        data[i] = even + odd;
        data[i + length / 2] = even - odd;
      }
    }
  }
}

class AudioSpectrogramKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("window_size", &window_));
    RETURN_IF_ERROR(node.Attr("stride", &stride_));
    if (window_ < 2 || window_ > int64_t{1} << 30)
      return absl::InvalidArgumentError("window_size must be at least 2");
    if (stride_ < 1) return absl::InvalidArgumentError("stride must be at least 1");
    return node.Attr("magnitude_squared", &squared_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& audio = context.input(0);
    RETURN_IF_ERROR(ExpectRank(audio, 2, "input"));
    int64_t size = 1;
    while (size < window_) size *= 2;
    const int64_t bins = size / 2 + 1, samples = audio.dim(0), channels = audio.dim(1);
    const int64_t frames = samples < window_ ? 0 : (samples - window_) / stride_ + 1;
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {channels, frames, bins}));
    if (output->num_elements() == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(Value scratch, context.AllocateTemp(DT_COMPLEX128, {size}));
    auto* spectrum = scratch.mutable_data<std::complex<double>>();
    const float* in = audio.data<float>();
    float* out = output->mutable_data<float>();
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t frame = 0; frame < frames; ++frame, out += bins) {
        RETURN_IF_ERROR(context.CheckLimits());
        std::fill_n(spectrum, size, 0.0);
        for (int64_t i = 0; i < window_; ++i) {
          const double hann =
              0.5 - 0.5 * std::cos(2 * kPi * static_cast<double>(i) / static_cast<double>(window_));
          spectrum[i] = hann * static_cast<double>(in[(frame * stride_ + i) * channels + c]);
        }
        FourierTransform(spectrum, size);
        for (int64_t i = 0; i < bins; ++i) {
          const double power = std::norm(spectrum[i]);
          out[i] = static_cast<float>(squared_ ? power : std::sqrt(power));
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  int64_t window_ = 0, stride_ = 0;
  bool squared_ = false;
};
CRYOGRAPH_KERNEL(AudioSpectrogramKernel, "AudioSpectrogram");

double Mel(double frequency) { return 1127.0 * std::log1p(frequency / 700.0); }

class MfccKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    float low = 0, high = 0;
    RETURN_IF_ERROR(node.Attr("lower_frequency_limit", &low));
    RETURN_IF_ERROR(node.Attr("upper_frequency_limit", &high));
    RETURN_IF_ERROR(node.Attr("filterbank_channel_count", &channels_));
    RETURN_IF_ERROR(node.Attr("dct_coefficient_count", &coefficients_));
    low_ = static_cast<double>(low);
    high_ = static_cast<double>(high);
    if (!(low_ >= 0 && high_ > low_)) {
      return absl::InvalidArgumentError("lower_frequency_limit must be in [0, upper_frequency_limit)");
    }
    if (channels_ < 1 || coefficients_ < 1 || coefficients_ > channels_) {
      return absl::InvalidArgumentError("dct_coefficient_count must be in [1, filterbank_channel_count]");
    }
    if (channels_ > int64_t{1} << 30)
      return absl::InvalidArgumentError("filterbank_channel_count is too large");
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& spectrogram = context.input(0);
    RETURN_IF_ERROR(ExpectRank(spectrogram, 3, "spectrogram"));
    RETURN_IF_ERROR(ExpectScalar(context.input(1), "sample_rate"));
    ASSIGN_OR_RETURN(const int64_t rate, ScalarInt(context.input(1), "sample_rate"));
    const int64_t bins = spectrogram.dim(2), rows = spectrogram.dim(0) * spectrogram.dim(1);
    if (rate < 1) return absl::InvalidArgumentError("sample_rate must be positive");
    if (bins < 2) return absl::InvalidArgumentError("spectrogram must have at least 2 bins");
    ASSIGN_OR_RETURN(Value * output,
                     context.AllocateOutput(0, {spectrogram.dim(0), spectrogram.dim(1), coefficients_}));
    ASSIGN_OR_RETURN(Value scratch, context.AllocateTemp(DT_DOUBLE, {channels_ + 1}));
    double* const energies = scratch.mutable_data<double>();

    const double lowest = Mel(low_), spacing = (Mel(high_) - lowest) / static_cast<double>(channels_ + 1);
    const double hertz = 0.5 * static_cast<double>(rate) / static_cast<double>(bins - 1);
    const double first_bin = std::floor(1.5 + low_ / hertz), last_bin = std::floor(high_ / hertz);
    const auto end = static_cast<int64_t>(std::min(last_bin, static_cast<double>(bins - 1)));
    const double scale = std::sqrt(2.0 / static_cast<double>(channels_)),
                 step = kPi / static_cast<double>(channels_);
    for (int64_t row = 0; row < rows; ++row) {
      RETURN_IF_ERROR(context.CheckLimits());
      const float* in = spectrogram.data<float>() + row * bins;
      std::fill_n(energies, channels_ + 1, 0.0);
      // Triangles that overlap by half: a bin is shared between the bands whose centers are next to it.
      // Center i is at lowest + spacing * (i + 1); band i is energies[i].
      for (auto i = static_cast<int64_t>(std::min(first_bin, static_cast<double>(bins))); i <= end; ++i) {
        const double position = (Mel(static_cast<double>(i) * hertz) - lowest) / spacing;
        const auto above = static_cast<int64_t>(
            std::min(std::max(std::ceil(position) - 1, 0.0), static_cast<double>(channels_)));
        const double magnitude = std::sqrt(static_cast<double>(in[i]));
        const double below_share = magnitude * (static_cast<double>(above + 1) - position);
        if (above > 0) energies[above - 1] += below_share;
        energies[above] += magnitude - below_share;
      }
      for (int64_t c = 0; c < channels_; ++c) energies[c] = std::log(std::max(energies[c], 1e-12));
      float* out = output->mutable_data<float>() + row * coefficients_;
      for (int64_t k = 0; k < coefficients_; ++k) {
        RETURN_IF_ERROR(context.CheckLimits());
        double sum = 0;
        for (int64_t c = 0; c < channels_; ++c) {
          sum += energies[c] * std::cos(static_cast<double>(k) * step * (static_cast<double>(c) + 0.5));
        }
        out[k] = static_cast<float>(scale * sum);
      }
    }
    return absl::OkStatus();
  }

 private:
  double low_ = 0, high_ = 0;
  int64_t channels_ = 0, coefficients_ = 0;
};
CRYOGRAPH_KERNEL(MfccKernel, "Mfcc");

}  // namespace
}  // namespace cryograph

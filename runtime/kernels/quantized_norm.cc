// QuantizedBatchNormWithGlobalNormalization, QuantizedInstanceNorm: the first in fixed point.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "runtime/kernel.h"
#include "runtime/kernels/quantized.h"

namespace cryograph {
namespace {

class QuantizedBatchNormKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.input_type(0) != DT_QUINT8) return node.UnsupportedType(node.input_type(0));
    if (node.output_type(0) != DT_QINT32) return node.UnsupportedType(node.output_type(0));
    RETURN_IF_ERROR(node.Attr("variance_epsilon", &epsilon_));
    return node.Attr("scale_after_normalization", &scale_after_);
  }

  // Inputs: the tensor, mean, variance, beta and gamma, each with its range.
  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectRank(input, 4, "input"));
    const int64_t channels = input.dim(3);
    QuantizedRange ranges[5];
    for (int k = 0; k < 5; ++k) {
      ASSIGN_OR_RETURN(ranges[k], RangeInput(context, 3 * k + 1, 3 * k + 2, true));
      if (k == 0) continue;
      RETURN_IF_ERROR(ExpectVector(context.input(3 * k), "a parameter"));
      if (context.input(3 * k).dim(0) != channels) {
        return absl::InvalidArgumentError(absl::StrCat("input ", 3 * k, " has ", context.input(3 * k).dim(0),
                                                       " elements for ", channels, " channels"));
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    const QuantizedRange range{-1048576.0f, 1048576.0f};
    const int32_t one = range.Code<int32_t>(1.0f);
    for (int64_t c = 0; c < channels; ++c) {
      const auto parameter = [&](int k) {
        return ranges[k].Real<uint8_t>(context.input(3 * k).data<uint8_t>()[c]);
      };
      float scale = 1.0f / std::sqrt(parameter(2) + epsilon_);
      if (scale_after_) scale *= parameter(4);
      // In fixed point, as TensorFlow: large products wrap before they are divided.
      const auto factor = static_cast<uint32_t>(range.Code<int32_t>(scale));
      const auto offset = static_cast<uint32_t>(range.Code<int32_t>(parameter(3) - parameter(1) * scale));
      int32_t codes[256];
      for (int x = 0; x < 256; ++x) {
        const float real = ranges[0].Real<uint8_t>(static_cast<uint8_t>(x));
        const auto product = static_cast<int32_t>(static_cast<uint32_t>(range.Code<int32_t>(real)) * factor);
        codes[x] = static_cast<int32_t>(static_cast<uint32_t>(product / one) + offset);
      }
      for (int64_t i = c; i < input.num_elements(); i += channels) {
        output->mutable_data<int32_t>()[i] = codes[input.data<uint8_t>()[i]];
      }
    }
    return SetRangeOutput(context, 1, range);
  }

 private:
  float epsilon_ = 0;
  bool scale_after_ = false;
};
CRYOGRAPH_KERNEL(QuantizedBatchNormKernel, "QuantizedBatchNormWithGlobalNormalization");

class QuantizedInstanceNormKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.input_type(0) != DT_QUINT8) return node.UnsupportedType(node.input_type(0));
    RETURN_IF_ERROR(node.Attr("output_range_given", &range_given_));
    RETURN_IF_ERROR(node.Attr("given_y_min", &given_.min));
    RETURN_IF_ERROR(node.Attr("given_y_max", &given_.max));
    RETURN_IF_ERROR(node.Attr("variance_epsilon", &epsilon_));
    RETURN_IF_ERROR(node.Attr("min_separation", &separation_));
    if (range_given_ && !(given_.min < given_.max)) {
      return absl::InvalidArgumentError(
          absl::StrCat("given_y_min ", given_.min, " is not below given_y_max ", given_.max));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectRank(input, 4, "input"));
    ASSIGN_OR_RETURN(const QuantizedRange from, RangeInput(context, 1, 2));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    if (input.num_elements() == 0)
      return SetRangeOutput(context, 1, range_given_ ? given_ : QuantizedRange{});
    ASSIGN_OR_RETURN(Value normal, context.AllocateTemp(DT_FLOAT, input.shape()));
    const int64_t channels = input.dim(3), image = input.dim(1) * input.dim(2) * channels;
    for (int64_t n = 0; n < input.dim(0); ++n) {
      Normalize(input.data<uint8_t>() + n * image, image, channels, from,
                normal.mutable_data<float>() + n * image);
    }
    QuantizedRange to = given_;
    if (!range_given_) {
      const absl::Span<const float> values = normal.span<float>();
      const auto ends = std::minmax_element(values.begin(), values.end());
      to = {*ends.first, std::max(*ends.second, *ends.first + separation_)};
    }
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      output->mutable_data<uint8_t>()[i] = to.Code<uint8_t>(normal.data<float>()[i]);
    }
    return SetRangeOutput(context, 1, to);
  }

 private:
  // Each channel of one image: mean 0, variance 1.
  void Normalize(const uint8_t* codes, int64_t count, int64_t channels, const QuantizedRange& range,
                 float* out) const {
    const double step = range.Step<uint8_t>(), pixels = static_cast<double>(count / channels);
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0, squares = 0;
      for (int64_t i = c; i < count; i += channels) sum += codes[i];
      const double mean = sum / pixels;
      for (int64_t i = c; i < count; i += channels) squares += (codes[i] - mean) * (codes[i] - mean);
      const double scale = step / std::sqrt(squares / pixels * step * step + epsilon_);
      for (int64_t i = c; i < count; i += channels) out[i] = static_cast<float>((codes[i] - mean) * scale);
    }
  }

  bool range_given_ = false;
  QuantizedRange given_;
  float epsilon_ = 0, separation_ = 0;
};
CRYOGRAPH_KERNEL(QuantizedInstanceNormKernel, "QuantizedInstanceNorm");

}  // namespace
}  // namespace cryograph

// QuantizedAdd, QuantizedBiasAdd, QuantizedMul, QuantizedRelu, QuantizedRelu6.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "runtime/broadcast.h"
#include "runtime/kernel.h"
#include "runtime/kernels/quantized.h"

namespace cryograph {
namespace {

constexpr double kCodes = 4294967295.0;  // Steps of 32-bit codes.

uint32_t Bits(int32_t x) { return static_cast<uint32_t>(x); }

// The operands and their ranges. Both are quint8, or the kernel does not exist.
absl::Status CheckOperands(const NodeInfo& node) {
  for (const int i : {0, 1}) {
    if (node.input_type(i) != DT_QUINT8) return node.UnsupportedType(node.input_type(i));
  }
  return node.output_type(0) == DT_QINT32 ? absl::OkStatus() : node.UnsupportedType(node.output_type(0));
}

float Largest(const QuantizedRange& a, const QuantizedRange& b) {
  return std::max(std::max(std::abs(a.min), std::abs(a.max)), std::max(std::abs(b.min), std::abs(b.max)));
}

// output = function(code of a, code of b), broadcast.
template <typename Function>
absl::Status Combine(KernelContext& context, Function function) {
  ASSIGN_OR_RETURN(const Broadcast broadcast,
                   Broadcast::Of({&context.input(0).shape(), &context.input(1).shape()}));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, broadcast.shape()));
  const uint8_t* a = context.input(0).data<uint8_t>();
  const uint8_t* b = context.input(1).data<uint8_t>();
  int32_t* out = output->mutable_data<int32_t>();
  broadcast.ForEachRow([&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
    for (int64_t i = 0; i < count; ++i) {
      out[offset + i] = function(a[from[0] + i * step[0]], b[from[1] + i * step[1]]);
    }
  });
  return absl::OkStatus();
}

class QuantizedMulKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return CheckOperands(node); }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const QuantizedRange a, RangeInput(context, 2, 3));
    ASSIGN_OR_RETURN(const QuantizedRange b, RangeInput(context, 4, 5));
    const uint32_t zero_a = Bits(a.ZeroPoint<uint8_t>()), zero_b = Bits(b.ZeroPoint<uint8_t>());
    RETURN_IF_ERROR(Combine(
        context, [&](uint8_t x, uint8_t y) { return static_cast<int32_t>((x - zero_a) * (y - zero_b)); }));
    return SetRangeOutput(context, 1, ProductRange<uint8_t, uint8_t>(a, b));
  }
};
CRYOGRAPH_KERNEL(QuantizedMulKernel, "QuantizedMul");

// What the 256 codes of an operand are among the 32-bit codes of the sum's range.
struct SumCodes {
  int32_t code[256];
};

// A line through the codes of 0 and 1, as TensorFlow's vectorized addition computes it.
SumCodes LineCodes(const QuantizedRange& range, const QuantizedRange& sum) {
  const double scale = kCodes / (static_cast<double>(sum.max) - sum.min);
  const auto code = [&](uint8_t x) {
    return std::round(range.Real<uint8_t>(x) * scale) - std::round(sum.min * scale) - 2147483648.0;
  };
  const double zero = code(0), step = code(1) - zero;
  SumCodes codes;
  for (int x = 0; x < 256; ++x) codes.code[x] = ClampToCode<int32_t>(zero + x * step);
  return codes;
}

SumCodes DirectCodes(const QuantizedRange& range, const QuantizedRange& sum) {
  SumCodes codes;
  for (int x = 0; x < 256; ++x) {
    codes.code[x] = sum.Code<int32_t>(range.Real<uint8_t>(static_cast<uint8_t>(x)));
  }
  return codes;
}

// In float, and with an offset from rounding `low` to float, which is part of TensorFlow's result.
SumCodes BiasCodes(const QuantizedRange& range, const QuantizedRange& sum) {
  const float scale = static_cast<float>(kCodes / (2.0 * sum.max));
  const float low = std::round(sum.min * scale);
  SumCodes codes;
  for (int x = 0; x < 256; ++x) {
    const float real = range.Real<uint8_t>(static_cast<uint8_t>(x));
    codes.code[x] = ClampToCode<int32_t>(static_cast<double>(std::round(real * scale)) - low - 2147483648.0);
  }
  return codes;
}

class QuantizedAddKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    bias_ = node.op() == "QuantizedBiasAdd";
    return CheckOperands(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& x = context.input(0);
    const Value& y = context.input(1);
    ASSIGN_OR_RETURN(const QuantizedRange a, RangeInput(context, 2, 3));
    ASSIGN_OR_RETURN(const QuantizedRange b, RangeInput(context, 4, 5));
    if (bias_) {
      RETURN_IF_ERROR(ExpectVector(y, "bias"));
      if (x.rank() < 2) return absl::InvalidArgumentError("input must have at least 2 dimensions");
      if (x.dim(x.rank() - 1) != y.dim(0)) {
        return absl::InvalidArgumentError(
            absl::StrCat("a bias of ", y.dim(0), " for ", x.dim(x.rank() - 1), " channels"));
      }
    }
    // Room for sums of many sums.
    const float most = Largest(a, b) * (bias_ ? 131072.0f : 16384.0f);
    const QuantizedRange sum{-most, most};
    const auto codes_of = [&](const QuantizedRange& range, bool direct) {
      if (most == 0) return SumCodes{};
      if (bias_) return BiasCodes(range, sum);
      return direct ? DirectCodes(range, sum) : LineCodes(range, sum);
    };
    // A single element is converted by itself, but not both.
    const bool single = x.num_elements() == 1;
    const SumCodes codes_a = codes_of(a, single), codes_b = codes_of(b, !single && y.num_elements() == 1);
    RETURN_IF_ERROR(Combine(context, [&](uint8_t i, uint8_t j) {
      return static_cast<int32_t>(Bits(codes_a.code[i]) + Bits(codes_b.code[j]));
    }));
    return SetRangeOutput(context, 1, sum);
  }

 private:
  bool bias_ = false;
};
CRYOGRAPH_KERNEL(QuantizedAddKernel, "QuantizedAdd", "QuantizedBiasAdd");

class QuantizedReluKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    to_six_ = node.op() == "QuantizedRelu6";
    if (!IsQuantized(node.input_type(0)) || node.output_type(0) != node.input_type(0)) {
      return node.UnsupportedType(node.input_type(0));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const QuantizedRange range, RangeInput(context, 1, 2));
    ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, input.shape()));
    DispatchQuantized(input.dtype(), [&](auto code) {
      using T = decltype(code);
      const T low = range.Code<T>(0.0f);
      const T high = to_six_ ? range.Code<T>(6.0f) : std::numeric_limits<T>::max();
      const T* x = input.data<T>();
      T* y = output->mutable_data<T>();
      for (int64_t i = 0; i < input.num_elements(); ++i) y[i] = std::min(std::max(x[i], low), high);
    });
    return SetRangeOutput(context, 1, range);
  }

 private:
  bool to_six_ = false;
};
CRYOGRAPH_KERNEL(QuantizedReluKernel, "QuantizedRelu", "QuantizedRelu6");

}  // namespace
}  // namespace cryograph

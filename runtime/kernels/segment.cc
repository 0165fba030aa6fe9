// SegmentSum, -Mean, -Max, -Min, -Prod over sorted ids, and UnsortedSegmentSum, -Max, -Min, -Prod.
#include <algorithm>
#include <limits>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

enum class Mode { kSum, kMean, kMax, kMin, kProd };

Mode ModeOf(absl::string_view op) {
  if (op.find("Mean") != op.npos) return Mode::kMean;
  if (op.find("Max") != op.npos) return Mode::kMax;
  if (op.find("Min") != op.npos) return Mode::kMin;
  return op.find("Prod") != op.npos ? Mode::kProd : Mode::kSum;
}

template <typename T>
T Highest() {
  if constexpr (std::is_same_v<T, Half>) {
    return Half::FromBits(0x7bff);
  } else if constexpr (std::is_same_v<T, Bfloat16>) {
    return Bfloat16::FromBits(0x7f7f);
  } else {
    return std::numeric_limits<T>::max();
  }
}
template <typename T>
T Lowest() {
  if constexpr (std::is_integral_v<T>) {
    return std::numeric_limits<T>::lowest();
  } else {
    return static_cast<T>(-static_cast<Arithmetic<T>>(Highest<T>()));
  }
}

// Rows of a result that no id names: 0, or 1 for products. The unsorted largest and smallest begin at the
// type's limits instead.
template <typename T>
T Initial(Mode mode, bool unsorted) {
  switch (mode) {
    case Mode::kProd:
      return T(1);
    case Mode::kMax:
      if constexpr (!IsComplexNumber<T>) {
        if (unsorted) return Lowest<T>();
      }
      return T(0);
    case Mode::kMin:
      if constexpr (!IsComplexNumber<T>) {
        if (unsorted) return Highest<T>();
      }
      return T(0);
    default:
      return T(0);
  }
}

template <typename T>
T Join(Mode mode, T a, T b) {
  using A = Arithmetic<T>;
  if constexpr (!IsComplexNumber<T>) {
    if (mode == Mode::kMax) return b > a ? b : a;
    if (mode == Mode::kMin) return b < a ? b : a;
  }
  if (mode == Mode::kProd) return static_cast<T>(static_cast<A>(a) * static_cast<A>(b));
  return static_cast<T>(static_cast<A>(a) + static_cast<A>(b));
}

template <typename T>
T Divided(T sum, int64_t count) {
  if constexpr (std::is_integral_v<T>) {
    // As TensorFlow, but for a count whose low bits are zeros: there it divides by zero.
    const T divisor = static_cast<T>(count);
    return divisor == 0 ? T(0) : static_cast<T>(sum / divisor);
  } else if constexpr (IsComplexNumber<T>) {
    return sum / static_cast<typename T::value_type>(count);
  } else {
    using A = Arithmetic<T>;
    return static_cast<T>(static_cast<A>(sum) / static_cast<A>(count));
  }
}

// Row i of `data` goes into row ids[i] of the result; a negative id goes nowhere.
absl::Status Reduce(const Value& data, const Shape& ids, Mode mode, bool unsorted, Value* output) {
  if (output->num_elements() == 0) return absl::OkStatus();
  const int64_t rows = output->dim(0), inner = output->num_elements() / rows;
  return DispatchType<NumberTypes>(data.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    if (IsComplexNumber<T> && (mode == Mode::kMax || mode == Mode::kMin)) {
      return absl::UnimplementedError("complex numbers have no order");
    }
    const auto values = output->mutable_span<T>();
    std::fill(values.begin(), values.end(), Initial<T>(mode, unsorted));
    std::vector<int64_t> counts(static_cast<size_t>(rows), 0);
    const T* in = data.data<T>();
    for (const int64_t id : ids) {
      if (id >= 0) {
        T* out = output->mutable_data<T>() + id * inner;
        const bool first = counts[static_cast<size_t>(id)]++ == 0 && !unsorted;
        for (int64_t n = 0; n < inner; ++n) out[n] = first ? in[n] : Join(mode, out[n], in[n]);
      }
      in += inner;
    }
    if (mode != Mode::kMean) return absl::OkStatus();
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t count = counts[static_cast<size_t>(row)];
      if (count < 2) continue;
      T* out = output->mutable_data<T>() + row * inner;
      for (int64_t n = 0; n < inner; ++n) out[n] = Divided(out[n], count);
    }
    return absl::OkStatus();
  });
}

class SegmentKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    mode_ = ModeOf(node.op());
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& data = context.input(0);
    RETURN_IF_ERROR(ExpectVector(context.input(1), "segment_ids"));
    ASSIGN_OR_RETURN(const Shape ids, IntVector(context.input(1), "segment_ids"));
    if (data.rank() < 1 || data.dim(0) != static_cast<int64_t>(ids.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat(ids.size(), " segment_ids for data of shape ", ShapeText(data.shape())));
    }
    int64_t previous = 0;
    for (const int64_t id : ids) {
      if (id < previous) return absl::InvalidArgumentError("segment ids are not increasing, or are negative");
      previous = id;
    }
    Shape shape = data.shape();
    shape[0] = ids.empty() ? 0 : ids.back() + 1;
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    return Reduce(data, ids, mode_, false, output);
  }

 private:
  Mode mode_ = Mode::kSum;
};
CRYOGRAPH_KERNEL(SegmentKernel, "SegmentSum", "SegmentMean", "SegmentMax", "SegmentMin", "SegmentProd");

class UnsortedSegmentKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    mode_ = ModeOf(node.op());
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& data = context.input(0);
    const Value& ids_value = context.input(1);
    ASSIGN_OR_RETURN(const int64_t segments, ScalarInt(context.input(2), "num_segments"));
    if (segments < 0) return absl::InvalidArgumentError("num_segments must not be negative");
    if (ids_value.rank() > data.rank() ||
        !std::equal(ids_value.shape().begin(), ids_value.shape().end(), data.shape().begin())) {
      return absl::InvalidArgumentError(absl::StrCat("the shape of data, ", ShapeText(data.shape()),
                                                     ", must begin with that of segment_ids, ",
                                                     ShapeText(ids_value.shape())));
    }
    ASSIGN_OR_RETURN(const Shape ids,
                     IntVector(ids_value.Reshaped({ids_value.num_elements()}), "segment_ids"));
    for (const int64_t id : ids) {
      if (id >= segments) {
        return absl::InvalidArgumentError(
            absl::StrCat("segment id ", id, " is out of range [0, ", segments, ")"));
      }
    }
    Shape shape = {segments};
    shape.insert(shape.end(), data.shape().begin() + ids_value.rank(), data.shape().end());
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    return Reduce(data, ids, mode_, true, output);
  }

 private:
  Mode mode_ = Mode::kSum;
};
CRYOGRAPH_KERNEL(UnsortedSegmentKernel, "UnsortedSegmentSum", "UnsortedSegmentMax", "UnsortedSegmentMin",
                 "UnsortedSegmentProd");

}  // namespace
}  // namespace cryograph

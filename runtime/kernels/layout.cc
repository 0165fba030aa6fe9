#include "runtime/kernels/layout.h"

#include <utility>

#include "runtime/compute/transpose.h"
#include "runtime/dispatch.h"

namespace cryograph {
namespace {

template <typename From, typename To>
void Convert(KernelContext& context, const Value& from, Value& to) {
  const From* x = from.data<From>();
  To* y = to.mutable_data<To>();
  context.ParallelFor(from.num_elements(), 1.0, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = To(static_cast<float>(x[i]));
  });
}

absl::StatusOr<Value> Transposed(KernelContext& context, const Value& value, const Shape& dims, int64_t rows,
                                 int64_t columns) {
  ASSIGN_OR_RETURN(Value result, context.AllocateTemp(value.dtype(), dims));
  if (value.num_elements() == 0) return result;
  const int64_t batch = value.dim(0);
  RETURN_IF_ERROR(DispatchWidth(value.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    compute::Transpose(batch, rows, columns, value.data<T>(), result.mutable_data<T>(), context.threads());
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace

DataType ComputeType(DataType dtype) { return dtype == DT_HALF || dtype == DT_BFLOAT16 ? DT_FLOAT : dtype; }

absl::StatusOr<Value> ToComputeType(KernelContext& context, const Value& value) {
  if (ComputeType(value.dtype()) == value.dtype()) return value;
  ASSIGN_OR_RETURN(Value result, context.AllocateTemp(DT_FLOAT, value.shape()));
  if (value.dtype() == DT_HALF) {
    Convert<Half, float>(context, value, result);
  } else {
    Convert<Bfloat16, float>(context, value, result);
  }
  return result;
}

absl::StatusOr<Value> FromComputeType(KernelContext& context, const Value& value, DataType dtype) {
  if (value.dtype() == dtype) return value;
  ASSIGN_OR_RETURN(Value result, context.AllocateTemp(dtype, value.shape()));
  if (dtype == DT_HALF) {
    Convert<float, Half>(context, value, result);
  } else {
    Convert<float, Bfloat16>(context, value, result);
  }
  return result;
}

absl::StatusOr<Value> ToChannelsLast(KernelContext& context, const Value& value) {
  Shape dims = value.shape();
  const int64_t channels = dims[1];
  dims.erase(dims.begin() + 1);
  dims.push_back(channels);
  int64_t pixels = 1;
  for (size_t i = 1; i + 1 < dims.size(); ++i) pixels *= dims[i];
  return Transposed(context, value, dims, channels, pixels);
}

absl::StatusOr<Value> ToChannelsFirst(KernelContext& context, const Value& value) {
  Shape dims = value.shape();
  const int64_t channels = dims.back();
  dims.pop_back();
  dims.insert(dims.begin() + 1, channels);
  int64_t pixels = 1;
  for (size_t i = 2; i < dims.size(); ++i) pixels *= dims[i];
  return Transposed(context, value, dims, pixels, channels);
}

}  // namespace cryograph

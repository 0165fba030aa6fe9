// How kernels for float, double and channels last serve the 16-bit types and channels first as well.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_LAYOUT_H_
#define CRYOGRAPH_RUNTIME_KERNELS_LAYOUT_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/kernel.h"

namespace cryograph {

// What values of this type are computed in: float for half and bfloat16, else the type itself.
DataType ComputeType(DataType dtype);

// The value in its ComputeType(): itself, not copied, or converted.
absl::StatusOr<Value> ToComputeType(KernelContext& context, const Value& value);

// The value as `dtype`: itself, or rounded from float to a 16-bit type.
absl::StatusOr<Value> FromComputeType(KernelContext& context, const Value& value, DataType dtype);

// [N, C, spatial …] as [N, spatial …, C] and back; rank at least 3.
absl::StatusOr<Value> ToChannelsLast(KernelContext& context, const Value& value);
absl::StatusOr<Value> ToChannelsFirst(KernelContext& context, const Value& value);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_LAYOUT_H_

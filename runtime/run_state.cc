#include "runtime/run_state.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "runtime/thread_pool.h"

namespace cryograph {

absl::Status RunState::CheckLimits() const {
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("the run was cancelled");
  }
  if (deadline != absl::InfiniteFuture() && absl::Now() >= deadline) {
    return absl::DeadlineExceededError("the run takes longer than its time limit");
  }
  return absl::OkStatus();
}

absl::StatusOr<Value*> KernelContext::AllocateOutput(int index, absl::Span<const int64_t> dims) {
  ASSIGN_OR_RETURN(outputs_[index], Value::Allocate(node_.output_type(index), dims, *run_.pool));
  return &outputs_[index];
}

absl::StatusOr<Value*> KernelContext::ForwardOrAllocateOutput(std::initializer_list<int> inputs, int index,
                                                              absl::Span<const int64_t> dims) {
  const DataType dtype = node_.output_type(index);
  ASSIGN_OR_RETURN(const int64_t num_elements, NumElements(dims));
  for (int input : inputs) {
    if (input >= 64 || (last_uses_ >> input & 1) == 0) continue;
    const Value& candidate = *inputs_[input];
    const bool fits = candidate.num_elements() == num_elements && candidate.writable_alone() &&
                      DataTypeBytes(candidate.dtype()) > 0 &&
                      DataTypeBytes(candidate.dtype()) == DataTypeBytes(dtype);
    if (!fits) continue;
    outputs_[index] = candidate.Reshaped(dims).WithType(dtype);
    return &outputs_[index];
  }
  return AllocateOutput(index, dims);
}

void KernelContext::ParallelFor(int64_t count, double unit_cost,
                                absl::FunctionRef<void(int64_t begin, int64_t end)> body) {
  constexpr double kWorthAThread = 20000;  // Nanoseconds.
  const double grain = std::max(1.0, kWorthAThread / std::max(unit_cost, 1e-3));
  cryograph::ParallelFor(run_.threads, count, static_cast<int64_t>(std::min(grain, 1e15)), body);
}

std::string KernelContext::NodeStateName() const { return absl::StrCat("node state/", node_.name()); }

absl::Status ExpectScalar(const Value& value, absl::string_view what) {
  if (value.is_scalar()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " must be a scalar, not ", ValueText(value)));
}

absl::Status ExpectVector(const Value& value, absl::string_view what) {
  if (value.is_vector()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " must be a vector, not ", ValueText(value)));
}

absl::Status ExpectRank(const Value& value, int rank, absl::string_view what) {
  if (value.rank() == rank) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " must have ", rank, " dimensions, not ", ValueText(value)));
}

absl::Status ExpectMatrix(const Value& value, absl::string_view what) {
  if (value.rank() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " must be a matrix, not ", ValueText(value)));
}

absl::Status ExpectSameShape(const Value& a, const Value& b) {
  if (a.shape() == b.shape()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("shapes must be equal: ", ShapeText(a.shape()), " and ", ShapeText(b.shape())));
}

absl::StatusOr<int64_t> ScalarInt(const Value& value, absl::string_view what) {
  RETURN_IF_ERROR(ExpectScalar(value, what));
  if (value.dtype() == DT_INT32) return value.scalar<int32_t>();
  if (value.dtype() == DT_INT64) return value.scalar<int64_t>();
  return absl::InvalidArgumentError(absl::StrCat(what, " must be int32 or int64, not ", ValueText(value)));
}

absl::StatusOr<Shape> IntVector(const Value& value, absl::string_view what) {
  if (value.rank() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(what, " must be a vector, not ", ValueText(value)));
  }
  Shape result;
  if (value.dtype() == DT_INT32) {
    result.assign(value.span<int32_t>().begin(), value.span<int32_t>().end());
  } else if (value.dtype() == DT_INT64) {
    result.assign(value.span<int64_t>().begin(), value.span<int64_t>().end());
  } else {
    return absl::InvalidArgumentError(absl::StrCat(what, " must be int32 or int64, not ", ValueText(value)));
  }
  return result;
}

absl::StatusOr<int> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(absl::StrCat("axis ", axis, " is not in [", -rank, ", ", rank, ")"));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace cryograph

#include "runtime/kernels/fused_tail.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/compute/elementwise.h"

namespace cryograph {
namespace {

bool IsFloatVector(const Value* value, int64_t size) {
  return value != nullptr && value->dtype() == DT_FLOAT && value->num_elements() == size &&
         value->rank() == 1;
}

}  // namespace

bool FusedTail::AddShift(const Value* constant, int64_t channels) {
  if (!IsFloatVector(constant, channels)) return false;
  if (shift_.empty()) shift_.assign(channels, 0.0f);
  for (int64_t c = 0; c < channels; ++c) shift_[c] += constant->data<float>()[c];
  return true;
}

bool FusedTail::FuseBatchNorm(const NodeInfo& reader, absl::Span<const Value* const> constants,
                              int64_t channels) {
  bool training = true;
  float epsilon = 0;
  if (!reader.Attr("is_training", &training).ok() || training || !reader.Attr("epsilon", &epsilon).ok())
    return false;
  for (int i = 1; i < 5; ++i) {
    if (!IsFloatVector(constants[i], channels)) return false;
  }
  if (scale_.empty()) scale_.assign(channels, 1.0f);
  if (shift_.empty()) shift_.assign(channels, 0.0f);
  for (int64_t c = 0; c < channels; ++c) {
    const auto statistic = [&](int i) { return constants[i]->data<float>()[c]; };
    const float factor = statistic(1) / std::sqrt(statistic(4) + epsilon);
    scale_[c] *= factor;
    shift_[c] = (shift_[c] - statistic(3)) * factor + statistic(2);
  }
  return true;
}

bool FusedTail::Fuse(const NodeInfo& reader, int slot, absl::Span<const Value* const> constants,
                     int64_t channels, bool scalable) {
  if (activation_ != kNone || reader.input_type(slot) != DT_FLOAT) return false;
  const absl::string_view op = reader.op();
  if (op == "Relu" || op == "Relu6") {
    activation_ = op == "Relu" ? kRelu : kRelu6;
    return true;
  }
  if (has_addend_) return false;
  std::string format;
  const bool channels_first = reader.Attr("data_format", &format).ok() && absl::StartsWith(format, "NC");
  if (op == "BiasAdd" || op == "BiasAddV1")
    return slot == 0 && !channels_first && AddShift(constants[1], channels);
  if (absl::StartsWith(op, "FusedBatchNorm")) {
    return slot == 0 && !channels_first && scalable && FuseBatchNorm(reader, constants, channels);
  }
  if (op == "Add" || op == "AddV2") {
    if (AddShift(constants[1 - slot], channels)) return true;
    if (constants[1 - slot] != nullptr) return false;
    has_addend_ = true;
    return true;
  }
  return false;
}

compute::Epilogue<float> FusedTail::Activated(compute::Epilogue<float> epilogue) const {
  if (activation_ == kRelu) return compute::WithRelu(epilogue);
  if (activation_ == kRelu6) return compute::WithRelu6(epilogue);
  return epilogue;
}

compute::Epilogue<float> FusedTail::Epilogue(const Shape& dims, const Value* addend, bool* finish) const {
  compute::Epilogue<float> epilogue;
  if (!shift_.empty()) epilogue.bias = shift_.data();
  *finish = has_addend_ && addend->shape() != dims;
  if (*finish) return epilogue;
  if (has_addend_) {
    epilogue.addend = addend->data<float>();
    epilogue.addend_stride = dims.back();
  }
  return Activated(epilogue);
}

absl::StatusOr<Value> FusedTail::Finish(KernelContext& context, Value result, const Value& addend) const {
  const int rank = std::max(result.rank(), addend.rank());
  Shape dims(rank), steps(rank), addend_steps(rank);
  // How far an element is from its neighbour along each dimension; 0 where it is repeated.
  int64_t step = 1, addend_step = 1;
  for (int i = 1; i <= rank; ++i) {
    const int64_t size = i <= result.rank() ? result.dim(result.rank() - i) : 1;
    const int64_t addend_size = i <= addend.rank() ? addend.dim(addend.rank() - i) : 1;
    if (size != addend_size && size != 1 && addend_size != 1) {
      return absl::InvalidArgumentError(absl::StrCat("cannot add a tensor of shape ",
                                                     ShapeText(addend.shape()), " to a result of shape ",
                                                     ShapeText(result.shape())));
    }
    dims[rank - i] = size == 1 ? addend_size : size;
    steps[rank - i] = size == 1 ? 0 : step;
    addend_steps[rank - i] = addend_size == 1 ? 0 : addend_step;
    step *= size;
    addend_step *= addend_size;
  }
  ASSIGN_OR_RETURN(Value sum, context.AllocateTemp(DT_FLOAT, dims));
  if (sum.num_elements() == 0) return sum;
  const float* x = result.data<float>();
  const float* y = addend.data<float>();
  float* to = sum.mutable_data<float>();
  Shape at(rank, 0);
  int64_t from = 0, addend_from = 0;
  for (int64_t i = 0; i < sum.num_elements(); ++i) {
    to[i] = x[from] + y[addend_from];
    for (int d = rank - 1; d >= 0; --d) {  // To the next element, with carry.
      from += steps[d];
      addend_from += addend_steps[d];
      if (++at[d] < dims[d]) break;
      from -= steps[d] * dims[d];
      addend_from -= addend_steps[d] * dims[d];
      at[d] = 0;
    }
  }
  compute::ApplyEpilogue(1, sum.num_elements(), to, to, Activated({}));
  return sum;
}

}  // namespace cryograph

// Gather, GatherV2, GatherNd, ResourceGather, ResourceGatherNd.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// Takes slices of `params` along `axis`; the first `batch_dims` dimensions of both are gone along together.
absl::Status GatherAlong(KernelContext& context, const Value& params, const Value& indices, int axis,
                         int batch_dims) {
  Shape shape(params.shape().begin(), params.shape().begin() + axis);
  shape.insert(shape.end(), indices.shape().begin() + batch_dims, indices.shape().end());
  shape.insert(shape.end(), params.shape().begin() + axis + 1, params.shape().end());
  int64_t batches = 1, middle = 1, inner = 1;
  for (int d = 0; d < batch_dims; ++d) batches *= params.dim(d);
  for (int d = batch_dims; d < axis; ++d) middle *= params.dim(d);
  for (int d = axis + 1; d < params.rank(); ++d) inner *= params.dim(d);
  const int64_t size = params.dim(axis);
  const int64_t picks = batches == 0 ? 0 : indices.num_elements() / batches;
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  return DispatchType<IndexTypes>(indices.dtype(), [&](auto index_tag) -> absl::Status {
    const auto* index = indices.data<TypeOf<decltype(index_tag)>>();
    for (int64_t i = 0; i < indices.num_elements(); ++i) {
      if (index[i] < 0 || index[i] >= size) {
        return absl::InvalidArgumentError(
            absl::StrCat("index ", index[i], " at place ", i, " is not in [0, ", size, ")"));
      }
    }
    if (output->num_elements() == 0) return absl::OkStatus();
    return DispatchWidth(params.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* in = params.data<T>();
      T* out = output->mutable_data<T>();
      for (int64_t batch = 0; batch < batches; ++batch) {
        for (int64_t m = 0; m < middle; ++m) {
          const T* block = in + (batch * middle + m) * size * inner;
          for (int64_t i = 0; i < picks; ++i) {
            const T* from = block + index[batch * picks + i] * inner;
            out = std::copy(from, from + inner, out);
          }
        }
      }
      return absl::OkStatus();
    });
  });
}

absl::StatusOr<int> BatchDims(int64_t given, const Value& params, const Value& indices) {
  const int64_t batch_dims = given < 0 ? given + indices.rank() : given;
  if (batch_dims < 0 || batch_dims > indices.rank() || batch_dims > params.rank()) {
    return absl::InvalidArgumentError(absl::StrCat("batch_dims ", given, " does not fit indices of shape ",
                                                   ShapeText(indices.shape()), " and params of shape ",
                                                   ShapeText(params.shape())));
  }
  for (int d = 0; d < batch_dims; ++d) {
    if (params.dim(d) != indices.dim(d)) {
      return absl::InvalidArgumentError(absl::StrCat("batch dimension ", d, " is ", params.dim(d),
                                                     " in params and ", indices.dim(d), " in indices"));
    }
  }
  return static_cast<int>(batch_dims);
}

class GatherKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.attr("batch_dims").kind() == AttrView::kNone) return absl::OkStatus();
    return node.Attr("batch_dims", &batch_dims_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& params = context.input(0);
    const Value& indices = context.input(1);
    if (params.rank() == 0) return absl::InvalidArgumentError("params must be at least 1 dimensional");
    ASSIGN_OR_RETURN(const int batch_dims, BatchDims(batch_dims_, params, indices));
    int axis = 0;
    if (context.num_inputs() > 2) {
      ASSIGN_OR_RETURN(const int64_t given, ScalarInt(context.input(2), "axis"));
      ASSIGN_OR_RETURN(axis, NormalizeAxis(given, params.rank()));
    }
    if (axis < batch_dims) {
      return absl::InvalidArgumentError(
          absl::StrCat("batch_dims ", batch_dims, " must be less than or equal to axis ", axis));
    }
    return GatherAlong(context, params, indices, axis, batch_dims);
  }

 private:
  int64_t batch_dims_ = 0;
};
CRYOGRAPH_KERNEL(GatherKernel, "Gather", "GatherV2");

class ResourceGatherKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (node.attr("batch_dims").kind() == AttrView::kNone) return absl::OkStatus();
    return node.Attr("batch_dims", &batch_dims_);
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const std::shared_ptr<Variable> variable, ObjectOf<Variable>(context.input(0)));
    ASSIGN_OR_RETURN(const Value params, variable->Read());
    if (params.dtype() != context.node().output_type(0)) {
      return absl::InvalidArgumentError("the variable is of another type than the node says");
    }
    if (params.rank() == 0) return absl::InvalidArgumentError("params must be at least 1 dimensional");
    ASSIGN_OR_RETURN(const int batch_dims, BatchDims(batch_dims_, params, context.input(1)));
    if (batch_dims >= params.rank())
      return absl::InvalidArgumentError("batch_dims leaves nothing to gather from");
    return GatherAlong(context, params, context.input(1), batch_dims, batch_dims);
  }

 private:
  int64_t batch_dims_ = 0;
};
CRYOGRAPH_KERNEL(ResourceGatherKernel, "ResourceGather");

// The last dimension of `indices` addresses the leading dimensions of `params`.
absl::Status GatherAt(KernelContext& context, const Value& params, const Value& indices) {
  if (indices.rank() == 0) return absl::InvalidArgumentError("indices must be at least a vector");
  const int64_t depth = indices.dim(indices.rank() - 1);
  if (depth > params.rank()) {
    return absl::InvalidArgumentError(absl::StrCat("indices address ", depth, " dimensions, params of shape ",
                                                   ShapeText(params.shape()), " has ", params.rank()));
  }
  Shape shape(indices.shape().begin(), indices.shape().end() - 1);
  shape.insert(shape.end(), params.shape().begin() + depth, params.shape().end());
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  int64_t picks = 1, inner = 1;
  for (int d = 0; d < indices.rank() - 1; ++d) picks *= indices.dim(d);
  for (int d = static_cast<int>(depth); d < params.rank(); ++d) inner *= params.dim(d);
  if (params.num_elements() == 0 && output->num_elements() > 0) {
    return absl::InvalidArgumentError("requested more than 0 entries, but params is empty");
  }
  if (output->num_elements() == 0 && indices.num_elements() == 0) return absl::OkStatus();
  return DispatchType<IndexTypes>(indices.dtype(), [&](auto index_tag) {
    const auto* index = indices.data<TypeOf<decltype(index_tag)>>();
    return DispatchWidth(params.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      const T* in = params.data<T>();
      T* out = output->mutable_data<T>();
      for (int64_t i = 0; i < picks; ++i) {
        int64_t row = 0;
        for (int64_t d = 0; d < depth; ++d) {
          const int64_t place = index[i * depth + d], size = params.dim(static_cast<int>(d));
          if (place < 0 || place >= size) {
            return absl::InvalidArgumentError(
                absl::StrCat("indices[", i, ",", d, "] = ", place, " is not in [0, ", size, ")"));
          }
          row = row * size + place;
        }
        out = std::copy(in + row * inner, in + (row + 1) * inner, out);
      }
      return absl::OkStatus();
    });
  });
}

absl::Status GatherNd(KernelContext& context) {
  return GatherAt(context, context.input(0), context.input(1));
}
CRYOGRAPH_KERNEL_FUNCTION(GatherNd, "GatherNd");

absl::Status ResourceGatherNd(KernelContext& context) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Variable> variable, ObjectOf<Variable>(context.input(0)));
  ASSIGN_OR_RETURN(const Value params, variable->Read());
  if (params.dtype() != context.node().output_type(0)) {
    return absl::InvalidArgumentError("the variable is of another type than the node says");
  }
  return GatherAt(context, params, context.input(1));
}
CRYOGRAPH_KERNEL_FUNCTION(ResourceGatherNd, "ResourceGatherNd");

}  // namespace
}  // namespace cryograph

// Shape, ShapeN, Size, Rank, Reshape, QuantizedReshape, ExpandDims, Squeeze, EnsureShape, BroadcastArgs.
#include <limits>

#include "runtime/broadcast.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status StoreInts(absl::Span<const int64_t> values, Value* output) {
  return DispatchType<IndexTypes>(output->dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] > std::numeric_limits<T>::max()) {
        return absl::InvalidArgumentError(
            absl::StrCat("size ", values[i], " does not fit into the output type"));
      }
      output->mutable_data<T>()[i] = static_cast<T>(values[i]);
    }
    return absl::OkStatus();
  });
}

// Values that are not allocated anew may not grow beyond it either.
absl::Status CheckRank(const Shape& shape) {
  if (shape.size() <= kMaxRank) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a shape of ", shape.size(), " dimensions; TensorFlow takes ", kMaxRank));
}

absl::Status ShapeN(KernelContext& context) {
  for (int i = 0; i < context.num_inputs(); ++i) {
    const Shape& shape = context.input(i).shape();
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(i, {static_cast<int64_t>(shape.size())}));
    RETURN_IF_ERROR(StoreInts(shape, output));
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ShapeN, "Shape", "ShapeN");

absl::Status Size(KernelContext& context) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {}));
  return StoreInts({context.input(0).num_elements()}, output);
}
CRYOGRAPH_KERNEL_FUNCTION(Size, "Size");

absl::Status Rank(KernelContext& context) {
  return context.SetScalarOutput<int32_t>(0, context.input(0).rank());
}
CRYOGRAPH_KERNEL_FUNCTION(Rank, "Rank");

absl::Status Reshape(KernelContext& context) {
  const Value& input = context.input(0);
  RETURN_IF_ERROR(ExpectVector(context.input(1), "the new shape"));
  ASSIGN_OR_RETURN(Shape shape, IntVector(context.input(1), "the new shape"));
  RETURN_IF_ERROR(CheckRank(shape));
  int64_t known = 1;
  int unknown = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (unknown >= 0) return absl::InvalidArgumentError("only one size of the new shape may be -1");
      unknown = static_cast<int>(i);
    } else if (shape[i] < 0) {
      return absl::InvalidArgumentError(absl::StrCat("size ", i, " of the new shape is ", shape[i]));
    } else if (__builtin_mul_overflow(known, shape[i], &known)) {
      return absl::InvalidArgumentError("the new shape has too many elements");
    }
  }
  if (unknown >= 0) {
    if (known == 0 || input.num_elements() % known != 0) {
      return absl::InvalidArgumentError(absl::StrCat("the size left open in ", ShapeText(shape),
                                                     " has no value that fits ", input.num_elements(),
                                                     " elements"));
    }
    shape[static_cast<size_t>(unknown)] = input.num_elements() / known;
  } else if (known != input.num_elements()) {
    return absl::InvalidArgumentError(absl::StrCat("input of ", input.num_elements(),
                                                   " elements cannot be reshaped to ", ShapeText(shape)));
  }
  context.SetOutput(0, input.Reshaped(shape));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Reshape, "Reshape");

// The range, inputs 2 and 3, stays what it is.
absl::Status QuantizedReshape(KernelContext& context) {
  RETURN_IF_ERROR(Reshape(context));
  for (const int i : {2, 3}) {
    if (context.input(i).num_elements() != 1) {
      return absl::InvalidArgumentError("an end of the range must be one number");
    }
    context.SetOutput(i - 1, context.input(i));
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(QuantizedReshape, "QuantizedReshape");

absl::Status ExpandDims(KernelContext& context) {
  const Value& input = context.input(0);
  if (context.input(1).num_elements() != 1) {
    return absl::InvalidArgumentError("the dimension to insert must be one number");
  }
  ASSIGN_OR_RETURN(const Shape given, IntVector(context.input(1), "the dimension to insert"));
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given[0], input.rank() + 1));
  Shape shape = input.shape();
  shape.insert(shape.begin() + axis, 1);
  RETURN_IF_ERROR(CheckRank(shape));
  context.SetOutput(0, input.Reshaped(shape));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ExpandDims, "ExpandDims");

class SqueezeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("squeeze_dims", &dims_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    absl::InlinedVector<bool, 8> gone(input.shape().size(), false);
    for (const int64_t dim : dims_) {
      ASSIGN_OR_RETURN(const int axis, NormalizeAxis(dim, input.rank()));
      if (input.dim(axis) != 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("cannot squeeze dimension ", axis, " of shape ", ShapeText(input.shape())));
      }
      gone[axis] = true;
    }
    Shape shape;
    for (int i = 0; i < input.rank(); ++i) {
      if (!(dims_.empty() ? input.dim(i) == 1 : gone[i])) shape.push_back(input.dim(i));
    }
    context.SetOutput(0, input.Reshaped(shape));
    return absl::OkStatus();
  }

 private:
  std::vector<int64_t> dims_;
};
CRYOGRAPH_KERNEL(SqueezeKernel, "Squeeze");

class EnsureShapeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("shape", &shape_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    bool fits = shape_.unknown_rank || shape_.dims.size() == input.shape().size();
    if (fits && !shape_.unknown_rank) {
      for (size_t i = 0; i < shape_.dims.size(); ++i) {
        fits &= shape_.dims[i] < 0 || shape_.dims[i] == input.shape()[i];
      }
    }
    if (!fits) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeText(input.shape()), " is not the one that the node asks for"));
    }
    context.SetOutput(0, input);
    return absl::OkStatus();
  }

 private:
  PartialShape shape_;
};
CRYOGRAPH_KERNEL(EnsureShapeKernel, "EnsureShape");

absl::Status BroadcastArgs(KernelContext& context) {
  for (const int i : {0, 1}) RETURN_IF_ERROR(ExpectVector(context.input(i), "a shape"));
  ASSIGN_OR_RETURN(const Shape a, IntVector(context.input(0), "the first shape"));
  ASSIGN_OR_RETURN(const Shape b, IntVector(context.input(1), "the second shape"));
  ASSIGN_OR_RETURN(const Broadcast broadcast, Broadcast::Of({&a, &b}));
  ASSIGN_OR_RETURN(Value * output,
                   context.AllocateOutput(0, {static_cast<int64_t>(broadcast.shape().size())}));
  return StoreInts(broadcast.shape(), output);
}
CRYOGRAPH_KERNEL_FUNCTION(BroadcastArgs, "BroadcastArgs");

}  // namespace
}  // namespace cryograph

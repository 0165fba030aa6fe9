// ScatterNd, ScatterNdNonAliasingAdd, TensorScatterUpdate, -Add, -Sub, -Max, -Min.
#include <algorithm>
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

enum class Mode { kUpdate, kAdd, kSub, kMax, kMin };

// Writes each slice of `updates` where its row of `indices` says. The last dimension of `indices` addresses
// the leading dimensions of the output.
struct Scatter {
  int64_t count = 1, depth = 0, inner = 1;

  static absl::StatusOr<Scatter> Of(const Value& indices, const Value& updates, const Shape& shape) {
    if (indices.rank() < 1 || shape.empty()) {
      return absl::InvalidArgumentError("indices and output must be at least vectors");
    }
    if (indices.num_elements() > 0 && std::count(shape.begin(), shape.end(), 0) > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are indices, but the output of shape ", ShapeText(shape), " has no elements"));
    }
    Scatter scatter;
    // A vector of indices addresses the first dimension; it is not one address.
    Shape expected = indices.shape();
    if (indices.rank() > 1) expected.pop_back();
    scatter.depth = indices.rank() > 1 ? indices.dim(indices.rank() - 1) : 1;
    if (scatter.depth > static_cast<int64_t>(shape.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("indices address ", scatter.depth, " dimensions of shape ", ShapeText(shape)));
    }
    for (const int64_t size : expected) scatter.count *= size;
    for (size_t d = static_cast<size_t>(scatter.depth); d < shape.size(); ++d) {
      expected.push_back(shape[d]);
      scatter.inner *= shape[d];
    }
    if (updates.shape() != expected) {
      return absl::InvalidArgumentError(absl::StrCat("updates must be of shape ", ShapeText(expected),
                                                     ", not ", ShapeText(updates.shape())));
    }
    return scatter;
  }

  template <typename T, typename Apply>
  absl::Status Run(const Value& indices, const Value& updates, Value* output, Apply apply) const {
    return DispatchType<IndexTypes>(indices.dtype(), [&](auto index_tag) -> absl::Status {
      const auto* index = indices.data<TypeOf<decltype(index_tag)>>();
      const T* from = updates.data<T>();
      T* out = output->mutable_data<T>();
      for (int64_t i = 0; i < count; ++i, from += inner) {
        int64_t row = 0;
        for (int64_t d = 0; d < depth; ++d) {
          const int64_t place = index[i * depth + d], size = output->dim(static_cast<int>(d));
          if (place < 0 || place >= size) {
            return absl::InvalidArgumentError(
                absl::StrCat("indices[", i, ",", d, "] = ", place, " is not in [0, ", size, ")"));
          }
          row = row * size + place;
        }
        for (int64_t n = 0; n < inner; ++n) apply(out[row * inner + n], from[n]);
      }
      return absl::OkStatus();
    });
  }
};

absl::Status Apply(Mode mode, const Value& indices, const Value& updates, Value* output) {
  ASSIGN_OR_RETURN(const Scatter scatter, Scatter::Of(indices, updates, output->shape()));
  if (mode == Mode::kUpdate) {
    return DispatchWidth(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      return scatter.Run<T>(indices, updates, output, [](T& to, const T& from) { to = from; });
    });
  }
  if (mode == Mode::kMax || mode == Mode::kMin) {
    return DispatchType<RealTypes>(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const bool largest = mode == Mode::kMax;
      return scatter.Run<T>(indices, updates, output, [largest](T& to, const T& from) {
        if (largest ? from > to : from < to) to = from;
      });
    });
  }
  if (output->dtype() == DT_STRING && mode == Mode::kAdd) {
    return scatter.Run<std::string>(indices, updates, output,
                                    [](std::string& to, const std::string& from) { to += from; });
  }
  if (output->dtype() == DT_BOOL && mode == Mode::kAdd) {
    return scatter.Run<bool>(indices, updates, output, [](bool& to, bool from) { to = to || from; });
  }
  return DispatchType<NumberTypes>(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    const bool add = mode == Mode::kAdd;
    return scatter.Run<T>(indices, updates, output, [add](T& to, const T& from) {
      to = static_cast<T>(add ? static_cast<A>(to) + static_cast<A>(from)
                              : static_cast<A>(to) - static_cast<A>(from));
    });
  });
}

absl::Status ScatterNd(KernelContext& context) {
  RETURN_IF_ERROR(ExpectVector(context.input(2), "the shape"));
  ASSIGN_OR_RETURN(const Shape shape, IntVector(context.input(2), "the shape"));
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  if (IsPlainType(output->dtype())) std::fill_n(output->mutable_raw(), output->num_bytes(), 0);
  return Apply(Mode::kAdd, context.input(0), context.input(1), output);
}
CRYOGRAPH_KERNEL_FUNCTION(ScatterNd, "ScatterNd");

class TensorScatterKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const absl::string_view op = node.op();
    mode_ = op == "TensorScatterUpdate" ? Mode::kUpdate
            : op == "TensorScatterSub"  ? Mode::kSub
            : op == "TensorScatterMax"  ? Mode::kMax
            : op == "TensorScatterMin"  ? Mode::kMin
                                        : Mode::kAdd;
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    // Also indices of no dimension, which would address the whole, are refused.
    if (context.node().op() != "ScatterNdNonAliasingAdd" && context.input(1).num_elements() == 0 &&
        context.input(2).num_elements() > 0) {
      return absl::InvalidArgumentError("there are updates, but no indices");
    }
    ASSIGN_OR_RETURN(Value output, context.input(0).Copy(context.pool()));
    RETURN_IF_ERROR(Apply(mode_, context.input(1), context.input(2), &output));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

 private:
  Mode mode_ = Mode::kAdd;
};
CRYOGRAPH_KERNEL(TensorScatterKernel, "TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub",
                 "TensorScatterMax", "TensorScatterMin", "ScatterNdNonAliasingAdd");

}  // namespace
}  // namespace cryograph

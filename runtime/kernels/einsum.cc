// Einsum of one or two operands: both are brought to [batch, own, summed] and multiplied as matrices.
#include <algorithm>
#include <complex>
#include <type_traits>

#include "runtime/compute/gemm.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/complex_product.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

using EinsumTypes =
    JoinTypes<TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>, IndexTypes, ComplexTypes>;

// A label of the equation: a letter, or kEllipsis + how far from the right a dimension under "..." is.
using Label = int;
constexpr Label kEllipsis = 256;

struct Subscripts {
  std::string before, after;  // The letters around "...".
  bool ellipsis = false;

  static absl::StatusOr<Subscripts> Of(absl::string_view text) {
    Subscripts result;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == ' ') continue;
      if (text.substr(i, 3) == "..." && !result.ellipsis) {
        result.ellipsis = true;
        i += 2;
      } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        (result.ellipsis ? result.after : result.before) += c;
      } else {
        return absl::InvalidArgumentError(
            absl::StrCat("the subscripts \"", text, "\" are not letters and ..."));
      }
    }
    return result;
  }

  int letters() const { return static_cast<int>(before.size() + after.size()); }

  // The labels of a tensor with `wide` dimensions under the ellipsis.
  std::vector<Label> Labels(int wide) const {
    std::vector<Label> labels(before.begin(), before.end());
    for (int i = wide; i-- > 0;) labels.push_back(kEllipsis + i);
    labels.insert(labels.end(), after.begin(), after.end());
    return labels;
  }
};

constexpr int kLabels = kEllipsis + 256;  // A shape has at most 254 dimensions.

// A tensor as a function of labels: repeated ones take the diagonal, those it lacks do not move it.
struct Labelled {
  std::vector<int64_t> strides = std::vector<int64_t>(kLabels, 0);
  std::vector<bool> has = std::vector<bool>(kLabels, false);
};

// Reads the sums of `from` over `summed`, for all values of `kept`, the last label fastest.
template <typename T>
absl::Status SumOver(KernelContext& context, const T* from, const Labelled& view,
                     const std::vector<int64_t>& sizes, const std::vector<Label>& kept,
                     const std::vector<Label>& summed, T* to) {
  int64_t outer = 1, inner = 1;
  for (const Label label : kept) outer *= sizes[label];
  for (const Label label : summed) inner *= sizes[label];
  const auto advance = [&](const std::vector<Label>& labels, std::vector<int64_t>& place, const T*& at) {
    for (size_t d = labels.size(); d-- > 0;) {
      at += view.strides[labels[d]];
      if (++place[d] < sizes[labels[d]]) return;
      at -= place[d] * view.strides[labels[d]];
      place[d] = 0;
    }
  };
  std::vector<int64_t> place(kept.size(), 0), inner_place(summed.size(), 0);
  constexpr int64_t kCheckedWork = 1 << 20;
  int64_t work = 0;
  for (int64_t i = 0; i < outer; ++i) {
    if ((work += std::max<int64_t>(inner, 1)) >= kCheckedWork) {
      RETURN_IF_ERROR(context.CheckLimits());
      work = 0;
    }
    T sum = T(0);
    const T* element = from;
    for (int64_t n = 0; n < inner; ++n) {
      if constexpr (std::is_integral<T>::value) {
        using U = std::make_unsigned_t<T>;
        sum = static_cast<T>(static_cast<U>(sum) + static_cast<U>(*element));
      } else {
        sum += *element;
      }
      advance(summed, inner_place, element);
    }
    to[i] = sum;
    advance(kept, place, from);
  }
  return absl::OkStatus();
}

class EinsumKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.output_type(0);
    if (!IsOneOf<EinsumTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    std::string equation;
    RETURN_IF_ERROR(node.Attr("equation", &equation));
    const size_t arrow = equation.find("->");
    if (arrow == std::string::npos) return absl::InvalidArgumentError("the equation has no ->");
    absl::string_view inputs = absl::string_view(equation).substr(0, arrow);
    ASSIGN_OR_RETURN(output_, Subscripts::Of(absl::string_view(equation).substr(arrow + 2)));
    while (true) {
      const size_t comma = inputs.find(',');
      ASSIGN_OR_RETURN(Subscripts subscripts, Subscripts::Of(inputs.substr(0, comma)));
      inputs_.push_back(std::move(subscripts));
      if (comma == absl::string_view::npos) break;
      inputs.remove_prefix(comma + 1);
    }
    if (inputs_.size() > 2 || static_cast<int>(inputs_.size()) != node.num_inputs()) {
      return absl::InvalidArgumentError(absl::StrCat("the equation \"", equation, "\" names ", inputs_.size(),
                                                     " inputs; there are ", node.num_inputs(),
                                                     ", and may be one or two"));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    std::vector<int64_t> sizes(kLabels, -1);
    std::vector<Value> values;
    std::vector<Labelled> views(inputs_.size());
    int wide = 0;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      ASSIGN_OR_RETURN(Value value, ToComputeType(context, context.input(static_cast<int>(i))));
      values.push_back(std::move(value));
      const int under = values[i].rank() - inputs_[i].letters();
      if (under < 0 || under >= kLabels - kEllipsis || (under > 0 && !inputs_[i].ellipsis)) {
        return absl::InvalidArgumentError(absl::StrCat("input ", i, " of shape ",
                                                       ShapeText(values[i].shape()),
                                                       " does not have the rank that the equation says"));
      }
      wide = std::max(wide, under);
      RETURN_IF_ERROR(SetView(values[i].shape(), inputs_[i].Labels(under), &views[i], &sizes));
    }
    const std::vector<Label> out_labels = output_.Labels(output_.ellipsis ? wide : 0);
    std::vector<Label> distinct;  // Of the output.
    Shape dims;
    for (const Label label : out_labels) {
      if (sizes[label] < 0) {
        return absl::InvalidArgumentError("the output has a subscript that no input has");
      }
      dims.push_back(sizes[label]);
      if (std::find(distinct.begin(), distinct.end(), label) == distinct.end()) distinct.push_back(label);
    }
    ASSIGN_OR_RETURN(Value result, context.AllocateTemp(values[0].dtype(), dims));
    RETURN_IF_ERROR(DispatchType<EinsumTypes>(result.dtype(), [&](auto tag) {
      return Run<TypeOf<decltype(tag)>>(context, values, views, sizes, out_labels, distinct, &result);
    }));
    ASSIGN_OR_RETURN(result, FromComputeType(context, result, dtype_));
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  static absl::Status SetView(const Shape& shape, const std::vector<Label>& labels, Labelled* view,
                              std::vector<int64_t>* sizes) {
    int64_t stride = 1;
    for (size_t d = labels.size(); d-- > 0;) {
      const Label label = labels[d];
      int64_t& size = (*sizes)[label];
      const bool repeats = label >= kEllipsis && shape[d] == 1;
      if (size < 0 || (label >= kEllipsis && size == 1)) {
        size = shape[d];
      } else if (size != shape[d] && !repeats) {
        return absl::InvalidArgumentError(
            absl::StrCat("a subscript stands for ", size, " and for ", shape[d], " elements"));
      }
      view->has[label] = true;
      if (!repeats) view->strides[label] += stride;
      stride *= shape[d];
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status Run(KernelContext& context, const std::vector<Value>& values,
                   const std::vector<Labelled>& views, const std::vector<int64_t>& sizes,
                   const std::vector<Label>& out_labels, const std::vector<Label>& distinct,
                   Value* result) const {
    const auto in_output = [&](Label label) {
      return std::find(distinct.begin(), distinct.end(), label) != distinct.end();
    };
    // What has only one of two operands and the output lacks is summed up before the product.
    std::vector<Label> batch, own[2], summed, alone[2];
    for (Label label = 0; label < kLabels; ++label) {
      const bool left = views[0].has[label], right = views.size() > 1 && views[1].has[label];
      if (!left && !right) continue;
      if (left && right) {
        (in_output(label) ? batch : summed).push_back(label);
      } else {
        (in_output(label) ? own : alone)[left ? 0 : 1].push_back(label);
      }
    }
    std::vector<Label> order = batch;  // Of the product's dimensions.
    order.insert(order.end(), own[0].begin(), own[0].end());
    order.insert(order.end(), own[1].begin(), own[1].end());
    const auto count = [&](const std::vector<Label>& labels) {
      Shape dims;
      for (const Label label : labels) dims.push_back(sizes[label]);
      return NumElements(dims);
    };
    Value factors[2];
    for (size_t i = 0; i < values.size(); ++i) {
      std::vector<Label> kept = batch;
      kept.insert(kept.end(), own[i].begin(), own[i].end());
      kept.insert(kept.end(), summed.begin(), summed.end());
      ASSIGN_OR_RETURN(const int64_t elements, count(kept));
      ASSIGN_OR_RETURN(factors[i], context.AllocateTemp(result->dtype(), {elements}));
      RETURN_IF_ERROR(SumOver<T>(context, values[i].data<T>(), views[i], sizes, kept, alone[i],
                                 factors[i].mutable_data<T>()));
    }
    Value product = factors[0];
    if (values.size() > 1) {
      ASSIGN_OR_RETURN(const int64_t batches, count(batch));
      compute::MatMulShape shape;
      ASSIGN_OR_RETURN(shape.m, count(own[0]));
      ASSIGN_OR_RETURN(shape.n, count(own[1]));
      ASSIGN_OR_RETURN(shape.k, count(summed));
      shape.transpose_b = true;
      ASSIGN_OR_RETURN(product, context.AllocateTemp(result->dtype(), {batches, shape.m, shape.n}));
      for (int64_t b = 0; b < batches && product.num_elements() > 0; ++b) {
        RETURN_IF_ERROR(context.CheckLimits());
        const T* left = factors[0].data<T>() + b * shape.m * shape.k;
        const T* right = factors[1].data<T>() + b * shape.n * shape.k;
        T* c = product.mutable_data<T>() + b * shape.m * shape.n;
        if constexpr (std::is_arithmetic<T>::value) {
          if (!compute::MatMul<T>(shape, left, right, c, {}, context.threads())) {
            return absl::ResourceExhaustedError("no memory for a rearranged copy of a factor");
          }
        } else {
          ComplexProduct(shape, false, left, right, c);
        }
      }
    }
    return Store<T>(product.data<T>(), order, sizes, out_labels, result);
  }

  // Writes the product to the output; elements off a diagonal that the output repeats are zero.
  template <typename T>
  static absl::Status Store(const T* product, const std::vector<Label>& order,
                            const std::vector<int64_t>& sizes, const std::vector<Label>& out_labels,
                            Value* result) {
    std::vector<int64_t> strides(kLabels, 0);
    int64_t stride = 1;
    for (size_t d = out_labels.size(); d-- > 0; stride *= sizes[out_labels[d]])
      strides[out_labels[d]] += stride;
    T* out = result->mutable_data<T>();
    std::fill_n(out, result->num_elements(), T(0));
    if (result->num_elements() == 0) return absl::OkStatus();
    int64_t count = 1;
    for (const Label label : order) count *= sizes[label];
    std::vector<int64_t> place(order.size(), 0);
    for (int64_t i = 0; i < count; ++i) {
      *out = product[i];
      for (size_t d = order.size(); d-- > 0;) {
        out += strides[order[d]];
        if (++place[d] < sizes[order[d]]) break;
        out -= place[d] * strides[order[d]];
        place[d] = 0;
      }
    }
    return absl::OkStatus();
  }

  DataType dtype_ = DT_INVALID;
  std::vector<Subscripts> inputs_;
  Subscripts output_;
};
CRYOGRAPH_KERNEL(EinsumKernel, "Einsum");

}  // namespace
}  // namespace cryograph

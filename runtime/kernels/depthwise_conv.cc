// DepthwiseConv2dNative.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/compute/depthwise.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/depthwise_attrs.h"
#include "runtime/kernels/fused_tail.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/window.h"

namespace cryograph {
namespace {

using DepthwiseTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;

class DepthwiseConvKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    if (!IsOneOf<DepthwiseTypes>(ComputeType(dtype_))) return node.UnsupportedType(dtype_);
    return InitDepthwise(node, attrs_);
  }

  bool FuseReader(const NodeInfo& reader, int slot, absl::Span<const Value* const> own_constants,
                  absl::Span<const Value* const> reader_constants) override {
    const Value* filter = own_constants[1];
    if (dtype_ != DT_FLOAT || attrs_.channels_first() || filter == nullptr || filter->rank() != 4)
      return false;
    return tail_.Fuse(reader, slot, reader_constants, filter->dim(2) * filter->dim(3), true);
  }

  bool FuseProducer(int slot, const NodeInfo& producer,
                    absl::Span<const Value* const> producer_constants) override {
    return slot == 0 && attrs_.FusePad(producer, producer_constants);
  }

  absl::Status Prepare(PrepareContext& context) override {
    const std::vector<float>& scale = tail_.scale();
    if (scale.empty()) return absl::OkStatus();
    const Value& filter = *context.constant_input(1);
    ASSIGN_OR_RETURN(scaled_, Value::Allocate(DT_FLOAT, filter.shape(), context.pool()));
    context.ReleaseInput(1);
    for (int64_t i = 0; i < filter.num_elements(); ++i) {
      scaled_.mutable_data<float>()[i] = filter.data<float>()[i] * scale[i % scale.size()];
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const Value& filter = scaled_.has_value() ? scaled_ : context.input(1);
    RETURN_IF_ERROR(ExpectRank(input, 4, "input"));
    RETURN_IF_ERROR(ExpectRank(filter, 4, "filter"));
    const int64_t channels = input.dim(attrs_.channel_axis());
    if (channels != filter.dim(2)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input's depth ", channels, " is not the filter's ", filter.dim(2)));
    }
    ASSIGN_OR_RETURN(compute::WindowShape shape,
                     attrs_.ShapeFor(input.shape(), absl::MakeConstSpan(filter.shape()).first(2)));
    ASSIGN_OR_RETURN(shape.out_channels, NumElements({channels, filter.dim(3)}));
    // Scratch may be as large as the input times the number of filters for a channel.
    RETURN_IF_ERROR(NumElements({shape.batch, shape.in_pixels(), shape.out_channels}).status());
    const Shape output_dims = attrs_.OutputDims(shape, shape.out_channels);
    ASSIGN_OR_RETURN(const int64_t output_elements, NumElements(output_dims));
    if (output_elements == 0 && tail_.empty()) return context.AllocateOutput(0, output_dims).status();
    return DispatchType<DepthwiseTypes>(ComputeType(dtype_),
                                        [&](auto tag) { return Run<TypeOf<decltype(tag)>>(context, shape); });
  }

 private:
  template <typename T>
  absl::Status Run(KernelContext& context, const compute::WindowShape& shape) const {
    ASSIGN_OR_RETURN(Value input, ToComputeType(context, context.input(0)));
    ASSIGN_OR_RETURN(const Value filter,
                     ToComputeType(context, scaled_.has_value() ? scaled_ : context.input(1)));
    if (attrs_.channels_first()) {
      ASSIGN_OR_RETURN(input, ToChannelsLast(context, input));
    }
    const Shape dims = attrs_.ChannelsLastDims(shape, shape.out_channels);
    ASSIGN_OR_RETURN(Value output, context.AllocateTemp(input.dtype(), dims));
    compute::Epilogue<T> epilogue;
    bool finish = false;
    const Value* addend = tail_.num_inputs() == 0 ? nullptr : &context.input(2);
    if constexpr (std::is_same<T, float>::value) epilogue = tail_.Epilogue(dims, addend, &finish);
    if (output.num_elements() > 0) {
      ASSIGN_OR_RETURN(Value scratch,
                       context.AllocateTemp(input.dtype(), {compute::DepthwiseScratch(shape)}));
      compute::DepthwiseConv(shape, input.data<T>(), filter.data<T>(), output.mutable_data<T>(), epilogue,
                             context.threads(), scratch.mutable_data<T>());
    }
    if (finish) {
      ASSIGN_OR_RETURN(output, tail_.Finish(context, std::move(output), *addend));
    }
    if (attrs_.channels_first()) {
      ASSIGN_OR_RETURN(output, ToChannelsFirst(context, output));
    }
    ASSIGN_OR_RETURN(output, FromComputeType(context, output, dtype_));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }

  DataType dtype_ = DT_INVALID;
  WindowAttrs attrs_;
  FusedTail tail_;
  Value scaled_;  // The filter, if the tail scales it.
};
CRYOGRAPH_KERNEL(DepthwiseConvKernel, "DepthwiseConv2dNative");

}  // namespace
}  // namespace cryograph

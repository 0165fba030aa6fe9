// Conv2D and Conv3D.
#include "runtime/compute/conv.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/fused_tail.h"
#include "runtime/kernels/layout.h"
#include "runtime/kernels/window.h"

namespace cryograph {
namespace {

using ConvTypes =
    TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>, TypeEntry<DT_INT32, int32_t>>;

// A filter packed for a number of groups, with the memory that it lies in.
template <typename T>
struct Packed {
  Value memory;
  compute::PackedFilter<T> filter;
};

class ConvKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    dtype_ = node.input_type(0);
    const bool two_dimensions = node.op() == "Conv2D";
    if (!IsOneOf<ConvTypes>(ComputeType(dtype_)) || (dtype_ == DT_INT32 && !two_dimensions)) {
      return node.UnsupportedType(dtype_);
    }
    RETURN_IF_ERROR(attrs_.Init(node, two_dimensions ? 2 : 3));
    // TensorFlow has that on other devices only.
    if (!two_dimensions && attrs_.has_dilation()) return absl::InvalidArgumentError("dilations must be 1");
    return absl::OkStatus();
  }

  bool FuseReader(const NodeInfo& reader, int slot, absl::Span<const Value* const> own_constants,
                  absl::Span<const Value* const> reader_constants) override {
    const Value* filter = own_constants[1];
    if (dtype_ != DT_FLOAT || attrs_.channels_first() || filter == nullptr || filter->rank() != attrs_.rank())
      return false;
    return tail_.Fuse(reader, slot, reader_constants, filter->dim(attrs_.rank() - 1), true);
  }

  bool FuseProducer(int slot, const NodeInfo& producer,
                    absl::Span<const Value* const> producer_constants) override {
    return slot == 0 && attrs_.FusePad(producer, producer_constants);
  }

  bool PreparesUnaligned() const override { return true; }

  absl::Status Prepare(PrepareContext& context) override {
    const Value* filter = context.constant_input(1);
    if (filter == nullptr || dtype_ != DT_FLOAT || filter->rank() != attrs_.rank() ||
        filter->num_elements() == 0) {
      return absl::OkStatus();
    }
    // For one group; how many there are is known with the input's shape.
    ASSIGN_OR_RETURN(packed_, Pack<float>(*filter, 1, tail_.scale(), context.pool()));
    filter_dims_ = filter->shape();
    context.ReleaseInput(1);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectRank(input, attrs_.rank(), "input"));
    if (packed_ == nullptr) RETURN_IF_ERROR(ExpectRank(context.input(1), attrs_.rank(), "filter"));
    const Shape filter_dims = packed_ == nullptr ? context.input(1).shape() : filter_dims_;
    const int dims = attrs_.spatial_dims();
    const int64_t channels = input.dim(attrs_.channel_axis()), depth = filter_dims[dims],
                  filters = filter_dims[dims + 1];
    if (depth == 0 || channels % depth != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input's depth ", channels, " is not a multiple of the filter's ", depth));
    }
    int64_t groups = channels / depth;
    const bool widened = attrs_.spatial_dims() == 3 && groups > 1;
    if (widened) groups = 1;
    if (groups == 0 || filters % groups != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(filters, " filters cannot be divided into ", groups, " groups"));
    }
    ASSIGN_OR_RETURN(compute::WindowShape shape,
                     attrs_.ShapeFor(input.shape(), absl::MakeConstSpan(filter_dims).first(dims)));
    shape.out_channels = filters;
    const Shape output_dims = attrs_.OutputDims(shape, filters);
    ASSIGN_OR_RETURN(const int64_t output_elements, NumElements(output_dims));
    if (output_elements == 0 && tail_.empty()) return context.AllocateOutput(0, output_dims).status();
    return DispatchType<ConvTypes>(ComputeType(dtype_), [&](auto tag) {
      return Run<TypeOf<decltype(tag)>>(context, shape, static_cast<int>(groups), widened ? channels : 0);
    });
  }

 private:
  template <typename T>
  absl::StatusOr<std::shared_ptr<const Packed<T>>> Pack(const Value& filter, int groups,
                                                        const std::vector<float>& scale,
                                                        MemoryPool& pool) const {
    const int dims = attrs_.spatial_dims();
    compute::WindowShape shape;
    for (int i = 0; i < dims; ++i) shape.window[3 - dims + i] = filter.dim(i);
    shape.in_channels = filter.dim(dims) * groups;
    shape.out_channels = filter.dim(dims + 1);
    auto packed = std::make_shared<Packed<T>>();
    const int64_t elements = compute::PackedFilter<T>::Elements(shape, groups);
    const DataType dtype = ComputeType(dtype_);
    ASSIGN_OR_RETURN(packed->memory, Value::Allocate(dtype, {elements}, pool));
    const T* factors = nullptr;
    if constexpr (std::is_same<T, float>::value) factors = scale.empty() ? nullptr : scale.data();
    packed->filter = compute::PackedFilter<T>::Pack(filter.data<T>(), shape, groups,
                                                    packed->memory.template mutable_data<T>(), factors);
    return std::shared_ptr<const Packed<T>>(std::move(packed));
  }

  // What TensorFlow's CPU makes of a three-dimensional filter that is less deep than the input: it pairs the
  // filter's elements with the first of each window, and the rest of the window with nothing.
  absl::StatusOr<Value> Widened(KernelContext& context, const Value& filter, int64_t channels) const {
    Shape dims = filter.shape();
    dims[static_cast<size_t>(attrs_.spatial_dims())] = channels;
    ASSIGN_OR_RETURN(Value wide, context.AllocateTemp(filter.dtype(), dims));
    char* to = static_cast<char*>(wide.mutable_raw());
    std::memcpy(to, filter.raw(), filter.num_bytes());
    std::memset(to + filter.num_bytes(), 0, wide.num_bytes() - filter.num_bytes());
    return wide;
  }

  // The filter as this run needs it: packed when the plan was made, or by an earlier run, or now.
  // `widened_to`: see Widened(); 0 if it does not apply.
  template <typename T>
  absl::StatusOr<std::shared_ptr<const Packed<T>>> PackedFor(KernelContext& context, int groups,
                                                             int64_t widened_to) const {
    Value filter;
    if constexpr (std::is_same<T, float>::value) {
      if (packed_ != nullptr) {
        if (groups == 1 && widened_to == 0) return packed_;
        std::lock_guard<std::mutex> lock(mutex_);
        if (widened_to == 0 && grouped_ != nullptr && grouped_->filter.groups() == groups) return grouped_;
        ASSIGN_OR_RETURN(filter, context.AllocateTemp(DT_FLOAT, filter_dims_));
        packed_->filter.group(0).Unpack(filter.mutable_data<float>());
        if (widened_to == 0) {
          ASSIGN_OR_RETURN(grouped_, Pack<float>(filter, groups, {}, context.pool()));
          return grouped_;
        }
      }
    }
    if (!filter.has_value()) {
      ASSIGN_OR_RETURN(filter, ToComputeType(context, context.input(1)));
    }
    if (widened_to > 0) {
      ASSIGN_OR_RETURN(filter, Widened(context, filter, widened_to));
    }
    return Pack<T>(filter, groups, {}, context.pool());
  }

  template <typename T>
  absl::Status Run(KernelContext& context, const compute::WindowShape& shape, int groups,
                   int64_t widened_to) const {
    ASSIGN_OR_RETURN(Value input, ToComputeType(context, context.input(0)));
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
      ASSIGN_OR_RETURN(const auto packed, PackedFor<T>(context, groups, widened_to));
      compute::Conv(shape, input.data<T>(), packed->filter, output.mutable_data<T>(), epilogue,
                    context.threads());
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
  // The filter, if it is a constant; scaled already, and for one group.
  std::shared_ptr<const Packed<float>> packed_;
  Shape filter_dims_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Packed<float>> grouped_;  // Guarded by mutex_.
};
CRYOGRAPH_KERNEL(ConvKernel, "Conv2D", "Conv3D");

}  // namespace
}  // namespace cryograph

// DynamicPartition, DynamicStitch, ParallelDynamicStitch.
#include <algorithm>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class DynamicPartitionKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("num_partitions", &count_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& data = context.input(0);
    const Value& partitions = context.input(1);
    const int rank = partitions.rank();
    if (rank > data.rank() ||
        !std::equal(partitions.shape().begin(), partitions.shape().end(), data.shape().begin())) {
      return absl::InvalidArgumentError(absl::StrCat("the shape of data, ", ShapeText(data.shape()),
                                                     ", must begin with that of partitions, ",
                                                     ShapeText(partitions.shape())));
    }
    std::vector<int64_t> sizes(static_cast<size_t>(count_), 0);
    for (const int32_t partition : partitions.span<int32_t>()) {
      if (partition < 0 || partition >= count_) {
        return absl::InvalidArgumentError(
            absl::StrCat("partition ", partition, " is not in [0, ", count_, ")"));
      }
      ++sizes[static_cast<size_t>(partition)];
    }
    int64_t inner = 1;
    for (int d = rank; d < data.rank(); ++d) inner *= data.dim(d);
    std::vector<Value*> outputs;
    for (int64_t k = 0; k < count_; ++k) {
      Shape shape = {sizes[static_cast<size_t>(k)]};
      shape.insert(shape.end(), data.shape().begin() + rank, data.shape().end());
      ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(static_cast<int>(k), shape));
      outputs.push_back(output);
    }
    return DispatchWidth(data.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      std::vector<T*> ends;
      for (Value* output : outputs) ends.push_back(output->mutable_data<T>());
      const T* in = data.data<T>();
      for (const int32_t partition : partitions.span<int32_t>()) {
        T*& end = ends[static_cast<size_t>(partition)];
        end = std::copy(in, in + inner, end);
        in += inner;
      }
      return absl::OkStatus();
    });
  }

 private:
  int64_t count_ = 1;
};
CRYOGRAPH_KERNEL(DynamicPartitionKernel, "DynamicPartition");

// Rows that nobody writes are not defined; ours are zeros.
absl::Status DynamicStitch(KernelContext& context) {
  const int count = context.num_inputs() / 2;
  Shape rest;
  int64_t rows = 0;
  for (int k = 0; k < count; ++k) {
    const Value& indices = context.input(k);
    const Value& data = context.input(count + k);
    if (indices.rank() > data.rank() ||
        !std::equal(indices.shape().begin(), indices.shape().end(), data.shape().begin())) {
      return absl::InvalidArgumentError(absl::StrCat("the shape of data[", k, "], ", ShapeText(data.shape()),
                                                     ", must begin with that of indices[", k, "], ",
                                                     ShapeText(indices.shape())));
    }
    const Shape own(data.shape().begin() + indices.rank(), data.shape().end());
    if (k == 0) rest = own;
    if (own != rest) {
      return absl::InvalidArgumentError(
          absl::StrCat("rows of shape ", ShapeText(rest), " and ", ShapeText(own)));
    }
    for (const int32_t index : indices.span<int32_t>()) {
      if (index < 0) return absl::InvalidArgumentError(absl::StrCat("index ", index, " is negative"));
      rows = std::max<int64_t>(rows, int64_t{index} + 1);
    }
  }
  Shape shape = {rows};
  shape.insert(shape.end(), rest.begin(), rest.end());
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
  int64_t inner = 1;
  for (const int64_t size : rest) inner *= size;
  return DispatchWidth(output->dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const auto values = output->mutable_span<T>();
    std::fill(values.begin(), values.end(), T());
    for (int k = 0; k < count; ++k) {
      const T* in = context.input(count + k).data<T>();
      for (const int32_t index : context.input(k).span<int32_t>()) {
        std::copy(in, in + inner, output->mutable_data<T>() + index * inner);
        in += inner;
      }
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(DynamicStitch, "DynamicStitch", "ParallelDynamicStitch");

}  // namespace
}  // namespace cryograph

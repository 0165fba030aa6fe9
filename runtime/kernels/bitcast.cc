// Bitcast: the same bytes as another type; the last dimension is made or eaten where the sizes differ.
#include <cstring>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

class BitcastKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    for (const DataType type : {node.input_type(0), node.output_type(0)}) {
      if (!IsPlainType(type)) return node.UnsupportedType(type);
    }
    to_ = node.output_type(0);
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const int from_bytes = ValueElementBytes(input.dtype()), to_bytes = ValueElementBytes(to_);
    if (from_bytes == to_bytes) {
      context.SetOutput(0, input.WithType(to_));
      return absl::OkStatus();
    }
    Shape dims = input.shape();
    if (from_bytes > to_bytes) {
      dims.push_back(from_bytes / to_bytes);
    } else {
      if (dims.empty() || dims.back() != to_bytes / from_bytes) {
        return absl::InvalidArgumentError(absl::StrCat("from ", DataTypeName(input.dtype()), " to ",
                                                       DataTypeName(to_), ": the last dimension of ",
                                                       ShapeText(dims), " must be ", to_bytes / from_bytes));
      }
      dims.pop_back();
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
    if (output->num_bytes() > 0) std::memcpy(output->mutable_raw(), input.raw(), output->num_bytes());
    return absl::OkStatus();
  }

 private:
  DataType to_ = DT_INVALID;
};
CRYOGRAPH_KERNEL(BitcastKernel, "Bitcast");

}  // namespace
}  // namespace cryograph

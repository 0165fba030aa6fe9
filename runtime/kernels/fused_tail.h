// What follows a convolution or matrix product and is done before its result is stored: a bias, batch
// normalization, another tensor added, a Relu.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_FUSED_TAIL_H_
#define CRYOGRAPH_RUNTIME_KERNELS_FUSED_TAIL_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/compute/epilogue.h"
#include "runtime/kernel.h"

namespace cryograph {

// Collects, while a plan is made, the nodes that a float kernel takes over; see Kernel::FuseReader(). In this
// order: any number of constant biases and inference batch normalizations, one addition of a tensor, one Relu
// or Relu6.
class FusedTail {
 public:
  // Takes over `reader`, the only reader of the result (at input `slot`), if it can; else nothing changes.
  // `channels`: the size of the result's last dimension. `scalable`: scale() can be worked into the weights.
  bool Fuse(const NodeInfo& reader, int slot, absl::Span<const Value* const> constants, int64_t channels,
            bool scalable);

  bool empty() const { return scale_.empty() && shift_.empty() && !has_addend_ && activation_ == kNone; }

  // By what the weights of each channel must be multiplied; empty: by 1.
  const std::vector<float>& scale() const { return scale_; }

  // How many inputs the kernel's node has more, behind its own: those of Compute's context.
  int num_inputs() const { return has_addend_ ? 1 : 0; }

  // The epilogue for a result of `dims`, channels last. `addend`: the input that num_inputs() announced, or
  // null. What cannot be done there, since the addend has another shape, is left for Finish(); *finish says
  // so.
  compute::Epilogue<float> Epilogue(const Shape& dims, const Value* addend, bool* finish) const;

  // What Epilogue() left: the sum of both with broadcasting, and the activation.
  absl::StatusOr<Value> Finish(KernelContext& context, Value result, const Value& addend) const;

 private:
  enum Activation { kNone, kRelu, kRelu6 };

  bool FuseBatchNorm(const NodeInfo& reader, absl::Span<const Value* const> constants, int64_t channels);
  bool AddShift(const Value* constant, int64_t channels);
  compute::Epilogue<float> Activated(compute::Epilogue<float> epilogue) const;

  std::vector<float> scale_, shift_;
  bool has_addend_ = false;
  Activation activation_ = kNone;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_FUSED_TAIL_H_

// What a kernel is, what it is told about its node, and what it may use while it computes. How to add one:
// runtime/README.md.
#ifndef CRYOGRAPH_RUNTIME_KERNEL_H_
#define CRYOGRAPH_RUNTIME_KERNEL_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/attr.h"
#include "runtime/node_info.h"
#include "runtime/resource.h"
#include "runtime/run_state.h"
#include "runtime/value.h"

namespace cryograph {

// A node's computation. Made once for each node of a plan; Compute() may run on several threads at a time.
// A kernel checks every shape and index itself: nothing was checked before but the attributes' and inputs'
// types. Messages say what is wrong; the executor adds the node and the op.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // Reads attributes. Unimplemented (NodeInfo::UnsupportedType()) for a type or attribute value that
  // TensorFlow takes and this kernel does not; InvalidArgument for what TensorFlow refuses.
  virtual absl::Status Init(const NodeInfo& node) {
    (void)node;
    return absl::OkStatus();
  }

  // Called after Init() and before the first Compute(): packs weights that are known already.
  virtual absl::Status Prepare(PrepareContext& context) {
    (void)context;
    return absl::OkStatus();
  }

  // Whether Prepare() takes constants whose elements are not aligned (Value::aligned()), as they lie in a
  // file. If not, they are copied before.
  virtual bool PreparesUnaligned() const { return false; }

  virtual absl::Status Compute(KernelContext& context) const = 0;

  // Asked between Init() and Prepare(), about the one node that reads this kernel's output 0 (at its input
  // `slot`), if nobody else wants that output and none of the reader's outputs but the first is wanted. True:
  // Compute() gives the reader's output instead, to rounding, and has the reader's other inputs that are not
  // constant behind its own. Then the reader's reader is asked for. Constants are null where an input is
  // known only when the graph runs. Of own_constants, and of what has more than one dimension and more than
  // 64 KiB, look at type and shape alone: elements may not be aligned.
  virtual bool FuseReader(const NodeInfo& reader, int slot, absl::Span<const Value* const> own_constants,
                          absl::Span<const Value* const> reader_constants) {
    (void)reader, (void)slot, (void)own_constants, (void)reader_constants;
    return false;
  }

  // Asked after Init(), about the node that computes this kernel's input `slot`, if nobody else wants any of
  // its outputs. True: Compute() gets the producer's input 0 there instead, and does what the producer would
  // have done.
  virtual bool FuseProducer(int slot, const NodeInfo& producer,
                            absl::Span<const Value* const> producer_constants) {
    (void)slot, (void)producer, (void)producer_constants;
    return false;
  }
};

// A kernel without state and attributes, from a function.
class FunctionKernel final : public Kernel {
 public:
  using Function = absl::Status (*)(KernelContext& context);
  explicit FunctionKernel(Function function) : function_(function) {}
  absl::Status Compute(KernelContext& context) const override { return function_(context); }

 private:
  const Function function_;
};

using KernelFactory = std::unique_ptr<Kernel> (*)();

// Null if no kernel of that op is linked.
KernelFactory FindKernel(absl::string_view op);
// Sorted names of all ops that have a kernel.
std::vector<absl::string_view> KernelOps();

namespace kernel_internal {
struct Registration {
  Registration(std::initializer_list<const char*> ops, KernelFactory factory);
};
}  // namespace kernel_internal

// Registers a class for one or more ops: CRYOGRAPH_KERNEL(ConcatKernel, "Concat", "ConcatV2"). Init() is told
// which.
#define CRYOGRAPH_KERNEL(Class, ...)                                         \
  static const ::cryograph::kernel_internal::Registration cg_kernel_##Class( \
      {__VA_ARGS__}, []() -> std::unique_ptr<::cryograph::Kernel> { return std::make_unique<Class>(); })

// Registers absl::Status function(KernelContext&) for one or more ops.
#define CRYOGRAPH_KERNEL_FUNCTION(function, ...)                                \
  static const ::cryograph::kernel_internal::Registration cg_kernel_##function( \
      {__VA_ARGS__}, []() -> std::unique_ptr<::cryograph::Kernel> {             \
        return std::make_unique<::cryograph::FunctionKernel>(&function);        \
      })

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNEL_H_

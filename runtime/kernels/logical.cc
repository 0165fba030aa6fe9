// LogicalAnd, LogicalOr, LogicalNot.
#include "runtime/kernels/binary.h"
#include "runtime/kernels/unary.h"

namespace cryograph {
namespace {

template <typename T>
struct And {
  bool operator()(bool a, bool b) const { return a && b; }
};
template <typename T>
struct Or {
  bool operator()(bool a, bool b) const { return a || b; }
};
template <typename T>
struct Not {
  bool operator()(bool a) const { return !a; }
};

absl::Status LogicalAnd(KernelContext& context) { return ComputeBinary<BoolType, And>(context); }
CRYOGRAPH_KERNEL_FUNCTION(LogicalAnd, "LogicalAnd");

absl::Status LogicalOr(KernelContext& context) { return ComputeBinary<BoolType, Or>(context); }
CRYOGRAPH_KERNEL_FUNCTION(LogicalOr, "LogicalOr");

absl::Status LogicalNot(KernelContext& context) { return ComputeUnary<BoolType, Not>(context); }
CRYOGRAPH_KERNEL_FUNCTION(LogicalNot, "LogicalNot");

}  // namespace
}  // namespace cryograph

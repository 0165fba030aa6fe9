// Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, ApproximateEqual.
#include <cmath>
#include <string>

#include "runtime/kernels/binary.h"

namespace cryograph {
namespace {

// Where equality asks for no more than equal bits, quantized types stand with the integers of their width.
using QuantizedTypes =
    TypeList<TypeEntry<DT_QINT8, int8_t>, TypeEntry<DT_QUINT8, uint8_t>, TypeEntry<DT_QINT16, int16_t>,
             TypeEntry<DT_QUINT16, uint16_t>, TypeEntry<DT_QINT32, int32_t>>;
using EqualityTypes = JoinTypes<NumberTypes, BoolType, StringType, QuantizedTypes>;

template <typename T>
struct Same {
  bool operator()(const T& a, const T& b) const { return a == b; }
};
template <typename T>
struct Different {
  bool operator()(const T& a, const T& b) const { return a != b; }
};

class EqualityKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    equal_ = node.op() == "Equal";
    shape_error_ = true;
    // The attribute is younger than the op.
    if (node.attr("incompatible_shape_error").kind() == AttrView::kNone) return absl::OkStatus();
    return node.Attr("incompatible_shape_error", &shape_error_);
  }

  absl::Status Compute(KernelContext& context) const override {
    if (!shape_error_ && !BroadcastInputs(context).ok()) return context.SetScalarOutput<bool>(0, !equal_);
    return equal_ ? ComputePredicate<EqualityTypes, Same>(context)
                  : ComputePredicate<EqualityTypes, Different>(context);
  }

 private:
  bool equal_ = true;
  bool shape_error_ = true;
};
CRYOGRAPH_KERNEL(EqualityKernel, "Equal", "NotEqual");

template <typename T>
struct IsLess {
  bool operator()(T a, T b) const { return a < b; }
};
template <typename T>
struct IsLessOrEqual {
  bool operator()(T a, T b) const { return a <= b; }
};
template <typename T>
struct IsGreater {
  bool operator()(T a, T b) const { return a > b; }
};
template <typename T>
struct IsGreaterOrEqual {
  bool operator()(T a, T b) const { return a >= b; }
};

absl::Status Less(KernelContext& context) { return ComputePredicate<RealTypes, IsLess>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Less, "Less");

absl::Status LessEqual(KernelContext& context) { return ComputePredicate<RealTypes, IsLessOrEqual>(context); }
CRYOGRAPH_KERNEL_FUNCTION(LessEqual, "LessEqual");

absl::Status Greater(KernelContext& context) { return ComputePredicate<RealTypes, IsGreater>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Greater, "Greater");

absl::Status GreaterEqual(KernelContext& context) {
  return ComputePredicate<RealTypes, IsGreaterOrEqual>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(GreaterEqual, "GreaterEqual");

class ApproximateEqualKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("tolerance", &tolerance_); }

  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectSameShape(context.input(0), context.input(1)));
    ASSIGN_OR_RETURN(const Broadcast broadcast, BroadcastInputs(context));
    return DispatchType<NumberTypes>(context.input(0).dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      return BinaryLoop<T, bool>(context, broadcast, [this](T a, T b) {
        if constexpr (std::is_integral_v<T>) {
          const T distance = a > b ? static_cast<T>(a - b) : static_cast<T>(b - a);
          return distance < static_cast<T>(tolerance_);
        } else {
          using A = Arithmetic<T>;
          using std::abs;
          const auto distance = abs(static_cast<A>(a) - static_cast<A>(b));
          return distance < static_cast<decltype(distance)>(tolerance_);
        }
      });
    });
  }

 private:
  float tolerance_ = 1e-5f;
};
CRYOGRAPH_KERNEL(ApproximateEqualKernel, "ApproximateEqual");

}  // namespace
}  // namespace cryograph

// Add, AddV2, Sub, Mul, SquaredDifference, MulNoNan.
#include <complex>
#include <string>

#include "runtime/kernels/binary.h"

namespace cryograph {
namespace {

template <typename T>
struct Sum {
  T operator()(T a, T b) const {
    using A = Arithmetic<T>;
    return static_cast<T>(static_cast<A>(a) + static_cast<A>(b));
  }
};

template <typename T>
struct Difference {
  T operator()(T a, T b) const {
    using A = Arithmetic<T>;
    return static_cast<T>(static_cast<A>(a) - static_cast<A>(b));
  }
};

template <typename T>
struct Product {
  T operator()(T a, T b) const {
    using A = Arithmetic<T>;
    return static_cast<T>(static_cast<A>(a) * static_cast<A>(b));
  }
};

template <typename T>
struct SquareOfDifference {
  T operator()(T a, T b) const {
    using A = Arithmetic<T>;
    const A difference = static_cast<A>(a) - static_cast<A>(b);
    return static_cast<T>(difference * difference);
  }
};
template <typename F>
struct SquareOfDifference<std::complex<F>> {
  std::complex<F> operator()(std::complex<F> a, std::complex<F> b) const {
    const std::complex<F> difference = a - b;
    return std::conj(difference) * difference;
  }
};

template <typename T>
struct ProductNoNan {
  T operator()(T a, T b) const {
    using A = Arithmetic<T>;
    return static_cast<A>(b) == A(0) ? static_cast<T>(A(0))
                                     : static_cast<T>(static_cast<A>(a) * static_cast<A>(b));
  }
};

absl::Status Add(KernelContext& context) {
  if (context.input(0).dtype() == DT_STRING) {
    ASSIGN_OR_RETURN(const Broadcast broadcast, BroadcastInputs(context));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, broadcast.shape()));
    const std::string* a = context.input(0).data<std::string>();
    const std::string* b = context.input(1).data<std::string>();
    std::string* out = output->mutable_data<std::string>();
    broadcast.ForEachRow([&](int64_t offset, const int64_t* from, int64_t count, const int64_t* step) {
      for (int64_t i = 0; i < count; ++i) {
        out[offset + i] = absl::StrCat(a[from[0] + i * step[0]], b[from[1] + i * step[1]]);
      }
    });
    return absl::OkStatus();
  }
  return ComputeBinary<NumberTypes, Sum>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(Add, "Add", "AddV2");

absl::Status Sub(KernelContext& context) { return ComputeBinary<NumberTypes, Difference>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Sub, "Sub");

absl::Status Mul(KernelContext& context) { return ComputeBinary<NumberTypes, Product>(context); }
CRYOGRAPH_KERNEL_FUNCTION(Mul, "Mul");

absl::Status SquaredDifference(KernelContext& context) {
  return ComputeBinary<NumberTypes, SquareOfDifference>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(SquaredDifference, "SquaredDifference");

absl::Status MulNoNan(KernelContext& context) {
  return ComputeBinary<JoinTypes<FloatTypes, ComplexTypes>, ProductNoNan>(context);
}
CRYOGRAPH_KERNEL_FUNCTION(MulNoNan, "MulNoNan");

}  // namespace
}  // namespace cryograph

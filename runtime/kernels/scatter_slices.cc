#include "runtime/kernels/scatter_slices.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/dispatch.h"
#include "runtime/kernels/arithmetic.h"
#include "runtime/kernels/wrapping_product.h"

namespace cryograph {
namespace {

// Writes each slice of `updates` where its row of `indices` says. The last dimension of `indices` addresses
// the leading dimensions of the output.
struct Scatter {
  int64_t count = 1, depth = 0, inner = 1;

  static absl::StatusOr<Scatter> Of(const Value& indices, const Value& updates, const Shape& shape) {
    if (indices.rank() < 1 || shape.empty()) {
      return absl::InvalidArgumentError("indices and output must be at least vectors");
    }
    if (indices.num_elements() > 0 && std::count(shape.begin(), shape.end(), 0) > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are indices, but the output of shape ", ShapeText(shape), " has no elements"));
    }
    Scatter scatter;
    // A vector of indices addresses the first dimension; it is not one address.
    Shape expected = indices.shape();
    if (indices.rank() > 1) expected.pop_back();
    scatter.depth = indices.rank() > 1 ? indices.dim(indices.rank() - 1) : 1;
    if (scatter.depth == 0 && std::count(shape.begin(), shape.end(), 0) == 0) {
      return absl::InvalidArgumentError("indices must address one dimension at least");
    }
    if (scatter.depth > static_cast<int64_t>(shape.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("indices address ", scatter.depth, " dimensions of shape ", ShapeText(shape)));
    }
    for (const int64_t size : expected) scatter.count = WrappingProduct(scatter.count, size);
    for (size_t d = static_cast<size_t>(scatter.depth); d < shape.size(); ++d) {
      expected.push_back(shape[d]);
      scatter.inner = WrappingProduct(scatter.inner, shape[d]);
    }
    if (updates.shape() != expected) {
      return absl::InvalidArgumentError(absl::StrCat("updates must be of shape ", ShapeText(expected),
                                                     ", not ", ShapeText(updates.shape())));
    }
    return scatter;
  }

  template <typename T, typename Apply>
  absl::Status Run(const Value& indices, const Value& updates, Value* output, Apply apply) const {
    if (inner == 0) return absl::OkStatus();  // Of() has seen that there is no index to check then.
    return DispatchType<IndexTypes>(indices.dtype(), [&](auto index_tag) -> absl::Status {
      const auto* index = indices.data<TypeOf<decltype(index_tag)>>();
      const T* from = updates.data<T>();
      T* out = output->mutable_data<T>();
      for (int64_t i = 0; i < count; ++i, from += inner) {
        int64_t row = 0;
        for (int64_t d = 0; d < depth; ++d) {
          const int64_t place = index[i * depth + d], size = output->dim(static_cast<int>(d));
          if (place < 0 || place >= size) {
            return absl::InvalidArgumentError(
                absl::StrCat("indices[", i, ",", d, "] = ", place, " is not in [0, ", size, ")"));
          }
          row = row * size + place;
        }
        for (int64_t n = 0; n < inner; ++n) apply(out[row * inner + n], from[n]);
      }
      return absl::OkStatus();
    });
  }
};

// An integer's largest negative divided by -1 wraps.
template <typename T>
T Quotient(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) {
      if (b == T(-1)) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
    }
    return static_cast<T>(a / b);
  } else {
    using A = Arithmetic<T>;
    return static_cast<T>(static_cast<A>(a) / static_cast<A>(b));
  }
}

absl::Status ExpectNoZeros(const Value& divisors) {
  return DispatchType<IntTypes>(divisors.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    const auto elements = divisors.span<T>();
    if (std::count(elements.begin(), elements.end(), T(0)) == 0) return absl::OkStatus();
    return absl::InvalidArgumentError("Integer division by zero");
  });
}

}  // namespace

absl::Status ScatterSlices(ScatterMode mode, const Value& indices, const Value& updates, Value* output) {
  ASSIGN_OR_RETURN(const Scatter scatter, Scatter::Of(indices, updates, output->shape()));
  if (mode == ScatterMode::kUpdate) {
    return DispatchWidth(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      return scatter.Run<T>(indices, updates, output, [](T& to, const T& from) { to = from; });
    });
  }
  if (mode == ScatterMode::kMax || mode == ScatterMode::kMin) {
    return DispatchType<RealTypes>(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const bool largest = mode == ScatterMode::kMax;
      return scatter.Run<T>(indices, updates, output, [largest](T& to, const T& from) {
        if (largest ? from > to : from < to) to = from;
      });
    });
  }
  if (output->dtype() == DT_STRING && mode == ScatterMode::kAdd) {
    return scatter.Run<std::string>(indices, updates, output,
                                    [](std::string& to, const std::string& from) { to += from; });
  }
  if (output->dtype() == DT_BOOL && mode == ScatterMode::kAdd) {
    return scatter.Run<bool>(indices, updates, output, [](bool& to, bool from) { to = to || from; });
  }
  if (mode == ScatterMode::kDiv && IsOneOf<IntTypes>(output->dtype())) {
    RETURN_IF_ERROR(ExpectNoZeros(updates));
  }
  return DispatchType<NumberTypes>(output->dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    using A = Arithmetic<T>;
    if (mode == ScatterMode::kMul) {
      return scatter.Run<T>(indices, updates, output, [](T& to, const T& from) {
        to = static_cast<T>(static_cast<A>(to) * static_cast<A>(from));
      });
    }
    if (mode == ScatterMode::kDiv) {
      return scatter.Run<T>(indices, updates, output, [](T& to, const T& from) { to = Quotient(to, from); });
    }
    const bool add = mode == ScatterMode::kAdd;
    return scatter.Run<T>(indices, updates, output, [add](T& to, const T& from) {
      to = static_cast<T>(add ? static_cast<A>(to) + static_cast<A>(from)
                              : static_cast<A>(to) - static_cast<A>(from));
    });
  });
}

}  // namespace cryograph

// InplaceUpdate, InplaceAdd, InplaceSub: a copy of x with rows replaced, added to or subtracted from.
#include <algorithm>
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

class InplaceKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    op_ = std::string(node.op());
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value &x = context.input(0), &rows = context.input(1), &v = context.input(2);
    RETURN_IF_ERROR(ExpectVector(rows, "i"));
    if (x.rank() < 1 || x.rank() != v.rank() || v.dim(0) != rows.dim(0) ||
        !std::equal(x.shape().begin() + 1, x.shape().end(), v.shape().begin() + 1)) {
      return absl::InvalidArgumentError(absl::StrCat("v of shape ", ShapeText(v.shape()), " is not ",
                                                     rows.dim(0), " rows of x of shape ",
                                                     ShapeText(x.shape())));
    }
    if (rows.num_elements() > 0 && x.dim(0) == 0) return absl::InvalidArgumentError("x has no rows");
    ASSIGN_OR_RETURN(Value result, x.Copy(context.pool()));
    const int64_t inner = x.dim(0) == 0 ? 0 : x.num_elements() / x.dim(0);
    // Rows are taken modulo their number, as TensorFlow does.
    const auto row = [&](int64_t i) {
      const int64_t place = rows.data<int32_t>()[i] % x.dim(0);
      return (place < 0 ? place + x.dim(0) : place) * inner;
    };
    if (op_ == "InplaceUpdate") {
      RETURN_IF_ERROR(DispatchWidth(x.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        for (int64_t i = 0; i < rows.dim(0); ++i) {
          std::copy_n(v.data<T>() + i * inner, inner, result.mutable_data<T>() + row(i));
        }
        return absl::OkStatus();
      }));
    } else {
      const bool add = op_ == "InplaceAdd";
      RETURN_IF_ERROR(DispatchType<NumberTypes>(x.dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        using A = Arithmetic<T>;
        for (int64_t i = 0; i < rows.dim(0); ++i) {
          T* to = result.mutable_data<T>() + row(i);
          for (int64_t n = 0; n < inner; ++n) {
            const A by = static_cast<A>(v.data<T>()[i * inner + n]);
            to[n] = static_cast<T>(add ? static_cast<A>(to[n]) + by : static_cast<A>(to[n]) - by);
          }
        }
        return absl::OkStatus();
      }));
    }
    context.SetOutput(0, std::move(result));
    return absl::OkStatus();
  }

 private:
  std::string op_;
};
CRYOGRAPH_KERNEL(InplaceKernel, "InplaceUpdate", "InplaceAdd", "InplaceSub");

}  // namespace
}  // namespace cryograph

// FFT, IFFT, RFFT, IRFFT in one to three dimensions, of any length, computed in double.
#include <cmath>
#include <complex>

#include "absl/strings/match.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using Complex = std::complex<double>;
constexpr double kPi = 3.14159265358979323846;

// In place, count a power of two; no scaling.
void PowerOfTwo(Complex* x, int64_t count, bool inverse) {
  for (int64_t i = 1, j = 0; i < count; ++i) {
    int64_t bit = count >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (int64_t width = 2; width <= count; width *= 2) {
    const double angle = (inverse ? 2 : -2) * kPi / static_cast<double>(width);
    for (int64_t k = 0; k < width / 2; ++k) {
      const Complex turn = std::polar(1.0, angle * static_cast<double>(k));
      for (int64_t i = k; i < count; i += width) {
        const Complex odd = x[i + width / 2] * turn;
        x[i + width / 2] = x[i] - odd;
        x[i] += odd;
      }
    }
  }
}

// Transforms of one length. Lengths that are no power of two: a convolution with a chirp (Bluestein, 1970).
class Transform {
 public:
  // How many elements of scratch memory a transform of `count` takes; `count` is at most 2^40.
  static int64_t Scratch(int64_t count) { return IsPowerOfTwo(count) ? 0 : 2 * Wide(count) + count; }

  // `scratch` must outlive the transform.
  Transform(int64_t count, bool inverse, Complex* scratch) : count_(count), inverse_(inverse) {
    if (IsPowerOfTwo(count)) return;
    wide_ = Wide(count);
    filter_ = scratch;
    chirp_ = scratch + 2 * wide_;
    std::fill_n(filter_, wide_, Complex(0));
    for (int64_t n = 0; n < count; ++n) {
      const auto square = static_cast<double>(Square(n, 2 * count));
      chirp_[n] = std::polar(1.0, (inverse ? kPi : -kPi) * square / static_cast<double>(count));
      filter_[n] = std::conj(chirp_[n]);
      if (n > 0) filter_[wide_ - n] = filter_[n];
    }
    PowerOfTwo(filter_, wide_, false);
  }

  // In place; the inverse divides by the length.
  void Run(Complex* x) {
    if (wide_ == 1) {
      PowerOfTwo(x, count_, inverse_);
    } else {
      Complex* work = filter_ + wide_;
      for (int64_t i = 0; i < wide_; ++i) work[i] = i < count_ ? x[i] * chirp_[i] : Complex(0);
      PowerOfTwo(work, wide_, false);
      for (int64_t i = 0; i < wide_; ++i) work[i] *= filter_[i];
      PowerOfTwo(work, wide_, true);
      for (int64_t i = 0; i < count_; ++i) x[i] = work[i] * chirp_[i] / static_cast<double>(wide_);
    }
    if (inverse_) {
      for (int64_t i = 0; i < count_; ++i) x[i] /= static_cast<double>(count_);
    }
  }

 private:
  static bool IsPowerOfTwo(int64_t count) { return (count & (count - 1)) == 0; }

  static int64_t Wide(int64_t count) {
    int64_t wide = 1;
    while (wide < 2 * count - 1) wide *= 2;
    return wide;
  }

  // n^2 modulo m, without overflow for m below 2^42.
  static int64_t Square(int64_t n, int64_t m) {
    const int64_t high = n >> 20, low = n & ((1 << 20) - 1);
    return ((high * n % m << 20) % m + low * n % m) % m;
  }

  int64_t count_ = 0, wide_ = 1;
  bool inverse_ = false;
  Complex *filter_ = nullptr, *chirp_ = nullptr;
};

using InputTypes =
    JoinTypes<TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>, ComplexTypes>;

class FftKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    absl::string_view op = node.op();
    if (absl::StartsWith(op, "Batch")) op.remove_prefix(5);
    inverse_ = op[0] == 'I';
    real_ = absl::StrContains(op, "RFFT");
    axes_ = op.back() == 'D' ? op[op.size() - 2] - '0' : 1;
    for (const DataType type : {node.input_type(0), node.output_type(0)}) {
      if (!IsOneOf<InputTypes>(type)) return node.UnsupportedType(type);
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const int rank = input.rank();
    if (rank < axes_) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input of shape ", ShapeText(input.shape()), " must be of rank ", axes_));
    }
    Shape dims = input.shape();  // Of the output; `middle` of what is transformed.
    if (real_) {
      RETURN_IF_ERROR(ExpectVector(context.input(1), "fft_length"));
      ASSIGN_OR_RETURN(const Shape lengths, IntVector(context.input(1), "fft_length"));
      if (static_cast<int>(lengths.size()) != axes_) {
        return absl::InvalidArgumentError(absl::StrCat("fft_length must have ", axes_, " elements"));
      }
      for (int i = 0; i < axes_; ++i) {
        if (lengths[i] < 0) return absl::InvalidArgumentError("fft_length must not be negative");
        const int64_t there = input.dim(rank - axes_ + i);
        const int64_t needed = inverse_ && i == axes_ - 1 && lengths[i] > 0 ? lengths[i] / 2 + 1 : lengths[i];
        if (there != 0 && there < needed) {
          return absl::InvalidArgumentError(absl::StrCat(
              "dimension ", rank - axes_ + i, " must have at least ", needed, " elements, not ", there));
        }
        dims[rank - axes_ + i] = lengths[i];
      }
    }
    Shape middle = dims;
    if (real_ && !inverse_) dims.back() = dims.back() == 0 ? 0 : dims.back() / 2 + 1;
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
    if (output->num_elements() == 0) return absl::OkStatus();
    if (input.num_elements() == 0) {
      std::fill_n(output->mutable_raw(), output->num_bytes(), 0);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(Value temp, context.AllocateTemp(DT_COMPLEX128, middle));
    const int64_t stored = real_ && inverse_ ? middle.back() / 2 + 1 : middle.back();
    RETURN_IF_ERROR(DispatchType<InputTypes>(input.dtype(), [&](auto tag) {
      Load(input.data<TypeOf<decltype(tag)>>(), input.shape(), middle, stored, temp.mutable_data<Complex>());
      return absl::OkStatus();
    }));
    for (int i = 0; i < axes_; ++i) {
      // Half a spectrum is whole again once all other axes are done.
      const bool last = i == axes_ - 1;
      if (last && real_ && inverse_) Mirror(middle.back(), temp);
      RETURN_IF_ERROR(Along(context, rank - axes_ + i, temp));
    }
    return DispatchType<InputTypes>(output->dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      T* out = output->mutable_data<T>();
      const int64_t width = dims.back();
      for (int64_t i = 0; i < output->num_elements(); ++i) {
        const Complex& x = temp.data<Complex>()[i / width * middle.back() + i % width];
        if constexpr (std::is_floating_point<T>::value) {
          out[i] = static_cast<T>(x.real());
        } else {
          out[i] = static_cast<T>(x);
        }
      }
      return absl::OkStatus();
    });
  }

 private:
  // Cuts every row (of all axes but the last, too) to what `shape` keeps.
  template <typename T>
  static void Load(const T* from, const Shape& given, const Shape& shape, int64_t stored, Complex* to) {
    const size_t rank = shape.size();
    int64_t rows = 1;
    for (size_t d = 0; d + 1 < rank; ++d) rows *= shape[d];
    for (int64_t r = 0; r < rows; ++r) {
      int64_t rest = r, place = 0, stride = given.back();
      for (size_t d = rank - 1; d-- > 0; rest /= shape[d]) {
        place += rest % shape[d] * stride;
        stride *= given[d];
      }
      for (int64_t i = 0; i < shape.back(); ++i) {
        to[r * shape.back() + i] = i < stored ? Complex(from[place + i]) : Complex(0);
      }
    }
  }

  static void Mirror(int64_t width, Value& temp) {
    Complex* x = temp.mutable_data<Complex>();
    for (int64_t r = 0; r < temp.num_elements() / width; ++r, x += width) {
      x[0] = x[0].real();
      for (int64_t i = width / 2 + 1; i < width; ++i) x[i] = std::conj(x[width - i]);
      if (width % 2 == 0) x[width / 2] = x[width / 2].real();
    }
  }

  absl::Status Along(KernelContext& context, int axis, Value& temp) const {
    const int64_t length = temp.dim(axis);
    int64_t inner = 1;
    for (int d = axis + 1; d < temp.rank(); ++d) inner *= temp.dim(d);
    if (length > int64_t{1} << 40) return absl::ResourceExhaustedError("the transform is too long");
    ASSIGN_OR_RETURN(Value scratch, context.AllocateTemp(DT_COMPLEX128, {Transform::Scratch(length)}));
    Transform transform(length, inverse_, scratch.mutable_data<Complex>());
    ASSIGN_OR_RETURN(Value line, context.AllocateTemp(DT_COMPLEX128, {length}));
    Complex* work = line.mutable_data<Complex>();
    for (int64_t n = 0; n < temp.num_elements() / length; ++n) {
      RETURN_IF_ERROR(context.CheckLimits());
      Complex* at = temp.mutable_data<Complex>() + n / inner * length * inner + n % inner;
      for (int64_t i = 0; i < length; ++i) work[i] = at[i * inner];
      transform.Run(work);
      for (int64_t i = 0; i < length; ++i) at[i * inner] = work[i];
    }
    return absl::OkStatus();
  }

  bool inverse_ = false, real_ = false;
  int axes_ = 1;
};
CRYOGRAPH_KERNEL(FftKernel, "FFT", "FFT2D", "FFT3D", "IFFT", "IFFT2D", "IFFT3D", "RFFT", "RFFT2D", "RFFT3D",
                 "IRFFT", "IRFFT2D", "IRFFT3D", "BatchFFT", "BatchFFT2D", "BatchFFT3D", "BatchIFFT",
                 "BatchIFFT2D", "BatchIFFT3D");

}  // namespace
}  // namespace cryograph

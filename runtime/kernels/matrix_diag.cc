// MatrixBandPart; MatrixDiag, MatrixDiagPart, MatrixSetDiag: diagonals of batches of matrices.
#include <algorithm>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// Diagonals `lower` to `upper` of matrices of rows x columns (0: the main one; above it, positive), stored
// as rows of a small matrix, the highest first.
struct Band {
  int64_t lower = 0, upper = 0, rows = 0, columns = 0;
  int64_t longest = 0;  // Length of the stored rows.
  bool super_left = true, sub_left = true;

  int64_t count() const { return upper - lower + 1; }

  // How far diagonal d is shifted in its stored row.
  int64_t Shift(int64_t d) const {
    if ((d >= 0 && super_left) || (d <= 0 && sub_left)) return 0;
    return longest - Length(d);
  }

  int64_t Length(int64_t d) const {
    return std::min(rows + std::min<int64_t>(d, 0), columns - std::max<int64_t>(d, 0));
  }

  // Calls element(place in the matrix, place among the diagonals) for all elements of the band.
  template <typename Element>
  void ForEach(Element element) const {
    for (int64_t d = upper; d >= lower; --d) {
      const int64_t length = Length(d), row = std::max<int64_t>(-d, 0), column = std::max<int64_t>(d, 0);
      const int64_t stored = (upper - d) * longest + Shift(d);
      for (int64_t n = 0; n < length; ++n) element((row + n) * columns + column + n, stored + n);
    }
  }

  absl::Status Check() const {
    for (const int64_t d : {lower, upper}) {
      if (d != 0 && (d <= -rows || d >= columns)) {
        return absl::InvalidArgumentError(
            absl::StrCat("diagonal ", d, " does not meet a matrix of ", rows, " by ", columns));
      }
    }
    return absl::OkStatus();
  }
};

class DiagonalsKernel : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const absl::string_view op = node.op();
    general_ = op.back() == '2' || op.back() == '3';
    if (op.back() != '3') return absl::OkStatus();
    std::string align;
    RETURN_IF_ERROR(node.Attr("align", &align));
    const size_t split = align.find('_');
    if (split == std::string::npos) return absl::InvalidArgumentError("align must be two words");
    super_left_ = align.substr(0, split) == "LEFT";
    sub_left_ = align.substr(split + 1) == "LEFT";
    return absl::OkStatus();
  }

 protected:
  // The band that input `index` names, of matrices not yet known.
  absl::StatusOr<Band> ReadBand(const KernelContext& context, int index) const {
    Band band;
    band.super_left = super_left_;
    band.sub_left = sub_left_;
    if (!general_) return band;
    ASSIGN_OR_RETURN(const Shape k, IntVector(context.input(index), "k"));
    if (k.empty() || k.size() > 2) return absl::InvalidArgumentError("k must have one or two elements");
    band.lower = k.front();
    band.upper = k.back();
    if (band.lower > band.upper) {
      return absl::InvalidArgumentError(absl::StrCat("k[0] = ", k[0], " is above k[1] = ", k[1]));
    }
    return band;
  }

  static absl::Status SetMatrix(const Value& matrices, Band* band) {
    if (matrices.rank() < 2) return absl::InvalidArgumentError("the input must be at least a matrix");
    band->rows = matrices.dim(matrices.rank() - 2);
    band->columns = matrices.dim(matrices.rank() - 1);
    RETURN_IF_ERROR(band->Check());
    band->longest = std::min(band->rows + std::min<int64_t>(band->upper, 0),
                             band->columns - std::max<int64_t>(band->lower, 0));
    return absl::OkStatus();
  }

  // Shape of the diagonals of matrices of this shape.
  static Shape DiagonalsShape(const Value& matrices, const Band& band) {
    Shape dims(matrices.shape().begin(), matrices.shape().end() - 2);
    if (band.count() > 1) dims.push_back(band.count());
    dims.push_back(band.longest);
    return dims;
  }

  bool general_ = false;

 private:
  bool super_left_ = true, sub_left_ = true;
};

class MatrixDiagKernel final : public DiagonalsKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& diagonals = context.input(0);
    ASSIGN_OR_RETURN(Band band, ReadBand(context, 1));
    const int rank = diagonals.rank();
    if (rank < (band.count() > 1 ? 2 : 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the diagonals of shape ", ShapeText(diagonals.shape()), " have too few dimensions"));
    }
    band.longest = diagonals.dim(rank - 1);
    if (band.count() > 1 && diagonals.dim(rank - 2) != band.count()) {
      return absl::InvalidArgumentError(
          absl::StrCat("k asks for ", band.count(), " diagonals, not ", diagonals.dim(rank - 2)));
    }
    int64_t rows = -1, columns = -1;
    if (general_) {
      ASSIGN_OR_RETURN(rows, ScalarInt(context.input(2), "num_rows"));
      ASSIGN_OR_RETURN(columns, ScalarInt(context.input(3), "num_cols"));
      RETURN_IF_ERROR(ExpectScalar(context.input(4), "padding_value"));
    }
    const int64_t least_rows = band.longest - std::min<int64_t>(band.upper, 0);
    const int64_t least_columns = band.longest + std::max<int64_t>(band.lower, 0);
    if (rows == -1 && columns == -1) rows = columns = std::max(least_rows, least_columns);
    if (rows == -1) rows = least_rows;
    if (columns == -1) columns = least_columns;
    if (rows < least_rows || columns < least_columns || (rows != least_rows && columns != least_columns)) {
      return absl::InvalidArgumentError(
          absl::StrCat("diagonals of ", band.longest, " do not fit a matrix of ", rows, " by ", columns));
    }
    band.rows = rows;
    band.columns = columns;
    RETURN_IF_ERROR(band.Check());
    Shape dims(diagonals.shape().begin(), diagonals.shape().end() - (band.count() > 1 ? 2 : 1));
    dims.push_back(rows);
    dims.push_back(columns);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
    if (output->num_elements() == 0) return absl::OkStatus();
    const int64_t batches = output->num_elements() / (rows * columns);
    return DispatchWidth(diagonals.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T padding = general_ ? context.input(4).scalar<T>() : T();
      const T* from = diagonals.data<T>();
      T* to = output->mutable_data<T>();
      std::fill_n(to, output->num_elements(), padding);
      for (int64_t b = 0; b < batches; ++b) {
        band.ForEach([&](int64_t matrix, int64_t stored) { to[matrix] = from[stored]; });
        from += band.count() * band.longest;
        to += rows * columns;
      }
      return absl::OkStatus();
    });
  }
};
CRYOGRAPH_KERNEL(MatrixDiagKernel, "MatrixDiag", "MatrixDiagV2", "MatrixDiagV3", "BatchMatrixDiag");

class MatrixDiagPartKernel final : public DiagonalsKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Band band, ReadBand(context, 1));
    if (general_) RETURN_IF_ERROR(ExpectScalar(context.input(2), "padding_value"));
    RETURN_IF_ERROR(SetMatrix(input, &band));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, DiagonalsShape(input, band)));
    if (output->num_elements() == 0) return absl::OkStatus();
    const int64_t batches = output->num_elements() / (band.count() * band.longest);
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T padding = general_ ? context.input(2).scalar<T>() : T();
      const T* from = input.data<T>();
      T* to = output->mutable_data<T>();
      std::fill_n(to, output->num_elements(), padding);
      for (int64_t b = 0; b < batches; ++b) {
        band.ForEach([&](int64_t matrix, int64_t stored) { to[stored] = from[matrix]; });
        from += band.rows * band.columns;
        to += band.count() * band.longest;
      }
      return absl::OkStatus();
    });
  }
};
CRYOGRAPH_KERNEL(MatrixDiagPartKernel, "MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3",
                 "BatchMatrixDiagPart");

class MatrixSetDiagKernel final : public DiagonalsKernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& diagonals = context.input(1);
    ASSIGN_OR_RETURN(Band band, ReadBand(context, 2));
    RETURN_IF_ERROR(SetMatrix(context.input(0), &band));
    const Shape expected = DiagonalsShape(context.input(0), band);
    if (diagonals.shape() != expected) {
      return absl::InvalidArgumentError(absl::StrCat("the diagonals must be of shape ", ShapeText(expected),
                                                     ", not ", ShapeText(diagonals.shape())));
    }
    ASSIGN_OR_RETURN(Value output, context.input(0).Copy(context.pool()));
    const int64_t size = band.rows * band.columns;
    const int64_t batches = size == 0 ? 0 : output.num_elements() / size;
    RETURN_IF_ERROR(DispatchWidth(output.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const T* from = diagonals.data<T>();
      T* to = output.mutable_data<T>();
      for (int64_t b = 0; b < batches; ++b) {
        band.ForEach([&](int64_t matrix, int64_t stored) { to[matrix] = from[stored]; });
        from += band.count() * band.longest;
        to += size;
      }
      return absl::OkStatus();
    }));
    context.SetOutput(0, std::move(output));
    return absl::OkStatus();
  }
};
CRYOGRAPH_KERNEL(MatrixSetDiagKernel, "MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3",
                 "BatchMatrixSetDiag");

absl::Status MatrixBandPart(KernelContext& context) {
  const Value& input = context.input(0);
  if (input.rank() < 2) return absl::InvalidArgumentError("the input must be at least a matrix");
  const int64_t rows = input.dim(input.rank() - 2), columns = input.dim(input.rank() - 1);
  ASSIGN_OR_RETURN(int64_t lower, ScalarInt(context.input(1), "num_lower"));
  ASSIGN_OR_RETURN(int64_t upper, ScalarInt(context.input(2), "num_upper"));
  if (lower > rows || upper > columns) {
    return absl::InvalidArgumentError(absl::StrCat("a band of ", lower, " below and ", upper,
                                                   " above is wider than a matrix of ", rows, " by ",
                                                   columns));
  }
  if (lower < 0) lower = rows;
  if (upper < 0) upper = columns;
  ASSIGN_OR_RETURN(Value * output, context.ForwardOrAllocateOutput({0}, 0, input.shape()));
  if (output->num_elements() == 0) return absl::OkStatus();
  const int64_t all_rows = output->num_elements() / columns;
  return DispatchWidth(input.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    const T* from = input.data<T>();
    T* to = output->mutable_data<T>();
    for (int64_t r = 0; r < all_rows; ++r) {
      const int64_t i = r % rows;
      for (int64_t j = 0; j < columns; ++j, ++from, ++to) {
        const T element = *from;
        *to = i - j <= lower && j - i <= upper ? element : T();
      }
    }
    return absl::OkStatus();
  });
}
CRYOGRAPH_KERNEL_FUNCTION(MatrixBandPart, "MatrixBandPart", "BatchMatrixBandPart");

}  // namespace
}  // namespace cryograph

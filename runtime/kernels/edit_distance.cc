// EditDistance: Levenshtein's distance between the sequences of two sparse tensors.
#include <algorithm>
#include <limits>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using ElementTypes = JoinTypes<RealTypes, BoolType, StringType>;

// A sparse tensor whose last dimension runs along sequences; rows are in order.
struct Sequences {
  const int64_t* indices;
  const Value* values;
  Shape shape;
  int64_t count;
  int rank;

  static absl::StatusOr<Sequences> Of(const KernelContext& context, int first, absl::string_view what) {
    const Value &indices = context.input(first), &values = context.input(first + 1);
    RETURN_IF_ERROR(ExpectMatrix(indices, absl::StrCat(what, " indices")));
    RETURN_IF_ERROR(ExpectVector(values, absl::StrCat(what, " values")));
    RETURN_IF_ERROR(ExpectVector(context.input(first + 2), absl::StrCat(what, " shape")));
    ASSIGN_OR_RETURN(Shape shape, IntVector(context.input(first + 2), "a shape"));
    const auto rank = static_cast<int>(shape.size());
    if (rank < 2 || indices.dim(1) != rank || indices.dim(0) != values.dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": indices of shape ", ShapeText(indices.shape()),
                                                     " for ", values.dim(0), " values of a tensor of rank ",
                                                     rank, ", which must be 2 at least"));
    }
    Sequences result{indices.data<int64_t>(), &values, std::move(shape), indices.dim(0), rank};
    for (int64_t i = 0; i < result.count; ++i) {
      for (int d = 0; d < rank; ++d) {
        const int64_t place = result.indices[i * rank + d];
        if (place < 0 || place >= result.shape[static_cast<size_t>(d)]) {
          return absl::InvalidArgumentError(absl::StrCat(what, " index ", place, " is out of range"));
        }
      }
      if (i > 0 && result.Before(i, result.indices + (i - 1) * rank, rank)) {
        return absl::InvalidArgumentError(absl::StrCat(what, " indices are not in order"));
      }
    }
    return result;
  }

  // Does entry i come before `place` in its first `dims` indices?
  bool Before(int64_t i, const int64_t* place, int dims) const {
    return std::lexicographical_compare(indices + i * rank, indices + i * rank + dims, place, place + dims);
  }

  // The end of the sequence that begins with entry i.
  int64_t End(int64_t i) const {
    int64_t end = i;
    while (end < count &&
           std::equal(indices + i * rank, indices + (i + 1) * rank - 1, indices + end * rank)) {
      ++end;
    }
    return end;
  }
};

// `row` is scratch: b_count + 1 numbers.
template <typename T>
absl::StatusOr<int64_t> Distance(const T* a, int64_t a_count, const T* b, int64_t b_count, int64_t* row,
                                 const KernelContext& context) {
  for (int64_t j = 0; j <= b_count; ++j) row[j] = j;
  for (int64_t i = 1; i <= a_count; ++i) {
    if (i % 16 == 0) RETURN_IF_ERROR(context.CheckLimits());
    int64_t diagonal = row[0];
    row[0] = i;
    for (int64_t j = 1; j <= b_count; ++j) {
      const int64_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min(changed, std::min(row[j], row[j - 1]) + 1);
    }
  }
  return row[b_count];
}

class EditDistanceKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("normalize", &normalize_); }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Sequences hypothesis, Sequences::Of(context, 0, "hypothesis"));
    ASSIGN_OR_RETURN(const Sequences truth, Sequences::Of(context, 3, "truth"));
    if (hypothesis.rank != truth.rank)
      return absl::InvalidArgumentError("hypothesis and truth differ in rank");
    const int outer = truth.rank - 1;
    Shape dims;
    for (int d = 0; d < outer; ++d) {
      dims.push_back(std::max(truth.shape[static_cast<size_t>(d)], hypothesis.shape[static_cast<size_t>(d)]));
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, dims));
    std::fill_n(output->mutable_data<float>(), output->num_elements(), 0.f);
    ASSIGN_OR_RETURN(Value row, context.AllocateTemp(DT_INT64, {truth.count + 1}));
    int64_t h = 0, t = 0;
    while (h < hypothesis.count || t < truth.count) {
      RETURN_IF_ERROR(context.CheckLimits());
      const int64_t *h_place = hypothesis.indices + h * hypothesis.rank,
                    *t_place = truth.indices + t * truth.rank;
      const bool use_h = t == truth.count || (h < hypothesis.count && !truth.Before(t, h_place, outer));
      const bool use_t = h == hypothesis.count || (t < truth.count && !hypothesis.Before(h, t_place, outer));
      const int64_t h_end = use_h ? hypothesis.End(h) : h, t_end = use_t ? truth.End(t) : t;
      const int64_t* place = use_h ? h_place : t_place;
      int64_t at = 0;
      for (int d = 0; d < outer; ++d) at = at * dims[static_cast<size_t>(d)] + place[d];
      RETURN_IF_ERROR(DispatchType<ElementTypes>(truth.values->dtype(), [&](auto tag) -> absl::Status {
        using T = TypeOf<decltype(tag)>;
        ASSIGN_OR_RETURN(const int64_t distance,
                         Distance(hypothesis.values->data<T>() + h, h_end - h, truth.values->data<T>() + t,
                                  t_end - t, row.mutable_data<int64_t>(), context));
        auto result = static_cast<float>(distance);
        if (normalize_) {
          result =
              t_end > t ? result / static_cast<float>(t_end - t) : std::numeric_limits<float>::infinity();
        }
        output->mutable_data<float>()[at] = result;
        return absl::OkStatus();
      }));
      h = h_end;
      t = t_end;
    }
    return absl::OkStatus();
  }

 private:
  bool normalize_ = true;
};
CRYOGRAPH_KERNEL(EditDistanceKernel, "EditDistance");

}  // namespace
}  // namespace cryograph

// Parts of tensors: their text form, where they lie in the whole, and how a whole is put together from them.
#ifndef CRYOGRAPH_CHECKPOINT_SLICE_SPEC_H_
#define CRYOGRAPH_CHECKPOINT_SLICE_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "checkpoint/ordered_code.h"

namespace cryograph {

using TensorSlice = std::vector<SliceExtent>;  // One extent per dimension.

// What the shape_and_slices inputs of save and restore nodes hold: the full dimensions separated by spaces, a
// space, and per dimension "-" or "start,length" joined by ":", as in "10 3 4,3:0,3". A scalar has an empty
// list of either.
struct SliceSpec {
  std::vector<int64_t> dims;
  TensorSlice slice;
};

// InvalidArgument with `text` and what is wrong in it. Lengths are positive, extents inside the dimensions.
absl::StatusOr<SliceSpec> ParseSliceSpec(absl::string_view text);
std::string SliceSpecText(const SliceSpec& spec);

// "4,3:0,3".
std::string SliceText(absl::Span<const SliceExtent> slice);

// The slice with every extent spelled out. InvalidArgument if its rank is not that of `dims`, or an extent is
// empty although its dimension is not, or beyond the dimension.
absl::StatusOr<TensorSlice> ResolveSlice(absl::Span<const SliceExtent> slice, absl::Span<const int64_t> dims);

// Lengths of a resolved slice: the shape of its value.
std::vector<int64_t> SliceDims(absl::Span<const SliceExtent> slice);

// OK if no two of the resolved slices of one rank share an element; InvalidArgument naming two that do.
// O(n log n) for n slices along one dimension, O(n^2) at worst.
absl::Status CheckDisjoint(absl::Span<const TensorSlice> slices);

// OK if the resolved slices cover a tensor of `dims` without gap or overlap; InvalidArgument otherwise.
absl::Status CheckTiling(absl::Span<const TensorSlice> slices, absl::Span<const int64_t> dims);

// The part that two resolved slices of one rank share; false if there is none.
bool Intersect(absl::Span<const SliceExtent> a, absl::Span<const SliceExtent> b, TensorSlice* common);

// Runs of elements by which a common part of two boxes is copied from one to the other, both stored row
// major.
struct CopyRun {
  uint64_t from;   // Element offset in the source box.
  uint64_t to;     // Element offset in the target box.
  uint64_t count;  // Elements.
};

// Of `common`, a part of both boxes (all resolved and of one rank): dimensions before the result are walked
// one by one, what lies in the others is one run of *run elements in either box.
size_t WalkedDims(absl::Span<const SliceExtent> common, absl::Span<const SliceExtent> source,
                  absl::Span<const SliceExtent> target, uint64_t* run);

// True if all of `common` is one run.
bool IsOneRun(absl::Span<const SliceExtent> common, absl::Span<const SliceExtent> source,
              absl::Span<const SliceExtent> target);

// Calls visit(CopyRun) for each run of `common`, which is not empty, from box `source` to box `target`, in
// row-major order. Runs are as long as the layouts allow.
template <typename Visit>
void ForEachRun(absl::Span<const SliceExtent> common, absl::Span<const SliceExtent> source,
                absl::Span<const SliceExtent> target, Visit visit) {
  uint64_t run;
  const size_t walked = WalkedDims(common, source, target, &run);
  std::vector<int64_t> index(walked, 0);
  for (;;) {
    CopyRun step{0, 0, run};
    for (size_t d = 0; d < common.size(); ++d) {
      const int64_t at = common[d].start + (d < walked ? index[d] : 0);
      step.from =
          step.from * static_cast<uint64_t>(source[d].length) + static_cast<uint64_t>(at - source[d].start);
      step.to =
          step.to * static_cast<uint64_t>(target[d].length) + static_cast<uint64_t>(at - target[d].start);
    }
    visit(step);
    size_t d = walked;
    while (d > 0 && ++index[d - 1] == common[d - 1].length) index[--d] = 0;
    if (d == 0) return;
  }
}

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SLICE_SPEC_H_

#include "checkpoint/slice_spec.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

absl::Status BadSpec(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is not a slice of a tensor: ", why,
      "; expected the full dimensions and then 'start,length' or '-' for each, as in '10 3 4,3:0,3'"));
}

absl::StatusOr<TensorSlice> ParseExtents(absl::string_view text, absl::string_view extents) {
  TensorSlice slice;
  if (extents.empty()) return slice;
  for (const absl::string_view part : absl::StrSplit(extents, ':')) {
    SliceExtent extent;
    if (part != "-") {
      const std::vector<absl::string_view> numbers = absl::StrSplit(part, ',');
      if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &extent.start) ||
          !absl::SimpleAtoi(numbers[1], &extent.length)) {
        return BadSpec(text, absl::StrCat("'", part, "' cannot be read"));
      }
      if (extent.start < 0 || extent.length <= 0) {
        return BadSpec(text, absl::StrCat("'", part, "' has a negative start or no positive length"));
      }
    }
    slice.push_back(extent);
  }
  return slice;
}

// The dimension along which the slices begin at the most different places: few share a stretch of it.
size_t SweepAxis(absl::Span<const TensorSlice> slices, size_t rank) {
  size_t best = 0;
  size_t best_count = 0;
  for (size_t d = 0; d < rank; ++d) {
    std::vector<int64_t> starts;
    for (const TensorSlice& slice : slices) starts.push_back(slice[d].start);
    std::sort(starts.begin(), starts.end());
    const size_t count = static_cast<size_t>(std::unique(starts.begin(), starts.end()) - starts.begin());
    if (count > best_count) {
      best = d;
      best_count = count;
    }
  }
  return best;
}

}  // namespace

absl::StatusOr<SliceSpec> ParseSliceSpec(absl::string_view text) {
  if (text.empty()) return BadSpec(text, "it is empty");
  SliceSpec spec;
  std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  ASSIGN_OR_RETURN(spec.slice, ParseExtents(text, words.back()));
  words.pop_back();
  for (const absl::string_view word : words) {
    if (word.empty() && words.size() == 1 && spec.slice.empty()) break;  // " ": a scalar has neither list.
    int64_t dim;
    if (!absl::SimpleAtoi(word, &dim) || dim < 0)
      return BadSpec(text, absl::StrCat("'", word, "' is no dimension"));
    spec.dims.push_back(dim);
  }
  if (spec.dims.size() != spec.slice.size()) {
    return BadSpec(
        text, absl::StrCat("it has ", spec.dims.size(), " dimensions but ", spec.slice.size(), " extents"));
  }
  RETURN_IF_ERROR(NumElements(spec.dims).status());
  const absl::StatusOr<TensorSlice> resolved = ResolveSlice(spec.slice, spec.dims);
  if (!resolved.ok()) return BadSpec(text, resolved.status().message());
  return spec;
}

std::string SliceText(absl::Span<const SliceExtent> slice) {
  return absl::StrJoin(slice, ":", [](std::string* out, const SliceExtent& extent) {
    if (extent.is_full()) {
      out->push_back('-');
    } else {
      absl::StrAppend(out, extent.start, ",", extent.length);
    }
  });
}

std::string SliceSpecText(const SliceSpec& spec) {
  return absl::StrCat(absl::StrJoin(spec.dims, " "), " ", SliceText(spec.slice));
}

absl::StatusOr<TensorSlice> ResolveSlice(absl::Span<const SliceExtent> slice,
                                         absl::Span<const int64_t> dims) {
  if (slice.size() != dims.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the slice '", SliceText(slice), "' has ", slice.size(),
                                                   " dimensions, the tensor ", ShapeText(dims), " has ",
                                                   dims.size()));
  }
  TensorSlice resolved(slice.begin(), slice.end());
  for (size_t d = 0; d < dims.size(); ++d) {
    SliceExtent& extent = resolved[d];
    if (extent.is_full() && extent.start == 0) {
      extent.length = dims[d];
    } else if (extent.start < 0 || extent.length <= 0 || extent.start > dims[d] ||
               extent.length > dims[d] - extent.start) {
      return absl::InvalidArgumentError(absl::StrCat("the slice '", SliceText(slice),
                                                     "' is not inside the tensor ", ShapeText(dims),
                                                     ": dimension ", d, " has size ", dims[d]));
    }
  }
  return resolved;
}

std::vector<int64_t> SliceDims(absl::Span<const SliceExtent> slice) {
  std::vector<int64_t> dims;
  for (const SliceExtent& extent : slice) dims.push_back(extent.length);
  return dims;
}

bool Intersect(absl::Span<const SliceExtent> a, absl::Span<const SliceExtent> b, TensorSlice* common) {
  common->clear();
  for (size_t d = 0; d < a.size(); ++d) {
    const int64_t begin = std::max(a[d].start, b[d].start);
    const int64_t end = std::min(a[d].start + a[d].length, b[d].start + b[d].length);
    if (begin >= end) return false;
    common->push_back({begin, end - begin});
  }
  return true;
}

size_t WalkedDims(absl::Span<const SliceExtent> common, absl::Span<const SliceExtent> source,
                  absl::Span<const SliceExtent> target, uint64_t* run) {
  // Dimensions that are whole in both boxes join the one before them.
  size_t walked = common.size();
  *run = 1;
  while (walked > 0) {
    --walked;
    *run *= static_cast<uint64_t>(common[walked].length);
    if (common[walked].length != source[walked].length || common[walked].length != target[walked].length)
      break;
  }
  return walked;
}

bool IsOneRun(absl::Span<const SliceExtent> common, absl::Span<const SliceExtent> source,
              absl::Span<const SliceExtent> target) {
  uint64_t run;
  const size_t walked = WalkedDims(common, source, target, &run);
  for (size_t d = 0; d < walked; ++d) {
    if (common[d].length != 1) return false;
  }
  return true;
}

absl::Status CheckDisjoint(absl::Span<const TensorSlice> slices) {
  if (slices.size() < 2) return absl::OkStatus();
  const size_t rank = slices[0].size();
  const size_t axis = SweepAxis(slices, rank);
  std::vector<const TensorSlice*> order;
  for (const TensorSlice& slice : slices) order.push_back(&slice);
  std::stable_sort(order.begin(), order.end(), [&](const TensorSlice* a, const TensorSlice* b) {
    return rank > 0 && (*a)[axis].start < (*b)[axis].start;
  });
  TensorSlice common;
  for (size_t i = 0; i < order.size(); ++i) {
    const TensorSlice& slice = *order[i];
    for (size_t j = i + 1; j < order.size(); ++j) {
      const TensorSlice& other = *order[j];
      // Those that follow begin no earlier along the axis.
      if (rank > 0 && other[axis].start >= slice[axis].start + slice[axis].length) break;
      if (Intersect(slice, other, &common)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the slices '", SliceText(slice), "' and '", SliceText(other), "' overlap"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTiling(absl::Span<const TensorSlice> slices, absl::Span<const int64_t> dims) {
  RETURN_IF_ERROR(CheckDisjoint(slices));
  // Disjoint slices inside the tensor have no more elements than it has, so the sums stay in range.
  const auto volume = [](absl::Span<const SliceExtent> slice) {
    uint64_t product = 1;
    for (const SliceExtent& extent : slice) product *= static_cast<uint64_t>(extent.length);
    return product;
  };
  uint64_t covered = 0;
  for (const TensorSlice& slice : slices) covered += volume(slice);
  uint64_t size = 1;
  for (const int64_t dim : dims) size *= static_cast<uint64_t>(dim);
  if (covered == size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the slices cover only ", covered, " of ", size, " elements of ", ShapeText(dims)));
}

}  // namespace cryograph

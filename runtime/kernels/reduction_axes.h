// The axes of a reduction, where their order matters.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_REDUCTION_AXES_H_
#define CRYOGRAPH_RUNTIME_KERNELS_REDUCTION_AXES_H_

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/kernel.h"

namespace cryograph {

// Each counted from the front, in the order given. InvalidArgument for one out of range or given twice.
inline absl::StatusOr<std::vector<int>> DistinctAxes(const Shape& listed, int rank) {
  std::vector<int> axes;
  for (const int64_t given : listed) {
    ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, rank));
    if (std::find(axes.begin(), axes.end(), axis) != axes.end()) {
      return absl::InvalidArgumentError(absl::StrCat("axis ", axis, " is given twice"));
    }
    axes.push_back(axis);
  }
  return axes;
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_REDUCTION_AXES_H_

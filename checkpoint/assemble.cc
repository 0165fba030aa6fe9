#include "checkpoint/assemble.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/stored_values.h"

namespace cryograph {

absl::StatusOr<Tensor> Assemble(DataType dtype, const TensorSlice& box, absl::Span<const TensorSlice> extents,
                                absl::FunctionRef<absl::StatusOr<Tensor>(size_t)> load) {
  Tensor whole;
  whole.dtype = dtype;
  whole.dims = SliceDims(box);
  ASSIGN_OR_RETURN(const int64_t count, NumElements(whole.dims));
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(dtype));
  auto owners = std::make_shared<std::vector<std::shared_ptr<const void>>>();
  std::shared_ptr<char> bytes;
  if (width != 0) {
    uint64_t size;
    if (__builtin_mul_overflow(static_cast<uint64_t>(count), width, &size)) {
      return absl::ResourceExhaustedError(absl::StrCat("there is no memory for ", count, " elements"));
    }
    ASSIGN_OR_RETURN(bytes, AllocateBytes(size));
    whole.bytes = absl::string_view(bytes.get(), static_cast<size_t>(size));
    owners->push_back(bytes);
  } else {
    constexpr int64_t kMaxStrings = int64_t{1} << 30;
    if (count > kMaxStrings)
      return absl::ResourceExhaustedError(absl::StrCat(count, " strings are too many"));
    whole.strings.resize(static_cast<size_t>(count));
  }
  TensorSlice common;
  for (size_t i = 0; i < extents.size(); ++i) {
    ASSIGN_OR_RETURN(Tensor part, load(i));
    if (!Intersect(extents[i], box, &common)) continue;
    ForEachRun(common, extents[i], box, [&](const CopyRun& run) {
      if (width != 0) {
        std::memcpy(bytes.get() + run.to * width, part.bytes.data() + run.from * width,
                    static_cast<size_t>(run.count * width));
      } else {
        std::copy_n(part.strings.begin() + static_cast<ptrdiff_t>(run.from), run.count,
                    whole.strings.begin() + static_cast<ptrdiff_t>(run.to));
      }
    });
    if (width == 0) owners->push_back(std::move(part.owner));
  }
  whole.owner = std::move(owners);
  return whole;
}

}  // namespace cryograph

// Keys under which the parts of a partitioned tensor are stored, in the byte order that sorts as the values
// do.
#ifndef CRYOGRAPH_CHECKPOINT_ORDERED_CODE_H_
#define CRYOGRAPH_CHECKPOINT_ORDERED_CODE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cryograph {

// A stretch of one dimension, as TensorSliceProto has it: the whole dimension is start 0, length -1. A writer
// may also spell the whole dimension out (0, 3 of 3), which is another key.
struct SliceExtent {
  int64_t start = 0;
  int64_t length = -1;

  bool is_full() const { return length == -1; }
  friend bool operator==(const SliceExtent& a, const SliceExtent& b) {
    return a.start == b.start && a.length == b.length;
  }
};

// num(0) str(name) num(rank), then snum(start) snum(length) for each dimension.
std::string SliceKey(absl::string_view name, absl::Span<const SliceExtent> slice);

// The parts of the code, each appended to `out`.
void AppendOrderedNumber(uint64_t value, std::string* out);
void AppendOrderedSigned(int64_t value, std::string* out);
void AppendOrderedString(absl::string_view value, std::string* out);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_ORDERED_CODE_H_

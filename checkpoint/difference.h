// What differs between the tensors of two checkpoints.
#ifndef CRYOGRAPH_CHECKPOINT_DIFFERENCE_H_
#define CRYOGRAPH_CHECKPOINT_DIFFERENCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "checkpoint/key_edit.h"
#include "checkpoint/reader.h"

namespace cryograph {

struct DifferenceOptions {
  bool names_only = false;  // Names, types and shapes; values are not read.
  // Values a and b are the same if their bits are, or if |a - b| <= atol + rtol * |b|, or both are NaN. With
  // both 0 only the bits count.
  double rtol = 0, atol = 0;
};

struct TensorDifference {
  enum Kind { kOnlyInFirst, kOnlyInSecond, kType, kShape, kValues };
  Kind kind = kValues;
  std::string name;
  const CheckpointEntry* first = nullptr;   // Null for kOnlyInSecond.
  const CheckpointEntry* second = nullptr;  // Null for kOnlyInFirst.
  // kValues:
  uint64_t num_elements = 0, num_different = 0;
  uint64_t first_different = 0;           // Its index, row major.
  double largest = 0;                     // Of |a - b|; NaN if one of them is NaN or infinite alone.
  std::string first_value, second_value;  // Of the first element that differs.
};

// `first` and `second` are sorted by name, as EditKeys makes them; differences are, too. Errors are those of
// reading.
absl::StatusOr<std::vector<TensorDifference>> CompareTensors(const CheckpointReader& first_reader,
                                                             absl::Span<const EditedKey> first,
                                                             const CheckpointReader& second_reader,
                                                             absl::Span<const EditedKey> second,
                                                             const DifferenceOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_DIFFERENCE_H_

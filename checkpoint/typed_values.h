// The values of a tensor as V1 checkpoints hold them, a TensorProto with the typed field alone: written, and
// read in a stream.
#ifndef CRYOGRAPH_CHECKPOINT_TYPED_VALUES_H_
#define CRYOGRAPH_CHECKPOINT_TYPED_VALUES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// True if V1 checkpoints can hold the type.
bool HasTypedValues(DataType dtype);

// An upper bound of the bytes of `count` elements, the one by which TensorFlow refuses to store a slice; of
// strings it is only a part, their bytes come on top.
uint64_t TypedValuesBound(DataType dtype, uint64_t count);

// The exact size. Reads the value if its elements are stored in as many bytes as each needs.
absl::StatusOr<uint64_t> TypedValuesSize(const TensorSource& value);

// Appends just so many bytes.
absl::Status WriteTypedValues(const TensorSource& value, ByteSink& sink);

// True if the type is stored as it is in memory, and `proto` has its elements in one packed field: *packed
// shows it.
bool PackedAsInMemory(DataType dtype, absl::string_view proto, absl::string_view* packed);

// True if the type is stored as varints, and `proto` has them in one packed field: *packed shows it.
bool PackedVarints(DataType dtype, absl::string_view proto, absl::string_view* packed);

// Appends the elements in `packed` as they are in memory. DataLoss if they are not `count`, or one is cut.
absl::Status StreamVarints(DataType dtype, absl::string_view packed, uint64_t count, ByteSink& sink);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_TYPED_VALUES_H_

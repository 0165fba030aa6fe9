// What every kind of checkpoint offers: a sorted list of named tensors, and their values on demand.
#ifndef CRYOGRAPH_CHECKPOINT_READER_H_
#define CRYOGRAPH_CHECKPOINT_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/slice_spec.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// The key under which an object-based checkpoint (TensorFlow 2) holds its serialized TrackableObjectGraph.
inline constexpr absl::string_view kObjectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH";

// A tensor as the checkpoint lists it. A damaged entry is listed too, and its defect told when it is read.
struct CheckpointEntry {
  std::string name;
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;  // Of the whole tensor, also when it is stored in slices.
  bool sliced = false;        // Stored in several slices, as partitioned variables are.
};

// A piece of a tensor as it lies in a file: the whole of it, or one of the slices of a partitioned one.
struct StoredPart {
  TensorSlice slice;       // As it is stored, with full extents where they are; empty for a whole tensor.
  std::string file;        // Its path; empty if the index does not say a file that can be.
  int64_t offset = -1;     // Of its bytes in the file; -1 where it lies in a record of a table (V1).
  uint64_t num_bytes = 0;  // V2: in the file. V1: in memory; 0 for strings.
};

// Thread safe: several threads may read at once.
class CheckpointReader {
 public:
  virtual ~CheckpointReader() = default;

  // Sorted by name in byte order, without the keys under which slices are stored.
  virtual const std::vector<CheckpointEntry>& entries() const = 0;

  // Null if there is no tensor of that name.
  const CheckpointEntry* Find(absl::string_view name) const;

  // The value of `name`, or the part that `slice_spec` ("10 3 4,3:0,3"; empty for the whole tensor) names.
  // Everything is checked, checksums included. Bytes that lie in the file as they are needed are shown there,
  // not copied. NotFound: no such tensor (the message names similar ones), or the file that holds it is
  // missing. DataLoss: damaged. InvalidArgument: the slice does not fit the tensor. Unimplemented: an unknown
  // type.
  virtual absl::StatusOr<Tensor> Read(absl::string_view name, absl::string_view slice_spec = "") const = 0;

  // The same value for later: type, shape and place are checked now, the bytes when Load() or Write() reads
  // them. Outlives the reader. Write() needs little memory when the tensor lies in the file as it is needed.
  virtual absl::StatusOr<std::shared_ptr<const TensorSource>> Source(
      absl::string_view name, absl::string_view slice_spec = "") const = 0;

  // The slices in which `name` is stored, in the order of the file; empty if it is stored whole or not there.
  // A source of one of them streams it, so that a tensor of any size can be copied slice by slice.
  virtual std::vector<TensorSlice> StoredSlices(absl::string_view name) const = 0;

  // The pieces of `name` in the order in which they are listed; empty if there is no such tensor. Only what
  // the index says: a slice that it lists but does not hold is left out.
  virtual std::vector<StoredPart> Parts(absl::string_view name) const = 0;

 protected:
  // NotFound for `name` in `file`, with its nearest names.
  absl::Status NoSuchTensor(absl::string_view file, absl::string_view name) const;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_READER_H_

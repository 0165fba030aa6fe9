// Turns the stored bytes of one tensor of a V2 checkpoint into a Tensor, checksum and inner lengths checked.
#ifndef CRYOGRAPH_CHECKPOINT_STORED_VALUES_H_
#define CRYOGRAPH_CHECKPOINT_STORED_VALUES_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/tensor.h"

namespace cryograph {

struct StoredBytes {
  absl::string_view bytes;
  std::shared_ptr<const void> owner;
  uint32_t masked_crc = 0;
  bool big_endian = false;
};

// OK if `size` bytes can hold `count` elements; DataLoss with both numbers. Allocates nothing, so call it
// first.
absl::Status CheckStoredSize(DataType dtype, uint64_t count, uint64_t size);

// True if the elements lie in the file as they do in memory.
bool IsStoredAsInMemory(DataType dtype, bool big_endian);

// The value of a tensor of `count` elements whose size is checked; `dims` are only handed on. It shows the
// bytes given where they are as in memory. DataLoss: a checksum or a length is wrong. Unimplemented: variants
// of a big-endian file.
absl::StatusOr<Tensor> ReadStoredValue(DataType dtype, std::vector<int64_t> dims, uint64_t count,
                                       const StoredBytes& stored);

// "checksum 01234567 instead of 89abcdef".
std::string ChecksumDefect(uint32_t actual, uint32_t expected);

// Memory that is not zeroed first. ResourceExhausted if there is not enough.
absl::StatusOr<std::shared_ptr<char>> AllocateBytes(uint64_t size);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_STORED_VALUES_H_

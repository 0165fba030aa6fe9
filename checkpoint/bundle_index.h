// Reads the index of a V2 checkpoint: which tensors there are, and where their bytes lie.
#ifndef CRYOGRAPH_CHECKPOINT_BUNDLE_INDEX_H_
#define CRYOGRAPH_CHECKPOINT_BUNDLE_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/messages.h"

namespace cryograph {

// A name and a tensor, or a slice key and a part of a tensor.
struct BundleRecord {
  std::string key;
  BundleEntry entry;
  uint64_t place = 0;  // Of the entry, in the index file.
};

struct BundleIndex {
  BundleHeader header;
  std::vector<BundleRecord> records;  // Sorted by key.

  bool big_endian() const { return header.endianness == 1; }
  // Null if there is none.
  const BundleRecord* Find(absl::string_view key) const;
};

// Of the file PREFIX.index. Entries are not judged. NotFound: there is no such file. DataLoss (CG113): it is
// damaged. InvalidArgument: it is not for us (byte order, version).
absl::StatusOr<BundleIndex> ReadBundleIndex(const std::string& prefix);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_BUNDLE_INDEX_H_

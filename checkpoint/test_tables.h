// Tables and V1 checkpoints made for tests, with libleveldb as the writer: an opinion that is not ours.
#ifndef CRYOGRAPH_CHECKPOINT_TEST_TABLES_H_
#define CRYOGRAPH_CHECKPOINT_TEST_TABLES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/slice_spec.h"
#include "graph/dtype.h"

namespace cryograph {

using TableEntries = std::vector<std::pair<std::string, std::string>>;  // Sorted by key.

struct TableOptions {
  size_t block_bytes = 262144;
  int restart_interval = 16;
  bool snappy = false;
  bool bloom_filter = false;
};

// The bytes of a table file. As in TensorFlow, a block ends before an entry that is at least two blocks long.
std::string BuildTable(const TableEntries& entries, const TableOptions& options = {});

// What libleveldb reads in a table file; false if it refuses.
bool ReadTableWithLevelDb(const std::string& bytes, TableEntries* entries);

// A slice of a tensor as a V1 file holds it: `values` is a TensorProto with typed values.
struct V1Slice {
  std::string name;
  DataType dtype;
  std::vector<int64_t> dims;
  TensorSlice slice;
  std::string values;
};

// Entries of a V1 file with these slices; those of one tensor follow each other.
TableEntries V1Entries(const std::vector<V1Slice>& slices);

// A TensorProto with float_val alone.
std::string FloatValues(const std::vector<float>& values);

// The bytes of a file; an empty string if there is none.
std::string FileBytes(const std::string& path);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_TEST_TABLES_H_

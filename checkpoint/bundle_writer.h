// Writes V2 checkpoints: byte for byte what TensorFlow writes for the same tensors in the same order.
#ifndef CRYOGRAPH_CHECKPOINT_BUNDLE_WRITER_H_
#define CRYOGRAPH_CHECKPOINT_BUNDLE_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "checkpoint/ordered_code.h"
#include "graph/tensor.h"

namespace cryograph {

// One shard, little endian. Call order: Create, Add or AddSlice for each tensor, Finish. Values go to the
// data file as they are added; of each tensor only its entry stays in memory. Without Finish no file appears.
// Not thread safe.
class BundleWriter {
 public:
  struct Options {
    // Zeros are put after each tensor so that the next one begins at a multiple of it.
    int64_t alignment = 1;
  };

  // Files are PREFIX.index and PREFIX.data-00000-of-00001. InvalidArgument for an empty prefix or an
  // alignment below 1; otherwise the errors of FileSink.
  static absl::StatusOr<std::unique_ptr<BundleWriter>> Create(const std::string& prefix,
                                                              const Options& options);
  static absl::StatusOr<std::unique_ptr<BundleWriter>> Create(const std::string& prefix) {
    return Create(prefix, Options());
  }

  // InvalidArgument: an empty name, one that begins with byte 0 (slice keys do), a value whose size is not
  // that of its shape, a reference. AlreadyExists: the name was added before. Unimplemented: a resource, an
  // unknown type.
  absl::Status Add(absl::string_view name, const Tensor& value);
  // The same for a value that is read as it is written.
  absl::Status Add(absl::string_view name, const TensorSource& value);

  // A part of the tensor `name` of `dims`: an extent for each dimension. A slice all of whose extents are
  // full is the tensor itself. InvalidArgument if the parts of one tensor differ in `dims` or dtype, or if
  // the value's shape is not that of the slice. That the parts cover the tensor is the caller's business.
  absl::Status AddSlice(absl::string_view name, absl::Span<const int64_t> dims,
                        absl::Span<const SliceExtent> slice, const Tensor& value);

  // Writes the index and gives both files their names, the index last: a reader that sees it finds the data
  // complete.
  absl::Status Finish();

 private:
  struct Entry {
    DataType dtype = DT_INVALID;
    std::vector<int64_t> dims;
    int64_t offset = 0, size = 0;
    uint32_t crc = 0;                              // Masked.
    std::vector<std::vector<SliceExtent>> slices;  // Not empty: the entry stands for the tensor as a whole.
  };

  BundleWriter(std::string prefix, const Options& options, std::unique_ptr<FileSink> data)
      : prefix_(std::move(prefix)), options_(options), data_(std::move(data)) {}

  absl::Status CheckName(absl::string_view name) const;
  absl::Status CheckType(absl::string_view name, DataType dtype) const;
  absl::Status AddChecked(absl::string_view key, absl::string_view name, const Tensor& value);
  absl::Status Record(absl::string_view key, DataType dtype, absl::Span<const int64_t> dims, int64_t offset,
                      uint32_t crc);
  static std::string Serialize(const Entry& entry);

  const std::string prefix_;
  const Options options_;
  std::unique_ptr<FileSink> data_;
  std::map<std::string, Entry> entries_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_BUNDLE_WRITER_H_

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
#include "base/byte_sink.h"
#include "checkpoint/bundle_files.h"
#include "checkpoint/messages.h"
#include "checkpoint/writer.h"

namespace cryograph {

// Little endian. Values go to the data files as they are added; of each tensor only its entry stays in
// memory. With several shards the files are those of a sharded save that TensorFlow merged.
class BundleWriter final : public CheckpointWriter {
 public:
  struct Options {
    // Zeros are put after each tensor so that the next one begins at a multiple of it.
    int64_t alignment = 1;
    // Data files. A file is open for each that got a tensor.
    int num_shards = 1;
  };

  // Files are PREFIX.index and PREFIX.data-SSSSS-of-NNNNN. InvalidArgument for an empty prefix, an alignment
  // or a number of shards below 1; otherwise the errors of FileSink.
  static absl::StatusOr<std::unique_ptr<BundleWriter>> Create(const std::string& prefix,
                                                              const Options& options);
  static absl::StatusOr<std::unique_ptr<BundleWriter>> Create(const std::string& prefix) {
    return Create(prefix, Options());
  }

  using CheckpointWriter::Add;
  // For a value that need not outlive the call.
  absl::Status Add(absl::string_view name, const TensorSource& value, int shard = 0);

  absl::Status Finish() override;
  std::vector<std::string> Files() const override { return files_.Paths(); }

 protected:
  absl::Status CheckStorable(absl::string_view name, DataType dtype) const override;
  absl::Status Store(const Part& part, std::shared_ptr<const TensorSource> value) override;

 private:
  BundleWriter(std::string prefix, const Options& options)
      : CheckpointWriter(prefix, options.num_shards),
        options_(options),
        files_(std::move(prefix), options.num_shards) {}

  // Slices of a partitioned tensor, in the order in which they were added to each shard.
  struct Partitioned {
    BundleEntry entry;
    std::map<int, std::vector<TensorSlice>> slices;  // By shard.
  };

  const Options options_;
  BundleFiles files_;
  std::map<std::string, BundleEntry> entries_;
  std::map<std::string, Partitioned> partitioned_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_BUNDLE_WRITER_H_

// Writes V1 checkpoints ("saved tensor slices"): byte for byte what TensorFlow writes for the same tensors in
// the same order.
#ifndef CRYOGRAPH_CHECKPOINT_V1_WRITER_H_
#define CRYOGRAPH_CHECKPOINT_V1_WRITER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "checkpoint/messages.h"
#include "checkpoint/writer.h"

namespace cryograph {

// Records lie in the order of keys, so values are kept as sources, and read and written at Finish(). Numbers
// of most integer types are stored in as many bytes as each needs, and are therefore read twice.
class V1Writer final : public CheckpointWriter {
 public:
  struct Options {
    int num_shards = 1;
    // Name the file as a shard even if it is the only one.
    bool sharded = false;
  };

  // Files are PATH, or PATH-SSSSS-of-NNNNN for several shards. InvalidArgument for an empty path or a number
  // of shards below 1; otherwise the errors of FileSink.
  static absl::StatusOr<std::unique_ptr<V1Writer>> Create(const std::string& path, const Options& options);
  static absl::StatusOr<std::unique_ptr<V1Writer>> Create(const std::string& path) {
    return Create(path, Options());
  }

  // A single file is replaced in one step; of several the last ones may be those of an old checkpoint if the
  // process dies in between.
  absl::Status Finish() override;
  std::vector<std::string> Files() const override;

 protected:
  // Unimplemented for types that V1 cannot hold: uint32, uint64, bfloat16, qint16, quint16, variants, and all
  // newer ones. InvalidArgument for a name that is not UTF-8.
  absl::Status CheckStorable(absl::string_view name, DataType dtype) const override;
  // InvalidArgument for a part that may take 2 GiB or more.
  absl::Status Store(const Part& part, std::shared_ptr<const TensorSource> value) override;
  bool reads_later() const override { return true; }

 private:
  struct Record {
    std::string name;
    TensorSlice slice;
    std::shared_ptr<const TensorSource> value;
  };
  struct Shard {
    std::vector<SavedTensorMeta> tensors;  // In the order they were added.
    std::map<std::string, size_t> by_name;
    std::map<std::string, Record> records;  // By key.
    std::unique_ptr<FileSink> sink;
  };

  V1Writer(std::string path, const Options& options)
      : CheckpointWriter(std::move(path), options.num_shards),
        options_(options),
        shards_(static_cast<size_t>(options.num_shards)) {}
  std::string ShardPath(int shard) const;

  const Options options_;
  std::vector<Shard> shards_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_V1_WRITER_H_

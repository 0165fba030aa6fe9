// Reads V1 checkpoints ("saved tensor slices"): one table file, or one per shard.
#ifndef CRYOGRAPH_CHECKPOINT_V1_READER_H_
#define CRYOGRAPH_CHECKPOINT_V1_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/reader.h"

namespace cryograph {

// What the files list is read and checked at open, a value when it is asked for. Whole tensors of
// floating-point types are shown where they lie in the file; others are decoded into memory.
class V1Reader final : public CheckpointReader {
 public:
  // `files` are all shards; `name` is what messages call the checkpoint. DataLoss: damaged, or shards
  // disagree. InvalidArgument: the format version is not ours.
  static absl::StatusOr<std::unique_ptr<V1Reader>> Open(std::string name,
                                                        const std::vector<std::string>& files);
  ~V1Reader() override;

  const std::vector<CheckpointEntry>& entries() const override { return entries_; }
  absl::StatusOr<Tensor> Read(absl::string_view name, absl::string_view slice_spec = "") const override;
  absl::StatusOr<std::shared_ptr<const TensorSource>> Source(
      absl::string_view name, absl::string_view slice_spec = "") const override;
  std::vector<TensorSlice> StoredSlices(absl::string_view name) const override;
  std::vector<StoredPart> Parts(absl::string_view name) const override;

 private:
  class Files;
  struct Plan;
  class V1Source;

  explicit V1Reader(std::shared_ptr<const Files> files);
  absl::StatusOr<Plan> MakePlan(absl::string_view name, absl::string_view slice_spec) const;

  std::shared_ptr<const Files> files_;  // Shared with the sources.
  std::vector<CheckpointEntry> entries_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_V1_READER_H_

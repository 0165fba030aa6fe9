// Reads V2 checkpoints ("tensor bundles"): PREFIX.index and the data files that it names.
#ifndef CRYOGRAPH_CHECKPOINT_BUNDLE_READER_H_
#define CRYOGRAPH_CHECKPOINT_BUNDLE_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/reader.h"
#include "checkpoint/slice_spec.h"

namespace cryograph {

// The index is read and checked at open, a data file is mapped when it is first needed. Both stay as they
// are: tensors of little-endian files show the mapping.
class BundleReader final : public CheckpointReader {
 public:
  // NotFound: no PREFIX.index. DataLoss: it is damaged. InvalidArgument: not for us (byte order, version).
  static absl::StatusOr<std::unique_ptr<BundleReader>> Open(const std::string& prefix);
  ~BundleReader() override;

  const std::vector<CheckpointEntry>& entries() const override { return entries_; }
  absl::StatusOr<Tensor> Read(absl::string_view name, absl::string_view slice_spec = "") const override;
  absl::StatusOr<std::shared_ptr<const TensorSource>> Source(
      absl::string_view name, absl::string_view slice_spec = "") const override;
  std::vector<StoredPart> Parts(absl::string_view name) const override;

  std::vector<TensorSlice> StoredSlices(absl::string_view name) const override;

  // Data files that the index counts.
  int num_shards() const;

 private:
  class Bundle;
  class Plan;
  class BundleSource;

  explicit BundleReader(std::shared_ptr<const Bundle> bundle);

  std::shared_ptr<const Bundle> bundle_;  // Shared with the sources.
  std::vector<CheckpointEntry> entries_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_BUNDLE_READER_H_

// Opens a checkpoint by whatever name a user has for it, and reads its tensors, however they are stored.
#ifndef CRYOGRAPH_CHECKPOINT_CHECKPOINT_H_
#define CRYOGRAPH_CHECKPOINT_CHECKPOINT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/reader.h"
#include "checkpoint/slice_spec.h"

namespace cryograph {

// Usage:
//   std::vector<std::string> notes;
//   ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open("model.ckpt-7", &notes));
//   ASSIGN_OR_RETURN(Tensor value, checkpoint->Read("dense/kernel"));
// Thread safe. Sources and tensors outlive the checkpoint.
class Checkpoint {
 public:
  using Entry = CheckpointEntry;

  // `path` may be: the prefix of a V2 checkpoint, its .index, any of its .data-*, its .meta; a V1 file or a
  // pattern of V1 shards ("ckpt-?????-of-00002"); a state file (usually "checkpoint") or its directory, of
  // which the latest is taken; a SavedModel's directory or its variables directory. *notes (if not null) is
  // given one line for each guess that the user should know of. NotFound (CG110): no such checkpoint; lists
  // those that are in the directory. DataLoss (CG113): damaged. InvalidArgument (CG114 and others): a file of
  // another kind, which the message names. The first line of a message ends with its identifier; lines that
  // begin with "why:" and "try:" may follow.
  static absl::StatusOr<std::unique_ptr<Checkpoint>> Open(const std::string& path,
                                                          std::vector<std::string>* notes = nullptr);

  // The prefix (V2), file or pattern (V1) that `path` led to.
  const std::string& prefix() const { return prefix_; }
  // 1 or 2.
  int version() const { return version_; }

  // As CheckpointReader has them; damage is CG113.
  const std::vector<Entry>& entries() const { return reader_->entries(); }
  const Entry* Find(absl::string_view name) const { return reader_->Find(name); }
  absl::StatusOr<Tensor> Read(absl::string_view name, absl::string_view slice_spec = "") const {
    return reader_->Read(name, slice_spec);
  }
  absl::StatusOr<std::shared_ptr<const TensorSource>> Source(absl::string_view name,
                                                             absl::string_view slice_spec = "") const {
    return reader_->Source(name, slice_spec);
  }
  std::vector<TensorSlice> StoredSlices(absl::string_view name) const { return reader_->StoredSlices(name); }

  std::vector<StoredPart> Parts(absl::string_view name) const { return reader_->Parts(name); }
  const CheckpointReader& reader() const { return *reader_; }

  // The serialized TrackableObjectGraph of a TF2 checkpoint. NotFound if it has none, as those of TF1.
  absl::StatusOr<std::string> ObjectGraph() const;

 private:
  Checkpoint(std::string prefix, int version, std::unique_ptr<const CheckpointReader> reader)
      : prefix_(std::move(prefix)), version_(version), reader_(std::move(reader)) {}

  std::string prefix_;
  int version_;
  std::unique_ptr<const CheckpointReader> reader_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_CHECKPOINT_H_

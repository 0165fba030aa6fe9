// Opens whatever holds named tensors: a checkpoint of any kind, .npz, .npy, a folder of .npy, safetensors.
#ifndef CRYOGRAPH_CHECKPOINT_TENSOR_FILE_H_
#define CRYOGRAPH_CHECKPOINT_TENSOR_FILE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/reader.h"

namespace cryograph {

class TensorFile {
 public:
  // What `path` is, is told by its contents (a folder of .npy files by their names). Otherwise as
  // Checkpoint::Open.
  static absl::StatusOr<TensorFile> Open(const std::string& path, std::vector<std::string>* notes = nullptr);

  const CheckpointReader& reader() const { return arrays_ != nullptr ? *arrays_ : checkpoint_->reader(); }
  // "V2 checkpoint", "V1 checkpoint", "npz", "npy", "npy folder", "safetensors".
  absl::string_view kind() const { return kind_; }
  // The prefix of a checkpoint, the path of other files.
  const std::string& name() const { return name_; }
  // Null for other files.
  const Checkpoint* checkpoint() const { return checkpoint_.get(); }
  // Files that hold the values, sorted, and first the index of a V2 checkpoint.
  std::vector<std::string> Files() const;

  // The serialized TrackableObjectGraph; empty if there is none or it cannot be read.
  std::string ObjectGraph() const;

 private:
  TensorFile() = default;

  absl::string_view kind_;
  std::string name_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<CheckpointReader> arrays_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_TENSOR_FILE_H_

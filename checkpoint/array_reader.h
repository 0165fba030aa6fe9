// Arrays of a file that is no checkpoint, .npz, .npy or safetensors, offered as a checkpoint's tensors are.
#ifndef CRYOGRAPH_CHECKPOINT_ARRAY_READER_H_
#define CRYOGRAPH_CHECKPOINT_ARRAY_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "checkpoint/npy.h"
#include "checkpoint/reader.h"
#include "checkpoint/slice_spec.h"

namespace cryograph {

// The bytes of an array's elements as they are in the file.
class ArrayBytes {
 public:
  virtual ~ArrayBytes() = default;
  struct View {
    absl::string_view bytes;
    std::shared_ptr<const void> owner;
  };
  // All of them, checked if there is something to check them by.
  virtual absl::StatusOr<View> Load() const = 0;
  virtual absl::Status Write(ByteSink& sink) const = 0;
};

// Bytes that lie in a mapped file.
class MappedBytes final : public ArrayBytes {
 public:
  MappedBytes(std::shared_ptr<const MappedFile> file, absl::string_view bytes)
      : file_(std::move(file)), bytes_(bytes) {}
  absl::StatusOr<View> Load() const override { return View{bytes_, file_}; }
  absl::Status Write(ByteSink& sink) const override;

 private:
  std::shared_ptr<const MappedFile> file_;
  absl::string_view bytes_;
};

class ArrayReader final : public CheckpointReader {
 public:
  struct Array {
    std::string name;
    NpyHeader type;  // Type, shape, order of the elements.
    std::shared_ptr<const ArrayBytes> bytes;
    StoredPart part;
  };

  // `file` is what messages call it. InvalidArgument: two arrays have one name.
  static absl::StatusOr<std::unique_ptr<ArrayReader>> Create(std::string file, std::vector<Array> arrays);

  const std::vector<CheckpointEntry>& entries() const override { return entries_; }
  absl::StatusOr<Tensor> Read(absl::string_view name, absl::string_view slice_spec = "") const override;
  // Unimplemented for a part of an array.
  absl::StatusOr<std::shared_ptr<const TensorSource>> Source(
      absl::string_view name, absl::string_view slice_spec = "") const override;
  std::vector<TensorSlice> StoredSlices(absl::string_view) const override { return {}; }
  std::vector<StoredPart> Parts(absl::string_view name) const override;

 private:
  ArrayReader(std::string file, std::vector<Array> arrays);
  const Array* FindArray(absl::string_view name) const;

  std::string file_;
  std::vector<Array> arrays_;  // Sorted by name.
  std::vector<CheckpointEntry> entries_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_ARRAY_READER_H_

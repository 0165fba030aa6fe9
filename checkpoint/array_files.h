// Tensors to and from the files of other worlds: .npz, .npy, a folder of .npy, safetensors.
#ifndef CRYOGRAPH_CHECKPOINT_ARRAY_FILES_H_
#define CRYOGRAPH_CHECKPOINT_ARRAY_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/mapped_file.h"
#include "checkpoint/npy.h"
#include "checkpoint/reader.h"
#include "graph/tensor.h"

namespace cryograph {

struct NamedSource {
  std::string name;
  std::shared_ptr<const TensorSource> value;
};

struct ArrayFileOptions {
  ForeignTypes foreign = ForeignTypes::kKeep;
  // Safetensors: "__metadata__", beside what is stored there for foreign types.
  std::vector<std::pair<std::string, std::string>> metadata;
  // Told after each tensor how many bytes of how many are written; may be null.
  void (*progress)(uint64_t done, uint64_t total) = nullptr;
};

// Each writes all of `arrays`, whose names differ, with memory that does not grow with them (strings are
// loaded one tensor at a time). A file appears when it is whole. InvalidArgument, Unimplemented: a name or a
// type that the format cannot hold, with the array's name; otherwise the errors of FileSink and of the
// values.

// numpy.load(path)[name]: a stored zip archive of NAME.npy, in the order given.
absl::Status WriteNpz(const std::string& path, absl::Span<const NamedSource> arrays,
                      const ArrayFileOptions& options);
// One array alone.
absl::Status WriteNpyFile(const std::string& path, const NamedSource& array, const ArrayFileOptions& options);
// FOLDER/NAME.npy; "/" in a name makes folders (see NpyPathOf). The folder must not be there, or be empty.
absl::Status WriteNpyFolder(const std::string& folder, absl::Span<const NamedSource> arrays,
                            const ArrayFileOptions& options);
// What Hugging Face's safetensors writes for the same arrays, byte for byte if there is no metadata.
absl::Status WriteSafetensors(const std::string& path, absl::Span<const NamedSource> arrays,
                              const ArrayFileOptions& options);

// Each reads what the other world writes, not only what is written above. Values stay in the file. NotFound,
// DataLoss, InvalidArgument with file and array.
absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpz(const std::string& path);
// An array of the file's name, without ".npy".
absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpyFile(const std::string& path);
// All .npy files below, links to folders not followed.
absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpyFolder(const std::string& folder);
absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenSafetensors(const std::string& path);
// The same for bytes that are mapped already.
absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpz(std::shared_ptr<const MappedFile> file);
absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenSafetensors(std::shared_ptr<const MappedFile> file);

// Where in a folder the array `name` is kept: "a/b" is "a/b.npy". What a path cannot say as it is, is said by
// % and two hexadecimal digits: control characters, %, the names . and .., an end ".npy" of a folder; an
// empty part is % alone. InvalidArgument: a part is longer than file systems allow.
absl::StatusOr<std::string> NpyPathOf(absl::string_view name);
// The name that is kept at `path`; InvalidArgument for a % that is followed by no two digits.
absl::StatusOr<std::string> NameOfNpyPath(absl::string_view path);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_ARRAY_FILES_H_

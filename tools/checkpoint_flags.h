// Flags and small texts that the verbs of `cryograph checkpoint` share.
#ifndef CRYOGRAPH_TOOLS_CHECKPOINT_FLAGS_H_
#define CRYOGRAPH_TOOLS_CHECKPOINT_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "checkpoint/key_edit.h"
#include "checkpoint/tensor_file.h"
#include "tools/cli.h"

namespace cryograph {

struct KeyFlags {
  std::vector<std::string> tensors, rename;
  std::string match, exclude, ema = "keep", substitute;
  bool strip_optimizer = false;
};

// --tensors, --match, --exclude.
void DeclareSelection(KeyFlags& flags, cli::Command& command);
// --strip_optimizer, --ema, --rename, --substitute.
void DeclareChanges(KeyFlags& flags, cli::Command& command);
// A usage error for a --rename that lacks a "=".
absl::StatusOr<KeyEdit> KeyEditOf(const KeyFlags& flags);

// EditKeys on a file, with notes on stderr of what was left out.
absl::StatusOr<EditedKeys> EditKeysOf(const TensorFile& file, const KeyFlags& flags);

// Opens and prints the notes.
absl::StatusOr<TensorFile> OpenTensorFile(const std::string& path);

// The positional arguments of a verb; a usage error if there are not from `least` to `most` of them.
// `usage` is what they are: "FROM TO".
absl::Status CheckPaths(const std::vector<std::string>& paths, size_t least, size_t most,
                        absl::string_view verb, absl::string_view usage);

// "float32", as TensorFlow 2 and numpy name types.
std::string PythonTypeName(DataType dtype);

// Elements of a tensor; 0 if its shape is no shape.
uint64_t ElementsOf(const CheckpointEntry& entry);
// Bytes of it as it is stored.
uint64_t StoredBytesOf(const CheckpointReader& reader, const CheckpointEntry& entry);

// Name for people: bytes that are no printable text are escaped.
std::string PrintableName(absl::string_view name);

// "[2,3]" as JSON is the same; the dims of a shape.
std::string JsonShape(const std::vector<int64_t>& dims);

void PrintToStdout(absl::string_view text);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_CHECKPOINT_FLAGS_H_

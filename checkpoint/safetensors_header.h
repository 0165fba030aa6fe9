// The header of a safetensors file: which tensors it has, of what type and shape, and where.
// Format: https://github.com/huggingface/safetensors, "Format".
#ifndef CRYOGRAPH_CHECKPOINT_SAFETENSORS_HEADER_H_
#define CRYOGRAPH_CHECKPOINT_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // "F32"
  std::vector<int64_t> dims;
  uint64_t begin = 0, end = 0;  // In the bytes that follow the header.
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;  // In the order of the text.
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Reads the JSON text. DataLoss with the place in it: it is no such JSON. Unknown members of a tensor are
// passed over.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json);

// The length and the text that the original writes: metadata first if there is some, no blanks, tensors in
// the order given, filled up with blanks to a multiple of 8.
std::string SafetensorsHeaderBytes(const SafetensorsHeader& header);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SAFETENSORS_HEADER_H_

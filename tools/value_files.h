// Values as files: TensorProtos and numpy arrays.
#ifndef CRYOGRAPH_TOOLS_VALUE_FILES_H_
#define CRYOGRAPH_TOOLS_VALUE_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runtime/value.h"

namespace cryograph {

// The name of a tensor as part of a file's: "/" and ":" become "_".
std::string ValueFileName(absl::string_view tensor);

// Writes a serialized TensorProto. Unimplemented for resources and variants.
absl::Status WriteTensorProto(const Value& value, const std::string& path);

// Writes STEM.pb and, where numpy knows the type, STEM.npy.
absl::Status WriteValue(const Value& value, const std::string& stem);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_VALUE_FILES_H_

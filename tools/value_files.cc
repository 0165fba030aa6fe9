#include "tools/value_files.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "checkpoint/array_files.h"
#include "checkpoint/npy.h"
#include "graph/tensor.h"
#include "graph/tensor_sources.h"

namespace cryograph {

std::string ValueFileName(absl::string_view tensor) {
  return absl::StrReplaceAll(tensor, {{"/", "_"}, {":", "_"}});
}

absl::Status WriteTensorProto(const Value& value, const std::string& path) {
  ASSIGN_OR_RETURN(const Tensor tensor, value.ToTensor());
  ASSIGN_OR_RETURN(const std::string proto, EncodeTensorProto(tensor));
  return WriteFile(path, proto);
}

absl::Status WriteValue(const Value& value, const std::string& stem) {
  RETURN_IF_ERROR(WriteTensorProto(value, absl::StrCat(stem, ".pb")));
  if (NumpyStorageType(value.dtype()) != value.dtype()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Tensor tensor, value.ToTensor());
  return WriteNpyFile(absl::StrCat(stem, ".npy"), {stem, SourceOf(std::move(tensor))}, ArrayFileOptions());
}

}  // namespace cryograph

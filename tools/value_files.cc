#include "tools/value_files.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "graph/tensor.h"
#include "tools/npy_files.h"

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
  const std::string header = NpyHeader(value.dtype(), value.shape());
  if (header.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Create(absl::StrCat(stem, ".npy")));
  RETURN_IF_ERROR(sink->Append(header));
  RETURN_IF_ERROR(sink->Append(absl::string_view(value.raw(), value.num_bytes())));
  return sink->Commit();
}

}  // namespace cryograph

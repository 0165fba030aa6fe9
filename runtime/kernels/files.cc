// ReadFile, WriteFile, and the names of the files of a sharded checkpoint: ShardedFilename, ShardedFilespec.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "runtime/file_permission.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status ReadFile(KernelContext& context) {
  RETURN_IF_ERROR(ExpectScalar(context.input(0), "filename"));
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file,
                   MappedFile::Open(context.input(0).scalar<std::string>()));
  return context.SetScalarOutput<std::string>(0, std::string(file->bytes()));
}
CRYOGRAPH_KERNEL_FUNCTION(ReadFile, "ReadFile");

// Folders on the way are made, as TensorFlow does.
absl::Status WriteFileKernel(KernelContext& context) {
  RETURN_IF_ERROR(ExpectScalar(context.input(0), "filename"));
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "contents"));
  const std::string& path = context.input(0).scalar<std::string>();
  RETURN_IF_ERROR(CheckMayWrite(context.resources(), path));
  return WriteFile(path == "-" ? "./-" : path,
                   context.input(1).scalar<std::string>());  // "-" is a file here.
}
CRYOGRAPH_KERNEL_FUNCTION(WriteFileKernel, "WriteFile");

// (basename, shard, number of shards); ShardedFilespec (basename, number): a pattern that all of them fit.
absl::Status ShardedFilename(KernelContext& context) {
  RETURN_IF_ERROR(ExpectScalar(context.input(0), "basename"));
  const std::string& base = context.input(0).scalar<std::string>();
  ASSIGN_OR_RETURN(const int64_t number, ScalarInt(context.input(context.num_inputs() - 1), "num_shards"));
  std::string shard = "?????";
  if (context.num_inputs() == 3) {
    ASSIGN_OR_RETURN(const int64_t index, ScalarInt(context.input(1), "shard"));
    shard = absl::StrFormat("%05d", index);
  }
  return context.SetScalarOutput<std::string>(
      0, absl::StrCat(base, "-", shard, absl::StrFormat("-of-%05d", number)));
}
CRYOGRAPH_KERNEL_FUNCTION(ShardedFilename, "ShardedFilename", "ShardedFilespec");

}  // namespace
}  // namespace cryograph

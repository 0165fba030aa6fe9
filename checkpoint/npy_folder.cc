// .npy files, one or a folder of them.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/array_files.h"
#include "checkpoint/array_files_internal.h"
#include "checkpoint/array_reader.h"
#include "checkpoint/directory.h"

namespace cryograph {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kSuffix = ".npy";
constexpr size_t kMaxComponent = 255;
constexpr size_t kMaxFiles = 1000000;

absl::StatusOr<ArrayReader::Array> OpenArray(const std::string& path, std::string name) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  const auto fail = [&](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  };
  const absl::StatusOr<NpyHeader> header = ParseNpyHeader(file->bytes());
  if (!header.ok()) return fail(header.status());
  const absl::string_view data = file->bytes().substr(static_cast<size_t>(header->header_bytes));
  if (data.size() != header->data_bytes()) {
    return fail(
        absl::DataLossError(absl::StrCat("it has ", data.size(), " bytes of elements, but ",
                                         header->data_bytes(), " are needed for ", ShapeText(header->dims))));
  }
  ArrayReader::Array array;
  array.name = std::move(name);
  array.type = *header;
  array.bytes = std::make_shared<MappedBytes>(file, data);
  array.part.file = path;
  array.part.offset = static_cast<int64_t>(header->header_bytes);
  array.part.num_bytes = data.size();
  return array;
}

std::string Escaped(absl::string_view part, bool utf8, bool is_folder) {
  if (part.empty()) return "%";
  if (part == "." || part == "..") return part.size() == 1 ? "%2e" : "%2e%2e";
  std::string result;
  for (size_t i = 0; i < part.size(); ++i) {
    const unsigned char byte = static_cast<unsigned char>(part[i]);
    const bool end_of_suffix = is_folder && i + 1 == part.size() && absl::EndsWith(part, kSuffix);
    if (byte < 0x20 || byte == 0x7f || byte == '%' || (byte >= 0x80 && !utf8) || end_of_suffix) {
      absl::StrAppendFormat(&result, "%%%02x", byte);
    } else {
      result += part[i];
    }
  }
  return result;
}

// Removes the folder again unless it got its name.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& folder)
      : folder_(folder), path_(absl::StrCat(folder, ".tmp-", getpid())) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  absl::Status Commit() {
    if (std::rename(path_.c_str(), folder_.c_str()) != 0) {
      const int error = errno;
      if (error == ENOTEMPTY || error == EEXIST || error == ENOTDIR) {
        return absl::AlreadyExistsError(
            absl::StrCat(folder_, ": is there already\ntry: remove it, or choose another name"));
      }
      return absl::UnavailableError(absl::StrCat(folder_, ": cannot rename: ", strerror(error)));
    }
    path_.clear();
    return absl::OkStatus();
  }

 private:
  std::string folder_, path_;
};

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

absl::StatusOr<std::string> NpyPathOf(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  const bool utf8 = IsUtf8(name);
  std::string path;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const std::string part =
        absl::StrCat(Escaped(parts[i], utf8, !last), last ? kSuffix : absl::string_view());
    if (part.size() > kMaxComponent) {
      return absl::InvalidArgumentError(absl::StrCat("a part of its name makes a file name of ", part.size(),
                                                     " bytes, and ", kMaxComponent,
                                                     " is the most\ntry: rename it, or write one file"));
    }
    absl::StrAppend(&path, i == 0 ? "" : "/", part);
  }
  return path;
}

absl::StatusOr<std::string> NameOfNpyPath(absl::string_view path) {
  path = absl::StripSuffix(path, kSuffix);
  std::string name;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (!name.empty() || part.data() != path.data()) name += '/';
    if (part == "%") continue;
    for (size_t i = 0; i < part.size(); ++i) {
      if (part[i] != '%') {
        name += part[i];
        continue;
      }
      const absl::string_view digits = part.substr(i + 1, 2);
      if (digits.size() != 2 || !absl::ascii_isxdigit(digits[0]) || !absl::ascii_isxdigit(digits[1])) {
        return absl::InvalidArgumentError("in its name a % is followed by no two hexadecimal digits");
      }
      name += absl::HexStringToBytes(digits);
      i += 2;
    }
  }
  return name;
}

absl::Status WriteNpyFile(const std::string& path, const NamedSource& array,
                          const ArrayFileOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> file, FileSink::Create(path));
  RETURN_IF_ERROR(OfArray(path, array.name, WriteNpy(*array.value, options.foreign, *file)));
  return file->Commit();
}

absl::Status WriteNpyFolder(const std::string& folder, absl::Span<const NamedSource> arrays,
                            const ArrayFileOptions& options) {
  const std::string target = WithoutSlashes(folder);
  std::error_code error;
  if (fs::exists(target, error) && !fs::is_empty(target, error)) {
    return absl::AlreadyExistsError(
        absl::StrCat(target, ": is there already, and not empty\ntry: remove it, or choose another name"));
  }
  TemporaryFolder temporary(target);
  fs::create_directories(temporary.path(), error);
  if (error) {
    return absl::PermissionDeniedError(absl::StrCat(target, ": cannot create it: ", error.message()));
  }
  ProgressOfArrays progress(arrays, options);
  for (const NamedSource& array : arrays) {
    const absl::StatusOr<std::string> path = NpyPathOf(array.name);
    RETURN_IF_ERROR(OfArray(target, array.name, path.status()));
    ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> file, FileSink::Create(temporary.path() + "/" + *path));
    RETURN_IF_ERROR(OfArray(target, array.name, WriteNpy(*array.value, options.foreign, *file)));
    RETURN_IF_ERROR(file->Commit());
    progress.Done(array);
  }
  return temporary.Commit();
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpyFile(const std::string& path) {
  const std::string base = BaseName(path);
  ASSIGN_OR_RETURN(ArrayReader::Array array, OpenArray(path, std::string(absl::StripSuffix(base, kSuffix))));
  std::vector<ArrayReader::Array> arrays;
  arrays.push_back(std::move(array));
  ASSIGN_OR_RETURN(std::unique_ptr<ArrayReader> reader, ArrayReader::Create(path, std::move(arrays)));
  return reader;
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpyFolder(const std::string& folder) {
  const std::string root = WithoutSlashes(folder);
  std::vector<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator each(root, error), end;
  for (; !error && each != end; each.increment(error)) {
    std::error_code status_error;
    if (!absl::EndsWith(each->path().native(), kSuffix) || !each->is_regular_file(status_error)) continue;
    paths.push_back(each->path().native());
    if (paths.size() > kMaxFiles) {
      return absl::InvalidArgumentError(absl::StrCat(root, ": has more than ", kMaxFiles, " .npy files"));
    }
  }
  if (error) return absl::NotFoundError(absl::StrCat(root, ": cannot be listed: ", error.message()));
  std::sort(paths.begin(), paths.end());
  std::vector<ArrayReader::Array> arrays;
  for (const std::string& path : paths) {
    absl::StatusOr<std::string> name = NameOfNpyPath(absl::string_view(path).substr(root.size() + 1));
    if (!name.ok())
      return absl::Status(name.status().code(), absl::StrCat(path, ": ", name.status().message()));
    ASSIGN_OR_RETURN(ArrayReader::Array array, OpenArray(path, *std::move(name)));
    arrays.push_back(std::move(array));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ArrayReader> reader, ArrayReader::Create(root, std::move(arrays)));
  return reader;
}

}  // namespace cryograph

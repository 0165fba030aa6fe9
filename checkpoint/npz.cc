// .npz: a zip archive of .npy files.
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "checkpoint/array_files.h"
#include "checkpoint/array_files_internal.h"
#include "checkpoint/array_reader.h"
#include "checkpoint/stored_values.h"
#include "checkpoint/zip.h"

namespace cryograph {
namespace {

class NullSink final : public ByteSink {
 public:
  absl::Status Append(absl::string_view) override { return absl::OkStatus(); }
};

class BufferSink final : public ByteSink {
 public:
  explicit BufferSink(char* to) : to_(to) {}
  absl::Status Append(absl::string_view bytes) override {
    to_ = std::copy(bytes.begin(), bytes.end(), to_);
    return absl::OkStatus();
  }

 private:
  char* to_;
};

// What follows the .npy header in a member.
class ZippedBytes final : public ArrayBytes {
 public:
  ZippedBytes(std::shared_ptr<const ZipReader> zip, const ZipReader::Member* member, uint64_t skip)
      : zip_(std::move(zip)), member_(*member), skip_(skip) {}

  absl::StatusOr<View> Load() const override {
    if (!member_.deflated) {
      NullSink nowhere;
      RETURN_IF_ERROR(zip_->Write(member_, skip_, nowhere));
      return View{zip_->Stored(member_).substr(static_cast<size_t>(skip_)), zip_};
    }
    ASSIGN_OR_RETURN(const std::shared_ptr<char> buffer, AllocateBytes(member_.size - skip_));
    BufferSink sink(buffer.get());
    RETURN_IF_ERROR(zip_->Write(member_, skip_, sink));
    return View{absl::string_view(buffer.get(), static_cast<size_t>(member_.size - skip_)), buffer};
  }
  absl::Status Write(ByteSink& sink) const override { return zip_->Write(member_, skip_, sink); }

 private:
  std::shared_ptr<const ZipReader> zip_;
  const ZipReader::Member& member_;
  uint64_t skip_;
};

absl::StatusOr<ArrayReader::Array> ArrayOf(const std::shared_ptr<const ZipReader>& zip,
                                           const ZipReader::Member& member) {
  constexpr size_t kLengthBytes = 12;
  ASSIGN_OR_RETURN(const std::string first, zip->Beginning(member, kLengthBytes));
  const uint64_t header_bytes = NpyHeaderSize(first);
  if (header_bytes > member.size) return absl::DataLossError("the header of the array is cut");
  ASSIGN_OR_RETURN(
      const std::string header,
      zip->Beginning(member, header_bytes == 0 ? first.size() : static_cast<size_t>(header_bytes)));
  ArrayReader::Array array;
  array.name = std::string(absl::StripSuffix(member.name, ".npy"));
  ASSIGN_OR_RETURN(array.type, ParseNpyHeader(header));
  const uint64_t data_bytes = member.size - array.type.header_bytes;
  if (data_bytes != array.type.data_bytes()) {
    return absl::DataLossError(absl::StrCat("it has ", data_bytes, " bytes of elements, but ",
                                            array.type.data_bytes(), " are needed for ",
                                            ShapeText(array.type.dims)));
  }
  array.bytes = std::make_shared<ZippedBytes>(zip, &member, array.type.header_bytes);
  array.part.file = zip->file().path();
  array.part.offset = static_cast<int64_t>(member.offset);
  array.part.num_bytes = member.packed;
  return array;
}

}  // namespace

absl::Status WriteNpz(const std::string& path, absl::Span<const NamedSource> arrays,
                      const ArrayFileOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> file, FileSink::Create(path));
  ZipWriter zip(file.get());
  ProgressOfArrays progress(arrays, options);
  for (const NamedSource& array : arrays) {
    const auto write = [&]() -> absl::Status {
      if (array.name.find('\0') != std::string::npos) {
        return absl::InvalidArgumentError(
            "Python ends a name in a zip archive at a zero byte\ntry: rename it");
      }
      ASSIGN_OR_RETURN(const uint64_t size, NpySize(*array.value, options.foreign));
      RETURN_IF_ERROR(zip.Begin(absl::StrCat(array.name, ".npy"), size));
      RETURN_IF_ERROR(WriteNpy(*array.value, options.foreign, zip));
      return zip.End();
    };
    RETURN_IF_ERROR(OfArray(path, array.name, write()));
    progress.Done(array);
  }
  RETURN_IF_ERROR(zip.Finish());
  return file->Commit();
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpz(std::shared_ptr<const MappedFile> file) {
  const std::string path = file->path();
  ASSIGN_OR_RETURN(const std::shared_ptr<const ZipReader> zip, ZipReader::Open(std::move(file)));
  std::vector<ArrayReader::Array> arrays;
  for (const ZipReader::Member& member : zip->members()) {
    absl::StatusOr<ArrayReader::Array> array = ArrayOf(zip, member);
    if (!array.ok()) {
      return absl::Status(array.status().code(),
                          absl::StrCat(path, ": member '", absl::Utf8SafeCHexEscape(member.name),
                                       "': ", array.status().message()));
    }
    arrays.push_back(*std::move(array));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ArrayReader> reader, ArrayReader::Create(path, std::move(arrays)));
  return reader;
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenNpz(const std::string& path) {
  ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  return OpenNpz(std::move(file));
}

}  // namespace cryograph

// Where writers put bytes: memory, or a file that appears under its name only when it is whole.
#ifndef CRYOGRAPH_BASE_BYTE_SINK_H_
#define CRYOGRAPH_BASE_BYTE_SINK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

// Takes bytes in order. Once an Append has failed, so do all later calls, with the same status.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual absl::Status Append(absl::string_view bytes) = 0;
};

// Collects in memory.
class StringSink final : public ByteSink {
 public:
  absl::Status Append(absl::string_view bytes) override {
    bytes_.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

// Writes `path` by way of a temporary file beside it: Commit() renames, anything else leaves the old file (or
// none).
// "-" is standard output: what Append was given is written at Commit() only, so a failed run prints nothing.
class FileSink final : public ByteSink {
 public:
  // Creates missing directories of `path`; *created_directory (if not null) tells so.
  // The errors of the operating system with `path`; InvalidArgument if it is a directory.
  static absl::StatusOr<std::unique_ptr<FileSink>> Create(const std::string& path,
                                                          bool* created_directory = nullptr);
  ~FileSink() override;

  // Small pieces are gathered; large ones go to the kernel without a copy.
  absl::Status Append(absl::string_view bytes) override;

  // Replaces bytes that were appended before, for what is known only later. OutOfRange if there are not so
  // many.
  absl::Status Overwrite(int64_t offset, absl::string_view bytes);

  // Flushes and renames. The file has the permissions of the one it replaces, else those that umask leaves.
  absl::Status Commit();

  int64_t size() const { return size_; }

 private:
  FileSink() = default;
  absl::Status WriteFully(absl::string_view bytes);
  absl::Status Fail(int error, absl::string_view what);
  int GiveName();  // Links the nameless file as temporary_. Returns 0 or errno.

  std::string path_;
  std::string temporary_;  // Empty: the file has no name yet.
  std::string buffer_;
  absl::Status status_;
  int fd_ = -1;
  int64_t size_ = 0;
  bool standard_output_ = false;
};

// Writes all of `bytes` to `path` as FileSink does.
absl::Status WriteFile(const std::string& path, absl::string_view bytes);

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_BYTE_SINK_H_

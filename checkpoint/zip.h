// Zip archives as numpy's .npz files are: written stored, streaming; read stored or deflated, from any
// writer. Format: PKWARE's APPNOTE 6.3.9, of which no encryption, no spanning, no other compression.
#ifndef CRYOGRAPH_CHECKPOINT_ZIP_H_
#define CRYOGRAPH_CHECKPOINT_ZIP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "checkpoint/summed_stream.h"

namespace cryograph {

// Call order: for each member Begin, Append as often as needed, End; then Finish. Members are stored as they
// are, all of one date (1980-01-01), so that equal contents make equal archives. Sizes have 64 bits where 32
// do not do.
class ZipWriter final : public SummedSink {
 public:
  // Bytes go to `file`, which must outlive the writer; its Commit() is the caller's.
  explicit ZipWriter(FileSink* file) : file_(*file) {}

  // A member of exactly `size` bytes. InvalidArgument: the name is empty, longer than 65535 bytes or not
  // UTF-8.
  absl::Status Begin(absl::string_view name, uint64_t size);
  absl::Status Append(absl::string_view bytes) override;
  // The checksum of zip archives, for AppendSummed.
  uint32_t OwnSum(absl::string_view bytes) const override;
  absl::Status AppendSummed(absl::string_view bytes, const PieceSums& sums) override;
  // Internal: the bytes were not as many as announced.
  absl::Status End();

  // Writes the directory of the members.
  absl::Status Finish();

 private:
  struct Member {
    std::string name;
    uint64_t size = 0, offset = 0;
    uint32_t crc = 0;
  };

  FileSink& file_;
  std::vector<Member> members_;
  uint64_t written_ = 0;  // Bytes of the member that was begun.
};

// Reads an archive that is mapped. Thread safe.
class ZipReader {
 public:
  struct Member {
    std::string name;
    uint64_t size = 0;    // Of the contents.
    uint64_t packed = 0;  // Of the bytes in the file.
    uint64_t offset = 0;  // Of those bytes.
    uint32_t crc = 0;
    bool deflated = false;
  };

  // Reads the directory. DataLoss: there is none, or it is damaged; members lie outside of the file, or claim
  // more than 1032 times what is stored, which deflate cannot reach. InvalidArgument: encrypted or spanned
  // archives, other compressions, two members of one name.
  static absl::StatusOr<std::unique_ptr<ZipReader>> Open(std::shared_ptr<const MappedFile> file);

  // In the order of the directory. Members that are folders are left out.
  const std::vector<Member>& members() const { return members_; }
  const MappedFile& file() const { return *file_; }
  const std::shared_ptr<const MappedFile>& shared_file() const { return file_; }

  // The bytes of a stored member where they lie; not checked.
  absl::string_view Stored(const Member& member) const {
    return file_->bytes().substr(static_cast<size_t>(member.offset), static_cast<size_t>(member.packed));
  }

  // At most `count` bytes of the beginning; not checked.
  absl::StatusOr<std::string> Beginning(const Member& member, size_t count) const;

  // Appends what follows the first `skip` bytes. DataLoss if the member does not unpack to its size or its
  // checksum: then the sink holds rubbish.
  absl::Status Write(const Member& member, uint64_t skip, ByteSink& sink) const;

 private:
  explicit ZipReader(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}
  absl::Status ReadDirectory();
  absl::Status AddMember(absl::string_view* rest);
  absl::Status FindContents(Member* member, uint64_t header_offset) const;

  std::shared_ptr<const MappedFile> file_;
  std::vector<Member> members_;
};

// The checksum of zip archives, begun with 0 and continued.
uint32_t ExtendCrc32(uint32_t crc, absl::string_view bytes);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_ZIP_H_

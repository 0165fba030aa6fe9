// Joining chunks must bear any file, any index and any chunk.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/record_file_writer.h"
#include "graph/chunked_message.h"
#include "graph/proto/proto_splitter.pb.h"
#include "graph/wire_check.h"

namespace {

using cryograph::RecordFileWriter;

void Check(absl::string_view file) {
  const absl::StatusOr<std::string> joined = cryograph::JoinChunks(file, "x.cpb");
  if (!joined.ok()) return;
  // What was joined is framed, whatever the fields mean.
  const absl::Status checked = cryograph::CheckWire(*joined, cryograph::MessageKind::kSavedModel, "x.cpb");
  if (!checked.ok() && checked.message().empty()) std::abort();
}

}  // namespace

// The first byte says how the rest is read: as a file; or as an index and chunks, for which the hashes are
// made right.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  const uint8_t mode = static_cast<uint8_t>(input[0]);
  input.remove_prefix(1);
  Check(input);
  if (input.size() < 2) return 0;
  const size_t index_size = static_cast<uint8_t>(input[0]) + 256 * static_cast<size_t>(input[1] & 15);
  input.remove_prefix(2);
  const std::string index(input.substr(0, index_size));
  input.remove_prefix(std::min(input.size(), index_size));

  cryograph::StringSink sink;
  RecordFileWriter writer(
      &sink, (mode & 1) != 0 ? RecordFileWriter::Compression::kBrotli : RecordFileWriter::Compression::kNone);
  tensorflow::proto_splitter::ChunkMetadata metadata;
  const bool parsed = metadata.ParseFromString(index);
  const size_t chunk_size = input.size() / 4 + 1;
  for (int i = 0; i < 4; ++i) {
    const absl::string_view chunk =
        input.substr(std::min(input.size(), chunk_size * static_cast<size_t>(i)), chunk_size);
    const absl::StatusOr<uint64_t> position = writer.Append(chunk);
    if (!position.ok()) std::abort();
    if (i >= metadata.chunks_size()) continue;
    if ((mode & 2) != 0) continue;  // Sizes and offsets as the index has them.
    metadata.mutable_chunks(i)->set_offset(*position);
    metadata.mutable_chunks(i)->set_size(chunk.size());
  }
  if (!writer.Append(parsed ? metadata.SerializeAsString() : index).ok()) std::abort();
  Check(sink.bytes());
  return 0;
}

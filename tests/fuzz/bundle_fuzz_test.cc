// Checkpoints of any entries: open, list and read answer, whatever they are. The input is a list of table
// entries, from which a good table is made, so that the fuzzer works on the messages: for each entry the
// lengths of key and value (a byte each), then both; a key that is not above the one before ends the list,
// and what follows is the data file.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/wire.h"
#include "checkpoint/bundle_reader.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/table_reader.h"
#include "checkpoint/v1_reader.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

std::string Scratch() {
  const char* const directory = std::getenv("TEST_TMPDIR");
  return absl::StrCat(directory == nullptr ? "/tmp" : directory, "/bundle_fuzz");
}

class Table {
 public:
  void Add(absl::string_view key, absl::string_view value) {
    restarts_.push_back(static_cast<uint32_t>(block_.size()));
    AppendVarint(0, &block_);
    AppendVarint(key.size(), &block_);
    AppendVarint(value.size(), &block_);
    absl::StrAppend(&block_, key, value);
  }

  std::string Finish() {
    if (restarts_.empty()) restarts_.push_back(0);
    for (const uint32_t restart : restarts_) AppendFixed32(restart, &block_);
    AppendFixed32(static_cast<uint32_t>(restarts_.size()), &block_);
    std::string bytes;
    const std::string data = AddBlock(block_, &bytes);
    const std::string metaindex = AddBlock(std::string("\0\0\0\0\x01\0\0\0", 8), &bytes);
    std::string index;
    AppendVarint(0, &index);
    const std::string above_all(256, '\xff');
    AppendVarint(above_all.size(), &index);
    AppendVarint(data.size(), &index);
    absl::StrAppend(&index, above_all, data, absl::string_view("\0\0\0\0\x01\0\0\0", 8));
    std::string footer = metaindex + AddBlock(index, &bytes);
    footer.resize(40);
    AppendFixed64(kTableMagic, &footer);
    return bytes + footer;
  }

 private:
  static std::string AddBlock(const std::string& block, std::string* bytes) {
    std::string handle;
    AppendVarint(bytes->size(), &handle);
    AppendVarint(block.size(), &handle);
    const std::string stored = block + '\0';
    bytes->append(stored);
    AppendFixed32(MaskCrc(Crc32c(stored)), bytes);
    return handle;
  }

  std::string block_;
  std::vector<uint32_t> restarts_;
};

void ReadAll(const CheckpointReader& reader) {
  for (const CheckpointEntry& entry : reader.entries()) {
    Require(reader.Find(entry.name) == &entry, "a listed tensor is not found");
    const absl::StatusOr<std::shared_ptr<const TensorSource>> source = reader.Source(entry.name);
    // A shape may be large and its bytes few; only values that are there are read.
    const absl::StatusOr<Tensor> tensor = reader.Read(entry.name);
    Require(!tensor.ok() || source.ok(), "a tensor that can be read has no source");
    if (!tensor.ok()) continue;
    Require(tensor->dtype == entry.dtype && tensor->dims == entry.dims, "a tensor is not as it is listed");
    const uint64_t count = static_cast<uint64_t>(tensor->num_elements());
    const uint64_t width = static_cast<uint64_t>(DataTypeBytes(tensor->dtype));
    Require(width == 0 ? tensor->strings.size() == count : tensor->bytes.size() == count * width,
            "a tensor has another size than its shape");
    if (width == 0) continue;
    StringSink sink;
    Require((*source)->Write(sink).ok() && sink.bytes() == tensor->bytes, "a stream differs from the value");
  }
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryograph;  // NOLINT: a fuzz target has its own file.
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  Table table;
  std::string last;
  for (bool first = true; rest.size() >= 2; first = false) {
    const size_t key_size = static_cast<unsigned char>(rest[0]);
    const size_t value_size = static_cast<unsigned char>(rest[1]);
    if (rest.size() - 2 < key_size + value_size) break;
    const absl::string_view key = rest.substr(2, key_size);
    if (!first && key <= last) break;
    table.Add(key, rest.substr(2 + key_size, value_size));
    last = std::string(key);
    rest.remove_prefix(2 + key_size + value_size);
  }
  const std::string prefix = Scratch();
  if (!WriteFile(prefix + ".index", table.Finish()).ok()) return 0;
  if (!WriteFile(prefix + ".data-00000-of-00001", rest).ok()) return 0;
  const absl::StatusOr<std::unique_ptr<BundleReader>> bundle = BundleReader::Open(prefix);
  if (bundle.ok()) ReadAll(**bundle);
  const absl::StatusOr<std::unique_ptr<V1Reader>> v1 = V1Reader::Open(prefix, {prefix + ".index"});
  if (v1.ok()) ReadAll(**v1);
  return 0;
}

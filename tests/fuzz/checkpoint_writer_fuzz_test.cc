// Checkpoints of any tensors in both versions: what is written reads the same. The input: a byte for the
// number of shards, then for each tensor a byte each for dtype, number of rows, columns and slices, a name up
// to a byte 0, and as many bytes as the elements take.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "checkpoint/bundle_reader.h"
#include "checkpoint/checkpoint_writer.h"
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
  return absl::StrCat(directory == nullptr ? "/tmp" : directory, "/checkpoint_writer_fuzz");
}

class Input {
 public:
  explicit Input(absl::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  unsigned Byte() {
    if (rest_.empty()) return 0;
    const unsigned byte = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  std::string Bytes(size_t count) {
    std::string bytes(rest_.substr(0, count));
    bytes.resize(count);
    rest_.remove_prefix(std::min(count, rest_.size()));
    return bytes;
  }
  std::string Name() {
    const size_t end = std::min(rest_.find('\0'), rest_.size());
    std::string name(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return name;
  }

 private:
  absl::string_view rest_;
};

struct Made {
  Tensor tensor;
  int64_t slices = 1;  // Parts along the rows.
};

std::map<std::string, Made> MakeTensors(Input& input) {
  std::map<std::string, Made> tensors;
  while (!input.empty() && tensors.size() < 20) {
    const DataType dtype = static_cast<DataType>(input.Byte() % 40);
    const int64_t rows = input.Byte() % 9;
    const int64_t columns = input.Byte() % 70;
    Made made;
    made.slices = std::max<int64_t>(1, std::min<int64_t>(rows, input.Byte() % 5));
    const std::string name = input.Name();
    const size_t width = static_cast<size_t>(DataTypeBytes(dtype));
    const size_t count = static_cast<size_t>(rows * columns);
    if (width != 0) {
      std::string bytes = input.Bytes(count * width);
      // A V1 checkpoint holds truth values, not bytes.
      if (dtype == DT_BOOL) std::for_each(bytes.begin(), bytes.end(), [](char& c) { c = c != 0; });
      made.tensor = Tensor::OfBytes(dtype, {rows, columns}, std::move(bytes));
    } else {
      std::vector<std::string> strings;
      for (size_t i = 0; i < count; ++i) strings.push_back(input.Bytes(input.Byte() % 4));
      made.tensor = Tensor::OfStrings({rows, columns}, std::move(strings));
      made.tensor.dtype = dtype;
    }
    tensors[name] = std::move(made);
  }
  return tensors;
}

// Rows [begin, end).
Tensor Rows(const Tensor& tensor, int64_t begin, int64_t end) {
  Tensor rows = tensor;
  rows.dims[0] = end - begin;
  const size_t columns = static_cast<size_t>(tensor.dims[1]);
  const size_t width = static_cast<size_t>(DataTypeBytes(tensor.dtype));
  const size_t first = static_cast<size_t>(begin) * columns;
  const size_t count = static_cast<size_t>(end - begin) * columns;
  if (width != 0) {
    rows.bytes = tensor.bytes.substr(first * width, count * width);
  } else {
    rows.strings.assign(tensor.strings.begin() + static_cast<ptrdiff_t>(first),
                        tensor.strings.begin() + static_cast<ptrdiff_t>(first + count));
  }
  return rows;
}

// False if the writer refuses it.
bool Add(CheckpointWriter& writer, const std::string& name, const Made& made, int num_shards) {
  const int64_t rows = made.tensor.dims[0];
  if (made.slices == 1) return writer.Add(name, made.tensor, static_cast<int>(name.size()) % num_shards).ok();
  bool added = true;
  for (int64_t i = 0; i < made.slices; ++i) {
    const int64_t begin = rows * i / made.slices;
    const int64_t end = rows * (i + 1) / made.slices;
    const bool first = i == 0;
    const bool ok = writer
                        .AddSlice(name, made.tensor.dims, {{begin, end - begin}, {0, -1}},
                                  Rows(made.tensor, begin, end), static_cast<int>(i) % num_shards)
                        .ok();
    Require(first || ok == added, "a part of a tensor is refused");
    added = ok;
  }
  return added;
}

void CheckVersion(int version, int num_shards, const std::map<std::string, Made>& tensors) {
  CheckpointWriterOptions options;
  options.version = version;
  options.num_shards = num_shards;
  options.alignment = version == 2 ? num_shards * 8 : 1;
  const absl::StatusOr<std::unique_ptr<CheckpointWriter>> writer = CreateCheckpointWriter(Scratch(), options);
  Require(writer.ok(), "no writer");
  std::map<std::string, const Made*> added;
  for (const auto& [name, made] : tensors) {
    if (Add(**writer, name, made, num_shards)) added[name] = &made;
  }
  Require((*writer)->Finish().ok(), "the checkpoint cannot be written");
  std::unique_ptr<const CheckpointReader> reader;
  if (version == 1) {
    absl::StatusOr<std::unique_ptr<V1Reader>> opened = V1Reader::Open("fuzz", (*writer)->Files());
    Require(opened.ok(), "what was written cannot be opened");
    reader = *std::move(opened);
  } else {
    absl::StatusOr<std::unique_ptr<BundleReader>> opened = BundleReader::Open(Scratch());
    Require(opened.ok(), "what was written cannot be opened");
    reader = *std::move(opened);
  }
  Require(reader->entries().size() == added.size(), "a tensor is lost");
  for (const auto& [name, made] : added) {
    const absl::StatusOr<Tensor> read = reader->Read(name);
    Require(read.ok(), "what was written cannot be read");
    Require(read->dtype == made->tensor.dtype && read->dims == made->tensor.dims, "a tensor changed");
    Require(read->bytes == made->tensor.bytes && read->strings == made->tensor.strings, "a value changed");
  }
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryograph;  // NOLINT: a fuzz target has its own file.
  Input input(absl::string_view(reinterpret_cast<const char*>(data), size));
  const int num_shards = 1 + static_cast<int>(input.Byte() % 3);
  const std::map<std::string, Made> tensors = MakeTensors(input);
  CheckVersion(1, num_shards, tensors);
  CheckVersion(2, num_shards, tensors);
  return 0;
}

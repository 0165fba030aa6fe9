// Readers of .npy, .npz and safetensors on any bytes: they answer, in memory that the bytes justify, and what
// they accept has the size that it says.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "checkpoint/array_files.h"
#include "checkpoint/npy.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void RequireDefect(const absl::Status& status) {
  Require(absl::IsDataLoss(status) || absl::IsInvalidArgument(status),
          "another status than a defect of the file");
}

class CountingSink final : public ByteSink {
 public:
  absl::Status Append(absl::string_view bytes) override {
    size_ += bytes.size();
    return absl::OkStatus();
  }
  uint64_t size() const { return size_; }

 private:
  uint64_t size_ = 0;
};

void ReadAll(const absl::StatusOr<std::unique_ptr<CheckpointReader>>& reader) {
  if (!reader.ok()) return RequireDefect(reader.status());
  for (const CheckpointEntry& entry : (*reader)->entries()) {
    const absl::StatusOr<Tensor> tensor = (*reader)->Read(entry.name);
    if (!tensor.ok()) RequireDefect(tensor.status());
    const auto source = (*reader)->Source(entry.name);
    Require(source.ok(), "a listed array has no source");
    if (entry.dtype == DT_STRING) {
      Require(!tensor.ok() || tensor->strings.size() == static_cast<uint64_t>(tensor->num_elements()),
              "not one string for each element");
      continue;
    }
    CountingSink sink;
    const absl::Status written = (*source)->Write(sink);
    Require(written.ok() == tensor.ok(), "Read and Write disagree");
    Require(!written.ok() || (sink.size() == (*source)->num_bytes() && sink.size() == tensor->bytes.size()),
            "another size than announced");
  }
}

void ReadNpy(const std::string& bytes) {
  const absl::StatusOr<NpyHeader> header = ParseNpyHeader(bytes);
  if (!header.ok()) return RequireDefect(header.status());
  const absl::string_view data = absl::string_view(bytes).substr(static_cast<size_t>(header->header_bytes));
  if (data.size() != header->data_bytes()) return;
  const absl::StatusOr<Tensor> tensor = NpyValue(*header, data, nullptr);
  if (!tensor.ok()) return RequireDefect(tensor.status());
  Require(header->dtype == DT_STRING || tensor->bytes.size() == data.size(), "another size than in the file");
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  cryograph::ReadNpy(bytes);
  cryograph::ReadAll(cryograph::OpenNpz(cryograph::MappedFile::FromString("input", bytes)));
  cryograph::ReadAll(cryograph::OpenSafetensors(cryograph::MappedFile::FromString("input", bytes)));
  return 0;
}

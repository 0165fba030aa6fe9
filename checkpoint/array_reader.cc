#include "checkpoint/array_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/assemble.h"
#include "checkpoint/slice_spec.h"

namespace cryograph {
namespace {

constexpr size_t kChunk = 4 << 20;

class ArraySource final : public TensorSource {
 public:
  ArraySource(std::string file, const ArrayReader::Array& array) : file_(std::move(file)), array_(array) {}

  DataType dtype() const override { return array_.type.dtype; }
  const std::vector<int64_t>& dims() const override { return array_.type.dims; }
  uint64_t num_bytes() const override { return array_.type.data_bytes(); }
  absl::StatusOr<Tensor> Load() const override {
    ASSIGN_OR_RETURN(ArrayBytes::View view, array_.bytes->Load());
    absl::StatusOr<Tensor> tensor = NpyValue(array_.type, view.bytes, std::move(view.owner));
    return tensor.ok() ? std::move(tensor) : Defect(tensor.status());
  }
  absl::Status Write(ByteSink& sink) const override {
    if (IsNpyAsInMemory(array_.type)) return array_.bytes->Write(sink);
    ASSIGN_OR_RETURN(const ArrayBytes::View view, array_.bytes->Load());
    return WriteNpyElements(array_.type, view.bytes, sink);
  }

 private:
  absl::Status Defect(const absl::Status& status) const {
    return absl::Status(status.code(), absl::StrCat(file_, ": array '", absl::Utf8SafeCHexEscape(array_.name),
                                                    "': ", status.message()));
  }

  std::string file_;
  ArrayReader::Array array_;
};

}  // namespace

absl::Status MappedBytes::Write(ByteSink& sink) const {
  absl::string_view rest = bytes_;
  while (!rest.empty()) {
    // Chunks end where pages do, so that all of them can be released.
    const size_t size = kChunk - reinterpret_cast<uintptr_t>(rest.data()) % kChunk;
    const absl::string_view chunk = rest.substr(0, size);
    RETURN_IF_ERROR(sink.Append(chunk));
    file_->Release(chunk);
    rest.remove_prefix(chunk.size());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ArrayReader>> ArrayReader::Create(std::string file,
                                                                 std::vector<Array> arrays) {
  std::sort(arrays.begin(), arrays.end(), [](const Array& a, const Array& b) { return a.name < b.name; });
  for (size_t i = 1; i < arrays.size(); ++i) {
    if (arrays[i - 1].name != arrays[i].name) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": two arrays have the name '", absl::Utf8SafeCHexEscape(arrays[i].name), "'"));
  }
  return std::unique_ptr<ArrayReader>(new ArrayReader(std::move(file), std::move(arrays)));
}

ArrayReader::ArrayReader(std::string file, std::vector<Array> arrays)
    : file_(std::move(file)), arrays_(std::move(arrays)) {
  for (const Array& array : arrays_)
    entries_.push_back({array.name, array.type.dtype, array.type.dims, false});
}

const ArrayReader::Array* ArrayReader::FindArray(absl::string_view name) const {
  const CheckpointEntry* const entry = Find(name);
  return entry == nullptr ? nullptr : &arrays_[static_cast<size_t>(entry - entries_.data())];
}

absl::StatusOr<std::shared_ptr<const TensorSource>> ArrayReader::Source(absl::string_view name,
                                                                        absl::string_view slice_spec) const {
  const Array* const array = FindArray(name);
  if (array == nullptr) return NoSuchTensor(file_, name);
  if (!slice_spec.empty()) {
    return absl::UnimplementedError(absl::StrCat(file_, ": parts of arrays can only be read, not streamed"));
  }
  return std::shared_ptr<const TensorSource>(std::make_shared<ArraySource>(file_, *array));
}

absl::StatusOr<Tensor> ArrayReader::Read(absl::string_view name, absl::string_view slice_spec) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const TensorSource> source, Source(name));
  if (slice_spec.empty()) return source->Load();
  ASSIGN_OR_RETURN(const SliceSpec spec, ParseSliceSpec(slice_spec));
  if (spec.dims != source->dims()) {
    return absl::InvalidArgumentError(absl::StrCat("the slice '", slice_spec, "' is wanted of '", name,
                                                   "', whose shape is ", ShapeText(source->dims())));
  }
  ASSIGN_OR_RETURN(const TensorSlice box, ResolveSlice(spec.slice, source->dims()));
  ASSIGN_OR_RETURN(TensorSlice whole, ResolveSlice(TensorSlice(spec.dims.size()), spec.dims));
  return Assemble(source->dtype(), box, {std::move(whole)}, [&](size_t) { return source->Load(); });
}

std::vector<StoredPart> ArrayReader::Parts(absl::string_view name) const {
  const Array* const array = FindArray(name);
  return array == nullptr ? std::vector<StoredPart>() : std::vector<StoredPart>{array->part};
}

}  // namespace cryograph

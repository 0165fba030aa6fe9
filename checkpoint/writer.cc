#include "checkpoint/writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/tensor_sources.h"

namespace cryograph {
namespace {

bool IsText(DataType dtype) { return DataTypeBytes(dtype) == 0; }

Tensor Copied(const Tensor& tensor) {
  if (!IsText(tensor.dtype)) {
    return Tensor::OfBytes(tensor.dtype, tensor.dims, std::string(tensor.bytes));
  }
  Tensor copy =
      Tensor::OfStrings(tensor.dims, std::vector<std::string>(tensor.strings.begin(), tensor.strings.end()));
  copy.dtype = tensor.dtype;
  return copy;
}

std::string Quoted(absl::string_view name) { return absl::StrCat("'", absl::Utf8SafeCHexEscape(name), "'"); }

}  // namespace

absl::Status CheckpointWriter::Check(const Part& part, absl::Span<const int64_t> value_dims) const {
  if (part.name.empty() || part.name[0] == '\0') {
    return absl::InvalidArgumentError(absl::StrCat(checkpoint_, ": a tensor's name must not ",
                                                   part.name.empty() ? "be empty" : "begin with byte 0"));
  }
  if (part.shard < 0 || part.shard >= num_shards_) {
    return absl::InvalidArgumentError(absl::StrCat(checkpoint_, ": tensor ", Quoted(part.name),
                                                   " is to go to data file ", part.shard, " of ", num_shards_,
                                                   "; the first is 0"));
  }
  if (IsRefType(part.dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(checkpoint_, ": tensor ", Quoted(part.name), " has type ",
                                                   DataTypeEnumName(part.dtype),
                                                   ", and references cannot be stored"));
  }
  RETURN_IF_ERROR(CheckStorable(part.name, part.dtype));
  if (const absl::Status count = NumElements(part.dims).status(); !count.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(checkpoint_, ": tensor ", Quoted(part.name), ": ", count.message()));
  }
  const absl::StatusOr<TensorSlice> extent = ResolveSlice(part.slice, part.dims);
  if (!extent.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(checkpoint_, ": tensor ", Quoted(part.name), ": ", extent.status().message()));
  }
  const std::vector<int64_t> part_dims = SliceDims(*extent);
  if (absl::MakeConstSpan(part_dims) != value_dims) {
    return absl::InvalidArgumentError(absl::StrCat(checkpoint_, ": a slice of tensor ", Quoted(part.name),
                                                   " ", ShapeText(part.dims), " is ", ShapeText(part_dims),
                                                   ", but its value is ", ShapeText(value_dims)));
  }
  const auto found = added_.find(part.name);
  if (found == added_.end()) return absl::OkStatus();
  const Added& before = found->second;
  if (part.whole || before.slice_keys.empty()) {
    return absl::AlreadyExistsError(
        absl::StrCat(checkpoint_, ": tensor ", Quoted(part.name), " was added before"));
  }
  if (before.dtype != part.dtype || before.dims != part.dims) {
    return absl::InvalidArgumentError(absl::StrCat(
        checkpoint_, ": the slices of tensor ", Quoted(part.name), " are of ", DataTypeName(before.dtype),
        ShapeText(before.dims), " and of ", DataTypeName(part.dtype), ShapeText(part.dims)));
  }
  if (std::binary_search(before.slice_keys.begin(), before.slice_keys.end(),
                         SliceKey(part.name, part.slice))) {
    return absl::AlreadyExistsError(absl::StrCat(checkpoint_, ": slice '", SliceText(part.slice),
                                                 "' of tensor ", Quoted(part.name), " was added before"));
  }
  return absl::OkStatus();
}

absl::Status CheckpointWriter::AddPart(Part part, std::shared_ptr<const TensorSource> value) {
  part.whole = std::all_of(part.slice.begin(), part.slice.end(),
                           [](const SliceExtent& extent) { return extent.is_full(); });
  RETURN_IF_ERROR(Check(part, value->dims()));
  RETURN_IF_ERROR(Store(part, std::move(value)));
  Added& added = added_[part.name];
  added.dtype = part.dtype;
  added.dims = part.dims;
  if (!part.whole) {
    std::string key = SliceKey(part.name, part.slice);
    added.slice_keys.insert(std::lower_bound(added.slice_keys.begin(), added.slice_keys.end(), key), key);
  }
  return absl::OkStatus();
}

absl::Status CheckpointWriter::AddTensor(Part part, const Tensor& value) {
  const absl::StatusOr<int64_t> elements = NumElements(value.dims);
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(value.dtype));
  const uint64_t count = elements.ok() ? static_cast<uint64_t>(*elements) : 0;
  const bool fits = width == 0 ? value.strings.size() == count
                               : value.bytes.size() % width == 0 && value.bytes.size() / width == count;
  const bool is_stored = width != 0 || value.dtype == DT_STRING || value.dtype == DT_VARIANT;
  if (elements.ok() && !fits && is_stored) {
    return absl::InvalidArgumentError(
        absl::StrCat(checkpoint_, ": tensor ", Quoted(part.name), " has ",
                     width == 0 ? absl::StrCat(value.strings.size(), " elements")
                                : absl::StrCat(value.bytes.size(), " bytes"),
                     ", which is not what ", DataTypeName(value.dtype), ShapeText(value.dims), " needs"));
  }
  return AddPart(std::move(part), SourceOf(reads_later() && value.owner == nullptr ? Copied(value) : value));
}

absl::Status CheckpointWriter::Add(absl::string_view name, const Tensor& value, int shard) {
  return AddTensor({std::string(name), value.dims, TensorSlice(value.dims.size()), true, value.dtype, shard},
                   value);
}

absl::Status CheckpointWriter::Add(absl::string_view name, std::shared_ptr<const TensorSource> value,
                                   int shard) {
  Part part = {std::string(name), value->dims(), TensorSlice(value->dims().size()), true,
               value->dtype(),    shard};
  return AddPart(std::move(part), std::move(value));
}

absl::Status CheckpointWriter::AddSlice(absl::string_view name, absl::Span<const int64_t> dims,
                                        absl::Span<const SliceExtent> slice, const Tensor& value, int shard) {
  return AddTensor({std::string(name), std::vector<int64_t>(dims.begin(), dims.end()),
                    TensorSlice(slice.begin(), slice.end()), true, value.dtype, shard},
                   value);
}

absl::Status CheckpointWriter::AddSlice(absl::string_view name, absl::Span<const int64_t> dims,
                                        absl::Span<const SliceExtent> slice,
                                        std::shared_ptr<const TensorSource> value, int shard) {
  Part part = {std::string(name),
               std::vector<int64_t>(dims.begin(), dims.end()),
               TensorSlice(slice.begin(), slice.end()),
               true,
               value->dtype(),
               shard};
  return AddPart(std::move(part), std::move(value));
}

}  // namespace cryograph

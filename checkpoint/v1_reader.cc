#include "checkpoint/v1_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/assemble.h"
#include "checkpoint/damage.h"
#include "checkpoint/messages.h"
#include "checkpoint/summed_stream.h"
#include "checkpoint/table_reader.h"
#include "checkpoint/typed_values.h"

namespace cryograph {
namespace {

struct Part {
  const TableReader* table;
  TensorSlice stored;  // As the key has it.
  TensorSlice extent;  // Resolved.
  uint64_t listed_at;  // Where the file has the list that names it.
};

struct StoredTensor {
  std::string name;
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  std::vector<Part> parts;

  // Where it is listed, as messages begin; one place of several.
  std::string Lists() const {
    if (parts.empty()) return "the list of tensors";
    return absl::StrCat(parts[0].table->file().path(), ": in the list at offset ", parts[0].listed_at);
  }
};

}  // namespace

// The tables, and what they list together.
class V1Reader::Files {
 public:
  static absl::StatusOr<std::shared_ptr<const Files>> Open(std::string name,
                                                           const std::vector<std::string>& paths);

  const std::string& name() const { return name_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const StoredTensor* Find(absl::string_view name) const;
  absl::StatusOr<Tensor> ReadPart(const StoredTensor& tensor, const Part& part) const;
  // Appends the `count` elements of a part whose type has a fixed size.
  absl::Status StreamPart(const StoredTensor& tensor, const Part& part, uint64_t count, ByteSink& sink) const;

  absl::Status Defect(absl::string_view file, absl::string_view tensor, const absl::Status& defect) const {
    return Damage(absl::Status(
        defect.code(),
        absl::StrCat(file, ": tensor '", absl::Utf8SafeCHexEscape(tensor), "': ", defect.message())));
  }

 private:
  // What the file has for a part.
  struct Record {
    absl::string_view values;  // A TensorProto with typed values alone.
    std::shared_ptr<const void> owner;
    uint64_t offset = 0;  // In the file.
  };

  absl::Status AddTable(const TableReader& table);
  absl::Status AddTensor(const TableReader& table, uint64_t listed_at, const SavedTensorMeta& meta);
  absl::StatusOr<Record> FindPart(const StoredTensor& tensor, const Part& part) const;
  absl::Status PartDefect(const StoredTensor& tensor, const Part& part, absl::optional<uint64_t> offset,
                          const absl::Status& defect) const;

  std::string name_;
  std::vector<std::unique_ptr<TableReader>> tables_;
  std::map<std::string, StoredTensor> by_name_;  // Until all tables are there.
  std::vector<StoredTensor> tensors_;            // Sorted by name.
};

absl::StatusOr<std::shared_ptr<const V1Reader::Files>> V1Reader::Files::Open(
    std::string name, const std::vector<std::string>& paths) {
  auto files = std::make_shared<Files>();
  files->name_ = std::move(name);
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
    absl::StatusOr<std::unique_ptr<TableReader>> table = TableReader::Open(std::move(file));
    if (!table.ok()) return Damage(table.status());
    RETURN_IF_ERROR(files->AddTable(**table));
    files->tables_.push_back(*std::move(table));
  }
  for (auto& [key, tensor] : files->by_name_) {
    std::vector<TensorSlice> extents;
    for (const Part& part : tensor.parts) extents.push_back(part.extent);
    if (const absl::Status disjoint = CheckDisjoint(extents); !disjoint.ok()) {
      return files->Defect(tensor.Lists(), key, absl::DataLossError(disjoint.message()));
    }
    files->tensors_.push_back(std::move(tensor));
  }
  files->by_name_.clear();
  return files;
}

absl::Status V1Reader::Files::AddTable(const TableReader& table) {
  const std::string& path = table.file().path();
  absl::StatusOr<absl::optional<TableReader::Value>> header = table.Find("");
  if (!header.ok()) return Damage(header.status());
  SavedMeta meta;
  if (!header->has_value()) {
    return Damage(absl::DataLossError(absl::StrCat(
        path, ": the list of tensors (an empty key, at offset 0) is missing; not a checkpoint")));
  }
  if ((*header)->bytes.empty()) return absl::OkStatus();
  if (!ParseSavedMeta((*header)->bytes, &meta) || !meta.present) {
    return Damage(absl::DataLossError(
        absl::StrCat(path, ": the list of tensors at offset ", (*header)->offset, " cannot be read")));
  }
  if (const absl::Status versions = CheckVersions(meta.versions); !versions.ok()) {
    return absl::Status(versions.code(), absl::StrCat(path, ": the list of tensors at offset ",
                                                      (*header)->offset, ": ", versions.message()));
  }
  const uint64_t listed_at = (*header)->offset;
  for (const SavedTensorMeta& tensor : meta.tensors) RETURN_IF_ERROR(AddTensor(table, listed_at, tensor));
  return absl::OkStatus();
}

absl::Status V1Reader::Files::AddTensor(const TableReader& table, uint64_t listed_at,
                                        const SavedTensorMeta& meta) {
  const std::string path = absl::StrCat(table.file().path(), ": in the list at offset ", listed_at);
  if (const absl::Status shape = StoredElements(meta.shape).status(); !shape.ok())
    return Defect(path, meta.name, shape);
  const auto [place, is_new] = by_name_.try_emplace(meta.name);
  StoredTensor& tensor = place->second;
  if (is_new) {
    tensor.name = meta.name;
    tensor.dtype = meta.dtype;
    tensor.dims = meta.shape.dims;
  } else if (tensor.dtype != meta.dtype || tensor.dims != meta.shape.dims) {
    return Defect(
        path, meta.name,
        absl::DataLossError(absl::StrCat(
            "it is listed as ", DataTypeEnumName(meta.dtype), " ", ShapeText(meta.shape.dims),
            " here and as ", DataTypeEnumName(tensor.dtype), " ", ShapeText(tensor.dims), " before")));
  }
  for (const TensorSlice& slice : meta.slices) {
    absl::StatusOr<TensorSlice> extent = ResolveSlice(slice, tensor.dims);
    if (!extent.ok()) return Defect(path, meta.name, absl::DataLossError(extent.status().message()));
    tensor.parts.push_back({&table, slice, *std::move(extent), listed_at});
  }
  return absl::OkStatus();
}

const StoredTensor* V1Reader::Files::Find(absl::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const StoredTensor& tensor, absl::string_view key) { return tensor.name < key; });
  return found == tensors_.end() || found->name != name ? nullptr : &*found;
}

absl::Status V1Reader::Files::PartDefect(const StoredTensor& tensor, const Part& part,
                                         absl::optional<uint64_t> offset, const absl::Status& defect) const {
  return Defect(
      part.table->file().path(), tensor.name,
      absl::Status(defect.code(), absl::StrCat("slice '", SliceText(part.stored), "'",
                                               offset.has_value() ? absl::StrCat(" at offset ", *offset) : "",
                                               ": ", defect.message())));
}

absl::StatusOr<V1Reader::Files::Record> V1Reader::Files::FindPart(const StoredTensor& tensor,
                                                                  const Part& part) const {
  absl::StatusOr<absl::optional<TableReader::Value>> found =
      part.table->Find(SliceKey(tensor.name, part.stored));
  if (!found.ok()) return PartDefect(tensor, part, absl::nullopt, found.status());
  if (!found->has_value()) {
    return PartDefect(tensor, part, absl::nullopt,
                      absl::DataLossError(absl::StrCat("the list at offset ", part.listed_at,
                                                       " names it, but it is not there")));
  }
  const TableReader::Value& value = **found;
  SavedSlice slice;
  if (!ParseSavedSlice(value.bytes, &slice)) {
    return PartDefect(tensor, part, value.offset, absl::DataLossError("it cannot be read"));
  }
  if (slice.name != tensor.name || slice.slice != part.stored) {
    return PartDefect(
        tensor, part, value.offset,
        absl::DataLossError(absl::StrCat("the record says that it is slice '", SliceText(slice.slice),
                                         "' of '", absl::Utf8SafeCHexEscape(slice.name), "'")));
  }
  return Record{slice.values, value.owner, value.offset};
}

absl::StatusOr<Tensor> V1Reader::Files::ReadPart(const StoredTensor& tensor, const Part& part) const {
  ASSIGN_OR_RETURN(Record record, FindPart(tensor, part));
  absl::StatusOr<Tensor> value =
      DecodeTypedValues(tensor.dtype, SliceDims(part.extent), record.values, std::move(record.owner));
  if (value.status().code() == absl::StatusCode::kInvalidArgument) {
    return PartDefect(tensor, part, record.offset, absl::DataLossError(value.status().message()));
  }
  return value;
}

absl::Status V1Reader::Files::StreamPart(const StoredTensor& tensor, const Part& part, uint64_t count,
                                         ByteSink& sink) const {
  absl::string_view packed;
  // The block is checked while its values are written, if there is nothing to be turned.
  const absl::optional<TableReader::Unchecked> found =
      part.table->FindUnchecked(SliceKey(tensor.name, part.stored));
  SavedSlice slice;
  if (found.has_value() && ParseSavedSlice(found->value.bytes, &slice) && slice.name == tensor.name &&
      slice.slice == part.stored && PackedAsInMemory(tensor.dtype, slice.values, &packed) &&
      packed.size() == count * static_cast<uint64_t>(DataTypeBytes(tensor.dtype))) {
    uint32_t crc;
    RETURN_IF_ERROR(StreamSummed(part.table->file(), found->summed, packed, sink, &crc));
    const absl::Status compared = found->Compare(*part.table, crc);
    return compared.ok() ? compared : PartDefect(tensor, part, absl::nullopt, compared);
  }
  ASSIGN_OR_RETURN(const Record record, FindPart(tensor, part));
  if (!PackedVarints(tensor.dtype, record.values, &packed)) {
    ASSIGN_OR_RETURN(const Tensor value, ReadPart(tensor, part));
    return sink.Append(value.bytes);
  }
  const absl::Status streamed = StreamVarints(tensor.dtype, packed, count, sink);
  return streamed.code() == absl::StatusCode::kDataLoss ? PartDefect(tensor, part, record.offset, streamed)
                                                        : streamed;
}

// The slices that make a wanted value.
struct V1Reader::Plan {
  const StoredTensor* tensor;
  TensorSlice box;
  std::vector<const Part*> parts;

  absl::StatusOr<Tensor> Load(const Files& files) const {
    if (parts.size() == 1 && parts[0]->extent == box) return files.ReadPart(*tensor, *parts[0]);
    std::vector<TensorSlice> extents;
    for (const Part* part : parts) extents.push_back(part->extent);
    return Assemble(tensor->dtype, box, extents,
                    [&](size_t i) { return files.ReadPart(*tensor, *parts[i]); });
  }
};

absl::StatusOr<V1Reader::Plan> V1Reader::MakePlan(absl::string_view name,
                                                  absl::string_view slice_spec) const {
  Plan plan;
  plan.tensor = files_->Find(name);
  if (plan.tensor == nullptr) return NoSuchTensor(files_->name(), name);
  const StoredTensor& tensor = *plan.tensor;
  if (const absl::Status type = CheckStoredType(tensor.dtype); !type.ok()) {
    return files_->Defect(tensor.Lists(), tensor.name, type);
  }
  TensorSlice wanted(tensor.dims.size());
  if (!slice_spec.empty()) {
    ASSIGN_OR_RETURN(SliceSpec spec, ParseSliceSpec(slice_spec));
    if (spec.dims != tensor.dims) {
      return absl::InvalidArgumentError(absl::StrCat("the slice '", slice_spec, "' is wanted of '", name,
                                                     "', whose shape in the checkpoint is ",
                                                     ShapeText(tensor.dims)));
    }
    wanted = std::move(spec.slice);
  }
  ASSIGN_OR_RETURN(plan.box, ResolveSlice(wanted, tensor.dims));
  std::vector<TensorSlice> tiles;
  TensorSlice common;
  for (const Part& part : tensor.parts) {
    // A slice without elements shares none with the box, yet may be all that is wanted.
    if (part.extent == plan.box) {
      common = plan.box;
    } else if (!Intersect(part.extent, plan.box, &common)) {
      continue;
    }
    for (size_t d = 0; d < common.size(); ++d) common[d].start -= plan.box[d].start;
    tiles.push_back(common);
    plan.parts.push_back(&part);
  }
  if (const absl::Status tiling = CheckTiling(tiles, SliceDims(plan.box)); !tiling.ok()) {
    return files_->Defect(tensor.Lists(), tensor.name, absl::DataLossError(tiling.message()));
  }
  return plan;
}

class V1Reader::V1Source final : public TensorSource {
 public:
  V1Source(std::shared_ptr<const Files> files, Plan plan)
      : files_(std::move(files)), plan_(std::move(plan)), dims_(SliceDims(plan_.box)) {}

  DataType dtype() const override { return plan_.tensor->dtype; }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override {
    uint64_t size = static_cast<uint64_t>(DataTypeBytes(dtype()));
    for (const int64_t dim : dims_) size *= static_cast<uint64_t>(dim);
    return size;
  }
  absl::StatusOr<Tensor> Load() const override { return plan_.Load(*files_); }
  absl::Status Write(ByteSink& sink) const override {
    if (plan_.parts.size() == 1 && plan_.parts[0]->extent == plan_.box) {
      uint64_t count = 1;
      for (const int64_t dim : dims_) count *= static_cast<uint64_t>(dim);
      return files_->StreamPart(*plan_.tensor, *plan_.parts[0], count, sink);
    }
    ASSIGN_OR_RETURN(const Tensor tensor, Load());
    return sink.Append(tensor.bytes);
  }

 private:
  std::shared_ptr<const Files> files_;
  Plan plan_;
  std::vector<int64_t> dims_;
};

V1Reader::V1Reader(std::shared_ptr<const Files> files) : files_(std::move(files)) {
  for (const StoredTensor& tensor : files_->tensors()) {
    entries_.push_back({tensor.name, tensor.dtype, tensor.dims, tensor.parts.size() > 1});
  }
}

V1Reader::~V1Reader() = default;

absl::StatusOr<std::unique_ptr<V1Reader>> V1Reader::Open(std::string name,
                                                         const std::vector<std::string>& files) {
  ASSIGN_OR_RETURN(std::shared_ptr<const Files> opened, Files::Open(std::move(name), files));
  return std::unique_ptr<V1Reader>(new V1Reader(std::move(opened)));
}

std::vector<StoredPart> V1Reader::Parts(absl::string_view name) const {
  std::vector<StoredPart> parts;
  const StoredTensor* const tensor = files_->Find(name);
  if (tensor == nullptr) return parts;
  for (const Part& each : tensor->parts) {
    StoredPart part;
    const bool whole = std::all_of(each.stored.begin(), each.stored.end(),
                                   [](const SliceExtent& extent) { return extent.is_full(); });
    if (!whole || tensor->parts.size() > 1) part.slice = each.stored;
    part.file = each.table->file().path();
    part.num_bytes = static_cast<uint64_t>(DataTypeBytes(tensor->dtype));
    for (const SliceExtent& extent : each.extent) part.num_bytes *= static_cast<uint64_t>(extent.length);
    parts.push_back(std::move(part));
  }
  return parts;
}

absl::StatusOr<Tensor> V1Reader::Read(absl::string_view name, absl::string_view slice_spec) const {
  ASSIGN_OR_RETURN(const Plan plan, MakePlan(name, slice_spec));
  return plan.Load(*files_);
}

absl::StatusOr<std::shared_ptr<const TensorSource>> V1Reader::Source(absl::string_view name,
                                                                     absl::string_view slice_spec) const {
  ASSIGN_OR_RETURN(Plan plan, MakePlan(name, slice_spec));
  return std::shared_ptr<const TensorSource>(std::make_shared<V1Source>(files_, std::move(plan)));
}

std::vector<TensorSlice> V1Reader::StoredSlices(absl::string_view name) const {
  std::vector<TensorSlice> slices;
  const StoredTensor* const tensor = files_->Find(name);
  if (tensor == nullptr) return slices;
  const auto is_whole = [](const Part& part) {
    return std::all_of(part.stored.begin(), part.stored.end(),
                       [](const SliceExtent& extent) { return extent.is_full(); });
  };
  for (const Part& part : tensor->parts) {
    if (!is_whole(part)) slices.push_back(part.stored);
  }
  return slices;
}

}  // namespace cryograph

#include "checkpoint/v1_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/assemble.h"
#include "checkpoint/damage.h"
#include "checkpoint/messages.h"
#include "checkpoint/table_reader.h"

namespace cryograph {
namespace {

struct Part {
  const TableReader* table;
  TensorSlice stored;  // As the key has it.
  TensorSlice extent;  // Resolved.
};

struct StoredTensor {
  std::string name;
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  std::vector<Part> parts;
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

  absl::Status Defect(absl::string_view file, absl::string_view tensor, const absl::Status& defect) const {
    return Damage(absl::Status(
        defect.code(),
        absl::StrCat(file, ": tensor '", absl::Utf8SafeCHexEscape(tensor), "': ", defect.message())));
  }

 private:
  absl::Status AddTable(const TableReader& table);
  absl::Status AddTensor(const TableReader& table, const SavedTensorMeta& meta);

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
      return files->Defect(files->name_, key, absl::DataLossError(disjoint.message()));
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
    return Damage(
        absl::DataLossError(absl::StrCat(path, ": the list of tensors is missing; not a checkpoint")));
  }
  if ((*header)->bytes.empty()) return absl::OkStatus();
  if (!ParseSavedMeta((*header)->bytes, &meta) || !meta.present) {
    return Damage(absl::DataLossError(absl::StrCat(path, ": the list of tensors cannot be read")));
  }
  if (const absl::Status versions = CheckVersions(meta.versions); !versions.ok()) {
    return absl::Status(versions.code(), absl::StrCat(path, ": ", versions.message()));
  }
  for (const SavedTensorMeta& tensor : meta.tensors) RETURN_IF_ERROR(AddTensor(table, tensor));
  return absl::OkStatus();
}

absl::Status V1Reader::Files::AddTensor(const TableReader& table, const SavedTensorMeta& meta) {
  const std::string& path = table.file().path();
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
    tensor.parts.push_back({&table, slice, *std::move(extent)});
  }
  return absl::OkStatus();
}

const StoredTensor* V1Reader::Files::Find(absl::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const StoredTensor& tensor, absl::string_view key) { return tensor.name < key; });
  return found == tensors_.end() || found->name != name ? nullptr : &*found;
}

absl::StatusOr<Tensor> V1Reader::Files::ReadPart(const StoredTensor& tensor, const Part& part) const {
  const auto defect = [&](const absl::Status& status) {
    return Defect(part.table->file().path(), tensor.name,
                  absl::Status(status.code(),
                               absl::StrCat("slice '", SliceText(part.stored), "': ", status.message())));
  };
  absl::StatusOr<absl::optional<TableReader::Value>> record =
      part.table->Find(SliceKey(tensor.name, part.stored));
  if (!record.ok()) return defect(record.status());
  if (!record->has_value()) return defect(absl::DataLossError("it is listed, but not there"));
  SavedSlice slice;
  if (!ParseSavedSlice((*record)->bytes, &slice)) return defect(absl::DataLossError("it cannot be read"));
  if (slice.name != tensor.name || slice.slice != part.stored) {
    return defect(
        absl::DataLossError(absl::StrCat("the record says that it is slice '", SliceText(slice.slice),
                                         "' of '", absl::Utf8SafeCHexEscape(slice.name), "'")));
  }
  absl::StatusOr<Tensor> value =
      DecodeTypedValues(tensor.dtype, SliceDims(part.extent), slice.values, (*record)->owner);
  if (value.status().code() == absl::StatusCode::kInvalidArgument) {
    return defect(absl::DataLossError(value.status().message()));
  }
  return value;
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
    return files_->Defect(files_->name(), tensor.name, type);
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
    return files_->Defect(files_->name(), tensor.name, absl::DataLossError(tiling.message()));
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

absl::StatusOr<Tensor> V1Reader::Read(absl::string_view name, absl::string_view slice_spec) const {
  ASSIGN_OR_RETURN(const Plan plan, MakePlan(name, slice_spec));
  return plan.Load(*files_);
}

absl::StatusOr<std::shared_ptr<const TensorSource>> V1Reader::Source(absl::string_view name,
                                                                     absl::string_view slice_spec) const {
  ASSIGN_OR_RETURN(Plan plan, MakePlan(name, slice_spec));
  return std::shared_ptr<const TensorSource>(std::make_shared<V1Source>(files_, std::move(plan)));
}

}  // namespace cryograph

#include "checkpoint/bundle_reader.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/assemble.h"
#include "checkpoint/bundle_index.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/damage.h"
#include "checkpoint/messages.h"
#include "checkpoint/stored_values.h"
#include "checkpoint/summed_stream.h"

namespace cryograph {
namespace {

// A stored value and where its bytes are.
struct Place {
  const BundleRecord* record;
  std::shared_ptr<const MappedFile> file;
  absl::string_view bytes;
  uint64_t num_elements;
};

// `slice` without the place of `box`, in which it lies.
TensorSlice Relative(const TensorSlice& slice, const TensorSlice& box) {
  TensorSlice relative = slice;
  for (size_t d = 0; d < box.size(); ++d) relative[d].start -= box[d].start;
  return relative;
}

}  // namespace

// What the index says, and the data files that have been opened.
class BundleReader::Bundle {
 public:
  Bundle(std::string prefix, BundleIndex index) : prefix_(std::move(prefix)), index_(std::move(index)) {}

  const std::vector<BundleRecord>& records() const { return index_.records; }
  const std::string& prefix() const { return prefix_; }
  int num_shards() const { return index_.header.num_shards; }
  bool big_endian() const { return index_.big_endian(); }

  // Null if there is none.
  const BundleRecord* Find(absl::string_view key) const { return index_.Find(key); }

  // Checks all of an entry but its bytes.
  absl::StatusOr<Place> Locate(const BundleRecord& record) const;
  absl::StatusOr<Tensor> ReadWhole(const Place& place, std::vector<int64_t> dims) const;
  // Appends bytes [skip, skip + count) of a value that is stored as in memory, and checks all of it.
  absl::Status Stream(const Place& place, uint64_t skip, uint64_t count, ByteSink& sink) const;

  // What the entry of `record` says of where its value is.
  StoredPart PartOf(const BundleRecord& record, TensorSlice slice) const;

  // The status of a defect in the entry or value of `record`, with file, key and place.
  absl::Status Defect(const BundleRecord& record, const absl::Status& defect) const;

 private:
  std::string ShardPath(int shard) const {
    return absl::StrFormat("%s.data-%05d-of-%05d", prefix_, shard, num_shards());
  }
  absl::StatusOr<std::shared_ptr<const MappedFile>> Shard(const BundleRecord& record) const;

  const std::string prefix_;
  const BundleIndex index_;
  mutable std::mutex mutex_;
  mutable std::map<int, std::shared_ptr<const MappedFile>> shards_;  // Guarded by mutex_.
};

StoredPart BundleReader::Bundle::PartOf(const BundleRecord& record, TensorSlice slice) const {
  StoredPart part;
  part.slice = std::move(slice);
  const BundleEntry& entry = record.entry;
  if (entry.shard >= 0 && entry.shard < num_shards()) part.file = ShardPath(entry.shard);
  part.offset = entry.offset;
  if (entry.size > 0) part.num_bytes = static_cast<uint64_t>(entry.size);
  return part;
}

absl::Status BundleReader::Bundle::Defect(const BundleRecord& record, const absl::Status& defect) const {
  const bool in_data =
      record.entry.slices.empty() && record.entry.shard >= 0 && record.entry.shard < num_shards();
  return Damage(absl::Status(
      defect.code(), absl::StrCat(in_data ? ShardPath(record.entry.shard) : absl::StrCat(prefix_, ".index"),
                                  ": tensor ", QuotedKey(record.key),
                                  in_data ? absl::StrCat(" at offset ", record.entry.offset, " (",
                                                         record.entry.size, " bytes)")
                                          : absl::StrCat(" (entry at offset ", record.place, ")"),
                                  ": ", defect.message())));
}

absl::StatusOr<std::shared_ptr<const MappedFile>> BundleReader::Bundle::Shard(
    const BundleRecord& record) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<const MappedFile>& shard = shards_[record.entry.shard];
  if (shard == nullptr) {
    absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(ShardPath(record.entry.shard));
    if (!file.ok()) {
      shards_.erase(record.entry.shard);
      return MissingShard(file.status(), record.key, num_shards());
    }
    shard = *std::move(file);
  }
  return shard;
}

absl::StatusOr<Place> BundleReader::Bundle::Locate(const BundleRecord& record) const {
  const BundleEntry& entry = record.entry;
  if (const absl::Status type = CheckStoredType(entry.dtype); !type.ok()) return Defect(record, type);
  const absl::StatusOr<int64_t> count = StoredElements(entry.shape);
  if (!count.ok()) return Defect(record, count.status());
  if (entry.shard < 0 || entry.shard >= num_shards()) {
    return Defect(record, absl::DataLossError(
                              absl::StrCat("its data file is number ", entry.shard, " of ", num_shards())));
  }
  if (entry.offset < 0 || entry.size < 0) {
    return Defect(record, absl::DataLossError("its offset or size is negative"));
  }
  Place place{&record, nullptr, {}, static_cast<uint64_t>(*count)};
  const uint64_t offset = static_cast<uint64_t>(entry.offset);
  const uint64_t size = static_cast<uint64_t>(entry.size);
  if (const absl::Status fits = CheckStoredSize(entry.dtype, place.num_elements, size); !fits.ok()) {
    return Defect(record, fits);
  }
  ASSIGN_OR_RETURN(place.file, Shard(record));
  const absl::string_view all = place.file->bytes();
  if (size == 0) return place;  // Wherever that is.
  if (offset > all.size() || size > all.size() - offset) {
    return Defect(record, absl::DataLossError(absl::StrCat("the file has only ", all.size(), " bytes")));
  }
  place.bytes = all.substr(static_cast<size_t>(offset), static_cast<size_t>(size));
  return place;
}

absl::StatusOr<Tensor> BundleReader::Bundle::ReadWhole(const Place& place, std::vector<int64_t> dims) const {
  const BundleEntry& entry = place.record->entry;
  absl::StatusOr<Tensor> tensor = ReadStoredValue(entry.dtype, std::move(dims), place.num_elements,
                                                  {place.bytes, place.file, entry.masked_crc, big_endian()});
  if (!tensor.ok()) return Defect(*place.record, tensor.status());
  return tensor;
}

absl::Status BundleReader::Bundle::Stream(const Place& place, uint64_t skip, uint64_t count,
                                          ByteSink& sink) const {
  uint32_t crc;
  RETURN_IF_ERROR(StreamSummed(*place.file, place.bytes,
                               place.bytes.substr(static_cast<size_t>(skip), static_cast<size_t>(count)),
                               sink, &crc));
  const uint32_t expected = UnmaskCrc(place.record->entry.masked_crc);
  if (crc == expected) return absl::OkStatus();
  return Defect(*place.record,
                absl::DataLossError(absl::StrCat("its bytes have the ", ChecksumDefect(crc, expected))));
}

// Which stored values make a wanted one, all of them checked but for their bytes.
class BundleReader::Plan {
 public:
  static absl::StatusOr<Plan> Make(const BundleReader& reader, absl::string_view name,
                                   absl::string_view slice_spec);

  DataType dtype() const { return record_->entry.dtype; }
  std::vector<int64_t> dims() const { return SliceDims(box_); }
  // Elements; they are counted in 63 bits, as those of the whole tensor are.
  uint64_t num_elements() const { return num_elements_; }

  // True if the value is the stored pieces, or cuts of them, one behind the other.
  bool is_stream() const { return is_stream_; }
  absl::StatusOr<Tensor> Load(const Bundle& bundle) const;
  absl::Status Stream(const Bundle& bundle, ByteSink& sink) const;

 private:
  struct Part {
    Place place;
    TensorSlice extent;  // What is stored there, as a part of the whole tensor.
    TensorSlice common;  // What of it is wanted.
  };

  absl::Status AddWhole(const Bundle& bundle);
  absl::Status AddSlices(const Bundle& bundle);
  absl::Status AddPart(const Bundle& bundle, const BundleRecord& record, TensorSlice extent);
  void DecideStream(const Bundle& bundle);

  const BundleRecord* record_ = nullptr;
  TensorSlice box_;  // What is wanted.
  uint64_t num_elements_ = 1;
  std::vector<Part> parts_;  // In the order of their first wanted element.
  bool is_stream_ = false;
};

absl::StatusOr<BundleReader::Plan> BundleReader::Plan::Make(const BundleReader& reader,
                                                            absl::string_view name,
                                                            absl::string_view slice_spec) {
  const Bundle& bundle = *reader.bundle_;
  Plan plan;
  plan.record_ = reader.CheckpointReader::Find(name) == nullptr ? nullptr : bundle.Find(name);
  if (plan.record_ == nullptr) return reader.NoSuchTensor(bundle.prefix(), name);
  const BundleEntry& entry = plan.record_->entry;
  if (const absl::Status type = CheckStoredType(entry.dtype); !type.ok())
    return bundle.Defect(*plan.record_, type);
  if (const absl::Status shape = StoredElements(entry.shape).status(); !shape.ok()) {
    return bundle.Defect(*plan.record_, shape);
  }
  TensorSlice wanted(entry.shape.dims.size());
  if (!slice_spec.empty()) {
    ASSIGN_OR_RETURN(SliceSpec spec, ParseSliceSpec(slice_spec));
    if (spec.dims != entry.shape.dims) {
      return absl::InvalidArgumentError(absl::StrCat("the slice '", slice_spec, "' is wanted of '", name,
                                                     "', whose shape in the checkpoint is ",
                                                     ShapeText(entry.shape.dims)));
    }
    wanted = std::move(spec.slice);
  }
  ASSIGN_OR_RETURN(plan.box_, ResolveSlice(wanted, entry.shape.dims));
  for (const SliceExtent& extent : plan.box_) plan.num_elements_ *= static_cast<uint64_t>(extent.length);
  RETURN_IF_ERROR(entry.slices.empty() ? plan.AddWhole(bundle) : plan.AddSlices(bundle));
  plan.DecideStream(bundle);
  return plan;
}

absl::Status BundleReader::Plan::AddPart(const Bundle& bundle, const BundleRecord& record,
                                         TensorSlice extent) {
  Part part;
  ASSIGN_OR_RETURN(part.place, bundle.Locate(record));
  if (!Intersect(extent, box_, &part.common)) part.common = box_;  // An empty tensor has only itself.
  part.extent = std::move(extent);
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

absl::Status BundleReader::Plan::AddWhole(const Bundle& bundle) {
  const std::vector<int64_t>& dims = record_->entry.shape.dims;
  ASSIGN_OR_RETURN(TensorSlice whole, ResolveSlice(TensorSlice(dims.size()), dims));
  return AddPart(bundle, *record_, std::move(whole));
}

absl::Status BundleReader::Plan::AddSlices(const Bundle& bundle) {
  const BundleEntry& entry = record_->entry;
  std::vector<TensorSlice> tiles;
  TensorSlice common;
  for (const TensorSlice& slice : entry.slices) {
    absl::StatusOr<TensorSlice> extent = ResolveSlice(slice, entry.shape.dims);
    if (!extent.ok()) return bundle.Defect(*record_, absl::DataLossError(extent.status().message()));
    // Writers store that as a plain tensor.
    if (std::all_of(slice.begin(), slice.end(), [](const SliceExtent& each) { return each.is_full(); })) {
      return bundle.Defect(*record_, absl::DataLossError("one of its slices is the whole tensor"));
    }
    if (!Intersect(*extent, box_, &common)) continue;
    const BundleRecord* const stored = bundle.Find(SliceKey(record_->key, slice));
    if (stored == nullptr) {
      return bundle.Defect(
          *record_, absl::DataLossError(absl::StrCat("its slice '", SliceText(slice), "' is missing")));
    }
    if (!stored->entry.slices.empty() || stored->entry.dtype != entry.dtype ||
        stored->entry.shape.unknown_rank || stored->entry.shape.dims != SliceDims(*extent)) {
      return bundle.Defect(
          *record_,
          absl::DataLossError(absl::StrCat(
              "its slice '", SliceText(slice), "' is stored as ", DataTypeEnumName(stored->entry.dtype), " ",
              ShapeText(stored->entry.shape.dims), " in ", stored->entry.slices.size(), " slices, not as ",
              DataTypeEnumName(entry.dtype), " ", ShapeText(SliceDims(*extent)))));
    }
    tiles.push_back(Relative(common, box_));
    RETURN_IF_ERROR(AddPart(bundle, *stored, *std::move(extent)));
  }
  if (const absl::Status tiling = CheckTiling(tiles, SliceDims(box_)); !tiling.ok()) {
    return bundle.Defect(*record_, absl::DataLossError(tiling.message()));
  }
  std::sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) {
    for (size_t d = 0; d < a.common.size(); ++d) {
      if (a.common[d].start != b.common[d].start) return a.common[d].start < b.common[d].start;
    }
    return false;
  });
  return absl::OkStatus();
}

void BundleReader::Plan::DecideStream(const Bundle& bundle) {
  is_stream_ = IsStoredAsInMemory(dtype(), bundle.big_endian());
  for (const Part& part : parts_) {
    if (!is_stream_) return;
    is_stream_ = num_elements_ == 0 || IsOneRun(part.common, part.extent, box_);
  }
}

absl::StatusOr<Tensor> BundleReader::Plan::Load(const Bundle& bundle) const {
  if (parts_.size() == 1 && parts_[0].extent == box_) return bundle.ReadWhole(parts_[0].place, dims());
  std::vector<TensorSlice> extents;
  for (const Part& part : parts_) extents.push_back(part.extent);
  absl::StatusOr<Tensor> whole = Assemble(dtype(), box_, extents, [&](size_t i) {
    return bundle.ReadWhole(parts_[i].place, SliceDims(parts_[i].extent));
  });
  if (whole.status().code() == absl::StatusCode::kResourceExhausted)
    return bundle.Defect(*record_, whole.status());
  return whole;
}

absl::Status BundleReader::Plan::Stream(const Bundle& bundle, ByteSink& sink) const {
  const uint64_t width = static_cast<uint64_t>(DataTypeBytes(dtype()));
  for (const Part& part : parts_) {
    uint64_t skip = 0;
    uint64_t count = 0;
    if (num_elements_ != 0) {
      ForEachRun(part.common, part.extent, box_, [&](const CopyRun& run) {
        skip = run.from * width;
        count += run.count * width;
      });
    }
    RETURN_IF_ERROR(bundle.Stream(part.place, skip, count, sink));
  }
  return absl::OkStatus();
}

class BundleReader::BundleSource final : public TensorSource {
 public:
  BundleSource(std::shared_ptr<const Bundle> bundle, Plan plan)
      : bundle_(std::move(bundle)), plan_(std::move(plan)), dims_(plan_.dims()) {}

  DataType dtype() const override { return plan_.dtype(); }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override {
    return plan_.num_elements() * static_cast<uint64_t>(DataTypeBytes(plan_.dtype()));
  }
  absl::StatusOr<Tensor> Load() const override { return plan_.Load(*bundle_); }
  absl::Status Write(ByteSink& sink) const override {
    if (plan_.is_stream()) return plan_.Stream(*bundle_, sink);
    ASSIGN_OR_RETURN(const Tensor tensor, Load());
    return sink.Append(tensor.bytes);
  }

 private:
  std::shared_ptr<const Bundle> bundle_;
  Plan plan_;
  std::vector<int64_t> dims_;
};

BundleReader::BundleReader(std::shared_ptr<const Bundle> bundle) : bundle_(std::move(bundle)) {
  // The slices of partitioned tensors are shown as those tensors alone.
  std::vector<bool> hidden(bundle_->records().size(), false);
  for (const BundleRecord& record : bundle_->records()) {
    for (const TensorSlice& slice : record.entry.slices) {
      const BundleRecord* const stored = bundle_->Find(SliceKey(record.key, slice));
      if (stored != nullptr) hidden[static_cast<size_t>(stored - bundle_->records().data())] = true;
    }
  }
  for (size_t i = 0; i < hidden.size(); ++i) {
    if (hidden[i]) continue;
    const BundleRecord& record = bundle_->records()[i];
    entries_.push_back(
        {record.key, record.entry.dtype, record.entry.shape.dims, !record.entry.slices.empty()});
  }
}

BundleReader::~BundleReader() = default;

absl::StatusOr<std::unique_ptr<BundleReader>> BundleReader::Open(const std::string& prefix) {
  ASSIGN_OR_RETURN(BundleIndex index, ReadBundleIndex(prefix));
  return std::unique_ptr<BundleReader>(
      new BundleReader(std::make_shared<const Bundle>(prefix, std::move(index))));
}

absl::StatusOr<Tensor> BundleReader::Read(absl::string_view name, absl::string_view slice_spec) const {
  ASSIGN_OR_RETURN(const Plan plan, Plan::Make(*this, name, slice_spec));
  return plan.Load(*bundle_);
}

absl::StatusOr<std::shared_ptr<const TensorSource>> BundleReader::Source(absl::string_view name,
                                                                         absl::string_view slice_spec) const {
  ASSIGN_OR_RETURN(Plan plan, Plan::Make(*this, name, slice_spec));
  return std::shared_ptr<const TensorSource>(std::make_shared<BundleSource>(bundle_, std::move(plan)));
}

std::vector<TensorSlice> BundleReader::StoredSlices(absl::string_view name) const {
  const BundleRecord* const record = bundle_->Find(name);
  return record == nullptr ? std::vector<TensorSlice>() : record->entry.slices;
}

std::vector<StoredPart> BundleReader::Parts(absl::string_view name) const {
  std::vector<StoredPart> parts;
  const BundleRecord* const record = CheckpointReader::Find(name) == nullptr ? nullptr : bundle_->Find(name);
  if (record == nullptr) return parts;
  if (record->entry.slices.empty()) return {bundle_->PartOf(*record, {})};
  for (const TensorSlice& slice : record->entry.slices) {
    const BundleRecord* const stored = bundle_->Find(SliceKey(record->key, slice));
    if (stored != nullptr) parts.push_back(bundle_->PartOf(*stored, slice));
  }
  return parts;
}

int BundleReader::num_shards() const { return bundle_->num_shards(); }

}  // namespace cryograph

#include "checkpoint/bundle_writer.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/crc32c.h"
#include "leveldb/env.h"
#include "leveldb/options.h"
#include "leveldb/slice.h"
#include "leveldb/status.h"
#include "leveldb/table_builder.h"

namespace cryograph {
namespace {

// What TensorFlow gives its table builder.
constexpr size_t kBlockBytes = 262144;

// BundleHeaderProto: num_shards 1, little endian, version { producer 1 }.
constexpr absl::string_view kHeader("\x08\x01\x1a\x02\x08\x01", 6);

// A leveldb file that is a FileSink.
class TableFile final : public leveldb::WritableFile {
 public:
  explicit TableFile(FileSink* sink) : sink_(*sink) {}

  leveldb::Status Append(const leveldb::Slice& bytes) override {
    status_ = sink_.Append(absl::string_view(bytes.data(), bytes.size()));
    return status_.ok() ? leveldb::Status::OK() : leveldb::Status::IOError(std::string(status_.message()));
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

  const absl::Status& status() const { return status_; }

 private:
  FileSink& sink_;
  absl::Status status_;
};

// Passes bytes on and sums them up.
class ChecksumSink final : public ByteSink {
 public:
  explicit ChecksumSink(ByteSink* sink) : sink_(*sink) {}
  absl::Status Append(absl::string_view bytes) override {
    crc_ = ExtendCrc32c(crc_, bytes);
    return sink_.Append(bytes);
  }
  // Sums up what is not in the file.
  void Extend(absl::string_view bytes) { crc_ = ExtendCrc32c(crc_, bytes); }
  // Writes the sum so far, and sums it up in turn.
  absl::Status AppendChecksum() {
    std::string bytes;
    AppendFixed32(MaskCrc(crc_), &bytes);
    return Append(bytes);
  }
  uint32_t crc() const { return crc_; }

 private:
  ByteSink& sink_;
  uint32_t crc_ = 0;
};

// All lengths, their checksum, all bytes. Lengths are summed up as numbers, not as the varints that are
// stored.
absl::Status WriteStrings(const Tensor& value, ChecksumSink& sink, ByteSink& unsummed) {
  for (const absl::string_view text : value.strings) {
    std::string number, varint;
    if (text.size() <= std::numeric_limits<uint32_t>::max()) {
      AppendFixed32(static_cast<uint32_t>(text.size()), &number);
    } else {
      AppendFixed64(text.size(), &number);
    }
    sink.Extend(number);
    AppendVarint(text.size(), &varint);
    RETURN_IF_ERROR(unsummed.Append(varint));
  }
  RETURN_IF_ERROR(sink.AppendChecksum());
  for (const absl::string_view text : value.strings) RETURN_IF_ERROR(sink.Append(text));
  return absl::OkStatus();
}

// For each element its length, its bytes and the checksum of all so far.
absl::Status WriteVariants(const Tensor& value, ChecksumSink& sink, ByteSink& unsummed) {
  for (const absl::string_view variant : value.strings) {
    std::string number, varint;
    AppendFixed64(variant.size(), &number);
    sink.Extend(number);
    AppendVarint(variant.size(), &varint);
    RETURN_IF_ERROR(unsummed.Append(varint));
    RETURN_IF_ERROR(sink.Append(variant));
    RETURN_IF_ERROR(sink.AppendChecksum());
  }
  return absl::OkStatus();
}

std::string ShapeBytes(absl::Span<const int64_t> dims) {
  std::string shape;
  for (const int64_t dim : dims) {
    std::string bytes;
    if (dim != 0) AppendVarintField(1, static_cast<uint64_t>(dim), &bytes);
    AppendBytesField(2, bytes, &shape);
  }
  return shape;
}

std::string SliceBytes(absl::Span<const SliceExtent> slice) {
  std::string bytes;
  for (const SliceExtent& extent : slice) {
    std::string part;
    if (extent.start != 0) AppendVarintField(1, static_cast<uint64_t>(extent.start), &part);
    if (!extent.is_full()) AppendVarintField(2, static_cast<uint64_t>(extent.length), &part);
    AppendBytesField(1, part, &bytes);
  }
  return bytes;
}

bool IsText(DataType dtype) { return dtype == DT_STRING || dtype == DT_VARIANT; }

}  // namespace

absl::StatusOr<std::unique_ptr<BundleWriter>> BundleWriter::Create(const std::string& prefix,
                                                                   const Options& options) {
  if (prefix.empty() || prefix.back() == '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("'", prefix, "' is no prefix of a checkpoint: a file name must end it"));
  }
  if (options.alignment < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("alignment ", options.alignment, " of a checkpoint's tensors is below 1"));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<FileSink> data,
                   FileSink::Create(absl::StrCat(prefix, ".data-00000-of-00001")));
  return std::unique_ptr<BundleWriter>(new BundleWriter(prefix, options, std::move(data)));
}

absl::Status BundleWriter::CheckName(absl::string_view name) const {
  if (name.empty() || name[0] == '\0') {
    return absl::InvalidArgumentError(absl::StrCat(prefix_, ": a tensor's name must not ",
                                                   name.empty() ? "be empty" : "begin with byte 0"));
  }
  return absl::OkStatus();
}

absl::Status BundleWriter::CheckType(absl::string_view name, DataType dtype) const {
  if (IsRefType(dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(prefix_, ": tensor '", name, "' has type ",
                                                   DataTypeEnumName(dtype),
                                                   ", and references cannot be stored"));
  }
  if (DataTypeBytes(dtype) == 0 && !IsText(dtype)) {
    return absl::UnimplementedError(absl::StrCat(prefix_, ": tensor '", name, "' has type ",
                                                 DataTypeEnumName(dtype), ", which checkpoints cannot hold"));
  }
  return absl::OkStatus();
}

absl::Status BundleWriter::AddChecked(absl::string_view key, absl::string_view name, const Tensor& value) {
  RETURN_IF_ERROR(CheckType(name, value.dtype));
  ASSIGN_OR_RETURN(const int64_t elements, NumElements(value.dims));
  const bool fits = IsText(value.dtype) ? value.strings.size() == static_cast<uint64_t>(elements)
                                        : value.bytes.size() % DataTypeBytes(value.dtype) == 0 &&
                                              value.bytes.size() / DataTypeBytes(value.dtype) ==
                                                  static_cast<uint64_t>(elements);
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat(prefix_, ": tensor '", name, "' has ",
                     IsText(value.dtype) ? absl::StrCat(value.strings.size(), " elements")
                                         : absl::StrCat(value.bytes.size(), " bytes"),
                     ", which is not what ", DataTypeName(value.dtype), ShapeText(value.dims), " needs"));
  }
  const int64_t offset = data_->size();
  ChecksumSink sink(data_.get());
  switch (value.dtype) {
    case DT_STRING:
      RETURN_IF_ERROR(WriteStrings(value, sink, *data_));
      break;
    case DT_VARIANT:
      RETURN_IF_ERROR(WriteVariants(value, sink, *data_));
      break;
    default:
      RETURN_IF_ERROR(sink.Append(value.bytes));
  }
  return Record(key, value.dtype, value.dims, offset, sink.crc());
}

absl::Status BundleWriter::Record(absl::string_view key, DataType dtype, absl::Span<const int64_t> dims,
                                  int64_t offset, uint32_t crc) {
  Entry& entry = entries_[std::string(key)];
  entry.dtype = dtype;
  entry.dims.assign(dims.begin(), dims.end());
  entry.offset = offset;
  entry.size = data_->size() - offset;
  entry.crc = MaskCrc(crc);
  const int64_t padding = (options_.alignment - data_->size() % options_.alignment) % options_.alignment;
  return data_->Append(std::string(static_cast<size_t>(padding), '\0'));
}

absl::Status BundleWriter::Add(absl::string_view name, const Tensor& value) {
  RETURN_IF_ERROR(CheckName(name));
  if (entries_.count(std::string(name)) > 0) {
    return absl::AlreadyExistsError(absl::StrCat(prefix_, ": tensor '", name, "' was added before"));
  }
  return AddChecked(name, name, value);
}

absl::Status BundleWriter::Add(absl::string_view name, const TensorSource& value) {
  if (IsText(value.dtype())) {
    ASSIGN_OR_RETURN(const Tensor tensor, value.Load());
    return Add(name, tensor);
  }
  RETURN_IF_ERROR(CheckName(name));
  RETURN_IF_ERROR(CheckType(name, value.dtype()));
  if (entries_.count(std::string(name)) > 0) {
    return absl::AlreadyExistsError(absl::StrCat(prefix_, ": tensor '", name, "' was added before"));
  }
  const int64_t offset = data_->size();
  ChecksumSink sink(data_.get());
  RETURN_IF_ERROR(value.Write(sink));
  return Record(name, value.dtype(), value.dims(), offset, sink.crc());
}

absl::Status BundleWriter::AddSlice(absl::string_view name, absl::Span<const int64_t> dims,
                                    absl::Span<const SliceExtent> slice, const Tensor& value) {
  RETURN_IF_ERROR(CheckName(name));
  std::vector<int64_t> part_dims;
  bool full = true;
  for (size_t i = 0; i < slice.size(); ++i) {
    full = full && slice[i].is_full();
    part_dims.push_back(slice[i].is_full() && i < dims.size() ? dims[i] : slice[i].length);
  }
  if (slice.size() != dims.size() || part_dims != value.dims) {
    return absl::InvalidArgumentError(absl::StrCat(prefix_, ": a slice of tensor '", name, "' ",
                                                   ShapeText(dims), " is ", ShapeText(part_dims),
                                                   ", but its value is ", ShapeText(value.dims)));
  }
  if (full) return Add(name, value);
  const std::string key = SliceKey(name, slice);
  const auto whole = entries_.find(std::string(name));
  if (entries_.count(key) > 0 || (whole != entries_.end() && whole->second.slices.empty())) {
    return absl::AlreadyExistsError(
        absl::StrCat(prefix_, ": tensor '", name, "' or this slice of it was added before"));
  }
  if (whole != entries_.end() &&
      (whole->second.dtype != value.dtype || absl::MakeConstSpan(whole->second.dims) != dims)) {
    return absl::InvalidArgumentError(absl::StrCat(
        prefix_, ": the slices of tensor '", name, "' are of ", DataTypeName(whole->second.dtype),
        ShapeText(whole->second.dims), " and of ", DataTypeName(value.dtype), ShapeText(dims)));
  }
  RETURN_IF_ERROR(AddChecked(key, name, value));
  Entry& entry = entries_[std::string(name)];
  entry.dtype = value.dtype;
  entry.dims.assign(dims.begin(), dims.end());
  entry.slices.emplace_back(slice.begin(), slice.end());
  return absl::OkStatus();
}

// A BundleEntryProto. The shape of a scalar is an empty message, yet it is there.
std::string BundleWriter::Serialize(const Entry& entry) {
  std::string bytes;
  AppendVarintField(1, static_cast<uint64_t>(entry.dtype), &bytes);
  AppendBytesField(2, ShapeBytes(entry.dims), &bytes);
  if (entry.offset != 0) AppendVarintField(4, static_cast<uint64_t>(entry.offset), &bytes);
  if (entry.size != 0) AppendVarintField(5, static_cast<uint64_t>(entry.size), &bytes);
  if (entry.crc != 0) AppendFixed32Field(6, entry.crc, &bytes);
  for (const std::vector<SliceExtent>& slice : entry.slices) AppendBytesField(7, SliceBytes(slice), &bytes);
  return bytes;
}

absl::Status BundleWriter::Finish() {
  ASSIGN_OR_RETURN(std::unique_ptr<FileSink> index, FileSink::Create(absl::StrCat(prefix_, ".index")));
  TableFile file(index.get());
  leveldb::Options options;
  options.block_size = kBlockBytes;
  options.compression = leveldb::kNoCompression;
  leveldb::TableBuilder builder(options, &file);
  builder.Add(leveldb::Slice(), leveldb::Slice(kHeader.data(), kHeader.size()));
  for (const auto& [key, entry] : entries_) {
    const std::string value = Serialize(entry);
    // TensorFlow's builder has this rule of its own.
    if (key.size() + value.size() >= 2 * kBlockBytes) builder.Flush();
    builder.Add(key, value);
  }
  const leveldb::Status finished = builder.Finish();
  RETURN_IF_ERROR(file.status());
  if (!finished.ok()) return absl::InternalError(absl::StrCat(prefix_, ".index: ", finished.ToString()));
  RETURN_IF_ERROR(data_->Commit());
  return index->Commit();
}

}  // namespace cryograph

#include "checkpoint/bundle_writer.h"

#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/summed_stream.h"

namespace cryograph {
namespace {

// Passes bytes on and sums them up.
class ChecksumSink final : public SummedSink {
 public:
  explicit ChecksumSink(ByteSink* sink) : sink_(*sink) {}
  absl::Status Append(absl::string_view bytes) override {
    crc_ = ExtendCrc32c(crc_, bytes);
    return sink_.Append(bytes);
  }
  absl::Status AppendSummed(absl::string_view bytes, const PieceSums& sums) override {
    crc_ = CombineCrc32c(crc_, sums.crc32c, bytes.size());
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

absl::Status WriteValue(const TensorSource& value, ChecksumSink& sink, ByteSink& unsummed) {
  if (DataTypeBytes(value.dtype()) != 0) return value.Write(sink);
  ASSIGN_OR_RETURN(const Tensor tensor, value.Load());
  return value.dtype() == DT_STRING ? WriteStrings(tensor, sink, unsummed)
                                    : WriteVariants(tensor, sink, unsummed);
}

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
  constexpr int kMaxShards = 1 << 20;  // Of six digits at most, also while an old checkpoint is replaced.
  if (options.num_shards < 1 || options.num_shards > kMaxShards) {
    return absl::InvalidArgumentError(
        absl::StrCat("a checkpoint cannot have ", options.num_shards, " data files, but 1 to ", kMaxShards));
  }
  auto writer = std::unique_ptr<BundleWriter>(new BundleWriter(prefix, options));
  RETURN_IF_ERROR(writer->files_.Data(0).status());  // A path that cannot be written to is told now.
  return writer;
}

absl::Status BundleWriter::CheckStorable(absl::string_view name, DataType dtype) const {
  if (DataTypeBytes(dtype) != 0 || dtype == DT_STRING || dtype == DT_VARIANT) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(checkpoint(), ": tensor '", absl::Utf8SafeCHexEscape(name),
                                               "' has type ", DataTypeEnumName(dtype),
                                               ", which checkpoints cannot hold"));
}

absl::Status BundleWriter::Store(const Part& part, std::shared_ptr<const TensorSource> value) {
  ASSIGN_OR_RETURN(FileSink* const data, files_.Data(part.shard));
  BundleEntry entry;
  entry.dtype = part.dtype;
  entry.shape.dims = value->dims();
  entry.shard = part.shard;
  entry.offset = data->size();
  ChecksumSink sink(data);
  RETURN_IF_ERROR(WriteValue(*value, sink, *data));
  entry.size = data->size() - entry.offset;
  entry.masked_crc = MaskCrc(sink.crc());
  const int64_t padding = (options_.alignment - data->size() % options_.alignment) % options_.alignment;
  RETURN_IF_ERROR(data->Append(std::string(static_cast<size_t>(padding), '\0')));
  if (part.whole) {
    entries_[part.name] = std::move(entry);
    return absl::OkStatus();
  }
  entries_[SliceKey(part.name, part.slice)] = std::move(entry);
  Partitioned& partitioned = partitioned_[part.name];
  partitioned.entry.dtype = part.dtype;
  partitioned.entry.shape.dims = part.dims;
  partitioned.slices[part.shard].push_back(part.slice);
  return absl::OkStatus();
}

absl::Status BundleWriter::Add(absl::string_view name, const TensorSource& value, int shard) {
  return CheckpointWriter::Add(
      name, std::shared_ptr<const TensorSource>(std::shared_ptr<const TensorSource>(), &value), shard);
}

absl::Status BundleWriter::Finish() {
  // As merging does it: slices shard by shard, and the number of the first shard that has one.
  for (auto& [name, partitioned] : partitioned_) {
    partitioned.entry.shard = partitioned.slices.begin()->first;
    for (const auto& [shard, slices] : partitioned.slices) {
      partitioned.entry.slices.insert(partitioned.entry.slices.end(), slices.begin(), slices.end());
    }
    entries_[name] = std::move(partitioned.entry);
  }
  partitioned_.clear();
  return files_.Commit(entries_);
}

}  // namespace cryograph

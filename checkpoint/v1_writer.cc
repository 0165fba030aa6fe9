#include "checkpoint/v1_writer.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/message_bytes.h"
#include "checkpoint/table_writer.h"
#include "checkpoint/typed_values.h"

namespace cryograph {
namespace {

constexpr uint64_t kSliceLimit = uint64_t{1} << 31;

// A SavedTensorSlices with one slice, up to its values.
std::string RecordHead(absl::string_view name, const TensorSlice& slice, uint64_t values_size) {
  std::string saved;
  AppendBytesField(1, name, &saved);
  AppendBytesField(2, SliceBytes(slice), &saved);
  AppendBytesHeader(3, values_size, &saved);
  std::string head;
  AppendBytesHeader(2, saved.size() + values_size, &head);
  return head + saved;
}

}  // namespace

absl::StatusOr<std::unique_ptr<V1Writer>> V1Writer::Create(const std::string& path, const Options& options) {
  if (path.empty() || path.back() == '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' is no name of a checkpoint: a file name must end it"));
  }
  constexpr int kMaxShards = 1 << 16;
  if (options.num_shards < 1 || options.num_shards > kMaxShards) {
    return absl::InvalidArgumentError(
        absl::StrCat("a checkpoint cannot have ", options.num_shards, " files, but 1 to ", kMaxShards));
  }
  auto writer = std::unique_ptr<V1Writer>(new V1Writer(path, options));
  ASSIGN_OR_RETURN(writer->shards_[0].sink, FileSink::Create(writer->ShardPath(0)));
  return writer;
}

std::string V1Writer::ShardPath(int shard) const {
  if (num_shards() == 1 && !options_.sharded) return checkpoint();
  return absl::StrFormat("%s-%05d-of-%05d", checkpoint(), shard, num_shards());
}

std::vector<std::string> V1Writer::Files() const {
  std::vector<std::string> paths;
  for (int shard = 0; shard < num_shards(); ++shard) paths.push_back(ShardPath(shard));
  return paths;
}

absl::Status V1Writer::CheckStorable(absl::string_view name, DataType dtype) const {
  if (!HasTypedValues(dtype)) {
    return absl::UnimplementedError(absl::StrCat(
        checkpoint(), ": tensor '", absl::Utf8SafeCHexEscape(name), "' has type ", DataTypeEnumName(dtype),
        ", which checkpoints of version 1 cannot hold; write version 2"));
  }
  if (!IsUtf8(name)) {
    return absl::InvalidArgumentError(absl::StrCat(checkpoint(), ": the name of tensor '",
                                                   absl::CHexEscape(name),
                                                   "' is not UTF-8, as checkpoints of version 1 need it"));
  }
  return absl::OkStatus();
}

absl::Status V1Writer::Store(const Part& part, std::shared_ptr<const TensorSource> value) {
  uint64_t count = 1;
  for (const int64_t dim : value->dims()) count *= static_cast<uint64_t>(dim);
  uint64_t bound = TypedValuesBound(part.dtype, count);
  if (part.dtype == DT_STRING) {
    ASSIGN_OR_RETURN(const uint64_t size, TypedValuesSize(*value));
    bound += size;
  }
  if (bound >= kSliceLimit) {
    return absl::InvalidArgumentError(
        absl::StrCat(checkpoint(), ": tensor '", absl::Utf8SafeCHexEscape(part.name), "' may take ", bound,
                     " bytes, but a slice of a checkpoint of version 1 has less than ", kSliceLimit,
                     "; store it in slices, or write version 2"));
  }
  Shard& shard = shards_[static_cast<size_t>(part.shard)];
  const auto [place, is_new] = shard.by_name.try_emplace(part.name, shard.tensors.size());
  if (is_new) shard.tensors.push_back({part.name, part.dtype, {part.dims, false}, {}});
  shard.tensors[place->second].slices.push_back(part.slice);
  shard.records[SliceKey(part.name, part.slice)] = {part.name, part.slice, std::move(value)};
  return absl::OkStatus();
}

absl::Status V1Writer::Finish() {
  for (size_t i = 0; i < shards_.size(); ++i) {
    Shard& shard = shards_[i];
    if (shard.sink == nullptr) {
      ASSIGN_OR_RETURN(shard.sink, FileSink::Create(ShardPath(static_cast<int>(i))));
    }
    TableWriter table(shard.sink.get());
    RETURN_IF_ERROR(table.Add("", SavedMetaBytes(shard.tensors)));
    for (const auto& [key, record] : shard.records) {
      const TensorSource& value = *record.value;
      ASSIGN_OR_RETURN(const uint64_t values_size, TypedValuesSize(value));
      const std::string head = RecordHead(record.name, record.slice, values_size);
      RETURN_IF_ERROR(table.Add(key, head.size() + values_size, [&](ByteSink& sink) {
        RETURN_IF_ERROR(sink.Append(head));
        return WriteTypedValues(value, sink);
      }));
    }
    RETURN_IF_ERROR(table.Finish());
  }
  for (Shard& shard : shards_) RETURN_IF_ERROR(shard.sink->Commit());
  return absl::OkStatus();
}

}  // namespace cryograph

#include "checkpoint/transfer.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/slice_spec.h"

namespace cryograph {
namespace {

// What is written under one key.
struct Piece {
  const TransferItem* item;
  TensorSlice slice;  // Empty: all of it.
  uint64_t num_bytes = 0;
  int shard = 0;
};

std::vector<Piece> PiecesOf(const TransferItem& item, bool join_slices) {
  std::vector<StoredPart> parts;
  if (item.value == nullptr) parts = item.reader->Parts(item.entry->name);
  std::vector<Piece> pieces;
  uint64_t all = 0;
  for (const StoredPart& part : parts) all += part.num_bytes;
  if (item.value != nullptr || join_slices || !item.entry->sliced) {
    pieces.push_back({&item, {}, all});
    return pieces;
  }
  for (StoredPart& part : parts) pieces.push_back({&item, std::move(part.slice), part.num_bytes});
  return pieces;
}

// Puts the largest pieces first, each where there is least.
void SpreadOverShards(int num_shards, std::vector<Piece>* pieces) {
  using Load = std::pair<uint64_t, int>;
  std::priority_queue<Load, std::vector<Load>, std::greater<Load>> shards;
  for (int shard = 0; shard < num_shards; ++shard) shards.push({0, shard});
  std::vector<size_t> order;
  for (size_t i = 0; i < pieces->size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return (*pieces)[a].num_bytes > (*pieces)[b].num_bytes; });
  for (const size_t i : order) {
    auto [load, shard] = shards.top();
    shards.pop();
    (*pieces)[i].shard = shard;
    // Empty tensors are spread, too.
    shards.push({load + std::max<uint64_t>(1, (*pieces)[i].num_bytes), shard});
  }
}

absl::Status WritePiece(const Piece& piece, CheckpointWriter& writer) {
  const TransferItem& item = *piece.item;
  if (item.value != nullptr) return writer.Add(item.name, item.value, piece.shard);
  const std::vector<int64_t>& dims = item.entry->dims;
  if (piece.slice.empty()) {
    ASSIGN_OR_RETURN(std::shared_ptr<const TensorSource> source, item.reader->Source(item.entry->name));
    return writer.Add(item.name, std::move(source), piece.shard);
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const TensorSource> source,
                   item.reader->Source(item.entry->name, SliceSpecText({dims, piece.slice})));
  return writer.AddSlice(item.name, dims, piece.slice, std::move(source), piece.shard);
}

}  // namespace

absl::StatusOr<TransferReport> Transfer(std::vector<TransferItem> items, const std::string& prefix,
                                        const TransferOptions& options) {
  std::stable_sort(items.begin(), items.end(),
                   [](const TransferItem& a, const TransferItem& b) { return a.name < b.name; });
  TransferReport report;
  std::vector<Piece> pieces;
  for (const TransferItem& item : items) {
    for (Piece& piece : PiecesOf(item, options.join_slices)) pieces.push_back(std::move(piece));
    if (&item == &items[0] || item.name != (&item - 1)->name) ++report.num_tensors;
  }
  CheckpointWriterOptions writer_options = options.writer;
  writer_options.num_shards = std::max(
      1, static_cast<int>(std::min<size_t>(pieces.size(), static_cast<size_t>(options.writer.num_shards))));
  SpreadOverShards(writer_options.num_shards, &pieces);
  uint64_t total = 0;
  for (const Piece& piece : pieces) total += piece.num_bytes;
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointWriter> writer,
                   CreateCheckpointWriter(prefix, writer_options));
  for (const Piece& piece : pieces) {
    RETURN_IF_ERROR(WritePiece(piece, *writer));
    report.num_bytes += piece.num_bytes;
    if (options.progress != nullptr) options.progress(report.num_bytes, total);
  }
  RETURN_IF_ERROR(writer->Finish());
  report.num_shards = writer_options.num_shards;
  report.files = writer->Files();
  return report;
}

}  // namespace cryograph

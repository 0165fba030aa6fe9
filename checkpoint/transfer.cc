#include "checkpoint/transfer.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
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

// OK if the slices of items [begin, end), which are of one partitioned tensor, make all of it. What one
// reader has alone it checks itself, and says where the defect is.
absl::Status CheckSlices(const TransferItem* begin, const TransferItem* end) {
  if (end - begin == 1) return begin->reader->Source(begin->entry->name).status();
  std::vector<TensorSlice> tiles;
  const std::vector<int64_t>& dims = begin->entry->dims;
  for (const TransferItem* item = begin; item != end; ++item) {
    for (const TensorSlice& slice : item->reader->StoredSlices(item->entry->name)) {
      // That it is there, and fits, is checked with its source.
      RETURN_IF_ERROR(item->reader->Source(item->entry->name, SliceSpecText({dims, slice})).status());
      ASSIGN_OR_RETURN(TensorSlice tile, ResolveSlice(slice, dims));
      tiles.push_back(std::move(tile));
    }
  }
  const absl::Status tiling = CheckTiling(tiles, dims);
  if (tiling.ok()) return tiling;
  return absl::DataLossError(absl::StrCat("tensor '", absl::Utf8SafeCHexEscape(begin->name),
                                          "': ", tiling.message(), " in all inputs together"));
}

absl::Status CheckAllSlices(const std::vector<TransferItem>& items) {
  for (size_t begin = 0, end; begin < items.size(); begin = end) {
    for (end = begin + 1; end < items.size() && items[end].name == items[begin].name;) ++end;
    if (items[begin].value == nullptr && items[begin].entry->sliced)
      RETURN_IF_ERROR(CheckSlices(&items[begin], items.data() + end));
  }
  return absl::OkStatus();
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
  RETURN_IF_ERROR(CheckAllSlices(items));
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

#include "checkpoint/test_tables.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/wire.h"
#include "leveldb/env.h"
#include "leveldb/filter_policy.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "leveldb/table.h"
#include "leveldb/table_builder.h"

namespace cryograph {
namespace {

class MemorySink final : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    bytes.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

  std::string bytes;
};

class MemorySource final : public leveldb::RandomAccessFile {
 public:
  explicit MemorySource(const std::string& bytes) : bytes_(bytes) {}
  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result, char* scratch) const override {
    if (offset > bytes_.size()) return leveldb::Status::IOError("beyond the end");
    n = std::min(n, bytes_.size() - static_cast<size_t>(offset));
    std::memcpy(scratch, bytes_.data() + offset, n);
    *result = leveldb::Slice(scratch, n);
    return leveldb::Status::OK();
  }

 private:
  const std::string& bytes_;
};

std::string ShapeProto(const std::vector<int64_t>& dims) {
  std::string shape;
  for (const int64_t size : dims) {
    std::string dim;
    if (size != 0) AppendVarintField(1, static_cast<uint64_t>(size), &dim);
    AppendBytesField(2, dim, &shape);
  }
  return shape;
}

std::string SliceProto(const TensorSlice& slice) {
  std::string proto;
  for (const SliceExtent& extent : slice) {
    std::string bytes;
    if (!extent.is_full()) {
      if (extent.start != 0) AppendVarintField(1, static_cast<uint64_t>(extent.start), &bytes);
      AppendVarintField(2, static_cast<uint64_t>(extent.length), &bytes);
    }
    AppendBytesField(1, bytes, &proto);
  }
  return proto;
}

}  // namespace

std::string BuildTable(const TableEntries& entries, const TableOptions& options) {
  leveldb::Options table_options;
  table_options.block_size = options.block_bytes;
  table_options.block_restart_interval = options.restart_interval;
  table_options.compression = options.snappy ? leveldb::kSnappyCompression : leveldb::kNoCompression;
  const std::unique_ptr<const leveldb::FilterPolicy> filter(leveldb::NewBloomFilterPolicy(10));
  if (options.bloom_filter) table_options.filter_policy = filter.get();
  MemorySink sink;
  leveldb::TableBuilder builder(table_options, &sink);
  for (const auto& [key, value] : entries) {
    if (key.size() + value.size() >= 2 * options.block_bytes) builder.Flush();
    builder.Add(key, value);
  }
  builder.Finish();
  return sink.bytes;
}

bool ReadTableWithLevelDb(const std::string& bytes, TableEntries* entries) {
  MemorySource source(bytes);
  leveldb::Table* opened = nullptr;
  if (!leveldb::Table::Open(leveldb::Options(), &source, bytes.size(), &opened).ok()) return false;
  const std::unique_ptr<leveldb::Table> table(opened);
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> iterator(table->NewIterator(options));
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    entries->emplace_back(iterator->key().ToString(), iterator->value().ToString());
  }
  return iterator->status().ok();
}

TableEntries V1Entries(const std::vector<V1Slice>& slices) {
  TableEntries entries;
  std::string meta;
  for (size_t i = 0; i < slices.size(); ++i) {
    const V1Slice& slice = slices[i];
    std::string data;
    AppendBytesField(1, slice.name, &data);
    AppendBytesField(2, SliceProto(slice.slice), &data);
    AppendBytesField(3, slice.values, &data);
    std::string record;
    AppendBytesField(2, data, &record);
    entries.emplace_back(SliceKey(slice.name, slice.slice), record);
    if (i > 0 && slices[i - 1].name == slice.name) continue;
    std::string tensor;
    AppendBytesField(1, slice.name, &tensor);
    AppendBytesField(2, ShapeProto(slice.dims), &tensor);
    AppendVarintField(3, static_cast<uint64_t>(slice.dtype), &tensor);
    for (size_t j = i; j < slices.size() && slices[j].name == slice.name; ++j) {
      AppendBytesField(4, SliceProto(slices[j].slice), &tensor);
    }
    AppendBytesField(1, tensor, &meta);
  }
  AppendBytesField(2, "\x08\x01", &meta);  // Versions: producer 1.
  std::string header;
  AppendBytesField(1, meta, &header);
  entries.emplace_back("", header);
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::string FloatValues(const std::vector<float>& values) {
  std::string proto;
  if (values.empty()) return proto;
  AppendBytesField(
      5, absl::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)),
      &proto);
  return proto;
}

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace cryograph

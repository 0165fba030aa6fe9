// The oracle is TensorFlow: its own checkpoints are taken apart by libleveldb and protobuf, written again,
// and must come out the same to the byte.
#include "checkpoint/bundle_writer.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "checkpoint/bundle_reader.h"
#include "checkpoint/directory.h"
#include "gmock/gmock.h"
#include "graph/proto/checkpoint.pb.h"
#include "leveldb/env.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "leveldb/table.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string TestPrefix(absl::string_view name) { return absl::StrCat(testing::TempDir(), "/", name); }

// The entries of an index, in order.
std::vector<std::pair<std::string, std::string>> ReadIndex(const std::string& path) {
  std::vector<std::pair<std::string, std::string>> entries;
  leveldb::RandomAccessFile* file = nullptr;
  leveldb::Env* const env = leveldb::Env::Default();
  uint64_t size = 0;
  if (!env->GetFileSize(path, &size).ok() || !env->NewRandomAccessFile(path, &file).ok()) return entries;
  const std::unique_ptr<leveldb::RandomAccessFile> owner(file);
  leveldb::Table* table = nullptr;
  if (!leveldb::Table::Open(leveldb::Options(), file, size, &table).ok()) return entries;
  const std::unique_ptr<leveldb::Table> table_owner(table);
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> iterator(table->NewIterator(options));
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    entries.emplace_back(iterator->key().ToString(), iterator->value().ToString());
  }
  return entries;
}

// One tensor or slice of a checkpoint that is to be written again.
struct Part {
  std::string name;
  std::vector<int64_t> whole_dims;
  std::vector<SliceExtent> slice;  // Empty: the whole tensor.
  Tensor value;
  int shard = 0;
  int64_t offset = 0;
};

int CountedShards(const std::string& prefix) {
  const auto index = ReadIndex(absl::StrCat(prefix, ".index"));
  tensorflow::BundleHeaderProto header;
  EXPECT_TRUE(!index.empty() && header.ParseFromString(index[0].second)) << prefix;
  return header.num_shards();
}

std::vector<int64_t> Dims(const tensorflow::TensorShapeProto& shape) {
  std::vector<int64_t> dims;
  for (const auto& dim : shape.dim()) dims.push_back(dim.size());
  return dims;
}

Tensor ValueOf(const tensorflow::BundleEntryProto& entry, absl::string_view stored) {
  const auto dtype = static_cast<DataType>(entry.dtype());
  const std::vector<int64_t> dims = Dims(entry.shape());
  if (dtype != DT_STRING && dtype != DT_VARIANT) return Tensor::OfBytes(dtype, dims, std::string(stored));
  int64_t count = 1;
  for (const int64_t dim : dims) count *= dim;
  std::vector<std::string> strings;
  if (dtype == DT_STRING) {
    std::vector<uint64_t> lengths(static_cast<size_t>(count));
    for (uint64_t& length : lengths) EXPECT_TRUE(ReadVarint(&stored, &length));
    stored.remove_prefix(4);
    for (const uint64_t length : lengths) {
      strings.emplace_back(stored.substr(0, length));
      stored.remove_prefix(length);
    }
  } else {
    for (int64_t i = 0; i < count; ++i) {
      uint64_t length = 0;
      EXPECT_TRUE(ReadVarint(&stored, &length));
      strings.emplace_back(stored.substr(0, length));
      stored.remove_prefix(length + 4);
    }
  }
  EXPECT_EQ(stored.size(), 0u);
  Tensor tensor = Tensor::OfStrings(dims, std::move(strings));
  tensor.dtype = dtype;
  return tensor;
}

// Every part of the checkpoint, in the order of its data.
std::vector<Part> ReadParts(const std::string& prefix) {
  std::vector<std::string> data;
  const int num_shards = CountedShards(prefix);
  for (int shard = 0; shard < num_shards; ++shard)
    data.push_back(Read(BundleDataPath(prefix, shard, num_shards)));
  const auto index = ReadIndex(absl::StrCat(prefix, ".index"));
  std::vector<std::pair<std::string, tensorflow::BundleEntryProto>> entries;
  for (const auto& [key, value] : index) {
    if (key.empty()) continue;
    entries.emplace_back(key, tensorflow::BundleEntryProto());
    EXPECT_TRUE(entries.back().second.ParseFromString(value)) << key;
  }
  const auto add = [&](Part part, const tensorflow::BundleEntryProto& entry, std::vector<Part>& parts) {
    part.shard = entry.shard_id();
    part.offset = entry.offset();
    part.value = ValueOf(
        entry, absl::string_view(data[static_cast<size_t>(part.shard)]).substr(entry.offset(), entry.size()));
    parts.push_back(std::move(part));
  };
  std::vector<Part> parts;
  for (const auto& [key, entry] : entries) {
    if (key[0] == '\0') continue;
    Part part;
    part.name = key;
    part.whole_dims = Dims(entry.shape());
    if (entry.slices().empty()) add(part, entry, parts);
    for (const auto& slice : entry.slices()) {
      part.slice.clear();
      for (const auto& extent : slice.extent()) {
        const bool has_length =
            extent.has_length_hack_case() == tensorflow::TensorSliceProto::Extent::kLength;
        part.slice.push_back({extent.start(), has_length ? extent.length() : -1});
      }
      const std::string slice_key = SliceKey(key, part.slice);
      const auto found = std::find_if(entries.begin(), entries.end(),
                                      [&](const auto& each) { return each.first == slice_key; });
      if (found == entries.end()) {
        ADD_FAILURE() << "no slice " << absl::CHexEscape(slice_key);
        continue;
      }
      add(part, found->second, parts);
    }
  }
  // An empty tensor lies where the next one begins, and its entry was made before.
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return std::make_tuple(a.shard, a.offset, !a.value.bytes.empty() || !a.value.strings.empty()) <
           std::make_tuple(b.shard, b.offset, !b.value.bytes.empty() || !b.value.strings.empty());
  });
  return parts;
}

absl::Status WriteParts(const std::vector<Part>& parts, const std::string& prefix,
                        BundleWriter::Options options) {
  ASSIGN_OR_RETURN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix, options));
  for (const Part& part : parts) {
    RETURN_IF_ERROR(part.slice.empty()
                        ? writer->Add(part.name, part.value, part.shard)
                        : writer->AddSlice(part.name, part.whole_dims, part.slice, part.value, part.shard));
  }
  return writer->Finish();
}

class RewriteTest : public testing::TestWithParam<const char*> {};

TEST_P(RewriteTest, GivesTheBytesOfTensorFlow) {
  const std::string index = SharedData(absl::StrCat(GetParam(), ".index"));
  if (index.empty()) GTEST_SKIP() << "../shared/data has no " << GetParam();
  const std::string prefix = index.substr(0, index.size() - 6);
  const std::vector<Part> parts = ReadParts(prefix);
  ASSERT_FALSE(parts.empty());
  BundleWriter::Options options;
  if (absl::string_view(GetParam()) == "formats/v2_aligned64_own/ckpt") options.alignment = 64;
  options.num_shards = CountedShards(prefix);
  const std::string out = TestPrefix("rewritten");
  ASSERT_THAT(WriteParts(parts, out, options), IsOk());
  for (int shard = 0; shard < options.num_shards; ++shard) {
    EXPECT_TRUE(Read(BundleDataPath(out, shard, options.num_shards)) ==
                Read(BundleDataPath(prefix, shard, options.num_shards)))
        << shard;
  }
  EXPECT_TRUE(Read(out + ".index") == Read(index));
}

INSTANTIATE_TEST_SUITE_P(
    Samples, RewriteTest,
    testing::Values("formats/v2_aligned64_own/ckpt", "formats/v2_all_dtypes_tf115/ckpt",
                    "formats/v2_dtypes_tf221/ckpt", "formats/v2_merged_tf115/ckpt",
                    "formats/v2_object_slots_tf221/ckpt", "formats/v2_object_tf221/ckpt-1",
                    "formats/v2_saver_sharded_tf115/model.ckpt-7", "formats/v2_saver_tf115/model.ckpt-7",
                    "formats/v2_slice_keys_tf221/ckpt", "formats/v2_slices_tf221/ckpt",
                    "formats/v2_variant_tf221/ckpt", "formats/hostile/v2/00_good",
                    "models/t1_ckpt_multiblock_index/model.ckpt", "models/t1_ckpt_v2_sharded/model.ckpt",
                    "models/t1_dtype_zoo/model.ckpt", "models/t1_partitioned_ref/model.ckpt"),
    [](const auto& info) {
      std::string name;
      for (const char c : absl::string_view(info.param)) name += std::isalnum(c) ? c : '_';
      return name;
    });

Tensor Floats(std::vector<int64_t> dims, std::vector<float> values) {
  return Tensor::Of<float>(DT_FLOAT, std::move(dims), values);
}

// The smallest example of the format's description, worked out there byte by byte.
TEST(BundleWriterTest, SmallestExample) {
  const std::string prefix = TestPrefix("smallest");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix));
  ASSERT_THAT(writer->Add("w", Floats({2, 3}, {0, 1, 2, 3, 4, 5})), IsOk());
  ASSERT_THAT(writer->Finish(), IsOk());
  EXPECT_EQ(absl::BytesToHexString(Read(prefix + ".index")),
            // Header entry, entry of w, restarts, type and checksum.
            "00000608011a020801"
            "000113"
            "7708011208120208021202080328183"
            "5c0db3d17"
            "0000000001000000"
            "0090126087"
            // Metaindex, index, footer.
            "000000000100000000c0f2a1b0"
            "000102780028000000000100000000"
            "94798284"
            "2d083a0e"
            "00000000000000000000000000000000000000000000000000000000000000000000000057fb808b247547db");
  EXPECT_EQ(Read(prefix + ".data-00000-of-00001").size(), 24u);
}

// ["a", "", "bb"] of the same description: lengths, their checksum, bytes.
TEST(BundleWriterTest, Strings) {
  const std::string prefix = TestPrefix("strings");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix));
  ASSERT_THAT(writer->Add("s", Tensor::OfStrings({3}, {"a", "", "bb"})), IsOk());
  ASSERT_THAT(writer->Add("none", Tensor::OfStrings({0}, {})), IsOk());
  ASSERT_THAT(writer->Finish(), IsOk());
  EXPECT_EQ(absl::BytesToHexString(Read(prefix + ".data-00000-of-00001")), "010002c4355c28616262d8ea82a2");
}

// A value that is not in memory.
class Counting final : public TensorSource {
 public:
  DataType dtype() const override { return DT_UINT8; }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override { return 1000; }
  absl::StatusOr<Tensor> Load() const override { return absl::InternalError("not needed"); }
  absl::Status Write(ByteSink& sink) const override {
    for (int i = 0; i < 1000; ++i) RETURN_IF_ERROR(sink.Append(std::string(1, static_cast<char>(i % 251))));
    return absl::OkStatus();
  }

 private:
  const std::vector<int64_t> dims_ = {10, 100};
};

TEST(BundleWriterTest, StreamedValueIsTheSameAsOneInMemory) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i % 251);
  const std::string streamed = TestPrefix("streamed"), held = TestPrefix("held");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> first, BundleWriter::Create(streamed));
  ASSERT_THAT(first->Add("w", Counting()), IsOk());
  ASSERT_THAT(first->Finish(), IsOk());
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> second, BundleWriter::Create(held));
  ASSERT_THAT(second->Add("w", Tensor::OfBytes(DT_UINT8, {10, 100}, bytes)), IsOk());
  ASSERT_THAT(second->Finish(), IsOk());
  EXPECT_EQ(Read(streamed + ".index"), Read(held + ".index"));
  EXPECT_EQ(Read(streamed + ".data-00000-of-00001"), bytes);
}

TEST(BundleWriterTest, RefusesWhatCannotBeStored) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(TestPrefix("refused")));
  const Tensor value = Floats({2}, {1, 2});
  EXPECT_THAT(writer->Add("", value), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("be empty")));
  EXPECT_THAT(writer->Add(absl::string_view("\0a", 2), value),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("byte 0")));
  EXPECT_THAT(writer->Add("w", value), IsOk());
  EXPECT_THAT(writer->Add("w", value), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'w'")));
  EXPECT_THAT(
      writer->Add("v", Floats({3}, {1, 2})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("8 bytes, which is not what float[3] needs")));
  Tensor reference = value;
  reference.dtype = RefType(DT_FLOAT);
  EXPECT_THAT(writer->Add("r", reference),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("DT_FLOAT_REF")));
  EXPECT_THAT(writer->Add("h", Tensor::OfBytes(DT_RESOURCE, {}, "")),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("DT_RESOURCE")));
  EXPECT_THAT(writer->AddSlice("p", {4}, {{0, 3}}, value),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is [3], but its value is [2]")));
  EXPECT_THAT(writer->AddSlice("p", {4}, {{0, 2}}, value), IsOk());
  EXPECT_THAT(writer->AddSlice("p", {5}, {{2, 2}}, value),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("float[4] and of float[5]")));
  EXPECT_THAT(writer->Add("p", value), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'p'")));
}

TEST(BundleWriterTest, NothingAppearsWithoutFinish) {
  const std::string prefix = TestPrefix("unfinished");
  {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix));
    ASSERT_THAT(writer->Add("w", Floats({1}, {1})), IsOk());
  }
  EXPECT_FALSE(std::ifstream(prefix + ".data-00000-of-00001").good());
  EXPECT_FALSE(std::ifstream(prefix + ".index").good());
}

Tensor Loaded(const std::string& prefix, absl::string_view name) {
  const absl::StatusOr<std::unique_ptr<BundleReader>> reader = BundleReader::Open(prefix);
  EXPECT_THAT(reader.status(), IsOk());
  if (!reader.ok()) return Tensor();
  absl::StatusOr<Tensor> tensor = (*reader)->Read(name);
  EXPECT_THAT(tensor.status(), IsOk());
  return tensor.ok() ? *std::move(tensor) : Tensor();
}

std::vector<std::string> FilesOf(const std::string& prefix) {
  std::vector<std::string> names;
  for (const std::string& path : MatchingFiles(prefix + ".*")) {
    // A process that was killed may leave a second name of a file.
    if (!absl::StrContains(path, ".tmp-")) names.push_back(path.substr(prefix.size()));
  }
  return names;
}

TEST(BundleWriterTest, ReplacesACheckpointOfAnotherNumberOfShards) {
  const std::string prefix = TestPrefix("replaced");
  for (const int num_shards : {2, 1, 1, 4, 3}) {
    SCOPED_TRACE(num_shards);
    BundleWriter::Options options;
    options.num_shards = num_shards;
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix, options));
    const float value = static_cast<float>(10 * num_shards);
    ASSERT_THAT(writer->Add("w", Floats({1}, {value}), num_shards - 1), IsOk());
    ASSERT_THAT(writer->Finish(), IsOk());
    EXPECT_EQ(Loaded(prefix, "w").Copy<float>(), std::vector<float>{value});
    std::vector<std::string> expected;
    for (const std::string& path : writer->Files()) expected.push_back(path.substr(prefix.size()));
    EXPECT_EQ(FilesOf(prefix), expected);
    EXPECT_EQ(expected.size(), static_cast<size_t>(num_shards) + 1);
  }
}

// The values that a checkpoint is replaced with come from that checkpoint.
TEST(BundleWriterTest, ReplacesTheCheckpointThatItReads) {
  const std::string prefix = TestPrefix("in_place");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> first, BundleWriter::Create(prefix));
  ASSERT_THAT(first->Add("a", Floats({2}, {1, 2})), IsOk());
  ASSERT_THAT(first->Finish(), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(prefix));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source, reader->Source("a"));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> second, BundleWriter::Create(prefix));
  ASSERT_THAT(second->Add("b", source), IsOk());
  ASSERT_THAT(second->Finish(), IsOk());
  EXPECT_EQ(Loaded(prefix, "b").Copy<float>(), (std::vector<float>{1, 2}));
}

// A process that writes the same checkpoint again and again is killed at any moment: what it leaves is whole.
TEST(BundleWriterTest, KilledProcessLeavesAWholeCheckpoint) {
  const std::string prefix = TestPrefix("killed");
  const auto write = [&prefix](int turn) {
    BundleWriter::Options options;
    options.num_shards = 1 + turn % 3;
    absl::StatusOr<std::unique_ptr<BundleWriter>> writer = BundleWriter::Create(prefix, options);
    if (!writer.ok()) return writer.status();
    const std::vector<float> values(5000, static_cast<float>(turn));
    for (int i = 0; i < 6; ++i) {
      RETURN_IF_ERROR((*writer)->Add(absl::StrCat("w", i), Floats({5000}, values), i % options.num_shards));
    }
    return (*writer)->Finish();
  };
  ASSERT_THAT(write(0), IsOk());
  for (int run = 0; run < 60; ++run) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int turn = 1;; ++turn) {
        if (!write(turn).ok()) _exit(1);
      }
    }
    usleep(static_cast<useconds_t>(1500 + 437 * run % 9000));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "a write failed";
    const std::vector<float> first = Loaded(prefix, "w0").Copy<float>();
    ASSERT_EQ(first.size(), 5000u) << run;
    for (int i = 0; i < 6; ++i) EXPECT_EQ(Loaded(prefix, absl::StrCat("w", i)).Copy<float>(), first) << run;
  }
  // What the killed ones left beside it goes with the next that is written.
  ASSERT_THAT(write(0), IsOk());
  EXPECT_THAT(FilesOf(prefix), testing::ElementsAre(".data-00000-of-00001", ".index"));
}

TEST(BundleWriterTest, WantsAPrefix) {
  EXPECT_THAT(BundleWriter::Create("").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("prefix")));
  EXPECT_THAT(BundleWriter::Create("dir/").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'dir/'")));
  BundleWriter::Options options;
  options.num_shards = 0;
  EXPECT_THAT(BundleWriter::Create(TestPrefix("none"), options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 data files")));
  options.num_shards = 2;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer,
                       BundleWriter::Create(TestPrefix("two"), options));
  EXPECT_THAT(writer->Add("w", Floats({1}, {1}), 2),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("data file 2 of 2; the first is 0")));
}

}  // namespace
}  // namespace cryograph

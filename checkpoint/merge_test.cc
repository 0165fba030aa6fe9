// The oracle is TensorFlow: checkpoints that it merged are taken apart into one for each data file, and come
// out the same to the byte when they are merged again.
#include "checkpoint/merge.h"

#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_files.h"
#include "checkpoint/bundle_index.h"
#include "checkpoint/bundle_reader.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;

std::string TestPrefix(absl::string_view name) { return absl::StrCat(testing::TempDir(), "/merge_", name); }

Tensor Floats(std::vector<int64_t> dims, std::vector<float> values) {
  return Tensor::Of<float>(DT_FLOAT, std::move(dims), values);
}

// A checkpoint of one data file of `index`, with the same bytes.
absl::Status TakeShard(const BundleIndex& index, int shard, const std::string& prefix,
                       const std::string& out) {
  std::map<std::string, BundleEntry> entries;
  for (const BundleRecord& record : index.records) {
    if (record.entry.slices.empty()) {
      if (record.entry.shard != shard) continue;
      entries[record.key] = record.entry;
    } else {
      BundleEntry entry = record.entry;
      entry.slices.clear();
      for (const TensorSlice& slice : record.entry.slices) {
        if (index.Find(SliceKey(record.key, slice))->entry.shard == shard) entry.slices.push_back(slice);
      }
      if (entry.slices.empty()) continue;
      entries[record.key] = entry;
    }
    entries[record.key].shard = 0;
  }
  BundleFiles files(out, 1);
  ASSIGN_OR_RETURN(FileSink* const sink, files.Data(0));
  RETURN_IF_ERROR(sink->Append(FileBytes(BundleDataPath(prefix, shard, index.header.num_shards))));
  return files.Commit(entries);
}

class MergeAgainTest : public testing::TestWithParam<const char*> {};

TEST_P(MergeAgainTest, GivesTheBytesOfTensorFlow) {
  const std::string path = SharedData(absl::StrCat(GetParam(), ".index"));
  if (path.empty()) GTEST_SKIP() << "../shared/data has no " << GetParam();
  const std::string prefix = path.substr(0, path.size() - 6);
  ASSERT_OK_AND_ASSIGN(const BundleIndex index, ReadBundleIndex(prefix));
  std::vector<std::string> inputs;
  for (int shard = 0; shard < index.header.num_shards; ++shard) {
    inputs.push_back(TestPrefix(absl::StrCat("part", shard)));
    ASSERT_OK(TakeShard(index, shard, prefix, inputs.back()));
  }
  ASSERT_GT(inputs.size(), 1u);
  const std::string merged = TestPrefix("again");
  uint64_t copied = 0;
  ASSERT_OK(MergeBundles(inputs, merged, [&](uint64_t bytes) { copied += bytes; }));
  uint64_t expected = 0;
  EXPECT_TRUE(FileBytes(merged + ".index") == FileBytes(path));
  for (int shard = 0; shard < index.header.num_shards; ++shard) {
    const std::string data = FileBytes(BundleDataPath(prefix, shard, index.header.num_shards));
    EXPECT_TRUE(FileBytes(BundleDataPath(merged, shard, index.header.num_shards)) == data) << shard;
    expected += data.size();
  }
  EXPECT_EQ(copied, expected);
}

INSTANTIATE_TEST_SUITE_P(Samples, MergeAgainTest,
                         testing::Values("formats/v2_merged_tf115/ckpt",
                                         "formats/v2_saver_sharded_tf115/model.ckpt-7",
                                         "models/t1_ckpt_v2_sharded/model.ckpt"),
                         [](const auto& info) { return absl::StrCat("Sample", info.index); });

using Parts = std::vector<std::pair<std::string, SliceSpec>>;

// A checkpoint of these slices ({} for a whole tensor of one element) with a value for each.
std::string Made(absl::string_view name, const Parts& parts) {
  const std::string prefix = TestPrefix(name);
  absl::StatusOr<std::unique_ptr<BundleWriter>> writer = BundleWriter::Create(prefix);
  EXPECT_OK(writer);
  float value = static_cast<float>(10 * name.size());
  for (const auto& [key, spec] : parts) {
    const Tensor tensor = Floats(spec.slice.empty() ? std::vector<int64_t>{1} : std::vector<int64_t>{2}, {});
    Tensor filled =
        Floats(tensor.dims, std::vector<float>(static_cast<size_t>(tensor.num_elements()), ++value));
    EXPECT_OK(spec.slice.empty() ? (*writer)->Add(key, filled)
                                 : (*writer)->AddSlice(key, spec.dims, spec.slice, filled));
  }
  EXPECT_OK((*writer)->Finish());
  return prefix;
}

const SliceSpec kFirst = {{4}, {{0, 2}}};
const SliceSpec kSecond = {{4}, {{2, 2}}};

// TensorFlow numbers data files as the keys of one checkpoint after the other lead to them: here the slice of
// the second file comes first.
TEST(MergeTest, NumbersDataFilesInTheOrderOfKeys) {
  const std::string both = TestPrefix("both");
  ASSERT_OK(
      MergeBundles({Made("d", {{"0", {}}, {"x", kSecond}}), Made("cc", {{"y", {}}, {"x", kFirst}})}, both));
  const std::string all = TestPrefix("all");
  ASSERT_OK(MergeBundles({both, Made("e", {{"z", {}}})}, all));
  EXPECT_EQ(FileBytes(BundleDataPath(all, 0, 3)), FileBytes(BundleDataPath(both, 1, 2)));
  EXPECT_EQ(FileBytes(BundleDataPath(all, 1, 3)), FileBytes(BundleDataPath(both, 0, 2)));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(all));
  ASSERT_OK_AND_ASSIGN(const Tensor x, reader->Read("x"));
  EXPECT_EQ(x.Copy<float>(), (std::vector<float>{22, 22, 12, 12}));
  EXPECT_THAT(reader->StoredSlices("x"), testing::ElementsAre(kSecond.slice, kFirst.slice));
}

// What is moved is the same checkpoint as what is copied, of the very files of the inputs.
TEST(MergeTest, MovedInputsAreGone) {
  const std::vector<std::string> inputs = {Made("m", {{"0", {}}, {"x", kSecond}}),
                                           Made("mm", {{"y", {}}, {"x", kFirst}})};
  const std::string copied = TestPrefix("copied"), moved = TestPrefix("moved");
  ASSERT_OK(MergeBundles(inputs, copied));
  struct stat before, after;
  ASSERT_EQ(stat(BundleDataPath(inputs[1], 0, 1).c_str(), &before), 0);
  const auto no_copy = [](uint64_t) { ADD_FAILURE() << "bytes are copied"; };
  for (int turn = 0; turn < 2; ++turn) {  // The second time over the checkpoint of the first.
    ASSERT_OK(MergeBundles(turn == 0 ? inputs
                                     : std::vector<std::string>{Made("m", {{"0", {}}, {"x", kSecond}}),
                                                                Made("mm", {{"y", {}}, {"x", kFirst}})},
                           moved, no_copy, MergeInputs::kMove));
    EXPECT_TRUE(FileBytes(moved + ".index") == FileBytes(copied + ".index"));
    for (int shard = 0; shard < 2; ++shard) {
      EXPECT_TRUE(FileBytes(BundleDataPath(moved, shard, 2)) == FileBytes(BundleDataPath(copied, shard, 2)));
    }
    for (const std::string& input : inputs) {
      EXPECT_EQ(FileBytes(input + ".index"), "");
      EXPECT_EQ(FileBytes(BundleDataPath(input, 0, 1)), "");
    }
    if (turn > 0) continue;
    ASSERT_EQ(stat(BundleDataPath(moved, 1, 2).c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
  }
}

TEST(MergeTest, WhatCannotBeMovedStays) {
  const std::string good = Made("good", {{"g", {}}}), cut = Made("cut2", {{"w", {}}});
  ASSERT_EQ(std::remove(BundleDataPath(cut, 0, 1).c_str()), 0);
  const auto move = [](const std::vector<std::string>& inputs, const std::string& merged) {
    return MergeBundles(
        inputs, merged, [](uint64_t) {}, MergeInputs::kMove);
  };
  const std::string out = TestPrefix("notmoved");
  EXPECT_THAT(move({good, cut}, out),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("tensor 'w' lies in it")));
  const size_t name = good.rfind('/') + 1;
  for (const std::string& itself : {good, absl::StrCat(good.substr(0, name), "./", good.substr(name))}) {
    EXPECT_THAT(move({good}, itself),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is to be merged")));
  }
  EXPECT_EQ(FileBytes(out + ".index"), "");
  EXPECT_EQ(FileBytes(BundleDataPath(out, 0, 2)), "");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(good));
  EXPECT_OK(reader->Read("g"));
}

TEST(MergeTest, RefusesWhatDoesNotFit) {
  const std::string out = TestPrefix("refused");
  const auto refuses = [&](const std::vector<std::string>& inputs, const char* message) {
    EXPECT_THAT(MergeBundles(inputs, out), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
    EXPECT_EQ(FileBytes(out + ".index"), "");
  };
  refuses({}, "no checkpoint to merge");
  refuses({Made("w1", {{"w", {}}}), Made("w2", {{"v", {}}, {"w", {}}})},
          "Duplicate tensor keyed by 'w' encountered, when merging");
  refuses({Made("s1", {{"s", kFirst}}), Made("s2", {{"s", kFirst}})},
          "Duplicate tensor keyed by 's' (a slice of it)");
  refuses({Made("m1", {{"m", kFirst}}), Made("m2", {{"m", {}}})}, "Duplicate tensor keyed by 'm'");
  refuses({Made("d1", {{"d", kFirst}}), Made("d2", {{"d", {{6}, {{4, 2}}}}})}, "float[4] in");
  EXPECT_THAT(MergeBundles({TestPrefix("nowhere")}, out),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere.index")));
  const std::string cut = Made("cut", {{"w", {}}});
  ASSERT_EQ(std::remove(BundleDataPath(cut, 0, 1).c_str()), 0);
  EXPECT_THAT(MergeBundles({cut}, out),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("tensor 'w' lies in it")));
}

TEST(MergeTest, ByteOrdersAreNotMixed) {
  const std::string big = SharedData("formats/v2_big_endian_own/ckpt.index");
  if (big.empty()) GTEST_SKIP() << "the sample files are not there";
  EXPECT_THAT(MergeBundles({Made("little", {{"w", {}}}), big.substr(0, big.size() - 6)}, TestPrefix("mixed")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("different byte orders")));
  const std::string copy = TestPrefix("copy");
  ASSERT_OK(MergeBundles({big.substr(0, big.size() - 6)}, copy));
  EXPECT_TRUE(FileBytes(copy + ".index") == FileBytes(big));
}

}  // namespace
}  // namespace cryograph

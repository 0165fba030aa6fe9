// The oracle is TensorFlow: its own V1 checkpoints are taken apart by libleveldb and protobuf, written again
// from the values that their manifest lists, and must come out the same to the byte.
#include "checkpoint/v1_writer.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "checkpoint/directory.h"
#include "checkpoint/test_tables.h"
#include "checkpoint/v1_reader.h"
#include "gmock/gmock.h"
#include "graph/proto/checkpoint.pb.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;

std::string TestPath(absl::string_view name) { return absl::StrCat(testing::TempDir(), "/", name); }

Tensor Floats(std::vector<int64_t> dims, std::vector<float> values) {
  return Tensor::Of<float>(DT_FLOAT, std::move(dims), values);
}

// What a V1 file lists, by libleveldb and protobuf.
tensorflow::SavedTensorSliceMeta Meta(const std::string& path) {
  TableEntries entries;
  tensorflow::SavedTensorSlices slices;
  EXPECT_TRUE(ReadTableWithLevelDb(FileBytes(path), &entries)) << path;
  EXPECT_TRUE(!entries.empty() && slices.ParseFromString(entries[0].second)) << path;
  return slices.meta();
}

// Adds everything that `file` lists, in its order, as shard `shard`.
absl::Status Add(const V1Reader& reader, const std::string& file, int shard, V1Writer& writer) {
  const tensorflow::SavedTensorSliceMeta meta = Meta(file);
  for (const auto& tensor : meta.tensor()) {
    SliceSpec spec;
    for (const auto& dim : tensor.shape().dim()) spec.dims.push_back(dim.size());
    for (const auto& slice : tensor.slice()) {
      spec.slice.clear();
      for (const auto& extent : slice.extent()) {
        const bool has_length =
            extent.has_length_hack_case() == tensorflow::TensorSliceProto::Extent::kLength;
        spec.slice.push_back({extent.start(), has_length ? extent.length() : -1});
      }
      ASSIGN_OR_RETURN(std::shared_ptr<const TensorSource> source,
                       reader.Source(tensor.name(), SliceSpecText(spec)));
      RETURN_IF_ERROR(writer.AddSlice(tensor.name(), spec.dims, spec.slice, std::move(source), shard));
    }
  }
  return absl::OkStatus();
}

class RewriteV1Test : public testing::TestWithParam<const char*> {};

TEST_P(RewriteV1Test, GivesTheBytesOfTensorFlow) {
  const std::string first = SharedData(GetParam());
  if (first.empty()) GTEST_SKIP() << "../shared/data has no " << GetParam();
  absl::string_view stem = first;
  int num_shards = 1;
  const bool sharded = StripShardSuffix(&stem, &num_shards);
  const std::vector<std::string> files = sharded
                                             ? MatchingFiles(ShardPattern(EscapePattern(stem), num_shards))
                                             : std::vector<std::string>{first};
  ASSERT_EQ(files.size(), static_cast<size_t>(num_shards));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Reader> reader, V1Reader::Open(GetParam(), files));
  V1Writer::Options options;
  options.num_shards = num_shards;
  options.sharded = sharded;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Writer> writer, V1Writer::Create(TestPath("again"), options));
  for (int shard = 0; shard < num_shards; ++shard) {
    ASSERT_OK(Add(*reader, files[static_cast<size_t>(shard)], shard, *writer));
  }
  ASSERT_OK(writer->Finish());
  for (size_t i = 0; i < files.size(); ++i) {
    EXPECT_TRUE(FileBytes(writer->Files()[i]) == FileBytes(files[i])) << files[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, RewriteV1Test,
                         testing::Values("formats/v1_all_dtypes_tf115/all",
                                         "formats/v1_saver_tf115/model.ckpt-7",
                                         "formats/v1_saver_sharded_tf115/model.ckpt-7-00000-of-00002",
                                         "formats/v1_slices_tf115/complex64",
                                         "formats/v1_slices_tf115/float16", "formats/v1_slices_tf115/string",
                                         "models/t1_ckpt_v1_cnn/model.ckpt",
                                         "models/t1_ckpt_v1_sharded/model.ckpt-00000-of-00002",
                                         "models/t1_dtype_zoo_v1/model.ckpt"),
                         [](const auto& info) {
                           std::string name;
                           for (const char c : absl::string_view(info.param)) {
                             name += absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           }
                           return name;
                         });

// The smallest file that there is, worked out from the format's description.
TEST(V1WriterTest, RecordOfAScalar) {
  const std::string path = TestPath("scalar");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Writer> writer, V1Writer::Create(path));
  ASSERT_OK(writer->Add("s", Tensor::Of<int32_t>(DT_INT32, {}, {-1})));
  ASSERT_OK(writer->Finish());
  TableEntries entries;
  ASSERT_TRUE(ReadTableWithLevelDb(FileBytes(path), &entries));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].first, std::string("\0s\0\1\0", 5));
  tensorflow::SavedTensorSlices slices;
  ASSERT_TRUE(slices.ParseFromString(entries[1].second));
  EXPECT_EQ(slices.data().data().int_val(0), -1);
  // Tag and length of int_val, ten bytes of a negative number.
  EXPECT_THAT(entries[1].second,
              testing::EndsWith(std::string("\x3a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")));
}

// Gives its elements in pieces that end anywhere.
class Crumbs final : public TensorSource {
 public:
  DataType dtype() const override { return DT_INT32; }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override { return 4 * 1000; }
  absl::StatusOr<Tensor> Load() const override { return absl::InternalError("not needed"); }
  absl::Status Write(ByteSink& sink) const override {
    std::string bytes;
    for (int32_t i = 0; i < 1000; ++i) {
      const int32_t value = i * 7919 * (i % 2 == 0 ? 1 : -1);
      bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    for (size_t at = 0, size = 1; at < bytes.size(); at += size, size = 1 + (size * 5 + 3) % 11) {
      RETURN_IF_ERROR(sink.Append(absl::string_view(bytes).substr(at, size)));
    }
    return absl::OkStatus();
  }

 private:
  const std::vector<int64_t> dims_ = {1000};
};

TEST(V1WriterTest, ElementsMayComeInAnyPieces) {
  const std::string path = TestPath("crumbs");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Writer> writer, V1Writer::Create(path));
  ASSERT_OK(writer->Add("w", std::make_shared<Crumbs>()));
  ASSERT_OK(writer->Finish());
  TableEntries entries;
  ASSERT_TRUE(ReadTableWithLevelDb(FileBytes(path), &entries));
  tensorflow::SavedTensorSlices slices;
  ASSERT_TRUE(slices.ParseFromString(entries[1].second));
  ASSERT_EQ(slices.data().data().int_val_size(), 1000);
  for (int32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(slices.data().data().int_val(i), i * 7919 * (i % 2 == 0 ? 1 : -1));
  }
}

// Only its shape is looked at.
class Huge final : public TensorSource {
 public:
  DataType dtype() const override { return DT_INT8; }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override { return 214748365; }
  absl::StatusOr<Tensor> Load() const override { return absl::InternalError("not needed"); }
  absl::Status Write(ByteSink&) const override { return absl::InternalError("not needed"); }

 private:
  const std::vector<int64_t> dims_ = {214748365};
};

TEST(V1WriterTest, RefusesWhatVersion1CannotHold) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Writer> writer, V1Writer::Create(TestPath("refused")));
  EXPECT_THAT(writer->Add("b", Tensor::OfBytes(DT_BFLOAT16, {1}, "ab")),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("'b' has type DT_BFLOAT16")));
  EXPECT_THAT(writer->Add("\xff", Floats({1}, {1})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'\\xff' is not UTF-8")));
  EXPECT_THAT(writer->Add("w", std::make_shared<Huge>()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("less than 2147483648")));
  EXPECT_THAT(writer->Add("w", Floats({2}, {1})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4 bytes")));
  ASSERT_OK(writer->AddSlice("p", {4}, {{0, 2}}, Floats({2}, {1, 2})));
  EXPECT_THAT(writer->AddSlice("p", {4}, {{0, 2}}, Floats({2}, {1, 2})),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("slice '0,2' of tensor 'p'")));
  EXPECT_THAT(V1Writer::Create("").status(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("''")));
}

// Tensors may go before Finish() unless they have an owner.
TEST(V1WriterTest, CopiesWhatNobodyOwns) {
  const std::string path = TestPath("copied");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Writer> writer, V1Writer::Create(path));
  {
    std::string bytes(8, '\1');
    Tensor tensor;
    tensor.dtype = DT_INT64;
    tensor.bytes = bytes;
    ASSERT_OK(writer->Add("w", tensor));
    bytes.assign(8, '\2');
  }
  ASSERT_OK(writer->Finish());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Reader> reader, V1Reader::Open(path, {path}));
  ASSERT_OK_AND_ASSIGN(const Tensor read, reader->Read("w"));
  EXPECT_EQ(read.bytes, std::string(8, '\1'));
}

TEST(V1WriterTest, NothingAppearsWithoutFinish) {
  const std::string path = TestPath("unfinished");
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Writer> writer, V1Writer::Create(path));
    ASSERT_OK(writer->Add("w", Floats({1}, {1})));
  }
  EXPECT_TRUE(MatchingFiles(path + "*").empty());
}

}  // namespace
}  // namespace cryograph

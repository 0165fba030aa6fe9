#include "checkpoint/v1_reader.h"

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string WriteV1(absl::string_view name, const std::string& bytes) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  EXPECT_OK(WriteFile(path, bytes));
  return path;
}

absl::StatusOr<std::unique_ptr<V1Reader>> OpenV1(const std::vector<std::string>& files) {
  return V1Reader::Open("ckpt", files);
}

std::vector<V1Slice> Halves() {
  return {{"w", DT_FLOAT, {2, 3}, {{0, 1}, {}}, FloatValues({0, 1, 2})},
          {"w", DT_FLOAT, {2, 3}, {{1, 1}, {}}, FloatValues({3, 4, 5})}};
}

TEST(V1ReaderTest, WholeAndSlicedTensors) {
  std::string words;
  AppendBytesField(8, "one", &words);
  AppendBytesField(8, "", &words);
  std::vector<V1Slice> slices = Halves();
  slices.push_back({"s", DT_STRING, {2}, {{}}, words});
  slices.push_back({"b", DT_FLOAT, {2}, {{}}, FloatValues({7, 8})});
  slices.push_back({"empty", DT_FLOAT, {0, 4}, {{}, {}}, ""});
  slices.push_back({"scalar", DT_INT32, {}, {}, std::string("\x3a\x01\x05", 3)});
  const std::string path = WriteV1("whole", BuildTable(V1Entries(slices)));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Reader> reader, OpenV1({path}));
  std::vector<std::string> names;
  for (const CheckpointEntry& entry : reader->entries())
    names.push_back(absl::StrCat(entry.name, entry.sliced ? "*" : ""));
  EXPECT_THAT(names, ElementsAre("b", "empty", "s", "scalar", "w*"));
  ASSERT_OK_AND_ASSIGN(const Tensor w, reader->Read("w"));
  EXPECT_THAT(w.Copy<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  ASSERT_OK_AND_ASSIGN(const Tensor part, reader->Read("w", "2 3 -:1,2"));
  EXPECT_THAT(part.Copy<float>(), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(reader->StoredSlices("w"), ElementsAre(Halves()[0].slice, Halves()[1].slice));
  EXPECT_THAT(reader->StoredSlices("b"), ElementsAre());
  ASSERT_OK_AND_ASSIGN(const Tensor b, reader->Read("b"));
  EXPECT_THAT(b.Copy<float>(), ElementsAre(7, 8));
  ASSERT_OK_AND_ASSIGN(const Tensor s, reader->Read("s"));
  EXPECT_THAT(s.strings, ElementsAre("one", ""));
  ASSERT_OK_AND_ASSIGN(const Tensor empty, reader->Read("empty"));
  EXPECT_THAT(empty.dims, ElementsAre(0, 4));
  ASSERT_OK_AND_ASSIGN(const Tensor scalar, reader->Read("scalar"));
  EXPECT_THAT(scalar.Copy<int32_t>(), ElementsAre(5));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source, reader->Source("w"));
  StringSink sink;
  ASSERT_OK(source->Write(sink));
  EXPECT_EQ(sink.bytes(), w.bytes);
  EXPECT_EQ(source->num_bytes(), 24u);
  EXPECT_THAT(reader->Read("v"), StatusIs(StatusCode::kNotFound));
}

TEST(V1ReaderTest, ShardsAreUnited) {
  const std::vector<V1Slice> halves = Halves();
  const std::string first = WriteV1("s-00000-of-00002", BuildTable(V1Entries({halves[0]})));
  const std::string second = WriteV1("s-00001-of-00002", BuildTable(V1Entries({halves[1]})));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Reader> reader, OpenV1({first, second}));
  ASSERT_OK_AND_ASSIGN(const Tensor w, reader->Read("w"));
  EXPECT_THAT(w.Copy<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  // With a shard less there is a gap, with one twice an overlap.
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<V1Reader> gap, OpenV1({first}));
  EXPECT_THAT(gap->Read("w"), StatusIs(StatusCode::kDataLoss, HasSubstr("only 3 of 6")));
  EXPECT_THAT(OpenV1({first, first}), StatusIs(StatusCode::kDataLoss, HasSubstr("overlap")));
  std::vector<V1Slice> other = {halves[1]};
  other[0].dims = {3, 3};
  const std::string disagrees = WriteV1("disagrees", BuildTable(V1Entries(other)));
  EXPECT_THAT(OpenV1({first, disagrees}),
              StatusIs(StatusCode::kDataLoss, HasSubstr("[3,3] here and as DT_FLOAT [2,3]")));
}

TEST(V1ReaderTest, EveryCutAndEveryFlippedBitIsFound) {
  for (const bool snappy : {false, true}) {
    const std::string good = BuildTable(V1Entries(Halves()), {40, 2, snappy});
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_THAT(OpenV1({WriteV1("cut", good.substr(0, size))}), StatusIs(StatusCode::kDataLoss));
    }
    for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      const absl::StatusOr<std::unique_ptr<V1Reader>> reader = OpenV1({WriteV1("flipped", bad)});
      if (!reader.ok()) continue;
      const absl::StatusOr<Tensor> w = (*reader)->Read("w");
      if (w.ok()) {
        EXPECT_THAT(w->Copy<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
      }
    }
  }
}

}  // namespace
}  // namespace cryograph

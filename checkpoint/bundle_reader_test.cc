#include "checkpoint/bundle_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string TempPath(absl::string_view name) { return absl::StrCat(testing::TempDir(), "/", name); }

std::string DataPath(const std::string& prefix) { return prefix + ".data-00000-of-00001"; }

Tensor Range(std::vector<int64_t> dims) {
  std::vector<float> values(static_cast<size_t>(*NumElements(dims)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Tensor::Of<float>(DT_FLOAT, std::move(dims), values);
}

// "part" in slices along both axes, "rows" along the first, "words" along the second; "plain" and "text"
// whole.
std::string WriteSample(const std::string& name) {
  const std::string prefix = TempPath(name);
  auto writer = *BundleWriter::Create(prefix);
  const auto ok = [](const absl::Status& status) { EXPECT_OK(status); };
  ok(writer->Add("plain", Range({4, 3})));
  ok(writer->Add("text", Tensor::OfStrings({2}, {"first", std::string(20, 'x')})));
  const std::vector<int64_t> dims = {4, 6};
  const Tensor whole = Range(dims);
  const std::vector<float> values = whole.Copy<float>();
  const auto add = [&](const char* tensor, const TensorSlice& slice) {
    const TensorSlice box = *ResolveSlice(slice, dims);
    std::vector<float> part;
    for (int64_t r = 0; r < box[0].length; ++r) {
      for (int64_t c = 0; c < box[1].length; ++c) {
        part.push_back(values[static_cast<size_t>((box[0].start + r) * 6 + box[1].start + c)]);
      }
    }
    ok(writer->AddSlice(tensor, dims, slice, Tensor::Of<float>(DT_FLOAT, SliceDims(box), part)));
  };
  add("part", {{0, 4}, {4, 2}});
  add("part", {{2, 2}, {0, 4}});
  add("part", {{0, 2}, {0, 4}});
  add("rows", {{3, 1}, {}});
  add("rows", {{0, 3}, {0, 6}});
  ok(writer->AddSlice("words", {2, 2}, {{}, {1, 1}}, Tensor::OfStrings({2, 1}, {"b", "d"})));
  ok(writer->AddSlice("words", {2, 2}, {{}, {0, 1}}, Tensor::OfStrings({2, 1}, {"a", "c"})));
  ok(writer->Finish());
  return prefix;
}

std::string Written(const TensorSource& source) {
  StringSink sink;
  EXPECT_OK(source.Write(sink));
  return sink.bytes();
}

TEST(BundleReaderTest, PartsAreWhatIsStored) {
  const std::string prefix = WriteSample("parts");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(prefix));
  const std::vector<StoredPart> rows = reader->Parts("rows");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(SliceText(rows[0].slice), "3,1:-");
  EXPECT_EQ(SliceText(rows[1].slice), "0,3:0,6");
  EXPECT_EQ(rows[0].num_bytes, 24u);
  EXPECT_EQ(rows[1].num_bytes, 72u);
  EXPECT_EQ(rows[1].offset, rows[0].offset + 24);
  EXPECT_EQ(rows[0].file, prefix + ".data-00000-of-00001");
  EXPECT_TRUE(reader->Parts("row").empty());
}

TEST(BundleReaderTest, SlicesAreOneTensor) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(WriteSample("slices")));
  std::vector<std::string> names;
  for (const CheckpointEntry& entry : reader->entries())
    names.push_back(absl::StrCat(entry.name, entry.sliced ? "*" : ""));
  EXPECT_THAT(names, ElementsAre("part*", "plain", "rows*", "text", "words*"));
  for (const char* name : {"part", "rows"}) {
    ASSERT_OK_AND_ASSIGN(const Tensor tensor, reader->Read(name));
    EXPECT_EQ(tensor.bytes, Range({4, 6}).bytes);
    ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source, reader->Source(name));
    EXPECT_EQ(Written(*source), tensor.bytes);
  }
  ASSERT_OK_AND_ASSIGN(const Tensor words, reader->Read("words"));
  EXPECT_THAT(words.strings, ElementsAre("a", "b", "c", "d"));
}

TEST(BundleReaderTest, PartsOfTensors) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(WriteSample("parts")));
  const struct {
    const char* name;
    const char* spec;
    std::vector<int64_t> dims;
    std::vector<float> values;
  } cases[] = {
      {"plain", "4 3 1,2:-", {2, 3}, {3, 4, 5, 6, 7, 8}},  // One run: shown in the file.
      {"plain", "4 3 -:1,1", {4, 1}, {1, 4, 7, 10}},
      {"plain", "4 3 -:-", {4, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {"part", "4 6 0,4:4,2", {4, 2}, {4, 5, 10, 11, 16, 17, 22, 23}},  // As it is stored.
      {"part", "4 6 1,2:3,2", {2, 2}, {9, 10, 15, 16}},                 // Across all three.
      {"rows", "4 6 2,2:-", {2, 6}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(absl::StrCat(each.name, " ", each.spec));
    ASSERT_OK_AND_ASSIGN(const Tensor tensor, reader->Read(each.name, each.spec));
    EXPECT_EQ(tensor.dims, each.dims);
    EXPECT_EQ(tensor.Copy<float>(), each.values);
    ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source,
                         reader->Source(each.name, each.spec));
    EXPECT_EQ(source->num_bytes(), tensor.bytes.size());
    EXPECT_EQ(Written(*source), tensor.bytes);
  }
  ASSERT_OK_AND_ASSIGN(const Tensor words, reader->Read("words", "2 2 1,1:-"));
  EXPECT_THAT(words.strings, ElementsAre("c", "d"));
  EXPECT_THAT(reader->Read("plain", "4 4 -:-"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("[4,3]")));
  EXPECT_THAT(reader->Read("plain", "4 3 -"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("1 extents")));
  EXPECT_THAT(reader->Read("plian"), StatusIs(StatusCode::kNotFound, HasSubstr("did you mean 'plain'?")));
}

TEST(BundleReaderTest, TensorsShowTheFileAndOutliveTheReader) {
  Tensor tensor, again;
  std::shared_ptr<const TensorSource> source;
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader,
                         BundleReader::Open(WriteSample("lifetime")));
    ASSERT_OK_AND_ASSIGN(tensor, reader->Read("plain"));
    ASSERT_OK_AND_ASSIGN(again, reader->Read("plain"));
    ASSERT_OK_AND_ASSIGN(source, reader->Source("part"));
  }
  EXPECT_EQ(tensor.bytes.data(), again.bytes.data());
  EXPECT_EQ(tensor.bytes, Range({4, 3}).bytes);
  EXPECT_EQ(Written(*source), Range({4, 6}).bytes);
}

TEST(BundleReaderTest, LargeValuesStreamInPieces) {
  const std::string prefix = TempPath("large");
  std::string bytes(9 << 20, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 7);
  const int64_t size = static_cast<int64_t>(bytes.size());
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleWriter> writer, BundleWriter::Create(prefix));
    ASSERT_OK(writer->Add("a", Tensor::OfBytes(DT_UINT8, {3}, "abc")));
    ASSERT_OK(writer->Add("b", Tensor::OfBytes(DT_UINT8, {size}, bytes)));
    ASSERT_OK(writer->Finish());
  }
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(prefix));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source, reader->Source("b"));
  EXPECT_TRUE(Written(*source) == bytes);
  EXPECT_TRUE(Written(*source) == bytes);  // Released pages come back.
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> part,
                       reader->Source("b", absl::StrCat(size, " 4000001,4300003")));
  EXPECT_TRUE(Written(*part) == bytes.substr(4000001, 4300003));

  // One wrong bit anywhere is found, also by who wants another part.
  std::string data = FileBytes(DataPath(prefix));
  data[8 << 20] ^= 4;
  ASSERT_OK(WriteFile(DataPath(prefix), data));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> damaged, BundleReader::Open(prefix));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> bad,
                       damaged->Source("b", absl::StrCat(size, " 0,5")));
  StringSink sink;
  EXPECT_THAT(bad->Write(sink),
              StatusIs(StatusCode::kDataLoss,
                       AllOf(StartsWith(DataPath(prefix)), HasSubstr("tensor 'b' at offset 3 ("),
                             HasSubstr("checksum"), HasSubstr("(CG113)\nwhy: "))));
}

TEST(BundleReaderTest, ThreadsMayShareIt) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader,
                       BundleReader::Open(WriteSample("threads")));
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const absl::StatusOr<Tensor> tensor = reader->Read(i % 2 == 0 ? "part" : "plain");
        good[t] += tensor.ok() && tensor->bytes == (i % 2 == 0 ? Range({4, 6}) : Range({4, 3})).bytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(good, ElementsAre(50, 50, 50, 50));
}

TEST(BundleReaderTest, MissingAndCutDataFilesAreNamed) {
  const std::string prefix = WriteSample("missing");
  const std::string data = FileBytes(DataPath(prefix));
  ASSERT_OK(WriteFile(DataPath(prefix), data.substr(0, 40)));
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(prefix));
    EXPECT_THAT(reader->Source("plain"),
                StatusIs(StatusCode::kDataLoss,
                         StartsWith(absl::StrCat(DataPath(prefix),
                                                 ": tensor 'plain' at offset 0 (48 bytes): the file has "
                                                 "only 40 bytes (CG113)\n"))));
  }
  unlink(DataPath(prefix).c_str());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(prefix));
  EXPECT_THAT(reader->Read("plain"),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr(DataPath(prefix)), HasSubstr("'plain'"), HasSubstr("CG113"))));
  EXPECT_THAT(BundleReader::Open(TempPath("nothing")), StatusIs(StatusCode::kNotFound));
}

// Whatever happens to the files: an error, or the right values.
void ExpectGoodOrRefused(const std::string& prefix,
                         const std::vector<std::pair<std::string, Tensor>>& expected) {
  const absl::StatusOr<std::unique_ptr<BundleReader>> reader = BundleReader::Open(prefix);
  if (!reader.ok()) {
    EXPECT_THAT(reader.status().code(), testing::AnyOf(StatusCode::kDataLoss, StatusCode::kInvalidArgument));
    return;
  }
  for (const auto& [name, value] : expected) {
    const absl::StatusOr<Tensor> tensor = (*reader)->Read(name);
    if (!tensor.ok()) continue;
    EXPECT_EQ(tensor->dtype, value.dtype);
    EXPECT_EQ(tensor->dims, value.dims);
    EXPECT_EQ(tensor->bytes, value.bytes);
    EXPECT_EQ(tensor->strings, value.strings);
  }
}

TEST(BundleReaderTest, EveryCutAndEveryFlippedBitIsFound) {
  const std::string prefix = WriteSample("whole");
  const std::string index = FileBytes(prefix + ".index"), data = FileBytes(DataPath(prefix));
  std::vector<std::pair<std::string, Tensor>> expected;
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(prefix));
    for (const CheckpointEntry& entry : reader->entries()) {
      ASSERT_OK_AND_ASSIGN(const Tensor tensor, reader->Read(entry.name));
      // Files under mappings change below, so the expectation is a copy.
      expected.emplace_back(
          entry.name, tensor.dtype == DT_STRING
                          ? Tensor::OfStrings(tensor.dims, {tensor.strings.begin(), tensor.strings.end()})
                          : Tensor::OfBytes(tensor.dtype, tensor.dims, std::string(tensor.bytes)));
    }
  }
  ASSERT_EQ(expected.size(), 5u);
  const std::string broken = TempPath("broken");
  ASSERT_OK(WriteFile(DataPath(broken), data));
  for (size_t size = 0; size < index.size(); ++size) {
    ASSERT_OK(WriteFile(broken + ".index", index.substr(0, size)));
    EXPECT_THAT(BundleReader::Open(broken), StatusIs(StatusCode::kDataLoss)) << size;
  }
  for (size_t bit = 0; bit < 8 * index.size(); ++bit) {
    std::string bad = index;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_OK(WriteFile(broken + ".index", bad));
    ExpectGoodOrRefused(broken, expected);
  }
  ASSERT_OK(WriteFile(broken + ".index", index));
  const auto read_all = [&] {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader, BundleReader::Open(broken));
    bool all = true;
    for (const auto& [name, value] : expected) all &= reader->Read(name).ok();
    EXPECT_FALSE(all);
  };
  for (size_t size = 0; size < data.size(); ++size) {
    ASSERT_OK(WriteFile(DataPath(broken), data.substr(0, size)));
    ExpectGoodOrRefused(broken, expected);
    read_all();
  }
  for (size_t bit = 0; bit < 8 * data.size(); ++bit) {
    std::string bad = data;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_OK(WriteFile(DataPath(broken), bad));
    ExpectGoodOrRefused(broken, expected);
    read_all();
  }
}

}  // namespace
}  // namespace cryograph

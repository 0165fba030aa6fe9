#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_reader.h"
#include "checkpoint/ordered_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::absl::StatusCode;

std::vector<int64_t> Dims(const Json& json) {
  std::vector<int64_t> dims;
  for (const Json& dim : Elements(json)) dims.push_back(static_cast<int64_t>(dim.number_value()));
  return dims;
}

std::vector<std::string> Strings(const Json& json) {
  std::vector<std::string> strings;
  for (const Json& each : Elements(json)) strings.push_back(absl::HexStringToBytes(each.string_value()));
  return strings;
}

std::string NameOf(const Json& json) {
  return HasMember(json, "name_hex") ? absl::HexStringToBytes(Text(json, "name_hex")) : Text(json, "name");
}

void ExpectValue(const Tensor& tensor, const Json& expected) {
  EXPECT_EQ(DataTypeEnumName(tensor.dtype), Text(expected, "dtype"));
  EXPECT_EQ(tensor.dims, Dims(Member(expected, "shape")));
  EXPECT_EQ(absl::BytesToHexString(tensor.bytes), Text(expected, "data_hex"));
  const std::string strings = HasMember(expected, "variants_hex") ? "variants_hex" : "strings_hex";
  EXPECT_THAT(tensor.strings, testing::ElementsAreArray(Strings(Member(expected, strings))));
}

// Reads `name` in all the ways there are.
void ExpectTensor(const Checkpoint& checkpoint, const std::string& name, const Json& expected) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, checkpoint.Read(name));
  ExpectValue(tensor, expected);
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source, checkpoint.Source(name));
  EXPECT_EQ(source->dtype(), tensor.dtype);
  EXPECT_EQ(source->dims(), tensor.dims);
  ASSERT_OK_AND_ASSIGN(const Tensor loaded, source->Load());
  ExpectValue(loaded, expected);
  if (DataTypeBytes(tensor.dtype) == 0) return;
  StringSink sink;
  ASSERT_OK(source->Write(sink));
  EXPECT_EQ(sink.bytes(), tensor.bytes);
  EXPECT_EQ(source->num_bytes(), tensor.bytes.size());
}

TEST(CheckpointTest, SamplesReadAsTheyWereWritten) {
  const std::string expectations = SharedData("formats/checkpoints_expected.json");
  if (expectations.empty()) GTEST_SKIP() << "the sample files are not there";
  ASSERT_OK_AND_ASSIGN(const Json expected, ReadJson(expectations));
  int tensors = 0;
  const std::string root = SharedData("formats");
  for (const std::string& key : Keys(expected)) {
    SCOPED_TRACE(key);
    const Json& each = Member(expected, key);
    std::vector<std::string> notes;
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint,
                         Checkpoint::Open(root + "/" + key, &notes));
    EXPECT_THAT(notes, testing::IsEmpty());
    EXPECT_EQ(checkpoint->version(), Text(each, "format") == "V1" ? 1 : 2);
    std::vector<std::string> names;
    for (const Json& tensor : Elements(Member(each, "tensors"))) {
      const std::string name = NameOf(tensor);
      SCOPED_TRACE(name);
      ExpectTensor(*checkpoint, name, tensor);
      names.push_back(name);
      ++tensors;
    }
    std::sort(names.begin(), names.end());
    std::vector<std::string> listed;
    for (const Checkpoint::Entry& entry : checkpoint->entries()) listed.push_back(entry.name);
    if (!HasMember(each, "slices")) {
      EXPECT_EQ(listed, names);
    }
    EXPECT_TRUE(std::is_sorted(listed.begin(), listed.end()));
  }
  EXPECT_GT(tensors, 200);
}

TEST(CheckpointTest, SlicesOverTheWholeRangeOfKeys) {
  const std::string expectations = SharedData("formats/checkpoints_expected.json");
  if (expectations.empty()) GTEST_SKIP() << "the sample files are not there";
  ASSERT_OK_AND_ASSIGN(const Json expected, ReadJson(expectations));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<BundleReader> reader,
                       BundleReader::Open(SharedData("formats") + "/v2_slice_keys_tf221/ckpt"));
  int slices = 0;
  for (const Json& each : Elements(Member(Member(expected, "v2_slice_keys_tf221/ckpt"), "slices"))) {
    const std::string name = NameOf(each);
    TensorSlice slice;
    for (const Json& extent : Elements(Member(each, "extents"))) {
      slice.push_back({static_cast<int64_t>(Elements(extent)[0].number_value()),
                       static_cast<int64_t>(Elements(extent)[1].number_value())});
    }
    const std::vector<TensorSlice> stored = reader->StoredSlices(name);
    // JSON's numbers are doubles, so the largest are looked for by their keys.
    bool found = false;
    for (const TensorSlice& candidate : stored) {
      if (absl::BytesToHexString(SliceKey(name, candidate)) != Text(each, "key_hex")) continue;
      found = true;
      ASSERT_NE(reader->Find(name), nullptr);
      ASSERT_OK_AND_ASSIGN(const Tensor tensor,
                           reader->Read(name, SliceSpecText({reader->Find(name)->dims, candidate})));
      EXPECT_EQ(absl::BytesToHexString(tensor.bytes), Text(each, "data_hex"));
    }
    EXPECT_TRUE(found) << absl::CHexEscape(name);
    ++slices;
  }
  EXPECT_GT(slices, 10);
}

StatusCode CodeOf(const std::string& name) {
  for (int code = 0; code <= 16; ++code) {
    if (absl::StatusCodeToString(static_cast<StatusCode>(code)) == name) return static_cast<StatusCode>(code);
  }
  return StatusCode::kUnknown;
}

// A message names the file; what is wrong in it also the place, and a tensor by its key.
void ExpectPlace(const absl::Status& status, const std::string& file, bool of_tensor) {
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(file));
  if (of_tensor) {
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("tensor 'w'"));
  }
  if (status.code() == StatusCode::kNotFound) return;
  EXPECT_THAT(std::string(status.message()), testing::ContainsRegex("offset -?[0-9]+"));
}

void ExpectAnswers(const std::string& path, const Json& expected) {
  const absl::StatusOr<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(path);
  ASSERT_EQ(checkpoint.status().code(), CodeOf(Text(expected, "open"))) << checkpoint.status();
  if (!checkpoint.ok()) {
    ExpectPlace(checkpoint.status(), path, false);
    return;
  }
  const absl::StatusOr<Tensor> tensor = (*checkpoint)->Read("w");
  if (!tensor.ok() && (*checkpoint)->Find("w") != nullptr) ExpectPlace(tensor.status(), path, true);
  EXPECT_EQ(tensor.status().code(), CodeOf(Text(expected, "read"))) << tensor.status();
  const absl::StatusOr<std::shared_ptr<const TensorSource>> source = (*checkpoint)->Source("w");
  StringSink sink;
  const absl::Status written = !source.ok()                             ? source.status()
                               : DataTypeBytes((*source)->dtype()) == 0 ? (*source)->Load().status()
                                                                        : (*source)->Write(sink);
  EXPECT_EQ(written.code(), CodeOf(Text(expected, "read"))) << written;
  if (tensor.ok()) ExpectValue(*tensor, Member(expected, "tensor"));
  if (tensor.status().code() == StatusCode::kDataLoss) {
    EXPECT_THAT(std::string(tensor.status().message()), testing::HasSubstr("(CG113)\nwhy: "));
  }
}

TEST(CheckpointTest, HostileSamplesAreAnsweredAsListed) {
  const std::string expectations = SharedData("formats/hostile/expected.json");
  if (expectations.empty()) GTEST_SKIP() << "the sample files are not there";
  ASSERT_OK_AND_ASSIGN(const Json expected, ReadJson(expectations));
  const std::string root = SharedData("formats/hostile");
  int checked = 0;
  for (const Json& each : Elements(Member(expected, "v2"))) {
    SCOPED_TRACE(Text(each, "prefix"));
    ExpectAnswers(absl::StrCat(root, "/v2/", Text(each, "prefix")), each);
    ++checked;
  }
  for (const Json& each : Elements(Member(expected, "v1"))) {
    SCOPED_TRACE(Text(each, "file"));
    ExpectAnswers(absl::StrCat(root, "/v1/", Text(each, "file")), each);
    ++checked;
  }
  EXPECT_GT(checked, 110);
}

}  // namespace
}  // namespace cryograph

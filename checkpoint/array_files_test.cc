// Array files: what is written is read back, damage is told, and names and types that do not fit are refused.
#include "checkpoint/array_files.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "checkpoint/zip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class OwnedSource final : public TensorSource {
 public:
  explicit OwnedSource(Tensor tensor) : tensor_(std::move(tensor)) {}
  DataType dtype() const override { return tensor_.dtype; }
  const std::vector<int64_t>& dims() const override { return tensor_.dims; }
  uint64_t num_bytes() const override { return tensor_.bytes.size(); }
  absl::StatusOr<Tensor> Load() const override { return tensor_; }
  absl::Status Write(ByteSink& sink) const override { return sink.Append(tensor_.bytes); }

 private:
  Tensor tensor_;
};

NamedSource Named(std::string name, Tensor tensor) {
  return {std::move(name), std::make_shared<OwnedSource>(std::move(tensor))};
}

std::string Folder() {
  std::string path = testing::TempDir() + "/arrays-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

std::vector<NamedSource> Sample() {
  return {
      Named("dense/kernel", Tensor::Of<float>(DT_FLOAT, {2, 3}, {0, 1, 2, 3, 4, 5})),
      Named("scalar", Tensor::Of<int64_t>(DT_INT64, {}, {-7})),
      Named("empty", Tensor::Of<double>(DT_DOUBLE, {0, 4}, {})),
      Named("flags", Tensor::Of<uint8_t>(DT_BOOL, {3}, {1, 0, 1})),
      Named("b", Tensor::Of<uint16_t>(DT_BFLOAT16, {2}, {0x3f80, 0xc020})),
      Named("q", Tensor::Of<int8_t>(DT_QINT8, {3}, {-1, 2, 3})),
      Named("c", Tensor::Of<float>(DT_COMPLEX64, {1}, {1, 2})),
  };
}

void ExpectSame(const CheckpointReader& reader, const std::vector<NamedSource>& arrays) {
  EXPECT_EQ(reader.entries().size(), arrays.size());
  for (const NamedSource& array : arrays) {
    SCOPED_TRACE(array.name);
    ASSERT_OK_AND_ASSIGN(const Tensor expected, array.value->Load());
    ASSERT_OK_AND_ASSIGN(const Tensor tensor, reader.Read(array.name));
    EXPECT_EQ(tensor.dtype, expected.dtype);
    EXPECT_EQ(tensor.dims, expected.dims);
    EXPECT_EQ(tensor.bytes, expected.bytes);
    EXPECT_EQ(tensor.strings, expected.strings);
    ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source, reader.Source(array.name));
    if (expected.dtype == DT_STRING) continue;
    StringSink sink;
    ASSERT_OK(source->Write(sink));
    EXPECT_EQ(sink.bytes(), expected.bytes);
    EXPECT_EQ(source->num_bytes(), expected.bytes.size());
  }
}

TEST(ArrayFilesTest, NpzThereAndBack) {
  const std::string path = Folder() + "/a.npz";
  std::vector<NamedSource> arrays = Sample();
  arrays.push_back(Named("words", Tensor::OfStrings({2}, {"a", "longer"})));
  arrays.push_back(Named("größe", Tensor::Of<int32_t>(DT_INT32, {1}, {4})));
  ASSERT_OK(WriteNpz(path, arrays, {}));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CheckpointReader> reader, OpenNpz(path));
  ExpectSame(*reader, arrays);
  ASSERT_OK_AND_ASSIGN(const Tensor part, reader->Read("dense/kernel", "2 3 -:1,2"));
  EXPECT_THAT(part.Copy<float>(), ElementsAre(1, 2, 4, 5));
}

TEST(ArrayFilesTest, FolderThereAndBack) {
  const std::string folder = Folder() + "/new/folder";
  std::vector<NamedSource> arrays = Sample();
  for (const char* name :
       {"/.ATTRIBUTES/VARIABLE_VALUE", "../../up", "a//b", "100%", "w.npy/m", "w", "./x"}) {
    arrays.push_back(Named(name, Tensor::Of<int32_t>(DT_INT32, {}, {1})));
  }
  arrays.push_back(Named(std::string("zero\0byte", 9), Tensor::OfStrings({}, {"text"})));
  ASSERT_OK(WriteNpyFolder(folder, arrays, {}));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CheckpointReader> reader, OpenNpyFolder(folder));
  ExpectSame(*reader, arrays);
  EXPECT_THAT(WriteNpyFolder(folder, arrays, {}),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("not empty")));
}

TEST(ArrayFilesTest, PathsOfNames) {
  EXPECT_EQ(*NpyPathOf("a/b"), "a/b.npy");
  EXPECT_EQ(*NpyPathOf("../x"), "%2e%2e/x.npy");
  EXPECT_EQ(*NpyPathOf("/x"), "%/x.npy");
  EXPECT_EQ(*NpyPathOf("w.npy/m"), "w.np%79/m.npy");
  EXPECT_EQ(*NpyPathOf("m/.ATTRIBUTES/V"), "m/.ATTRIBUTES/V.npy");
  EXPECT_THAT(NpyPathOf(std::string(300, 'x')), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(NameOfNpyPath("a%4/b.npy"), StatusIs(StatusCode::kInvalidArgument));
}

TEST(ArrayFilesTest, SafetensorsThereAndBack) {
  const std::string path = Folder() + "/a.safetensors";
  const std::vector<NamedSource> arrays = Sample();
  ArrayFileOptions options;
  options.metadata = {{"format", "pt"}};
  ASSERT_OK(WriteSafetensors(path, arrays, options));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CheckpointReader> reader, OpenSafetensors(path));
  ExpectSame(*reader, arrays);
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  EXPECT_THAT(std::string(file->bytes().substr(8)),
              testing::StartsWith("{\"__metadata__\":{\"format\":\"pt\",\"tensorflow_dtype:q\":\"qint8\"},"
                                  "\"scalar\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}"));
}

TEST(ArrayFilesTest, WhatAFormatCannotHoldIsRefused) {
  const std::string folder = Folder();
  const NamedSource words = Named("words", Tensor::OfStrings({1}, {"a"}));
  EXPECT_THAT(WriteSafetensors(folder + "/x", {words}, {}),
              StatusIs(StatusCode::kUnimplemented, AllOf(HasSubstr("'words'"), HasSubstr("--strings=skip"))));
  const NamedSource zero = Named("zero", Tensor::OfStrings({1}, {std::string("a\0", 2)}));
  EXPECT_THAT(WriteNpz(folder + "/x", {zero}, {}),
              StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("'zero'"), HasSubstr("zero byte"))));
  Tensor variant;
  variant.dtype = DT_VARIANT;
  variant.strings = {""};
  EXPECT_THAT(WriteNpz(folder + "/x", {Named("v", variant)}, {}), StatusIs(StatusCode::kUnimplemented));
  ArrayFileOptions strict;
  strict.foreign = ForeignTypes::kRefuse;
  EXPECT_THAT(WriteNpz(folder + "/x", Sample(), strict),
              StatusIs(StatusCode::kUnimplemented, AllOf(HasSubstr("'b'"), HasSubstr("bfloat16"))));
  EXPECT_NE(access((folder + "/x").c_str(), F_OK), 0);
  ArrayFileOptions bits;
  bits.foreign = ForeignTypes::kBits;
  ASSERT_OK(WriteNpz(folder + "/x", Sample(), bits));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CheckpointReader> reader, OpenNpz(folder + "/x"));
  EXPECT_EQ(reader->Find("b")->dtype, DT_UINT16);
}

// A .npy file with this dictionary.
std::string Npy(absl::string_view dictionary, absl::string_view data) {
  std::string bytes = absl::StrCat("\x93NUMPY", absl::string_view("\1\0", 2));
  bytes += static_cast<char>(dictionary.size());
  bytes += '\0';
  return absl::StrCat(bytes, dictionary, data);
}

absl::StatusOr<Tensor> ReadNpy(const std::string& bytes) {
  ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(bytes));
  return NpyValue(header, absl::string_view(bytes).substr(header.header_bytes), nullptr);
}

TEST(NpyTest, WhatOthersWrite) {
  ASSERT_OK_AND_ASSIGN(const Tensor fortran,
                       ReadNpy(Npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }",
                                   absl::string_view("\1\0\4\0\2\0\5\0\3\0\6\0", 12))));
  EXPECT_THAT(fortran.Copy<int16_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
  ASSERT_OK_AND_ASSIGN(const Tensor big,
                       ReadNpy(Npy("{\"descr\":\">i4\",'shape':(1L,),'fortran_order':False}",
                                   absl::string_view("\0\0\1\2", 4))));
  EXPECT_THAT(big.Copy<int32_t>(), ElementsAre(0x102));
  ASSERT_OK_AND_ASSIGN(const Tensor unicode,
                       ReadNpy(Npy("{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}",
                                   absl::string_view("\xe9\0\0\0x\0\0\0", 8))));
  EXPECT_THAT(unicode.strings, ElementsAre("éx"));
  ASSERT_OK_AND_ASSIGN(const Tensor kept,
                       ReadNpy(Npy("{'descr': [('bfloat16', '<u2')], 'fortran_order': False, 'shape': ()}",
                                   absl::string_view("\x80\x3f", 2))));
  EXPECT_EQ(kept.dtype, DT_BFLOAT16);
}

TEST(NpyTest, WhatIsNoTensorIsRefused) {
  const auto error = [](absl::string_view descr) {
    return ParseNpyHeader(
               Npy(absl::StrCat("{'descr': ", descr, ", 'fortran_order': False, 'shape': (1,)}"), "12345678"))
        .status();
  };
  EXPECT_THAT(error("'|O'"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("pickle")));
  EXPECT_THAT(error("'<V2'"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("a.view")));
  EXPECT_THAT(error("'<M8[ns]'"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("'<M8[ns]'")));
  EXPECT_THAT(error("[('a', '<f4'), ('b', '<f4')]"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("several fields")));
  EXPECT_THAT(error("[('bfloat16', '<f4')]"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(
      ParseNpyHeader(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4)}", "")),
      StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(ParseNpyHeader(Npy("{'descr': '<f4', 'fortran_order': False}", "")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("lacks")));
}

TEST(ZipTest, EveryCutIsFound) {
  const std::string path = Folder() + "/a.npz";
  ASSERT_OK(WriteNpz(path, Sample(), {}));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  const std::string all(file->bytes());
  for (size_t size = 0; size < all.size(); ++size) {
    EXPECT_THAT(OpenNpz(MappedFile::FromString("cut", all.substr(0, size))), StatusIs(StatusCode::kDataLoss));
  }
}

TEST(ZipTest, AChangedByteOfAValueIsFound) {
  const std::string path = Folder() + "/a.npz";
  ASSERT_OK(WriteNpz(path, {Named("w", Tensor::Of<float>(DT_FLOAT, {2}, {1, 2}))}, {}));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  std::string all(file->bytes());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CheckpointReader> good, OpenNpz(file));
  all[static_cast<size_t>(good->Parts("w")[0].offset) + 128] ^= 1;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<CheckpointReader> bad,
                       OpenNpz(MappedFile::FromString("bad", all)));
  EXPECT_THAT(bad->Read("w"), StatusIs(StatusCode::kDataLoss, HasSubstr("bad: member 'w.npy'")));
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const TensorSource> source, bad->Source("w"));
  StringSink sink;
  EXPECT_THAT(source->Write(sink), StatusIs(StatusCode::kDataLoss));
}

TEST(SafetensorsTest, WhatIsWrongIsTold) {
  const auto open = [](absl::string_view json, size_t data_bytes) {
    std::string bytes;
    AppendFixed64(json.size(), &bytes);
    return OpenSafetensors(
               MappedFile::FromString("s", absl::StrCat(bytes, json, std::string(data_bytes, 'x'))))
        .status();
  };
  EXPECT_OK(open(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8));
  EXPECT_OK(open(R"( {"\u00e9\ud83d\ude00":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":[{}]}}  )", 1));
  EXPECT_THAT(open(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})", 9),
              StatusIs(StatusCode::kDataLoss, HasSubstr("'a'")));
  EXPECT_THAT(open(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})", 9),
              StatusIs(StatusCode::kDataLoss, HasSubstr("begins at 1")));
  EXPECT_THAT(open(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9),
              StatusIs(StatusCode::kDataLoss, HasSubstr("9 follow")));
  EXPECT_THAT(open(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7),
              StatusIs(StatusCode::kDataLoss, HasSubstr("reach out")));
  EXPECT_THAT(open(R"({"a":{"dtype":"Q9","shape":[2],"data_offsets":[0,8]}})", 8),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("'Q9'")));
  EXPECT_THAT(open(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8),
              StatusIs(StatusCode::kDataLoss, HasSubstr("character 29")));
  EXPECT_THAT(
      open(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("two arrays")));
  EXPECT_THAT(open(std::string(100000, '['), 0), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(open(absl::StrCat(R"({"a":{"x":)", std::string(100000, '[')), 0),
              StatusIs(StatusCode::kDataLoss, HasSubstr("nested")));
}

}  // namespace
}  // namespace cryograph

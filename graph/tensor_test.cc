#include "graph/tensor.h"

#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Tensor> Decode(const std::string& proto, uint64_t max_bytes = uint64_t{1} << 31) {
  auto owner = std::make_shared<const std::string>(proto);
  const absl::string_view bytes = *owner;
  return DecodeTensorProto(bytes, std::move(owner), max_bytes);
}

std::vector<int64_t> ParseDims(absl::string_view text) {
  std::vector<int64_t> dims;
  for (absl::string_view part : absl::StrSplit(text.substr(1, text.size() - 2), ',', absl::SkipEmpty())) {
    int64_t dim;
    EXPECT_TRUE(absl::SimpleAtoi(part, &dim));
    dims.push_back(dim);
  }
  return dims;
}

// One line of testdata/make_tensor_proto.txt.
struct Encoding {
  std::string line;
  TensorForm form;
  Tensor tensor;
  std::string proto;
};

std::vector<Encoding> Encodings() {
  std::vector<Encoding> encodings;
  std::ifstream file("graph/testdata/make_tensor_proto.txt");
  for (std::string line; std::getline(file, line);) {
    if (line[0] == '#') continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    Encoding encoding;
    encoding.line = line;
    encoding.form = words[0] == "tf1" ? TensorForm::kTensorFlow1 : TensorForm::kTensorFlow2;
    DataType dtype;
    EXPECT_TRUE(ParseDataType(words[1], &dtype)) << line;
    const std::vector<int64_t> dims = ParseDims(words[2]);
    const std::string value = words[3] == "-" ? "" : words[3];
    if (dtype == DT_STRING) {
      std::vector<std::string> strings;
      if (words[3] != "-") {
        for (absl::string_view each : absl::StrSplit(value, ','))
          strings.push_back(absl::HexStringToBytes(each));
      }
      encoding.tensor = Tensor::OfStrings(dims, strings);
    } else {
      encoding.tensor = Tensor::OfBytes(dtype, dims, absl::HexStringToBytes(value));
    }
    encoding.proto = absl::HexStringToBytes(words[4]);
    encodings.push_back(std::move(encoding));
  }
  return encodings;
}

TEST(EncodeTensorProtoTest, GivesTheBytesOfTensorFlow) {
  const std::vector<Encoding> encodings = Encodings();
  ASSERT_GT(encodings.size(), 390u);
  for (const Encoding& encoding : encodings) {
    ASSERT_OK_AND_ASSIGN(const std::string proto, EncodeTensorProto(encoding.tensor, encoding.form));
    EXPECT_EQ(absl::BytesToHexString(proto), absl::BytesToHexString(encoding.proto)) << encoding.line;
    const std::string prefix = TensorContentPrefix(encoding.tensor.dtype, encoding.tensor.dims,
                                                   encoding.tensor.bytes.size(), encoding.form);
    if (!prefix.empty()) {
      EXPECT_EQ(absl::StrCat(prefix, encoding.tensor.bytes), proto) << encoding.line;
    }
  }
}

TEST(DecodeTensorProtoTest, UndoesEncoding) {
  for (const Encoding& encoding : Encodings()) {
    ASSERT_OK_AND_ASSIGN(const Tensor tensor, Decode(encoding.proto));
    EXPECT_EQ(tensor.dtype, encoding.tensor.dtype) << encoding.line;
    EXPECT_EQ(tensor.dims, encoding.tensor.dims) << encoding.line;
    // The unused bits of an int4 are zero in numpy and the sign in a decoded value.
    if (tensor.dtype != DT_INT4 && tensor.dtype != DT_INT2) {
      EXPECT_EQ(tensor.bytes, encoding.tensor.bytes) << encoding.line;
    }
    ASSERT_OK_AND_ASSIGN(const std::string again, EncodeTensorProto(tensor, encoding.form));
    EXPECT_EQ(again, encoding.proto) << encoding.line;
    EXPECT_EQ(tensor.strings, encoding.tensor.strings) << encoding.line;
    EXPECT_OK(CheckTensorProto(encoding.proto)) << encoding.line;
  }
}

TEST(DecodeTensorProtoTest, AgreesWithTensorFlowOnOddForms) {
  const std::string path = SharedData("formats/tensorproto_cases.json");
  if (path.empty()) GTEST_SKIP() << "the sample files are not there";
  ASSERT_OK_AND_ASSIGN(const Json cases, ReadJson(path));
  int checked = 0;
  for (const Json& each : Elements(cases)) {
    const std::string name = Text(each, "case");
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(const std::string proto, FromHex(Text(each, "binary_hex")));
    const Json& expected = Member(each, "tf221");
    const absl::StatusOr<Tensor> tensor = Decode(proto);
    ++checked;
    if (name == "zero_then_overflow" || name == "rank254") {
      // Both are valid; Python, which fetched the results, could not represent them.
      EXPECT_OK(tensor);
      continue;
    }
    if (name == "huge") {
      EXPECT_THAT(tensor, StatusIs(StatusCode::kResourceExhausted, HasSubstr("1099511627776")));
      EXPECT_OK(CheckTensorProto(proto));
      continue;
    }
    if (!Member(expected, "ok").bool_value()) {
      EXPECT_THAT(tensor, StatusIs(StatusCode::kInvalidArgument));
      EXPECT_THAT(CheckTensorProto(proto), StatusIs(StatusCode::kInvalidArgument));
      continue;
    }
    ASSERT_OK(tensor);
    EXPECT_OK(CheckTensorProto(proto));
    std::vector<int64_t> dims;
    for (const Json& dim : Elements(Member(expected, "shape")))
      dims.push_back(static_cast<int64_t>(dim.number_value()));
    EXPECT_EQ(tensor->dims, dims);
    std::vector<std::string> strings;
    for (const Json& value : Elements(Member(expected, "strings_hex"))) {
      strings.push_back(absl::HexStringToBytes(value.string_value()));
    }
    EXPECT_THAT(tensor->strings, testing::ElementsAreArray(strings));
    EXPECT_EQ(absl::BytesToHexString(tensor->bytes), Text(expected, "data_hex"));
  }
  EXPECT_EQ(checked, 68);
}

std::string Header(DataType dtype, std::vector<int64_t> dims) {
  std::string shape, proto;
  for (const int64_t size : dims) {
    std::string dim;
    AppendVarintField(1, static_cast<uint64_t>(size), &dim);
    AppendBytesField(2, dim, &shape);
  }
  AppendVarintField(1, static_cast<uint64_t>(dtype), &proto);
  AppendBytesField(2, shape, &proto);
  return proto;
}

TEST(DecodeTensorProtoTest, ShowsTheBytesOfTheFileWhereItCan) {
  auto proto = std::make_shared<std::string>(Header(DT_FLOAT, {2}));
  AppendBytesField(5, absl::string_view("\0\0\x80\x3f\0\0\0\x40", 8), proto.get());
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, DecodeTensorProto(*proto, proto));
  EXPECT_EQ(tensor.bytes.data(), proto->data() + proto->size() - 8);
  EXPECT_THAT(tensor.Copy<float>(), ElementsAre(1, 2));
}

TEST(DecodeTensorProtoTest, JoinsPackedAndUnpackedPieces) {
  std::string proto = Header(DT_FLOAT, {3});
  AppendFixed32Field(5, 0x3f800000, &proto);
  AppendBytesField(5, absl::string_view("\0\0\0\x40", 4), &proto);
  ASSERT_OK_AND_ASSIGN(const Tensor floats, Decode(proto));
  EXPECT_THAT(floats.Copy<float>(), ElementsAre(1, 2, 2));

  proto = Header(DT_INT64, {4});
  AppendVarintField(10, 7, &proto);
  AppendBytesField(10, "\x08\x09", &proto);
  ASSERT_OK_AND_ASSIGN(const Tensor integers, Decode(proto));
  EXPECT_THAT(integers.Copy<int64_t>(), ElementsAre(7, 8, 9, 9));
}

TEST(DecodeTensorProtoTest, ValuesOfAnotherWireTypeAreUnknownFields) {
  std::string proto = Header(DT_FLOAT, {});
  AppendVarintField(5, 7, &proto);
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, Decode(proto));
  EXPECT_THAT(tensor.Copy<float>(), ElementsAre(0));
}

TEST(DecodeTensorProtoTest, SubByteTypesKeepTheirLowBits) {
  std::string proto = Header(DT_INT4, {2});
  AppendBytesField(7, absl::string_view("\x0c\xac\x02", 3), &proto);  // 12 and 300.
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, Decode(proto));
  EXPECT_THAT(tensor.Copy<int8_t>(), ElementsAre(-4, -4));
}

TEST(DecodeTensorProtoTest, FillsAreExpandedUpToALimit) {
  std::string proto = Header(DT_INT32, {1000});
  AppendVarintField(7, 5, &proto);
  EXPECT_THAT(Decode(proto, 3999), StatusIs(StatusCode::kResourceExhausted));
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, Decode(proto, 4000));
  EXPECT_EQ(tensor.Copy<int32_t>(), std::vector<int32_t>(1000, 5));

  const std::string strings = Header(DT_STRING, {int64_t{1} << 40});
  EXPECT_THAT(Decode(strings), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_OK(CheckTensorProto(strings));
}

TEST(DecodeTensorProtoTest, MissingVariantsAreEmpty) {
  std::string proto = Header(DT_VARIANT, {3});
  AppendBytesField(15, "\x0a\x01x", &proto);
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, Decode(proto));
  EXPECT_THAT(tensor.strings, ElementsAre("\x0a\x01x", "", ""));
}

TEST(DecodeTensorProtoTest, RefusesWhatIsNoTensor) {
  EXPECT_THAT(Decode("\x08"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("byte 0")));
  EXPECT_THAT(Decode(Header(static_cast<DataType>(99), {2})),
              StatusIs(StatusCode::kUnimplemented, HasSubstr("99")));
  EXPECT_THAT(Decode(Header(DT_RESOURCE, {})), StatusIs(StatusCode::kUnimplemented));
  EXPECT_THAT(Decode(Header(DT_FLOAT, {2, -1})), StatusIs(StatusCode::kInvalidArgument, HasSubstr("[2,-1]")));
  std::string proto = Header(DT_FLOAT, {2, 3});
  AppendBytesField(4, "12345", &proto);
  EXPECT_THAT(Decode(proto),
              StatusIs(StatusCode::kInvalidArgument,
                       "5 bytes of tensor_content, but DT_FLOAT [2,3] needs 6 elements of 4 bytes"));
  std::string cut = Header(DT_INT32, {2});
  AppendBytesField(7, "\xff", &cut);
  EXPECT_THAT(Decode(cut), StatusIs(StatusCode::kInvalidArgument, HasSubstr("cut")));
  EXPECT_THAT(CheckTensorProto(cut), StatusIs(StatusCode::kInvalidArgument));
}

// A decoder of hostile bytes must answer, whatever they are.
TEST(DecodeTensorProtoTest, EveryPrefixAndBitFlipIsAnswered) {
  for (const Encoding& encoding : Encodings()) {
    for (size_t size = 0; size < encoding.proto.size(); ++size) {
      (void)Decode(encoding.proto.substr(0, size), 1 << 16);
    }
    for (size_t bit = 0; bit < 8 * encoding.proto.size(); ++bit) {
      std::string proto = encoding.proto;
      proto[bit / 8] = static_cast<char>(proto[bit / 8] ^ (1 << bit % 8));
      const absl::StatusOr<Tensor> tensor = Decode(proto, 1 << 16);
      if (!tensor.ok()) continue;
      EXPECT_OK(CheckTensorProto(proto));
      const int width = DataTypeBytes(tensor->dtype);
      const size_t count = static_cast<size_t>(tensor->num_elements());
      EXPECT_EQ(width == 0 ? tensor->strings.size() : tensor->bytes.size(),
                width == 0 ? count : width * count);
    }
  }
}

TEST(EncodeTensorProtoTest, RefusesWhatDoesNotFit) {
  EXPECT_THAT(EncodeTensorProto(Tensor::OfBytes(DT_FLOAT, {2}, "1234")),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(EncodeTensorProto(Tensor::OfStrings({2}, {"a"})), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(EncodeTensorProto(Tensor::OfBytes(DT_RESOURCE, {}, "")), StatusIs(StatusCode::kUnimplemented));
}

TEST(NumElementsTest, MultipliesFromTheLeft) {
  const int64_t big = int64_t{1} << 40;
  EXPECT_EQ(*NumElements({}), 1);
  EXPECT_EQ(*NumElements({2, 3}), 6);
  EXPECT_EQ(*NumElements({0, big, big}), 0);
  EXPECT_THAT(NumElements({big, big, 0}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(NumElements({-1}), StatusIs(StatusCode::kInvalidArgument));
}

TEST(DataTypeTest, NamesAndWidths) {
  for (int number = DT_FLOAT; number <= DT_FLOAT4_E2M1FN; ++number) {
    const DataType dtype = static_cast<DataType>(number);
    EXPECT_TRUE(IsKnownDataType(dtype));
    for (const DataType each : {dtype, RefType(dtype)}) {
      DataType parsed;
      EXPECT_TRUE(ParseDataType(DataTypeName(each), &parsed));
      EXPECT_EQ(parsed, each);
      EXPECT_TRUE(ParseDataType(DataTypeEnumName(each), &parsed));
      EXPECT_EQ(parsed, each);
    }
  }
  DataType dtype;
  EXPECT_TRUE(ParseDataType("float32", &dtype));
  EXPECT_EQ(dtype, DT_FLOAT);
  EXPECT_TRUE(ParseDataType("float16_ref", &dtype));
  EXPECT_EQ(dtype, RefType(DT_HALF));
  EXPECT_FALSE(ParseDataType("invalid", &dtype));
  EXPECT_FALSE(ParseDataType("DT_FLOAT_ref", &dtype));
  EXPECT_EQ(DataTypeEnumName(static_cast<DataType>(99)), "99");
  EXPECT_EQ(DataTypeEnumName(static_cast<DataType>(-3)), "-3");
  EXPECT_EQ(DataTypeBytes(DT_COMPLEX128), 16);
  EXPECT_EQ(DataTypeBytes(RefType(DT_FLOAT)), 0);
}

}  // namespace
}  // namespace cryograph

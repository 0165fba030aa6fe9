// Strings that hold other things: EncodeBase64, DecodeBase64, DecodeRaw, ParseTensor, SerializeTensor.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "graph/tensor.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

class EncodeBase64Kernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("pad", &pad_); }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      std::string& out = output->mutable_data<std::string>()[i];
      uint32_t bits = 0;
      int held = 0;
      for (const char c : input.data<std::string>()[i]) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (held += 8; held >= 6; held -= 6) out += kAlphabet[bits >> (held - 6) & 63];
      }
      if (held > 0) out += kAlphabet[bits << (6 - held) & 63];
      while (pad_ && out.size() % 4 != 0) out += '=';
    }
    return absl::OkStatus();
  }

 private:
  bool pad_ = false;
};
CRYOGRAPH_KERNEL(EncodeBase64Kernel, "EncodeBase64");

// Place of each character in the alphabet, 64 for none.
std::array<uint8_t, 256> Digits() {
  std::array<uint8_t, 256> digits;
  digits.fill(64);
  for (uint8_t i = 0; i < 64; ++i) digits[static_cast<unsigned char>(kAlphabet[i])] = i;
  return digits;
}

// Padding may be there or not.
absl::Status DecodeBase64(KernelContext& context) {
  static const std::array<uint8_t, 256> digits = Digits();
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  for (int64_t i = 0; i < input.num_elements(); ++i) {
    absl::string_view text = input.data<std::string>()[i];
    if (text.size() % 4 == 0) {
      for (int k = 0; k < 2 && !text.empty() && text.back() == '='; ++k) text.remove_suffix(1);
    }
    if (text.size() % 4 == 1) {
      return absl::InvalidArgumentError(absl::StrCat("element ", i, " is too short for base64"));
    }
    std::string& out = output->mutable_data<std::string>()[i];
    uint32_t bits = 0;
    int held = 0;
    for (const char c : text) {
      const uint8_t digit = digits[static_cast<unsigned char>(c)];
      if (digit == 64) {
        return absl::InvalidArgumentError(
            absl::StrCat("element ", i, " has a character that is not of web-safe base64"));
      }
      bits = bits << 6 | digit;
      held += 6;
      if (held >= 8) {
        held -= 8;
        out += static_cast<char>(bits >> held & 0xff);
      }
    }
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(DecodeBase64, "DecodeBase64");

class DecodeRawKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const DataType dtype = node.output_type(0);
    if (!IsPlainType(dtype)) return node.UnsupportedType(dtype);
    width_ = ValueElementBytes(dtype);
    bool little_endian = true;
    RETURN_IF_ERROR(node.Attr("little_endian", &little_endian));
    // Each part of a complex number is turned around by itself.
    swapped_ = little_endian ? 1 : IsOneOf<ComplexTypes>(dtype) ? width_ / 2 : width_;
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const auto strings = input.span<std::string>();
    const size_t length = strings.empty() ? 0 : strings[0].size();
    for (size_t i = 0; i < strings.size(); ++i) {
      if (strings[i].size() == length) continue;
      return absl::InvalidArgumentError(absl::StrCat("all strings must be of one length: element 0 has ",
                                                     length, " bytes, element ", i, " has ",
                                                     strings[i].size()));
    }
    if (length % static_cast<size_t>(width_) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("a string of ", length, " bytes is no whole number of elements of ", width_));
    }
    Shape shape = input.shape();
    shape.push_back(static_cast<int64_t>(length) / width_);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    char* out = output->mutable_raw();
    for (const std::string& text : strings) {
      std::memcpy(out, text.data(), length);
      for (size_t at = 0; swapped_ > 1 && at < length; at += static_cast<size_t>(swapped_)) {
        std::reverse(out + at, out + at + swapped_);
      }
      out += length;
    }
    if (output->dtype() == DT_BOOL) {
      char* const bools = output->mutable_raw();
      std::transform(bools, bools + output->num_elements(), bools, [](char c) { return c != 0 ? 1 : 0; });
    }
    return absl::OkStatus();
  }

 private:
  int width_ = 1, swapped_ = 1;
};
CRYOGRAPH_KERNEL(DecodeRawKernel, "DecodeRaw");

absl::Status ParseTensor(KernelContext& context) {
  RETURN_IF_ERROR(ExpectScalar(context.input(0), "serialized"));
  // Without an owner, Value::FromTensor() copies what the tensor shows of the input.
  constexpr uint64_t kMostBytes = uint64_t{1} << 31;
  ASSIGN_OR_RETURN(const Tensor tensor, DecodeTensorProto(context.input(0).scalar<std::string>(), nullptr,
                                                          std::min(context.pool().limit(), kMostBytes)));
  const DataType dtype = context.node().output_type(0);
  if (tensor.dtype != dtype) {
    return absl::InvalidArgumentError(
        absl::StrCat("the tensor is of type ", DataTypeName(tensor.dtype), ", not ", DataTypeName(dtype)));
  }
  ASSIGN_OR_RETURN(Value value, Value::FromTensor(tensor, context.pool()));
  if (!value.writable_alone()) {  // It shows what was made anew, which counts as all values do.
    ASSIGN_OR_RETURN(value, value.Copy(context.pool()));
  }
  context.SetOutput(0, std::move(value));
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(ParseTensor, "ParseTensor");

absl::Status SerializeTensor(KernelContext& context) {
  ASSIGN_OR_RETURN(const Tensor tensor, context.input(0).ToTensor());
  ASSIGN_OR_RETURN(std::string bytes, EncodeTensorProto(tensor));
  return context.SetScalarOutput<std::string>(0, std::move(bytes));
}
CRYOGRAPH_KERNEL_FUNCTION(SerializeTensor, "SerializeTensor");

}  // namespace
}  // namespace cryograph

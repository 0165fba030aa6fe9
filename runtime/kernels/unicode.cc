// UnicodeDecode, UnicodeDecodeWithOffsets, UnicodeEncode, UnicodeTranscode.
#include <string>
#include <vector>

#include "base/wire.h"
#include "runtime/kernel.h"
#include "runtime/kernels/ragged_splits.h"
#include "runtime/kernels/utf8.h"

namespace cryograph {
namespace {

enum class Encoding { kUtf8, kUtf16, kUtf32 };

absl::Status ReadEncoding(const NodeInfo& node, absl::string_view attr, Encoding* encoding) {
  std::string name;
  RETURN_IF_ERROR(node.Attr(attr, &name));
  if (name == "UTF-8") {
    *encoding = Encoding::kUtf8;
  } else if (name == "UTF-16-BE") {
    *encoding = Encoding::kUtf16;
  } else if (name == "UTF-32-BE") {
    *encoding = Encoding::kUtf32;
  } else {
    return node.UnsupportedAttr(attr, name);
  }
  return absl::OkStatus();
}

bool IsCharacter(int64_t code) { return code >= 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff); }

uint32_t Byte(absl::string_view text, size_t at) { return static_cast<unsigned char>(text[at]); }

int64_t NextUtf16(absl::string_view text, size_t* at) {
  const auto unit = [&](size_t i) { return Byte(text, i) << 8 | Byte(text, i + 1); };
  if (text.size() - *at < 2) {
    *at = text.size();
    return kMalformed;
  }
  const uint32_t first = unit(*at);
  *at += 2;
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first > 0xdbff || text.size() - *at < 2) return kMalformed;
  const uint32_t second = unit(*at);
  if (second < 0xdc00 || second > 0xdfff) return kMalformed;
  *at += 2;
  return 0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff));
}

int64_t NextUtf32(absl::string_view text, size_t* at) {
  if (text.size() - *at < 4) {
    *at = text.size();
    return kMalformed;
  }
  uint32_t code = 0;
  for (int i = 0; i < 4; ++i) code = code << 8 | Byte(text, (*at)++);
  return IsCharacter(code) ? static_cast<int64_t>(code) : kMalformed;
}

int64_t NextCharacter(Encoding encoding, absl::string_view text, size_t* at) {
  switch (encoding) {
    case Encoding::kUtf8:
      return NextUtf8(text, at);
    case Encoding::kUtf16:
      return NextUtf16(text, at);
    default:
      return NextUtf32(text, at);
  }
}

void Append(Encoding encoding, uint32_t code, std::string* out) {
  const auto unit = [out](uint32_t bits) {
    *out += static_cast<char>(bits >> 8 & 0xff);
    *out += static_cast<char>(bits & 0xff);
  };
  if (encoding == Encoding::kUtf8) {
    AppendUtf8(code, out);
  } else if (encoding == Encoding::kUtf32) {
    unit(code >> 16);
    unit(code & 0xffff);
  } else if (code < 0x10000) {
    unit(code);
  } else {
    unit(0xd800 | (code - 0x10000) >> 10);
    unit(0xdc00 | ((code - 0x10000) & 0x3ff));
  }
}

// What becomes of that which is no character.
struct ErrorPolicy {
  absl::Status Init(const NodeInfo& node) {
    std::string errors;
    RETURN_IF_ERROR(node.Attr("errors", &errors));
    if (errors != "strict" && errors != "replace" && errors != "ignore") {
      return absl::InvalidArgumentError("errors must be strict, replace or ignore");
    }
    strict = errors == "strict";
    ignore = errors == "ignore";
    RETURN_IF_ERROR(node.Attr("replacement_char", &replacement));
    if (!IsCharacter(replacement)) {
      return absl::InvalidArgumentError("replacement_char must be a Unicode code point");
    }
    if (node.attr("replace_control_characters").kind() == AttrView::kNone) return absl::OkStatus();
    return node.Attr("replace_control_characters", &controls);
  }

  // Calls take(code) for `code`, or for what stands in its place.
  template <typename Take>
  absl::Status Apply(int64_t code, Take take) const {
    if (IsCharacter(code) && !(controls && code <= 0x1f)) {
      take(static_cast<uint32_t>(code));
    } else if (strict) {
      return absl::InvalidArgumentError("the text is malformed");
    } else if (!ignore) {
      take(static_cast<uint32_t>(replacement));
    }
    return absl::OkStatus();
  }

  bool strict = false, ignore = false, controls = false;
  int64_t replacement = 0xfffd;
};

class UnicodeTranscodeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(ReadEncoding(node, "input_encoding", &from_));
    RETURN_IF_ERROR(ReadEncoding(node, "output_encoding", &to_));
    return policy_.Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      const std::string& text = input.data<std::string>()[i];
      std::string& out = output->mutable_data<std::string>()[i];
      for (size_t at = 0; at < text.size();) {
        RETURN_IF_ERROR(
            policy_.Apply(NextCharacter(from_, text, &at), [&](uint32_t code) { Append(to_, code, &out); }));
      }
    }
    return absl::OkStatus();
  }

 private:
  Encoding from_ = Encoding::kUtf8, to_ = Encoding::kUtf8;
  ErrorPolicy policy_;
};
CRYOGRAPH_KERNEL(UnicodeTranscodeKernel, "UnicodeTranscode");

class UnicodeDecodeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(ReadEncoding(node, "input_encoding", &encoding_));
    return policy_.Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * splits, context.AllocateOutput(0, {input.num_elements() + 1}));
    RETURN_IF_ERROR(SetSplit(splits, 0, 0));
    // No longer than the text.
    std::vector<uint32_t> codes;
    std::vector<int64_t> starts;
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      const std::string& text = input.data<std::string>()[i];
      for (size_t at = 0; at < text.size();) {
        const auto start = static_cast<int64_t>(at);
        RETURN_IF_ERROR(policy_.Apply(NextCharacter(encoding_, text, &at), [&](uint32_t code) {
          codes.push_back(code);
          starts.push_back(start);
        }));
      }
      RETURN_IF_ERROR(SetSplit(splits, i + 1, static_cast<int64_t>(codes.size())));
    }
    const auto count = static_cast<int64_t>(codes.size());
    ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(1, {count}));
    for (int64_t i = 0; i < count; ++i) values->mutable_data<int32_t>()[i] = static_cast<int32_t>(codes[i]);
    if (context.num_outputs() < 3) return absl::OkStatus();
    ASSIGN_OR_RETURN(Value * offsets, context.AllocateOutput(2, {count}));
    for (int64_t i = 0; i < count; ++i) offsets->mutable_data<int64_t>()[i] = starts[i];
    return absl::OkStatus();
  }

 private:
  Encoding encoding_ = Encoding::kUtf8;
  ErrorPolicy policy_;
};
CRYOGRAPH_KERNEL(UnicodeDecodeKernel, "UnicodeDecode", "UnicodeDecodeWithOffsets");

class UnicodeEncodeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(ReadEncoding(node, "output_encoding", &encoding_));
    return policy_.Init(node);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& codes = context.input(0);
    RETURN_IF_ERROR(ExpectVector(codes, "input_values"));
    ASSIGN_OR_RETURN(const Shape splits, RowSplits(context.input(1), codes.num_elements()));
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {static_cast<int64_t>(splits.size()) - 1}));
    for (size_t row = 0; row + 1 < splits.size(); ++row) {
      std::string& out = output->mutable_data<std::string>()[row];
      for (int64_t i = splits[row]; i < splits[row + 1]; ++i) {
        RETURN_IF_ERROR(
            policy_.Apply(codes.data<int32_t>()[i], [&](uint32_t code) { Append(encoding_, code, &out); }));
      }
    }
    return absl::OkStatus();
  }

 private:
  Encoding encoding_ = Encoding::kUtf8;
  ErrorPolicy policy_;
};
CRYOGRAPH_KERNEL(UnicodeEncodeKernel, "UnicodeEncode");

}  // namespace
}  // namespace cryograph

// StringToNumber, AsString.
#include <cmath>
#include <complex>
#include <cstdlib>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::Status NotANumber(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("StringToNumberOp could not correctly convert string: ", text));
}

// strtod takes hexadecimal numbers, inf and nan, as TensorFlow does; the locale is never set.
bool ParseFloat(const std::string& text, double* value, float* narrow) {
  const std::string trimmed(absl::StripAsciiWhitespace(text));
  if (trimmed.empty()) return false;
  char* end = nullptr;
  *value = std::strtod(trimmed.c_str(), &end);
  if (end != trimmed.c_str() + trimmed.size()) return false;
  *narrow = std::strtof(trimmed.c_str(), &end);
  return true;
}

template <typename T>
bool ParseInt(absl::string_view text, T* value) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  return !trimmed.empty() && absl::SimpleAtoi(trimmed, value);
}

absl::Status StringToNumber(KernelContext& context) {
  const Value& input = context.input(0);
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
  for (int64_t i = 0; i < input.num_elements(); ++i) {
    const std::string& text = input.data<std::string>()[i];
    bool fits = false;
    double wide = 0;
    float narrow = 0;
    switch (output->dtype()) {
      case DT_FLOAT:
        fits = ParseFloat(text, &wide, &narrow);
        output->mutable_data<float>()[i] = narrow;
        break;
      case DT_DOUBLE:
        fits = ParseFloat(text, &wide, &narrow);
        output->mutable_data<double>()[i] = wide;
        break;
      case DT_INT32:
        fits = ParseInt(text, &output->mutable_data<int32_t>()[i]);
        break;
      case DT_INT64:
        fits = ParseInt(text, &output->mutable_data<int64_t>()[i]);
        break;
      case DT_UINT32:
        fits = ParseInt(text, &output->mutable_data<uint32_t>()[i]);
        break;
      case DT_UINT64:
        fits = ParseInt(text, &output->mutable_data<uint64_t>()[i]);
        break;
      default:
        return context.node().UnsupportedType(output->dtype());
    }
    if (!fits) return NotANumber(text);
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(StringToNumber, "StringToNumber");

class AsStringKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("precision", &precision_));
    RETURN_IF_ERROR(node.Attr("scientific", &scientific_));
    RETURN_IF_ERROR(node.Attr("shortest", &shortest_));
    RETURN_IF_ERROR(node.Attr("width", &width_));
    std::string fill;
    RETURN_IF_ERROR(node.Attr("fill", &fill));
    const DataType type = node.input_type(0);
    const bool floating = IsOneOf<FloatTypes>(type) || IsOneOf<ComplexTypes>(type);
    if (scientific_ && shortest_) {
      return absl::InvalidArgumentError("Cannot select both scientific and shortest notation");
    }
    if (!floating && (scientific_ || shortest_ || precision_ >= 0)) {
      return absl::InvalidArgumentError("precision, scientific and shortest are for floating-point numbers");
    }
    if (fill.size() > 1)
      return absl::InvalidArgumentError(
          absl::StrCat("Fill string must be one or fewer characters, is '", fill, "'"));
    if (!fill.empty()) {
      fill_ = fill[0];
      if (fill_ != ' ' && fill_ != '-' && fill_ != '0' && fill_ != '+') {
        return absl::InvalidArgumentError(absl::StrCat("Fill argument '", fill, "' not supported"));
      }
    }
    if (width_ > 4096 || precision_ > 4096) return node.UnsupportedAttr("width", absl::StrCat(width_));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    if (input.dtype() == DT_STRING) {
      for (int64_t i = 0; i < input.num_elements(); ++i) {
        output->mutable_data<std::string>()[i] = Padded(input.data<std::string>()[i], false);
      }
      return absl::OkStatus();
    }
    return DispatchType<JoinTypes<NumberTypes, BoolType>>(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (int64_t i = 0; i < input.num_elements(); ++i) {
        output->mutable_data<std::string>()[i] = Text(input.data<T>()[i]);
      }
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  std::string Text(T value) const {
    if constexpr (std::is_same_v<T, bool>) {
      return Padded(value ? "true" : "false", false);
    } else if constexpr (std::is_integral_v<T>) {
      return Padded(
          absl::StrCat(static_cast<std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>(value)), true);
    } else if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
      return absl::StrCat("(", Text(value.real()), ",", Text(value.imag()), ")");
    } else {
      return Padded(
          Number(static_cast<double>(static_cast<std::conditional_t<sizeof(T) == 8, double, float>>(value))),
          true);
    }
  }

  std::string Number(double value) const {
    const int precision = precision_ < 0 ? 6 : static_cast<int>(precision_);
    if (scientific_) return absl::StrFormat("%.*e", precision, value);
    if (shortest_) return absl::StrFormat("%.*g", precision, value);
    return absl::StrFormat("%.*f", precision, value);
  }

  // What printf does with the flag `fill_` and the width.
  std::string Padded(std::string text, bool number) const {
    if (number && fill_ == '+' && (text.empty() || (text[0] != '-' && text != "nan" && text != "-nan"))) {
      text.insert(text.begin(), '+');
    }
    if (number && fill_ == ' ' && (text.empty() || text[0] != '-')) text.insert(text.begin(), ' ');
    const auto size = static_cast<int64_t>(text.size());
    if (width_ <= size) return text;
    const auto missing = static_cast<size_t>(width_ - size);
    if (fill_ == '-') return text + std::string(missing, ' ');
    if (fill_ == '0' && number && text.find_first_not_of("0123456789+-.e") == text.npos) {
      const size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
      return text.substr(0, sign) + std::string(missing, '0') + text.substr(sign);
    }
    return std::string(missing, ' ') + text;
  }

  int64_t precision_ = -1, width_ = -1;
  bool scientific_ = false, shortest_ = false;
  char fill_ = 0;
};
CRYOGRAPH_KERNEL(AsStringKernel, "AsString");

}  // namespace
}  // namespace cryograph

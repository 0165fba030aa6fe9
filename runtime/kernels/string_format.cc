// StringFormat.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// The shorter of two forms that reads back as the same number.
std::string NumberText(float value) {
  std::string text = absl::StrFormat("%.6g", value);
  return std::strtof(text.c_str(), nullptr) == value ? text : absl::StrFormat("%.9g", value);
}
std::string NumberText(double value) {
  std::string text = absl::StrFormat("%.15g", value);
  return std::strtod(text.c_str(), nullptr) == value ? text : absl::StrFormat("%.17g", value);
}
std::string NumberText(Half value) { return NumberText(static_cast<float>(value)); }
std::string NumberText(Bfloat16 value) { return NumberText(static_cast<float>(value)); }
std::string NumberText(bool value) { return value ? "1" : "0"; }
std::string NumberText(const std::string& value) { return absl::StrCat("\"", absl::CEscape(value), "\""); }
template <typename T>
std::enable_if_t<std::is_integral_v<T>, std::string> NumberText(T value) {
  return absl::StrCat(static_cast<std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>(value));
}

using PrintedTypes = JoinTypes<RealTypes, BoolType, StringType>;

// "[[1 2 ... 8 9]\n [...]]": `ends` elements at both ends of each dimension; all if it is negative.
template <typename T>
void AppendTensor(const Value& value, int64_t ends, std::string* text) {
  const int rank = value.rank();
  if (value.num_elements() == 0) {
    *text += "[]";
    return;
  }
  if (rank == 0) {
    *text += NumberText(value.scalar<T>());
    return;
  }
  std::vector<int64_t> place(static_cast<size_t>(rank), 0), steps(static_cast<size_t>(rank), 1);
  for (int d = rank - 1; d > 0; --d) steps[d - 1] = steps[d] * value.dim(d);
  int64_t offset = 0;
  const auto separate = [&](int d) {
    if (d == rank - 1) {
      *text += ' ';
    } else {
      text->append(static_cast<size_t>(rank - 1 - d), '\n').append(static_cast<size_t>(d) + 1, ' ');
    }
  };
  *text += '[';
  for (int d = 0; d >= 0;) {
    const int64_t size = value.dim(d);
    if (place[d] == size) {
      *text += ']';
      offset -= size * steps[d];
      place[d] = 0;
      if (--d >= 0) ++place[d], offset += steps[d];
      continue;
    }
    if (place[d] > 0) separate(d);
    if (ends >= 0 && place[d] == ends && size - ends > ends) {
      *text += "...";
      const int64_t skipped = size - 2 * ends;
      place[d] += skipped;
      offset += skipped * steps[d];
      if (place[d] == size) continue;
      separate(d);
    }
    if (d == rank - 1) {
      *text += NumberText(value.data<T>()[offset]);
      ++place[d], offset += steps[d];
    } else {
      *text += '[';
      ++d;
    }
  }
}

class StringFormatKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string text, placeholder;
    RETURN_IF_ERROR(node.Attr("template", &text));
    RETURN_IF_ERROR(node.Attr("placeholder", &placeholder));
    RETURN_IF_ERROR(node.Attr("summarize", &summarize_));
    if (placeholder.empty()) return absl::InvalidArgumentError("placeholder must not be empty");
    pieces_ = absl::StrSplit(text, placeholder);
    if (pieces_.size() != static_cast<size_t>(node.num_inputs()) + 1) {
      return absl::InvalidArgumentError(absl::StrCat("the template has ", pieces_.size() - 1,
                                                     " placeholders for ", node.num_inputs(), " inputs"));
    }
    for (const DataType dtype : node.input_types()) {
      if (!IsOneOf<PrintedTypes>(dtype)) return node.UnsupportedType(dtype);
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    std::string text = pieces_[0];
    for (int k = 0; k < context.num_inputs(); ++k) {
      const Value& value = context.input(k);
      RETURN_IF_ERROR(DispatchType<PrintedTypes>(value.dtype(), [&](auto tag) {
        AppendTensor<TypeOf<decltype(tag)>>(value, summarize_, &text);
        return absl::OkStatus();
      }));
      text += pieces_[static_cast<size_t>(k) + 1];
    }
    return context.SetScalarOutput<std::string>(0, std::move(text));
  }

 private:
  std::vector<std::string> pieces_;
  int64_t summarize_ = 3;
};
CRYOGRAPH_KERNEL(StringFormatKernel, "StringFormat");

}  // namespace
}  // namespace cryograph

// DecodeCSV.
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

bool ParseField(const std::string& text, int32_t* number) { return absl::SimpleAtoi(text, number); }
bool ParseField(const std::string& text, int64_t* number) { return absl::SimpleAtoi(text, number); }
bool ParseField(const std::string& text, float* number) { return absl::SimpleAtof(text, number); }
bool ParseField(const std::string& text, double* number) { return absl::SimpleAtod(text, number); }
bool ParseField(const std::string& text, std::string* out) {
  *out = text;
  return true;
}

using FieldTypes =
    JoinTypes<IndexTypes, TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>, StringType>;

class DecodeCsvKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    std::string delimiter;
    RETURN_IF_ERROR(node.Attr("field_delim", &delimiter));
    if (delimiter.size() != 1) return absl::InvalidArgumentError("field_delim must be one character");
    delimiter_ = delimiter[0];
    RETURN_IF_ERROR(node.Attr("use_quote_delim", &quotes_));
    RETURN_IF_ERROR(node.Attr("na_value", &not_available_));
    RETURN_IF_ERROR(node.Attr("select_cols", &selected_));
    for (size_t i = 0; i < selected_.size(); ++i) {
      if (selected_[i] < 0 || (i > 0 && selected_[i] <= selected_[i - 1])) {
        return absl::InvalidArgumentError("select_cols must be increasing and not negative");
      }
    }
    if (!selected_.empty() && selected_.size() != static_cast<size_t>(node.num_outputs())) {
      return absl::InvalidArgumentError("select_cols and the outputs differ in number");
    }
    for (const DataType dtype : node.output_types()) {
      if (!IsOneOf<FieldTypes>(dtype)) return node.UnsupportedType(dtype);
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& records = context.input(0);
    const int columns = context.num_outputs();
    std::vector<Value*> outputs;
    for (int k = 0; k < columns; ++k) {
      const Value& fallback = context.input(k + 1);
      if (fallback.rank() > 1 || fallback.num_elements() > 1) {
        return absl::InvalidArgumentError(absl::StrCat("default ", k, " must have one element or none"));
      }
      ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(k, records.shape()));
      outputs.push_back(output);
    }
    for (int64_t i = 0; i < records.num_elements(); ++i) {
      ASSIGN_OR_RETURN(const std::vector<std::string> fields, Fields(records.data<std::string>()[i], i));
      if (fields.size() != static_cast<size_t>(columns)) {
        return absl::InvalidArgumentError(
            absl::StrCat("record ", i, " has ", fields.size(), " fields where ", columns, " are expected"));
      }
      for (int k = 0; k < columns; ++k) {
        RETURN_IF_ERROR(Store(fields[static_cast<size_t>(k)], context.input(k + 1), i, k, outputs[k]));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Store(const std::string& field, const Value& fallback, int64_t record, int column,
                     Value* output) const {
    return DispatchType<FieldTypes>(output->dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      T* out = output->mutable_data<T>() + record;
      if (field.empty() || field == not_available_) {
        if (fallback.num_elements() != 1) {
          return absl::InvalidArgumentError(
              absl::StrCat("field ", column, " of record ", record, " is missing and has no default"));
        }
        *out = fallback.scalar<T>();
      } else if (!ParseField(field, out)) {
        return absl::InvalidArgumentError(absl::StrCat("field ", column, " of record ", record, ", '", field,
                                                       "', is no valid ", DataTypeName(output->dtype())));
      }
      return absl::OkStatus();
    });
  }

  // The fields that are selected.
  absl::StatusOr<std::vector<std::string>> Fields(absl::string_view text, int64_t record) const {
    const auto fail = [record](absl::string_view what) {
      return absl::InvalidArgumentError(absl::StrCat("record ", record, ": ", what));
    };
    std::vector<std::string> fields;
    int64_t column = 0;
    const auto wanted = [&] {
      return selected_.empty() || (fields.size() < selected_.size() && selected_[fields.size()] == column);
    };
    size_t at = 0;
    while (at < text.size()) {
      if (text[at] == '\n' || text[at] == '\r') {
        ++at;
        continue;
      }
      std::string field;
      if (quotes_ && text[at] == '"') {
        ++at;
        for (;; ++at) {
          if (at >= text.size()) return fail("a quoted field has no closing quote");
          if (text[at] == '"') {
            if (at + 1 == text.size() || text[at + 1] == delimiter_) break;
            if (text[at + 1] != '"') return fail("a quote inside a field must be doubled");
            ++at;
          }
          field += text[at];
        }
        at += 2;
      } else {
        for (; at < text.size() && text[at] != delimiter_; ++at) {
          if ((quotes_ && text[at] == '"') || text[at] == '\n' || text[at] == '\r') {
            return fail("a field with quotes or line ends must be quoted");
          }
          field += text[at];
        }
        ++at;
      }
      if (wanted()) {
        fields.push_back(std::move(field));
        if (fields.size() == selected_.size()) return fields;
      }
      ++column;
    }
    if (!text.empty() && text.back() == delimiter_ && wanted()) fields.emplace_back();
    return fields;
  }

  char delimiter_ = ',';
  bool quotes_ = true;
  std::string not_available_;
  std::vector<int64_t> selected_;
};
CRYOGRAPH_KERNEL(DecodeCsvKernel, "DecodeCSV");

}  // namespace
}  // namespace cryograph

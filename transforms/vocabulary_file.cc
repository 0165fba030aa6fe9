#include "transforms/vocabulary_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

// One side of the table, filled line by line.
class Column {
 public:
  Column(DataType dtype, int64_t index) : dtype_(dtype), index_(index) {}

  absl::Status CheckType() const {
    const bool fits = index_ == VocabularyFormat::kLineNumber ? dtype_ == DT_INT64 || dtype_ == DT_INT32
                      : index_ == VocabularyFormat::kWholeLine
                          ? dtype_ == DT_STRING
                          : dtype_ == DT_STRING || dtype_ == DT_INT64 || dtype_ == DT_INT32 ||
                                dtype_ == DT_FLOAT || dtype_ == DT_DOUBLE;
    if (fits && index_ >= VocabularyFormat::kWholeLine) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("column ", index_, " cannot be of type ", DataTypeName(dtype_)));
  }

  bool IsColumn() const { return index_ >= 0; }
  int64_t index() const { return index_; }

  // False if the text is no number of the type.
  bool Add(absl::string_view line, const std::vector<absl::string_view>& fields, int64_t number) {
    if (index_ == VocabularyFormat::kLineNumber) return AddNumber(number);
    const absl::string_view text = IsColumn() ? fields[static_cast<size_t>(index_)] : line;
    if (dtype_ == DT_STRING) {
      strings_.emplace_back(text);
      return true;
    }
    if (dtype_ == DT_FLOAT || dtype_ == DT_DOUBLE) {
      double value;
      if (!absl::SimpleAtod(text, &value)) return false;
      return dtype_ == DT_DOUBLE ? Append(value) : Append(static_cast<float>(value));
    }
    int64_t value;
    return absl::SimpleAtoi(text, &value) && AddNumber(value);
  }

  Tensor Finish(int64_t count) {
    if (dtype_ == DT_STRING) return Tensor::OfStrings({count}, std::move(strings_));
    return Tensor::OfBytes(dtype_, {count}, std::move(bytes_));
  }

 private:
  bool AddNumber(int64_t value) {
    if (dtype_ == DT_INT64) return Append(value);
    return value == static_cast<int32_t>(value) && Append(static_cast<int32_t>(value));
  }
  template <typename T>
  bool Append(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return true;
  }

  DataType dtype_;
  int64_t index_;
  std::string bytes_;
  std::vector<std::string> strings_;
};

}  // namespace

absl::StatusOr<KeyValues> ParseVocabulary(absl::string_view text, const VocabularyFormat& format,
                                          absl::string_view path) {
  Column keys(format.key_dtype, format.key_index), values(format.value_dtype, format.value_index);
  RETURN_IF_ERROR(keys.CheckType());
  RETURN_IF_ERROR(values.CheckType());
  int64_t count = 0;
  std::string line;
  std::vector<absl::string_view> fields;
  for (size_t start = 0; start < text.size() && (format.size < 0 || count < format.size); ++count) {
    const size_t end = std::min(text.find('\n', start), text.size());
    line.clear();
    for (char c : text.substr(start, end - start)) {
      if (c != '\r') line.push_back(c);
    }
    start = end + 1;
    const std::string place = absl::StrCat(path, ", line ", count + 1, ": ");
    if (keys.IsColumn() || values.IsColumn()) {
      fields.clear();
      if (!line.empty()) {
        for (absl::string_view field : absl::StrSplit(line, format.delimiter)) fields.push_back(field);
      }
      const int64_t needed = std::max(keys.index(), values.index());
      if (needed >= static_cast<int64_t>(fields.size())) {
        return absl::InvalidArgumentError(absl::StrCat(place, "there are ", fields.size(),
                                                       " columns, and the table reads column ", needed));
      }
    }
    if (!keys.Add(line, fields, count + format.offset) || !values.Add(line, fields, count + format.offset)) {
      return absl::InvalidArgumentError(absl::StrCat(place, "a field is no number that the table can hold"));
    }
  }
  if (format.size >= 0 && count < format.size) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", count, " lines, and the table asks for ", format.size));
  }
  return KeyValues{keys.Finish(count), values.Finish(count)};
}

}  // namespace cryograph

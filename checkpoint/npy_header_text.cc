#include "checkpoint/npy_header_text.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

constexpr size_t kMaxDims = 254;

// Takes tokens from the front of a text.
class Scanner {
 public:
  explicit Scanner(absl::string_view text) : begin_(text.data()), rest_(text) {}

  // Removes `token` if it is next, after blanks.
  bool Take(absl::string_view token) {
    SkipBlanks();
    if (rest_.substr(0, token.size()) != token) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  absl::Status Want(absl::string_view token) {
    return Take(token) ? absl::OkStatus() : Damaged(absl::StrCat("'", token, "'"));
  }
  // A string in quotes, without escapes.
  absl::Status String(std::string* text) {
    SkipBlanks();
    const char quote = rest_.empty() ? '\0' : rest_[0];
    const size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : absl::string_view::npos;
    if (end == absl::string_view::npos) return Damaged("a string");
    *text = std::string(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return absl::OkStatus();
  }
  // A number, with the L that Python 2 wrote.
  absl::Status Number(int64_t* number) {
    SkipBlanks();
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < rest_.size() && absl::ascii_isdigit(rest_[digits])) {
      value = value * 10 + static_cast<uint64_t>(rest_[digits++] - '0');
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) || digits > 19)
        return Damaged("a dimension that 63 bits can hold");
    }
    if (digits == 0) return Damaged("a number");
    rest_.remove_prefix(digits);
    (void)Take("L");
    *number = static_cast<int64_t>(value);
    return absl::OkStatus();
  }
  bool AtEnd() {
    SkipBlanks();
    return rest_.empty();
  }
  absl::Status Damaged(absl::string_view expected) const {
    return absl::DataLossError(
        absl::StrCat("the header of the array has '", absl::Utf8SafeCHexEscape(rest_.substr(0, 20)),
                     "' at its character ", rest_.data() - begin_, " instead of ", expected));
  }

 private:
  void SkipBlanks() {
    while (!rest_.empty() && absl::ascii_isspace(rest_[0])) rest_.remove_prefix(1);
  }

  const char* begin_;
  absl::string_view rest_;
};

absl::Status ParseDescr(Scanner& scanner, NpyHeaderText* header) {
  if (!scanner.Take("[")) return scanner.String(&header->descr);
  RETURN_IF_ERROR(scanner.Want("("));
  RETURN_IF_ERROR(scanner.String(&header->field_name));
  RETURN_IF_ERROR(scanner.Want(","));
  RETURN_IF_ERROR(scanner.String(&header->descr));
  if (scanner.Take(")") && (scanner.Take(","), scanner.Take("]")) && !header->field_name.empty())
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      "its elements are records of several fields, which no tensor has\n"
      "try: in Python, save each field as an array of its own");
}

absl::Status ParseShape(Scanner& scanner, std::vector<int64_t>* dims) {
  RETURN_IF_ERROR(scanner.Want("("));
  while (!scanner.Take(")")) {
    if (dims->size() == kMaxDims)
      return scanner.Damaged("the end of the shape: no tensor has 255 dimensions");
    RETURN_IF_ERROR(scanner.Number(&dims->emplace_back()));
    if (!scanner.Take(",")) {
      RETURN_IF_ERROR(scanner.Want(")"));
      break;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseNpyHeaderText(absl::string_view text, NpyHeaderText* header) {
  Scanner scanner(text);
  bool has_descr = false, has_order = false, has_shape = false;
  RETURN_IF_ERROR(scanner.Want("{"));
  while (!scanner.Take("}")) {
    std::string key;
    RETURN_IF_ERROR(scanner.String(&key));
    RETURN_IF_ERROR(scanner.Want(":"));
    if (key == "descr" && !has_descr) {
      has_descr = true;
      RETURN_IF_ERROR(ParseDescr(scanner, header));
    } else if (key == "fortran_order" && !has_order) {
      has_order = true;
      header->fortran_order = scanner.Take("True");
      if (!header->fortran_order) RETURN_IF_ERROR(scanner.Want("False"));
    } else if (key == "shape" && !has_shape) {
      has_shape = true;
      RETURN_IF_ERROR(ParseShape(scanner, &header->dims));
    } else {
      return scanner.Damaged("one of descr, fortran_order, shape");
    }
    if (!scanner.Take(",")) {
      RETURN_IF_ERROR(scanner.Want("}"));
      break;
    }
  }
  if (!scanner.AtEnd()) return scanner.Damaged("its end");
  if (has_descr && has_order && has_shape) return absl::OkStatus();
  return absl::DataLossError("the header of the array lacks its type, order or shape");
}

}  // namespace cryograph

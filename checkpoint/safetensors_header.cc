#include "checkpoint/safetensors_header.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

constexpr size_t kMaxDims = 254;
constexpr int kMaxDepth = 64;

// Takes JSON from the front of a text.
class JsonScanner {
 public:
  explicit JsonScanner(absl::string_view text) : begin_(text.data()), rest_(text) {}

  bool Take(char c) {
    SkipBlanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  absl::Status Want(char c) {
    return Take(c) ? absl::OkStatus() : Damaged(absl::StrCat("'", std::string(1, c), "'"));
  }

  absl::Status String(std::string* text) {
    text->clear();
    if (!Take('"')) return Damaged("a string");
    for (;;) {
      size_t plain = 0;
      while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\' &&
             static_cast<unsigned char>(rest_[plain]) >= 0x20) {
        ++plain;
      }
      text->append(rest_.data(), plain);
      rest_.remove_prefix(plain);
      if (rest_.empty()) return Damaged("the end of a string");
      const char c = rest_[0];
      if (c == '"') {
        rest_.remove_prefix(1);
        return IsUtf8(*text) ? absl::OkStatus() : Damaged("a string of UTF-8");
      }
      if (c != '\\') return Damaged("a string without control characters");
      RETURN_IF_ERROR(Escape(text));
    }
  }

  absl::Status Number(uint64_t* number) {
    SkipBlanks();
    uint64_t value = 0;
    size_t digits = 0;
    while (digits < rest_.size() && absl::ascii_isdigit(rest_[digits])) {
      if (digits == 18) return Damaged("a smaller number");
      value = value * 10 + static_cast<uint64_t>(rest_[digits++] - '0');
    }
    if (digits == 0) return Damaged("a whole number that is not negative");
    rest_.remove_prefix(digits);
    *number = value;
    return absl::OkStatus();
  }

  // Passes over a value of any kind.
  absl::Status Skip() {
    std::string closers;
    std::string text;
    do {
      SkipBlanks();
      const char c = rest_.empty() ? '\0' : rest_[0];
      if (c == '"') {
        RETURN_IF_ERROR(String(&text));
      } else if (c == '{' || c == '[') {
        if (closers.size() == kMaxDepth) return Damaged("a value that is nested less deeply");
        closers += c == '{' ? '}' : ']';
        rest_.remove_prefix(1);
      } else if (!closers.empty() && c == closers.back()) {
        closers.pop_back();
        rest_.remove_prefix(1);
      } else if (!closers.empty() && (c == ',' || c == ':')) {
        rest_.remove_prefix(1);
      } else {
        size_t size = 0;
        while (size < rest_.size() && (absl::ascii_isalnum(rest_[size]) || rest_[size] == '+' ||
                                       rest_[size] == '-' || rest_[size] == '.')) {
          ++size;
        }
        if (size == 0) return Damaged("a value");
        rest_.remove_prefix(size);
      }
    } while (!closers.empty());
    return absl::OkStatus();
  }

  bool AtEnd() {
    SkipBlanks();
    return rest_.empty();
  }

  absl::Status Damaged(absl::string_view expected) const {
    return absl::DataLossError(absl::StrCat("the header has '", absl::Utf8SafeCHexEscape(rest_.substr(0, 20)),
                                            "' at its character ", rest_.data() - begin_, " instead of ",
                                            expected));
  }

 private:
  void SkipBlanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
  }

  bool Unit(uint32_t* unit) {
    if (rest_.size() < 6 || rest_[0] != '\\' || rest_[1] != 'u') return false;
    *unit = 0;
    for (size_t i = 2; i < 6; ++i) {
      const char c = absl::ascii_tolower(rest_[i]);
      if (!absl::ascii_isxdigit(c)) return false;
      *unit = *unit * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    rest_.remove_prefix(6);
    return true;
  }

  absl::Status Escape(std::string* text) {
    constexpr absl::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    const size_t which = rest_.size() < 2 ? absl::string_view::npos : kNames.find(rest_[1]);
    if (which != absl::string_view::npos) {
      *text += kMeant[which];
      rest_.remove_prefix(2);
      return absl::OkStatus();
    }
    uint32_t code, low;
    if (!Unit(&code)) return Damaged("an escape");
    if (code >= 0xd800 && code < 0xdc00) {
      if (!Unit(&low) || low < 0xdc00 || low >= 0xe000) return Damaged("the second half of a pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
      return Damaged("the first half of a pair");
    }
    AppendUtf8(code, text);
    return absl::OkStatus();
  }

  const char* begin_;
  absl::string_view rest_;
};

// Calls member() with each key of an object; it must take the value.
template <typename Member>
absl::Status ForEachMember(JsonScanner& scanner, Member member) {
  RETURN_IF_ERROR(scanner.Want('{'));
  if (scanner.Take('}')) return absl::OkStatus();
  do {
    std::string key;
    RETURN_IF_ERROR(scanner.String(&key));
    RETURN_IF_ERROR(scanner.Want(':'));
    RETURN_IF_ERROR(member(std::move(key)));
  } while (scanner.Take(','));
  return scanner.Want('}');
}

absl::Status ParseNumbers(JsonScanner& scanner, std::vector<uint64_t>* numbers) {
  numbers->clear();
  RETURN_IF_ERROR(scanner.Want('['));
  if (scanner.Take(']')) return absl::OkStatus();
  do {
    if (numbers->size() == kMaxDims)
      return scanner.Damaged("the end of the list: no tensor has 255 dimensions");
    RETURN_IF_ERROR(scanner.Number(&numbers->emplace_back()));
  } while (scanner.Take(','));
  return scanner.Want(']');
}

absl::Status ParseTensor(JsonScanner& scanner, SafetensorsEntry* entry) {
  bool has_dtype = false, has_shape = false, has_offsets = false;
  RETURN_IF_ERROR(ForEachMember(scanner, [&](const std::string& key) -> absl::Status {
    std::vector<uint64_t> numbers;
    if (key == "dtype") {
      has_dtype = true;
      return scanner.String(&entry->dtype);
    }
    if (key == "shape") {
      has_shape = true;
      RETURN_IF_ERROR(ParseNumbers(scanner, &numbers));
      entry->dims.assign(numbers.begin(), numbers.end());
      return absl::OkStatus();
    }
    if (key == "data_offsets") {
      has_offsets = true;
      RETURN_IF_ERROR(ParseNumbers(scanner, &numbers));
      if (numbers.size() != 2) return scanner.Damaged("data_offsets of two numbers");
      entry->begin = numbers[0];
      entry->end = numbers[1];
      return absl::OkStatus();
    }
    return scanner.Skip();
  }));
  if (has_dtype && has_shape && has_offsets) return absl::OkStatus();
  return scanner.Damaged("a tensor with dtype, shape and data_offsets");
}

std::string JsonText(absl::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        json += "\\\"";
        break;
      case '\\':
        json += "\\\\";
        break;
      case '\n':
        json += "\\n";
        break;
      case '\r':
        json += "\\r";
        break;
      case '\t':
        json += "\\t";
        break;
      case '\b':
        json += "\\b";
        break;
      case '\f':
        json += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          absl::StrAppendFormat(&json, "\\u%04x", static_cast<unsigned char>(c));
        } else {
          json += c;
        }
    }
  }
  return json + "\"";
}

}  // namespace

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json) {
  JsonScanner scanner(json);
  SafetensorsHeader header;
  RETURN_IF_ERROR(ForEachMember(scanner, [&](std::string key) -> absl::Status {
    if (key == "__metadata__") {
      return ForEachMember(scanner, [&](std::string name) {
        header.metadata.emplace_back(std::move(name), "");
        return scanner.String(&header.metadata.back().second);
      });
    }
    SafetensorsEntry& entry = header.tensors.emplace_back();
    entry.name = std::move(key);
    return ParseTensor(scanner, &entry);
  }));
  if (!scanner.AtEnd()) return scanner.Damaged("its end");
  return header;
}

std::string SafetensorsHeaderBytes(const SafetensorsHeader& header) {
  std::string json = "{";
  if (!header.metadata.empty()) {
    json += "\"__metadata__\":{";
    for (size_t i = 0; i < header.metadata.size(); ++i) {
      absl::StrAppend(&json, i == 0 ? "" : ",", JsonText(header.metadata[i].first), ":",
                      JsonText(header.metadata[i].second));
    }
    json += "}";
  }
  for (const SafetensorsEntry& entry : header.tensors) {
    absl::StrAppend(&json, json.size() == 1 ? "" : ",", JsonText(entry.name),
                    ":{\"dtype\":", JsonText(entry.dtype), ",\"shape\":[", absl::StrJoin(entry.dims, ","),
                    "],\"data_offsets\":[", entry.begin, ",", entry.end, "]}");
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' ');
  std::string bytes;
  AppendFixed64(json.size(), &bytes);
  return bytes + json;
}

}  // namespace cryograph

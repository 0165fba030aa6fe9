// Finds where the fields of a text-format message begin and end.
#ifndef CRYOGRAPH_GRAPH_TEXT_SPLITTER_H_
#define CRYOGRAPH_GRAPH_TEXT_SPLITTER_H_

#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace cryograph {

// Walks the fields of one message. It does not judge: what is no field is handed on, and protobuf's parser
// says why.
class FieldSplitter {
 public:
  FieldSplitter(absl::string_view text, size_t begin, size_t end) : text_(text.substr(0, end)), at_(begin) {}

  struct Piece {
    size_t begin = 0, end = 0;  // All of the field, with the comma or semicolon that may follow it.
    absl::string_view name;     // Empty if it is no plain name.
    // What is between the braces, if the value is one message: offsets in the text.
    bool braces = false;
    size_t inner_begin = 0, inner_end = 0;
  };

  // False at the end of the text.
  bool Next(Piece* piece) {
    *piece = Piece();
    SkipBlanks();
    if (at_ == text_.size()) return false;
    piece->begin = at_;
    if (text_[at_] == '[') {
      SkipNested();
      SkipValue(piece);
    } else if (IsWordByte(text_[at_])) {
      while (at_ < text_.size() && IsWordByte(text_[at_])) ++at_;
      piece->name = text_.substr(piece->begin, at_ - piece->begin);
      SkipValue(piece);
    } else {
      SkipLine();
    }
    piece->end = at_;
    const size_t after = at_;
    SkipBlanks();
    if (at_ < text_.size() && (text_[at_] == ',' || text_[at_] == ';')) {
      piece->end = ++at_;
    } else {
      at_ = after;
    }
    return true;
  }

 private:
  void SkipLine() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }

  // Like protobuf's tokenizer: a zero byte ends a comment, and is an error then.
  void SkipComment() {
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\0') ++at_;
  }

  void SkipBlanks() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '#') {
        SkipComment();
        if (at_ == text_.size() || text_[at_] == '\0') return;
      } else if (!IsSpace(text_[at_])) {
        return;
      }
    }
  }

  // At a quote. A string ends at its quote, or where it may not go on: at the end of the line.
  void SkipString() {
    const char quote = text_[at_++];
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') return;
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
        ++at_;
      } else if (text_[at_] == quote) {
        ++at_;
        return;
      }
    }
  }

  // At an opening bracket of any kind. True if each bracket found its partner.
  bool SkipNested() {
    std::string open;  // The partners that are awaited.
    while (at_ < text_.size()) {
      const char c = text_[at_];
      switch (c) {
        case '"':
        case '\'':
          SkipString();
          continue;
        case '#':
          SkipComment();
          continue;
        case '{':
          open += '}';
          break;
        case '<':
          open += '>';
          break;
        case '[':
          open += ']';
          break;
        case '}':
        case '>':
        case ']':
          if (open.back() != c) {
            ++at_;
            return false;
          }
          open.pop_back();
          if (open.empty()) {
            ++at_;
            return true;
          }
          break;
        default:
          break;
      }
      ++at_;
    }
    return false;
  }

  void SkipValue(Piece* piece) {
    SkipBlanks();
    if (at_ < text_.size() && text_[at_] == ':') {
      ++at_;
      SkipBlanks();
    }
    if (at_ == text_.size()) return;
    const char first = text_[at_];
    if (first == '{' || first == '<' || first == '[') {
      piece->inner_begin = at_ + 1;
      const bool closed = SkipNested();
      piece->inner_end = at_ - 1;
      piece->braces = closed && first != '[';
    } else if (first == '"' || first == '\'') {
      SkipStrings();
    } else {
      SkipScalar();
    }
  }

  // Adjacent string literals are one.
  void SkipStrings() {
    size_t end = at_;
    while (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      SkipString();
      end = at_;
      SkipBlanks();
    }
    at_ = end;
  }

  void SkipScalar() {
    if (text_[at_] == '-') {
      ++at_;
      SkipBlanks();
    }
    const size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool exponent =
          (c == '+' || c == '-') && at_ > begin && (text_[at_ - 1] | 0x20) == 'e' &&
          (absl::ascii_isdigit(static_cast<unsigned char>(text_[begin])) || text_[begin] == '.');
      if (!IsWordByte(c) && c != '.' && !exponent) break;
      ++at_;
    }
  }

  static bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  static bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

  absl::string_view text_;
  size_t at_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_TEXT_SPLITTER_H_

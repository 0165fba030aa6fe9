// What a tool has found out, as a tree: made once, printed as JSON or as text for people.
#ifndef CRYOGRAPH_TOOLS_DOCUMENT_H_
#define CRYOGRAPH_TOOLS_DOCUMENT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace cryograph {

// A value of JSON. Members of an object stay in the order in which they were set.
class Document {
 public:
  enum class Kind { kNull, kBool, kInt, kFloat, kString, kArray, kObject };

  Document() = default;
  static Document Bool(bool value);
  static Document Int(int64_t value);
  static Document Float(double value);
  static Document String(absl::string_view value);
  static Document Array() { return Document(Kind::kArray); }
  static Document Object() { return Document(Kind::kObject); }
  static Document Strings(const std::vector<std::string>& values);
  static Document Ints(const std::vector<int64_t>& values);

  // Objects. The short forms leave out what is empty, 0 or false: in a message, that is what is not there.
  Document& Set(absl::string_view key, Document value);
  Document& SetString(absl::string_view key, absl::string_view value);
  Document& SetInt(absl::string_view key, int64_t value);
  Document& SetBool(absl::string_view key, bool value);
  // Empty arrays and objects are left out, too.
  Document& SetIfAny(absl::string_view key, Document value);
  // Arrays.
  Document& Add(Document value);

  Kind kind() const { return kind_; }
  bool empty() const { return items_.empty(); }  // Arrays and objects.
  size_t size() const { return items_.size(); }
  // Of an array.
  const Document& at(size_t index) const { return items_[index].second; }
  // Member of an object; null if it is not there.
  const Document* Find(absl::string_view key) const;

  // JSON with two blanks for each level and a line break at the end.
  std::string Json() const;
  // Lines of "key: value", indented by depth; short lists stand in one line.
  std::string Text() const;

 private:
  explicit Document(Kind kind) : kind_(kind) {}
  void AppendJson(int depth, std::string* out) const;
  void AppendText(int depth, std::string* out) const;
  std::string Inline() const;  // In one line; empty if it is too long for that.
  std::string Scalar(bool json) const;

  Kind kind_ = Kind::kNull;
  bool bool_ = false;
  int64_t int_ = 0;
  double float_ = 0;
  std::string string_;
  std::vector<std::pair<std::string, Document>> items_;  // Keys of arrays are empty.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_DOCUMENT_H_

#include "tools/document.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

constexpr size_t kLineWidth = 100;

void Indent(int depth, std::string* out) { out->append(static_cast<size_t>(2 * depth), ' '); }

}  // namespace

Document Document::Bool(bool value) {
  Document document(Kind::kBool);
  document.bool_ = value;
  return document;
}
Document Document::Int(int64_t value) {
  Document document(Kind::kInt);
  document.int_ = value;
  return document;
}
Document Document::Float(double value) {
  Document document(Kind::kFloat);
  document.float_ = value;
  return document;
}
Document Document::String(absl::string_view value) {
  Document document(Kind::kString);
  document.string_ = std::string(value);
  return document;
}
Document Document::Strings(const std::vector<std::string>& values) {
  Document document = Array();
  for (const std::string& value : values) document.Add(String(value));
  return document;
}
Document Document::Ints(const std::vector<int64_t>& values) {
  Document document = Array();
  for (const int64_t value : values) document.Add(Int(value));
  return document;
}

Document& Document::Set(absl::string_view key, Document value) {
  items_.emplace_back(std::string(key), std::move(value));
  return *this;
}
Document& Document::SetString(absl::string_view key, absl::string_view value) {
  return value.empty() ? *this : Set(key, String(value));
}
Document& Document::SetInt(absl::string_view key, int64_t value) {
  return value == 0 ? *this : Set(key, Int(value));
}
Document& Document::SetBool(absl::string_view key, bool value) {
  return value ? Set(key, Bool(true)) : *this;
}
Document& Document::SetIfAny(absl::string_view key, Document value) {
  const bool nothing = value.kind_ == Kind::kNull ||
                       ((value.kind_ == Kind::kArray || value.kind_ == Kind::kObject) && value.empty());
  return nothing ? *this : Set(key, std::move(value));
}
Document& Document::Add(Document value) { return Set("", std::move(value)); }

const Document* Document::Find(absl::string_view key) const {
  for (const auto& item : items_) {
    if (item.first == key) return &item.second;
  }
  return nullptr;
}

std::string Document::Scalar(bool json) const {
  switch (kind_) {
    case Kind::kBool:
      return bool_ ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat(int_);
    case Kind::kFloat:
      // JSON has no other numbers than finite ones.
      if (json && !std::isfinite(float_)) return absl::StrCat("\"", float_, "\"");
      return absl::StrCat(float_);
    case Kind::kString:
      if (json) return cli::JsonString(string_);
      for (const char c : string_) {
        if (static_cast<unsigned char>(c) < 0x20) return cli::JsonString(string_);
      }
      return string_.empty() ? "''" : string_;
    default:
      return "null";
  }
}

void Document::AppendJson(int depth, std::string* out) const {
  if (kind_ != Kind::kArray && kind_ != Kind::kObject) {
    *out += Scalar(true);
    return;
  }
  const bool object = kind_ == Kind::kObject;
  out->push_back(object ? '{' : '[');
  bool first = true;
  for (const auto& item : items_) {
    absl::StrAppend(out, first ? "\n" : ",\n");
    first = false;
    Indent(depth + 1, out);
    if (object) absl::StrAppend(out, cli::JsonString(item.first), ": ");
    item.second.AppendJson(depth + 1, out);
  }
  if (!items_.empty()) {
    out->push_back('\n');
    Indent(depth, out);
  }
  out->push_back(object ? '}' : ']');
}

std::string Document::Json() const {
  std::string out;
  AppendJson(0, &out);
  out.push_back('\n');
  return out;
}

std::string Document::Inline() const {
  if (kind_ != Kind::kArray && kind_ != Kind::kObject) return Scalar(false);
  std::vector<std::string> parts;
  size_t length = 0;
  for (const auto& item : items_) {
    const std::string value = item.second.Inline();
    if (value.empty()) return "";
    parts.push_back(kind_ == Kind::kObject ? absl::StrCat(item.first, ": ", value) : value);
    length += parts.back().size() + 2;
    if (length > kLineWidth) return "";
  }
  const std::string joined = absl::StrJoin(parts, ", ");
  return kind_ == Kind::kObject ? absl::StrCat("{", joined, "}") : absl::StrCat("[", joined, "]");
}

void Document::AppendText(int depth, std::string* out) const {
  for (const auto& item : items_) {
    const Document& value = item.second;
    Indent(depth, out);
    absl::StrAppend(out, kind_ == Kind::kObject ? absl::StrCat(item.first, ":") : "-");
    const bool branch = (value.kind_ == Kind::kObject || value.kind_ == Kind::kArray) && !value.empty();
    const bool table = branch && value.kind_ == Kind::kObject && kind_ == Kind::kObject;
    std::string line = table ? "" : value.Inline();
    // An element that is a short object is a line of its own, without braces.
    if (kind_ == Kind::kArray && value.kind_ == Kind::kObject && line.size() > 2)
      line = line.substr(1, line.size() - 2);
    // A list of objects has a line for each.
    if (value.kind_ == Kind::kArray && !value.empty() && value.items_[0].second.kind_ == Kind::kObject)
      line.clear();
    if (!line.empty()) {
      absl::StrAppend(out, " ", line, "\n");
      continue;
    }
    out->push_back('\n');
    value.AppendText(depth + 1, out);
  }
}

std::string Document::Text() const {
  std::string out;
  AppendText(0, &out);
  return out;
}

}  // namespace cryograph

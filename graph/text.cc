#include "graph/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "graph/proto/collections.pb.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/session_bundle.pb.h"

namespace cryograph {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kMaxDepth = 100;
constexpr size_t kLargestPiece = std::numeric_limits<int32_t>::max() - 64;  // What protobuf takes at once.

const Descriptor* DescriptorOf(MessageKind kind) {
  // What an Any of a collection may hold must be linked in, so that it is found by name.
  tensorflow::serving::Signatures::descriptor();
  tensorflow::QueueRunnerDef::descriptor();
  return google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      absl::StrCat("tensorflow.", MessageKindName(kind)));
}

std::unique_ptr<google::protobuf::Message> NewMessage(const Descriptor* descriptor) {
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

// Messages that hold most of a model in one field are not taken as one piece, but field by field in their turn.
bool IsTakenApart(const FieldDescriptor* field) {
  if (field == nullptr || field->type() != FieldDescriptor::TYPE_MESSAGE || field->is_map()) return false;
  const std::string& name = field->message_type()->full_name();
  return name == "tensorflow.MetaGraphDef" || name == "tensorflow.GraphDef" || name == "tensorflow.FunctionDefLibrary";
}

// ---- From text ----

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Finds where fields begin and end. It does not judge: what is no field is handed on, and protobuf's parser says why.
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
      const bool exponent = (c == '+' || c == '-') && at_ > begin && (text_[at_ - 1] | 0x20) == 'e' &&
                            (absl::ascii_isdigit(static_cast<unsigned char>(text_[begin])) || text_[begin] == '.');
      if (!IsWordByte(c) && c != '.' && !exponent) break;
      ++at_;
    }
  }

  absl::string_view text_;
  size_t at_;
};

// Keeps the first error that protobuf's parser reports.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!message_.empty()) return;
    line_ = line;
    column_ = column;
    message_ = message;
  }

  const std::string& message() const { return message_; }

  // Offset in `piece` of the place that was reported.
  size_t Offset(absl::string_view piece) const {
    size_t at = 0;
    for (int line = 0; line < line_; ++line) {
      const size_t end = piece.find('\n', at);
      if (end == absl::string_view::npos) return piece.size();
      at = end + 1;
    }
    // The tokenizer's columns jump to a multiple of eight at a tab.
    for (int column = 0; at < piece.size() && piece[at] != '\n' && column < column_; ++at) {
      column = piece[at] == '\t' ? column / 8 * 8 + 8 : column + 1;
    }
    return at;
  }

 private:
  int line_ = 0;
  int column_ = 0;
  std::string message_;
};

class TextReader {
 public:
  TextReader(absl::string_view text, absl::string_view where) : text_(text), where_(where) {}

  // Fields of `descriptor` between two offsets of the text, `depth` messages deep.
  absl::StatusOr<std::string> Read(const Descriptor* descriptor, size_t begin, size_t end, int depth);

  // The same as one piece.
  absl::StatusOr<std::string> ReadWhole(const Descriptor* descriptor, size_t begin) const {
    FieldSplitter::Piece piece;
    piece.begin = begin;
    piece.end = text_.size();
    std::string out;
    RETURN_IF_ERROR(ReadPiece(piece, 0, NewMessage(descriptor).get(), &out));
    return out;
  }

 private:
  absl::Status Error(size_t offset, absl::string_view message) const;
  absl::Status ReadPiece(const FieldSplitter::Piece& piece, int depth, google::protobuf::Message* message,
                         std::string* out) const;

  absl::string_view text_;
  absl::string_view where_;
};

absl::Status TextReader::Error(size_t offset, absl::string_view message) const {
  const absl::string_view before = text_.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t newline = before.rfind('\n');
  const size_t column = newline == absl::string_view::npos ? offset + 1 : offset - newline;
  return absl::InvalidArgumentError(absl::StrCat(where_, ":", line, ":", column, ": ", message));
}

absl::Status TextReader::ReadPiece(const FieldSplitter::Piece& piece, int depth, google::protobuf::Message* message,
                                   std::string* out) const {
  const absl::string_view text = text_.substr(piece.begin, piece.end - piece.begin);
  if (text.size() > kLargestPiece) return Error(piece.begin, "one field of 2 GB or more");
  google::protobuf::TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(kMaxDepth - depth);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  if (!parser.Parse(&input, message)) {
    return Error(piece.begin + error.Offset(text), error.message().empty() ? "not a field" : error.message());
  }
  const size_t size = message->ByteSizeLong();
  if (size > kLargestPiece) return Error(piece.begin, "one field of 2 GB or more");
  const size_t old_size = out->size();
  out->resize(old_size + size);
  google::protobuf::io::ArrayOutputStream output(&(*out)[old_size], static_cast<int>(size));
  google::protobuf::io::CodedOutputStream coded(&output);
  coded.SetSerializationDeterministic(true);
  message->SerializeWithCachedSizes(&coded);
  if (coded.HadError()) return Error(piece.begin, "the field cannot be serialized");
  return absl::OkStatus();
}

absl::StatusOr<std::string> TextReader::Read(const Descriptor* descriptor, size_t begin, size_t end, int depth) {
  struct Run {
    int number;
    size_t begin;  // In the output; up to the next run.
  };
  std::string out;
  std::vector<Run> runs;  // Neighbours of one field are one run.
  std::vector<bool> seen;
  const std::unique_ptr<google::protobuf::Message> message = NewMessage(descriptor);
  FieldSplitter splitter(text_, begin, end);
  FieldSplitter::Piece piece;
  while (splitter.Next(&piece)) {
    const FieldDescriptor* const field = descriptor->FindFieldByName(std::string(piece.name));
    const int number = field == nullptr ? 0 : field->number();
    if (field != nullptr && !field->is_repeated()) {
      if (seen.size() <= static_cast<size_t>(number)) seen.resize(static_cast<size_t>(number) + 1);
      if (seen[static_cast<size_t>(number)]) {
        return Error(piece.begin,
                     absl::StrCat("Non-repeated field \"", field->name(), "\" is specified multiple times."));
      }
      seen[static_cast<size_t>(number)] = true;
    }
    if (runs.empty() || runs.back().number != number) runs.push_back({number, out.size()});
    if (piece.braces && IsTakenApart(field)) {
      ASSIGN_OR_RETURN(const std::string child,
                       Read(field->message_type(), piece.inner_begin, piece.inner_end, depth + 1));
      AppendBytesField(static_cast<uint32_t>(number), child, &out);
    } else {
      RETURN_IF_ERROR(ReadPiece(piece, depth, message.get(), &out));
    }
  }
  const auto by_number = [](const Run& a, const Run& b) { return a.number < b.number; };
  if (std::is_sorted(runs.begin(), runs.end(), by_number)) return out;
  std::vector<std::pair<Run, absl::string_view>> parts;
  for (size_t i = 0; i < runs.size(); ++i) {
    const size_t run_end = i + 1 < runs.size() ? runs[i + 1].begin : out.size();
    parts.emplace_back(runs[i], absl::string_view(out).substr(runs[i].begin, run_end - runs[i].begin));
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [&](const auto& a, const auto& b) { return by_number(a.first, b.first); });
  std::string sorted;
  sorted.reserve(out.size());
  for (const auto& [run, bytes] : parts) sorted.append(bytes.data(), bytes.size());
  return sorted;
}

// True if the fields of the message are independent of each other (no oneof), so that each may be taken alone.
bool IsSplit(MessageKind kind) {
  return kind == MessageKind::kGraphDef || kind == MessageKind::kMetaGraphDef || kind == MessageKind::kSavedModel ||
         kind == MessageKind::kFunctionDefLibrary;
}

// ---- To text ----

// How each byte stands in a string literal: as it is, as \n and the like, or as three octal digits.
struct Escapes {
  char text[256][4];
  uint8_t size[256];
  Escapes() {
    for (int byte = 0; byte < 256; ++byte) {
      char* const to = text[byte];
      to[0] = '\\';
      size[byte] = 2;
      switch (byte) {
        case '\n':
          to[1] = 'n';
          break;
        case '\r':
          to[1] = 'r';
          break;
        case '\t':
          to[1] = 't';
          break;
        case '"':
        case '\'':
        case '\\':
          to[1] = static_cast<char>(byte);
          break;
        default:
          if (byte >= 0x20 && byte < 0x7f) {
            to[0] = static_cast<char>(byte);
            size[byte] = 1;
          } else {
            to[1] = static_cast<char>('0' + (byte >> 6));
            to[2] = static_cast<char>('0' + (byte >> 3 & 7));
            to[3] = static_cast<char>('0' + (byte & 7));
            size[byte] = 4;
          }
      }
    }
  }
};

// Prints strings as protobuf's own printer does, without a copy of the whole: constants are long.
class StringPrinter final : public google::protobuf::TextFormat::FastFieldValuePrinter {
 public:
  void PrintString(const std::string& value, google::protobuf::TextFormat::BaseTextGenerator* out) const override {
    static const Escapes* const escapes = new Escapes;
    char chunk[4096];
    size_t used = 0;
    chunk[used++] = '"';
    for (const char c : value) {
      if (used + 5 > sizeof(chunk)) {
        out->Print(chunk, used);
        used = 0;
      }
      const uint8_t byte = static_cast<uint8_t>(c);
      std::memcpy(chunk + used, escapes->text[byte], 4);
      used += escapes->size[byte];
    }
    chunk[used++] = '"';
    out->Print(chunk, used);
  }
  void PrintBytes(const std::string& value, google::protobuf::TextFormat::BaseTextGenerator* out) const override {
    PrintString(value, out);
  }
};

// Appends to a string. (Protobuf's own stream doubles the string and clears the new room each time.)
class AppendingStream final : public google::protobuf::io::ZeroCopyOutputStream {
 public:
  explicit AppendingStream(std::string* out) : out_(out) {}
  ~AppendingStream() override { Flush(); }

  bool Next(void** data, int* size) override {
    Flush();
    *data = buffer_;
    *size = static_cast<int>(used_ = sizeof(buffer_));
    return true;
  }
  void BackUp(int count) override { used_ -= static_cast<size_t>(count); }
  int64_t ByteCount() const override { return written_ + static_cast<int64_t>(used_); }

 private:
  void Flush() {
    out_->append(buffer_, used_);
    written_ += static_cast<int64_t>(used_);
    used_ = 0;
  }

  std::string* out_;
  char buffer_[8192];
  size_t used_ = 0;
  int64_t written_ = 0;
};

class TextWriter {
 public:
  TextWriter(bool drop_unknown_fields, std::string* out) : drop_(drop_unknown_fields), out_(out) {
    printer_.SetDefaultFieldValuePrinter(new StringPrinter);
  }

  absl::Status Write(const Descriptor* descriptor, absl::string_view fields, int indent);

  // The message's fields, `indent` levels deep.
  absl::Status Print(absl::string_view bytes, int indent, google::protobuf::Message* message);

 private:
  absl::Status WriteEach(const FieldDescriptor* field, absl::string_view raw, absl::string_view payload, int indent,
                         google::protobuf::Message* message);

  bool drop_;
  std::string* out_;
  google::protobuf::TextFormat::Printer printer_;
};

absl::Status TextWriter::Print(absl::string_view bytes, int indent, google::protobuf::Message* message) {
  if (bytes.size() > kLargestPiece) {
    return absl::ResourceExhaustedError(
        absl::StrCat("one field of ", bytes.size(), " bytes; text can hold fields of less than 2 GB"));
  }
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError(absl::StrCat("not a valid field of a ", message->GetDescriptor()->name()));
  }
  if (drop_) message->DiscardUnknownFields();
  printer_.SetInitialIndentLevel(indent);
  AppendingStream stream(out_);
  if (!printer_.Print(*message, &stream)) return absl::InternalError("text of a message cannot be printed");
  return absl::OkStatus();
}

absl::Status TextWriter::WriteEach(const FieldDescriptor* field, absl::string_view raw, absl::string_view payload,
                                   int indent, google::protobuf::Message* message) {
  if (!IsTakenApart(field)) return Print(raw, indent, message);
  const std::string margin(static_cast<size_t>(indent) * 2, ' ');
  absl::StrAppend(out_, margin, field->name(), " {\n");
  RETURN_IF_ERROR(Write(field->message_type(), payload, indent + 1));
  absl::StrAppend(out_, margin, "}\n");
  return absl::OkStatus();
}

absl::Status TextWriter::Write(const Descriptor* descriptor, absl::string_view fields, int indent) {
  std::vector<WireField> sorted;
  WireReader reader(fields);
  for (WireField field; reader.Next(&field);) sorted.push_back(field);
  if (!reader.ok()) return absl::DataLossError(absl::StrCat("not a valid ", descriptor->name()));
  const auto by_number = [](const WireField& a, const WireField& b) { return a.number < b.number; };
  if (!std::is_sorted(sorted.begin(), sorted.end(), by_number)) {
    std::stable_sort(sorted.begin(), sorted.end(), by_number);
  }
  const std::unique_ptr<google::protobuf::Message> message = NewMessage(descriptor);
  for (size_t i = 0, end; i < sorted.size(); i = end) {
    for (end = i + 1; end < sorted.size() && sorted[end].number == sorted[i].number;) ++end;
    const FieldDescriptor* const field = descriptor->FindFieldByNumber(static_cast<int>(sorted[i].number));
    if (field == nullptr) continue;  // Unknown ones are dropped here, or were refused before.
    const bool alone = field->type() == FieldDescriptor::TYPE_MESSAGE && !field->is_map() &&
                       (field->is_repeated() || end == i + 1);
    if (alone) {
      for (size_t j = i; j < end; ++j) {
        RETURN_IF_ERROR(WriteEach(field, sorted[j].raw, sorted[j].bytes, indent, message.get()));
      }
      continue;
    }
    // Packed and single numbers, entries of a map, and parts of one message belong together.
    std::string together;
    for (size_t j = i; j < end; ++j) together.append(sorted[j].raw.data(), sorted[j].raw.size());
    RETURN_IF_ERROR(Print(together, indent, message.get()));
  }
  return absl::OkStatus();
}

absl::Status CheckFields(MessageKind kind, absl::string_view fields, bool drop_unknown_fields) {
  RETURN_IF_ERROR(CheckWire(fields, kind, "cannot be text"));
  if (drop_unknown_fields) return absl::OkStatus();
  const std::string unknown = FirstUnknownField(fields, kind);
  if (unknown.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the ", MessageKindName(kind), " has fields that are not known here (", unknown,
                   "), and text cannot hold them; write the binary form, or drop them"));
}

}  // namespace

absl::StatusOr<std::string> MessageFromText(MessageKind kind, absl::string_view text, absl::string_view where) {
  const google::protobuf::LogSilencer silencer;  // What it would print is in the status.
  const size_t begin = absl::StartsWith(text, "\xef\xbb\xbf") ? 3 : 0;
  TextReader reader(text, where);
  std::string bytes;
  if (IsSplit(kind)) {
    ASSIGN_OR_RETURN(bytes, reader.Read(DescriptorOf(kind), begin, text.size(), 0));
  } else {
    ASSIGN_OR_RETURN(bytes, reader.ReadWhole(DescriptorOf(kind), begin));
  }
  // The text parser lets pass what no reader of the binary form takes.
  const absl::Status status = CheckWire(bytes, kind, where);
  if (!status.ok()) return absl::InvalidArgumentError(status.message());
  return bytes;
}

absl::StatusOr<std::string> MessageToText(MessageKind kind, absl::string_view bytes, bool drop_unknown_fields) {
  std::string text;
  RETURN_IF_ERROR(AppendFieldsText(kind, bytes, 0, drop_unknown_fields, &text));
  return text;
}

absl::Status AppendFieldsText(MessageKind kind, absl::string_view fields, int indent, bool drop_unknown_fields,
                              std::string* out) {
  RETURN_IF_ERROR(CheckFields(kind, fields, drop_unknown_fields));
  TextWriter writer(drop_unknown_fields, out);
  const Descriptor* const descriptor = DescriptorOf(kind);
  if (IsSplit(kind)) return writer.Write(descriptor, fields, indent);
  return writer.Print(fields, indent, NewMessage(descriptor).get());
}

absl::Status AppendNodeText(absl::string_view node_def, bool drop_unknown_fields, std::string* out) {
  RETURN_IF_ERROR(CheckFields(MessageKind::kNodeDef, node_def, drop_unknown_fields));
  tensorflow::NodeDef node;
  out->append("node {\n");
  RETURN_IF_ERROR(TextWriter(drop_unknown_fields, out).Print(node_def, 1, &node));
  out->append("}\n");
  return absl::OkStatus();
}

}  // namespace cryograph

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "graph/proto/graph.pb.h"
#include "graph/text.h"
#include "graph/text_pieces.h"

namespace cryograph {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

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
  void PrintString(const std::string& value,
                   google::protobuf::TextFormat::BaseTextGenerator* out) const override {
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
  void PrintBytes(const std::string& value,
                  google::protobuf::TextFormat::BaseTextGenerator* out) const override {
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
  absl::Status WriteEach(const FieldDescriptor* field, absl::string_view raw, absl::string_view payload,
                         int indent, google::protobuf::Message* message);

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

absl::Status TextWriter::WriteEach(const FieldDescriptor* field, absl::string_view raw,
                                   absl::string_view payload, int indent,
                                   google::protobuf::Message* message) {
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

absl::StatusOr<std::string> MessageToText(MessageKind kind, absl::string_view bytes,
                                          bool drop_unknown_fields) {
  std::string text;
  RETURN_IF_ERROR(AppendFieldsText(kind, bytes, 0, drop_unknown_fields, &text));
  return text;
}

absl::Status AppendFieldsText(MessageKind kind, absl::string_view fields, int indent,
                              bool drop_unknown_fields, std::string* out) {
  RETURN_IF_ERROR(CheckFields(kind, fields, drop_unknown_fields));
  TextWriter writer(drop_unknown_fields, out);
  const Descriptor* const descriptor = DescriptorOfKind(kind);
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

#include "graph/text.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "graph/text_pieces.h"
#include "graph/text_splitter.h"

namespace cryograph {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kMaxDepth = 100;

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

absl::Status TextReader::ReadPiece(const FieldSplitter::Piece& piece, int depth,
                                   google::protobuf::Message* message, std::string* out) const {
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

absl::StatusOr<std::string> TextReader::Read(const Descriptor* descriptor, size_t begin, size_t end,
                                             int depth) {
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
}  // namespace

absl::StatusOr<std::string> MessageFromText(MessageKind kind, absl::string_view text,
                                            absl::string_view where) {
  const google::protobuf::LogSilencer silencer;  // What it would print is in the status.
  const size_t begin = absl::StartsWith(text, "\xef\xbb\xbf") ? 3 : 0;
  TextReader reader(text, where);
  std::string bytes;
  if (IsSplit(kind)) {
    ASSIGN_OR_RETURN(bytes, reader.Read(DescriptorOfKind(kind), begin, text.size(), 0));
  } else {
    ASSIGN_OR_RETURN(bytes, reader.ReadWhole(DescriptorOfKind(kind), begin));
  }
  // The text parser lets pass what no reader of the binary form takes.
  const absl::Status status = CheckWire(bytes, kind, where);
  if (!status.ok()) return absl::InvalidArgumentError(status.message());
  return bytes;
}
}  // namespace cryograph

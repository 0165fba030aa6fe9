// The text form, field by field, against one parse of the whole by protobuf. The first byte of an input names
// the kind of message, 'A' for GraphDef and so on in the order of MessageKind.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "graph/text.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what, const absl::Status& status) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

void Check(MessageKind kind, absl::string_view text) {
  const google::protobuf::LogSilencer silencer;
  const google::protobuf::Descriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
          absl::StrCat("tensorflow.", MessageKindName(kind)));
  const std::unique_ptr<google::protobuf::Message> whole(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  google::protobuf::TextFormat::Parser parser;
  parser.SetRecursionLimit(100);
  const absl::string_view marked = absl::StartsWith(text, "\xef\xbb\xbf") ? text.substr(3) : text;
  google::protobuf::io::ArrayInputStream input(marked.data(), static_cast<int>(marked.size()));
  const bool valid = parser.Parse(&input, whole.get());

  const absl::StatusOr<std::string> bytes = MessageFromText(kind, text, "input");
  if (!bytes.ok()) {
    Require(absl::IsInvalidArgument(bytes.status()) && absl::StartsWith(bytes.status().message(), "input:"),
            "an error of another kind", bytes.status());
    // The parser of text lets pass what the parser of bytes refuses.
    Require(!valid || absl::StrContains(bytes.status().message(), "not a valid"),
            "protobuf parses what is refused", bytes.status());
    return;
  }
  Require(valid, "protobuf refuses what is accepted", bytes.status());
  const std::unique_ptr<google::protobuf::Message> pieces(whole->New());
  Require(pieces->ParseFromString(*bytes), "the pieces are no message", bytes.status());
  // As bytes in between: an entry of a map that stands twice is printed twice of a message that was just
  // parsed from text, and counts once in whatever comes of it.
  const std::unique_ptr<google::protobuf::Message> settled(whole->New());
  Require(settled->ParseFromString(whole->SerializeAsString()), "the whole is no message", bytes.status());
  std::string expected;
  google::protobuf::TextFormat::PrintToString(*settled, &expected);
  const absl::StatusOr<std::string> actual = MessageToText(kind, *bytes);
  Require(actual.ok() && *actual == expected, "the pieces are not the whole", actual.status());
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  cryograph::Check(static_cast<cryograph::MessageKind>((data[0] + 14 * 13 - 'A') % 14), text);
  return 0;
}

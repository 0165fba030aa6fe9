// CheckWire against protobuf's parser. The first byte of an input names the kind of message, 'A' for GraphDef
// and so on in the order of MessageKind.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/stubs/logging.h"
#include "graph/text.h"
#include "graph/wire_check.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what, const absl::Status& status) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

std::unique_ptr<google::protobuf::Message> NewMessage(MessageKind kind) {
  const google::protobuf::Descriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
          absl::StrCat("tensorflow.", MessageKindName(kind)));
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

void Check(MessageKind kind, absl::string_view bytes) {
  const google::protobuf::LogSilencer silencer;
  const absl::Status status = CheckWire(bytes, kind, "input");
  Require(IsWireValid(bytes, kind) == status.ok(), "IsWireValid and CheckWire differ", status);
  const std::unique_ptr<google::protobuf::Message> message = NewMessage(kind);
  const bool parsed = message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!status.ok()) {
    // Protobuf makes an unknown field of a known one with another wire type, and cuts numbers to 32 bits.
    const bool stricter = absl::StrContains(status.message(), "in place of") ||
                          absl::StrContains(status.message(), "has the number");
    Require(stricter || !parsed, "protobuf parses what is refused", status);
    return;
  }
  Require(parsed, "protobuf refuses what is accepted", status);
  // What has no unknown field survives the way to text and back; what has one says so.
  const std::string unknown = FirstUnknownField(bytes, kind);
  const absl::StatusOr<std::string> text = MessageToText(kind, bytes);
  if (!unknown.empty()) {
    Require(absl::IsInvalidArgument(text.status()), "text of unknown fields", text.status());
    Require(MessageToText(kind, bytes, true).ok(), "text without unknown fields", text.status());
    return;
  }
  Require(text.ok(), "no text", text.status());
  const absl::StatusOr<std::string> again = MessageFromText(kind, *text, "text");
  Require(again.ok(), "text cannot be read back", again.status());
  Require(*MessageToText(kind, *again) == *text, "text changes on the way", again.status());
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  cryograph::Check(static_cast<cryograph::MessageKind>((data[0] + 14 * 13 - 'A') % 14), bytes);
  return 0;
}

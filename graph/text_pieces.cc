#include "graph/text_pieces.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "graph/proto/collections.pb.h"
#include "graph/proto/session_bundle.pb.h"

namespace cryograph {

const google::protobuf::Descriptor* DescriptorOfKind(MessageKind kind) {
  // What an Any of a collection may hold must be linked in, so that it is found by name.
  tensorflow::serving::Signatures::descriptor();
  tensorflow::QueueRunnerDef::descriptor();
  return google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
      absl::StrCat("tensorflow.", MessageKindName(kind)));
}

std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor* descriptor) {
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

bool IsTakenApart(const google::protobuf::FieldDescriptor* field) {
  using google::protobuf::FieldDescriptor;
  if (field == nullptr || field->type() != FieldDescriptor::TYPE_MESSAGE || field->is_map()) return false;
  const std::string& name = field->message_type()->full_name();
  return name == "tensorflow.MetaGraphDef" || name == "tensorflow.GraphDef" ||
         name == "tensorflow.FunctionDefLibrary";
}

bool IsSplit(MessageKind kind) {
  return kind == MessageKind::kGraphDef || kind == MessageKind::kMetaGraphDef ||
         kind == MessageKind::kSavedModel || kind == MessageKind::kFunctionDefLibrary;
}

}  // namespace cryograph

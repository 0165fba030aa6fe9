#include "graph/wire_check.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "google/protobuf/descriptor.h"
#include "graph/proto/attr_value.pb.h"
#include "graph/proto/checkpoint.pb.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/memmapped_file_system.pb.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/proto/proto_splitter.pb.h"
#include "graph/proto/tensor.pb.h"
#include "graph/proto/trackable_object_graph.pb.h"

namespace cryograph {
namespace {

constexpr int kMaxDepth = 100;  // Messages and groups below the outermost message, as protobuf counts them.
constexpr uint32_t kMaxNumber =
    127;  // No field of the schema has a higher number; such tables would be sparse.

enum Shape : uint8_t { kUnknown, kVarint, kFixed32, kFixed64, kString, kBytes, kMessage };

// What the schema says of one field number of one message.
struct Field {
  Shape shape = kUnknown;
  bool repeated = false;
  uint16_t message = 0;  // kMessage: index in Schema::messages.
};

struct Message {
  const google::protobuf::Descriptor* descriptor = nullptr;
  std::vector<Field> fields;  // By number.
};

const google::protobuf::Descriptor* DescriptorOf(MessageKind kind) {
  switch (kind) {
    case MessageKind::kGraphDef:
      return tensorflow::GraphDef::descriptor();
    case MessageKind::kMetaGraphDef:
      return tensorflow::MetaGraphDef::descriptor();
    case MessageKind::kSavedModel:
      return tensorflow::SavedModel::descriptor();
    case MessageKind::kNodeDef:
      return tensorflow::NodeDef::descriptor();
    case MessageKind::kFunctionDef:
      return tensorflow::FunctionDef::descriptor();
    case MessageKind::kFunctionDefLibrary:
      return tensorflow::FunctionDefLibrary::descriptor();
    case MessageKind::kAttrValue:
      return tensorflow::AttrValue::descriptor();
    case MessageKind::kTensorProto:
      return tensorflow::TensorProto::descriptor();
    case MessageKind::kSaverDef:
      return tensorflow::SaverDef::descriptor();
    case MessageKind::kCheckpointState:
      return tensorflow::CheckpointState::descriptor();
    case MessageKind::kBundleHeaderProto:
      return tensorflow::BundleHeaderProto::descriptor();
    case MessageKind::kBundleEntryProto:
      return tensorflow::BundleEntryProto::descriptor();
    case MessageKind::kSavedTensorSlices:
      return tensorflow::SavedTensorSlices::descriptor();
    case MessageKind::kTrackableObjectGraph:
      return tensorflow::TrackableObjectGraph::descriptor();
    case MessageKind::kChunkMetadata:
      return tensorflow::proto_splitter::ChunkMetadata::descriptor();
    case MessageKind::kMemmappedFileSystemDirectory:
      return tensorflow::MemmappedFileSystemDirectory::descriptor();
  }
  return tensorflow::GraphDef::descriptor();
}

constexpr MessageKind kLastKind = MessageKind::kMemmappedFileSystemDirectory;

// The schema as tables by message and field number, made from the generated descriptors at first use.
class Schema {
 public:
  static const Schema& Get() {
    static const Schema* const schema = new Schema;
    return *schema;
  }

  const Message& Root(MessageKind kind) const { return messages_[roots_[static_cast<int>(kind)]]; }
  const Message& At(uint16_t index) const { return messages_[index]; }
  // A message of which nothing is known: what a group of an unknown number holds.
  const Message& Nothing() const { return messages_[0]; }

 private:
  Schema() : messages_(1) {
    for (int kind = 0; kind <= static_cast<int>(kLastKind); ++kind) {
      roots_.push_back(IndexOf(DescriptorOf(static_cast<MessageKind>(kind))));
    }
    for (size_t i = 1; i < messages_.size(); ++i) Fill(i);  // Grows while it is walked.
  }

  uint16_t IndexOf(const google::protobuf::Descriptor* descriptor) {
    const auto [place, inserted] = index_.try_emplace(descriptor, static_cast<uint16_t>(messages_.size()));
    if (inserted) {
      messages_.emplace_back();
      messages_.back().descriptor = descriptor;
    }
    return place->second;
  }

  void Fill(size_t index) {
    using google::protobuf::FieldDescriptor;
    std::vector<Field> fields;
    const google::protobuf::Descriptor* const descriptor = messages_[index].descriptor;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* const from = descriptor->field(i);
      const uint32_t number = static_cast<uint32_t>(from->number());
      if (number > kMaxNumber) continue;
      if (fields.size() <= number) fields.resize(number + 1);
      Field& field = fields[number];
      field.repeated = from->is_repeated();
      switch (from->type()) {
        case FieldDescriptor::TYPE_DOUBLE:
        case FieldDescriptor::TYPE_FIXED64:
        case FieldDescriptor::TYPE_SFIXED64:
          field.shape = kFixed64;
          break;
        case FieldDescriptor::TYPE_FLOAT:
        case FieldDescriptor::TYPE_FIXED32:
        case FieldDescriptor::TYPE_SFIXED32:
          field.shape = kFixed32;
          break;
        case FieldDescriptor::TYPE_STRING:
          // Parsers check the text of proto3 files alone.
          field.shape =
              from->file()->syntax() == google::protobuf::FileDescriptor::SYNTAX_PROTO3 ? kString : kBytes;
          break;
        case FieldDescriptor::TYPE_BYTES:
          field.shape = kBytes;
          break;
        case FieldDescriptor::TYPE_MESSAGE:
          field.shape = kMessage;
          field.message = IndexOf(from->message_type());
          break;
        case FieldDescriptor::TYPE_GROUP:
          break;
        default:
          field.shape = kVarint;
      }
    }
    messages_[index].fields = std::move(fields);
  }

  std::vector<Message> messages_;
  std::vector<uint16_t> roots_;
  absl::flat_hash_map<const google::protobuf::Descriptor*, uint16_t> index_;
};

inline bool IsText(const char* text, size_t size) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  if (size < 8) {
    uint8_t all = 0;
    for (size_t i = 0; i < size; ++i) all |= static_cast<uint8_t>(text[i]);
    if (all < 0x80) return true;
  } else {
    uint64_t all = LoadFixed64(text + size - 8);
    for (size_t i = 0; i + 8 < size; i += 8) all |= LoadFixed64(text + i);
    if ((all & kHighBits) == 0) return true;
  }
  return IsUtf8(absl::string_view(text, size));
}

// True if `packed` is whole varints of at most 10 bytes.
bool ArePackedVarints(absl::string_view packed) {
  if (packed.empty()) return true;
  if (static_cast<uint8_t>(packed.back()) >= 0x80) return false;
  size_t run = 0;
  for (size_t i = 0; i < packed.size();) {
    if (i + 8 <= packed.size() && (LoadFixed64(packed.data() + i) & 0x8080808080808080u) == 0) {
      run = 0;
      i += 8;
      continue;
    }
    run = static_cast<uint8_t>(packed[i]) >= 0x80 ? run + 1 : 0;
    if (run == 10) return false;
    ++i;
  }
  return true;
}

// Reads a varint of at most `longest` bytes; null if there is none.
inline const char* SkipVarint(const char* p, const char* end, int longest, uint64_t* value) {
  if (p != end && static_cast<int8_t>(*p) >= 0) {
    *value = static_cast<uint8_t>(*p);
    return p + 1;
  }
  uint64_t result = 0;
  for (int i = 0; i < longest && p != end; ++i, ++p) {
    const uint64_t byte = static_cast<uint8_t>(*p);
    result |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *value = result;
      return p + 1;
    }
  }
  return nullptr;
}

// Walks a message and all within it, with a stack of its own.
class Walker {
 public:
  explicit Walker(const Message& root) : root_(root) {}

  // True if `bytes` is well formed. Otherwise defect() and Place() tell what and where. With `find_unknown` a
  // field that is not in the schema ends the walk like a defect.
  template <bool find_unknown>
  bool Walk(absl::string_view bytes);

  const std::string& defect() const { return defect_; }
  uint32_t number() const { return number_; }
  size_t offset() const { return static_cast<size_t>(field_ - stack_[0].begin); }
  // "node[3].attr[0].value", or "" for the outermost message.
  std::string Place() const;
  // The same with the field at fault.
  std::string PlaceOfField() const;

 private:
  struct Frame {
    const char* begin = nullptr;  // Of the content.
    const char* end = nullptr;
    const char* tag = nullptr;  // In the frame below.
    const Message* message = nullptr;
    uint32_t number = 0;  // In the frame below.
    bool group = false;
  };

  bool Fail(std::string defect) {
    defect_ = std::move(defect);
    return false;
  }
  bool FailLength(uint64_t length, uint64_t left);
  static std::string FieldName(const Message& message, uint32_t number);
  std::string StepInto(const Frame& outer, const char* tag, uint32_t number) const;

  const Message& root_;
  Frame stack_[kMaxDepth + 1];
  int depth_ = 0;
  const char* field_ = nullptr;  // The tag of the field at hand.
  uint32_t number_ = 0;
  std::string defect_;
};

template <bool find_unknown>
bool Walker::Walk(absl::string_view bytes) {
  const Schema& schema = Schema::Get();
  const char* p = bytes.data();
  depth_ = 0;
  stack_[0] = {p, p + bytes.size(), nullptr, &root_, 0, false};
  const char* end = stack_[0].end;
  const Field* fields = root_.fields.data();
  uint32_t num_fields = static_cast<uint32_t>(root_.fields.size());
  const auto enter = [&] {
    end = stack_[depth_].end;
    fields = stack_[depth_].message->fields.data();
    num_fields = static_cast<uint32_t>(stack_[depth_].message->fields.size());
  };
  for (;;) {
    while (p == end) {
      field_ = p;
      number_ = 0;
      if (stack_[depth_].group) return Fail("a group without its end");
      if (depth_ == 0) return true;
      --depth_;
      enter();
    }
    field_ = p;
    number_ = 0;
    uint64_t tag;
    p = SkipVarint(p, end, 5, &tag);
    if (p == nullptr) return Fail("the tag of a field is cut or too long");
    const uint64_t number = tag >> 3;
    if (number == 0 || number >= (1u << 29)) return Fail(absl::StrCat("a field has the number ", number));
    number_ = static_cast<uint32_t>(number);
    const Field field = number < num_fields ? fields[number] : Field();
    if (find_unknown && field.shape == kUnknown) return false;
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::kVarint: {
        if (field.shape != kVarint && field.shape != kUnknown)
          return Fail("a number in place of another type");
        uint64_t value;
        p = SkipVarint(p, end, 10, &value);
        if (p == nullptr) return Fail("a number is cut or longer than 10 bytes");
        break;
      }
      case WireType::kFixed64:
        if (field.shape != kFixed64 && field.shape != kUnknown)
          return Fail("8 bytes in place of another type");
        if (end - p < 8) return FailLength(8, static_cast<uint64_t>(end - p));
        p += 8;
        break;
      case WireType::kFixed32:
        if (field.shape != kFixed32 && field.shape != kUnknown)
          return Fail("4 bytes in place of another type");
        if (end - p < 4) return FailLength(4, static_cast<uint64_t>(end - p));
        p += 4;
        break;
      case WireType::kBytes: {
        uint64_t length;
        p = SkipVarint(p, end, 10, &length);
        if (p == nullptr) return Fail("a length is cut or longer than 10 bytes");
        if (length > static_cast<uint64_t>(end - p))
          return FailLength(length, static_cast<uint64_t>(end - p));
        const size_t size = static_cast<size_t>(length);
        switch (field.shape) {
          case kMessage:
            if (depth_ == kMaxDepth) return Fail("messages are nested deeper than 100 levels");
            stack_[++depth_] = {p, p + size, field_, &schema.At(field.message), number_, false};
            enter();
            continue;
          case kString:
            if (!IsText(p, size)) return Fail("the text is not UTF-8");
            break;
          case kVarint:
            if (!field.repeated) return Fail("bytes in place of a number");
            if (!ArePackedVarints({p, size})) return Fail("packed numbers are cut or longer than 10 bytes");
            break;
          case kFixed32:
          case kFixed64:
            if (!field.repeated) return Fail("bytes in place of a number");
            if (size % (field.shape == kFixed32 ? 4 : 8) != 0) return Fail("packed numbers are cut");
            break;
          case kBytes:
          case kUnknown:
            break;
        }
        p += size;
        break;
      }
      case WireType::kStartGroup:
        if (field.shape != kUnknown) return Fail("a group in place of another type");
        if (depth_ == kMaxDepth) return Fail("messages are nested deeper than 100 levels");
        stack_[++depth_] = {p, end, field_, &schema.Nothing(), number_, true};
        enter();
        break;
      case WireType::kEndGroup:
        if (!stack_[depth_].group || stack_[depth_].number != number_)
          return Fail("the end of a group that was not begun");
        --depth_;
        enter();
        break;
      default:
        return Fail(absl::StrCat("wire type ", tag & 7, ", which does not exist"));
    }
  }
}

bool Walker::FailLength(uint64_t length, uint64_t left) {
  return Fail(absl::StrCat("needs ", length, " bytes where ", depth_ == 0 ? "" : "its message has ", "only ",
                           left, depth_ == 0 ? " are left; is it truncated?" : " left"));
}

std::string Walker::FieldName(const Message& message, uint32_t number) {
  const google::protobuf::FieldDescriptor* const field =
      message.descriptor == nullptr ? nullptr
                                    : message.descriptor->FindFieldByNumber(static_cast<int>(number));
  return field == nullptr ? absl::StrCat("field ", number) : field->name();
}

// The name of field `number` of `outer`, with its index where `tag` points at if it is repeated.
std::string Walker::StepInto(const Frame& outer, const char* tag, uint32_t number) const {
  std::string name = FieldName(*outer.message, number);
  if (number >= outer.message->fields.size() || !outer.message->fields[number].repeated) return name;
  WireReader reader(absl::string_view(outer.begin, static_cast<size_t>(tag - outer.begin)));
  WireField field;
  size_t index = 0;
  while (reader.Next(&field)) index += field.number == number ? 1 : 0;
  return absl::StrCat(name, "[", index, "]");
}

std::string Walker::Place() const {
  std::string place;
  for (int i = 1; i <= depth_; ++i) {
    absl::StrAppend(&place, i == 1 ? "" : ".", StepInto(stack_[i - 1], stack_[i].tag, stack_[i].number));
  }
  return place;
}

std::string Walker::PlaceOfField() const {
  std::string place = Place();
  if (number_ == 0) return place;
  return absl::StrCat(place, place.empty() ? "" : ".", StepInto(stack_[depth_], field_, number_));
}

}  // namespace

absl::string_view MessageKindName(MessageKind kind) { return DescriptorOf(kind)->name(); }

absl::Status CheckWire(absl::string_view bytes, MessageKind kind, absl::string_view where) {
  Walker walker(Schema::Get().Root(kind));
  if (walker.Walk<false>(bytes)) return absl::OkStatus();
  const std::string place = walker.PlaceOfField();
  return absl::DataLossError(absl::StrCat(where, ": not a valid ", MessageKindName(kind), ": ", place,
                                          place.empty() ? "" : ": ", walker.defect(), " (at byte ",
                                          walker.offset(), " of ", bytes.size(), ")"));
}

bool IsWireValid(absl::string_view bytes, MessageKind kind) {
  return Walker(Schema::Get().Root(kind)).Walk<false>(bytes);
}

std::string FirstUnknownField(absl::string_view bytes, MessageKind kind) {
  Walker walker(Schema::Get().Root(kind));
  if (walker.Walk<true>(bytes)) return "";
  const std::string place = walker.Place();
  return absl::StrCat(place, place.empty() ? "" : ": ", "field ", walker.number());
}

}  // namespace cryograph

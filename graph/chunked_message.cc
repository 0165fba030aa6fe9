#include "graph/chunked_message.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/record_file_reader.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/stubs/logging.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/proto/proto_splitter.pb.h"
#include "graph/wire_check.h"

namespace cryograph {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using tensorflow::proto_splitter::ChunkedField;
using tensorflow::proto_splitter::ChunkedMessage;
using tensorflow::proto_splitter::ChunkInfo;
using tensorflow::proto_splitter::ChunkMetadata;
using tensorflow::proto_splitter::FieldIndex;

constexpr int kMaxDepth = 100;         // As for any message: graph/wire_check.h.
constexpr int kOurJoinVersion = 0;     // The only one there is.
constexpr uint64_t kLargestRatio = 4;  // Of a message to its file, for which memory is taken at once.
constexpr uint32_t kMapKey = 1;        // In the entry of a map.
constexpr size_t kLargestIndex = std::numeric_limits<int32_t>::max() - 64;

// A message that is being put together: fields as they stand in chunks, and those that had to be taken apart.
struct Tree {
  struct Item {
    uint32_t number = 0;
    absl::string_view raw;       // Tag and all; or
    std::unique_ptr<Tree> tree;  // the content of a message field; or
    int64_t chunk = -1;          // the chunk with the content of a bytes field.
    bool gone = false;
  };
  explicit Tree(const Descriptor* descriptor) : descriptor(descriptor) {}

  const Descriptor* const descriptor;
  std::vector<Item> items;
  // Positions in `items` by field number, made when a field is first looked for.
  absl::flat_hash_map<uint32_t, std::vector<size_t>> index;
  // Positions by map key (its serialized field), by field number.
  absl::flat_hash_map<uint32_t, absl::flat_hash_map<std::string, size_t>> keys;
  bool indexed = false;
  uint64_t size = 0;  // Of the serialized message; set by Joiner::Measure.
};

// The field of a map entry that holds its key, as it would be written.
std::string KeyField(const FieldIndex::MapKey& key) {
  std::string field;
  switch (key.type_case()) {
    case FieldIndex::MapKey::kS:
      AppendBytesField(kMapKey, key.s(), &field);
      break;
    case FieldIndex::MapKey::kBoolean:
      AppendVarintField(kMapKey, key.boolean() ? 1 : 0, &field);
      break;
    case FieldIndex::MapKey::kUi32:
      AppendVarintField(kMapKey, key.ui32(), &field);
      break;
    case FieldIndex::MapKey::kUi64:
      AppendVarintField(kMapKey, key.ui64(), &field);
      break;
    case FieldIndex::MapKey::kI32:
      AppendVarintField(kMapKey, static_cast<uint64_t>(int64_t{key.i32()}), &field);
      break;
    case FieldIndex::MapKey::kI64:
      AppendVarintField(kMapKey, static_cast<uint64_t>(key.i64()), &field);
      break;
    case FieldIndex::MapKey::TYPE_NOT_SET:
      break;
  }
  return field;
}

std::string PathText(const ChunkedField& field) {
  std::string text;
  for (const FieldIndex& step : field.field_tag()) {
    if (step.has_index()) {
      absl::StrAppend(&text, "[", step.index(), "]");
    } else if (step.has_map_key()) {
      absl::StrAppend(&text, "[", step.map_key().has_s() ? step.map_key().s() : "key", "]");
    } else {
      absl::StrAppend(&text, text.empty() ? "" : ".", step.field());
    }
  }
  return text;
}

class Joiner {
 public:
  Joiner(RecordFileReader* file, const ChunkMetadata& metadata, uint64_t file_size, absl::string_view where)
      : file_(*file), metadata_(metadata), where_(where), file_size_(file_size), padding_left_(file_size) {
    used_.resize(static_cast<size_t>(metadata.chunks_size()));
  }

  absl::StatusOr<std::string> Run() {
    Tree root(tensorflow::SavedModel::descriptor());
    RETURN_IF_ERROR(Join(metadata_.message(), &root, 0));
    Measure(&root);
    // What chunks claim about their sizes comes out as they are written: until then no memory is spent on it.
    std::string bytes;
    if (root.size <= kLargestRatio * file_size_) bytes.reserve(root.size);
    RETURN_IF_ERROR(Write(root, &bytes));
    return bytes;
  }

 private:
  absl::Status Error(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(where_, ": ", what));
  }

  absl::Status Join(const ChunkedMessage& message, Tree* tree, int depth) {
    if (depth > kMaxDepth) return Error("the message is nested deeper than 100 levels");
    if (message.has_chunk_index()) RETURN_IF_ERROR(MergeChunk(message.chunk_index(), tree, depth));
    std::vector<const ChunkedField*> fields;
    for (const ChunkedField& field : message.chunked_fields()) fields.push_back(&field);
    std::stable_sort(fields.begin(), fields.end(),
                     [](const ChunkedField* a, const ChunkedField* b) { return Before(*a, *b); });
    for (const ChunkedField* field : fields) RETURN_IF_ERROR(JoinField(*field, tree, depth));
    return absl::OkStatus();
  }

  // Shorter paths first, so that what they hold is there when its parts come.
  static bool Before(const ChunkedField& a, const ChunkedField& b) {
    for (int i = 0; i < std::min(a.field_tag_size(), b.field_tag_size()); ++i) {
      const FieldIndex &x = a.field_tag(i), &y = b.field_tag(i);
      if (x.kind_case() != y.kind_case()) return x.kind_case() < y.kind_case();
      if (x.field() != y.field()) return x.field() < y.field();
      if (x.index() != y.index()) return x.index() < y.index();
    }
    if (a.field_tag_size() != b.field_tag_size()) return a.field_tag_size() < b.field_tag_size();
    return a.message().chunk_index() < b.message().chunk_index();
  }

  absl::StatusOr<const ChunkInfo*> Take(uint64_t chunk) {
    if (chunk >= used_.size()) {
      return Error(absl::StrCat("chunk ", chunk, " is used, but there are only ", used_.size()));
    }
    if (used_[chunk]) return Error(absl::StrCat("chunk ", chunk, " is used twice"));
    used_[chunk] = true;
    return &metadata_.chunks(static_cast<int>(chunk));
  }

  absl::StatusOr<std::string> Load(const ChunkInfo& chunk) {
    ASSIGN_OR_RETURN(std::string bytes, file_.Record(chunk.offset()));
    if (bytes.size() != chunk.size()) {
      return Error(absl::StrCat("at byte ", chunk.offset(), ": a chunk has ", bytes.size(),
                                " bytes, but the index of the file says ", chunk.size()));
    }
    return bytes;
  }

  absl::Status MergeChunk(uint64_t index, Tree* tree, int depth) {
    ASSIGN_OR_RETURN(const ChunkInfo* const chunk, Take(index));
    ASSIGN_OR_RETURN(std::string bytes, Load(*chunk));
    loaded_.push_back(std::make_unique<std::string>(std::move(bytes)));
    return Merge(*loaded_.back(), absl::StrCat("chunk ", index), tree, depth);
  }

  // Adds the fields of a serialized message to `tree`, as parsing one message after the other does.
  absl::Status Merge(absl::string_view bytes, const std::string& what, Tree* tree, int depth) {
    if (depth > kMaxDepth) return Error("the message is nested deeper than 100 levels");
    WireReader reader(bytes);
    for (WireField field; reader.Next(&field);) {
      const FieldDescriptor* const known =
          tree->descriptor->FindFieldByNumber(static_cast<int>(field.number));
      if (known != nullptr && !known->is_repeated() && known->message_type() != nullptr &&
          field.type == WireType::kBytes && !Positions(tree, field.number).empty()) {
        ASSIGN_OR_RETURN(Tree* const child, Child(tree, known, what, depth));
        RETURN_IF_ERROR(Merge(field.bytes, what, child, depth + 1));
        continue;
      }
      Tree::Item item;
      item.number = field.number;
      item.raw = field.raw;
      Add(tree, std::move(item));
    }
    if (!reader.ok())
      return Error(absl::StrCat(what, " is no message: damaged at its byte ", reader.position()));
    return absl::OkStatus();
  }

  static void Add(Tree* tree, Tree::Item item) {
    if (tree->indexed) tree->index[item.number].push_back(tree->items.size());
    tree->items.push_back(std::move(item));
  }

  static std::vector<size_t>& Positions(Tree* tree, uint32_t number) {
    if (!tree->indexed) {
      for (size_t i = 0; i < tree->items.size(); ++i) tree->index[tree->items[i].number].push_back(i);
      tree->indexed = true;
    }
    return tree->index[number];
  }

  // Takes an item of a message field apart.
  absl::StatusOr<Tree*> Open(Tree::Item* item, const Descriptor* descriptor, const std::string& what,
                             int depth) {
    if (item->tree == nullptr) {
      if (item->chunk >= 0) return Error(absl::StrCat(what, " leads through a value"));
      auto tree = std::make_unique<Tree>(descriptor);
      if (!item->raw.empty()) {
        WireReader reader(item->raw);
        WireField field;
        if (!reader.Next(&field) || field.type != WireType::kBytes) {
          return Error(absl::StrCat(what, " leads through a value"));
        }
        RETURN_IF_ERROR(Merge(field.bytes, what, tree.get(), depth));
      }
      item->tree = std::move(tree);
      item->raw = absl::string_view();
    }
    return item->tree.get();
  }

  // The content of a singular message field, made if it is absent.
  absl::StatusOr<Tree*> Child(Tree* tree, const FieldDescriptor* field, const std::string& what, int depth) {
    const uint32_t number = static_cast<uint32_t>(field->number());
    std::vector<size_t>& positions = Positions(tree, number);
    if (positions.empty()) {
      Tree::Item item;
      item.number = number;
      Add(tree, std::move(item));
    }
    ASSIGN_OR_RETURN(Tree* const child,
                     Open(&tree->items[positions[0]], field->message_type(), what, depth + 1));
    // A chunk may hold the field several times: its parts make one message.
    for (size_t i = 1; i < positions.size(); ++i) {
      Tree::Item& other = tree->items[positions[i]];
      WireReader reader(other.raw);
      WireField part;
      if (!reader.Next(&part)) return Error(absl::StrCat(what, " leads through a value"));
      RETURN_IF_ERROR(Merge(part.bytes, what, child, depth + 1));
      other.gone = true;
    }
    positions.resize(1);
    return child;
  }

  // The item of element `index` of a repeated field, made if it is absent.
  absl::StatusOr<Tree::Item*> Element(Tree* tree, uint32_t number, uint64_t index, const std::string& what) {
    std::vector<size_t>& positions = Positions(tree, number);
    if (index >= positions.size()) {
      const uint64_t missing = index - positions.size();
      if (missing > padding_left_) {
        return Error(absl::StrCat(what, " is far beyond the ", positions.size(), " elements that there are"));
      }
      padding_left_ -= missing;
      while (positions.size() <= index) {
        Tree::Item item;
        item.number = number;
        Add(tree, std::move(item));
      }
    }
    return &tree->items[positions[index]];
  }

  // The value of a map's entry, made if it is absent.
  absl::StatusOr<Tree*> Entry(Tree* tree, const FieldDescriptor* field, const std::string& key,
                              const std::string& what, int depth) {
    const uint32_t number = static_cast<uint32_t>(field->number());
    const std::vector<size_t>& positions = Positions(tree, number);
    auto [keys, first] = tree->keys.try_emplace(number);
    if (first) {
      for (const size_t position : positions) {
        if (tree->items[position].tree != nullptr) continue;
        WireReader reader(tree->items[position].raw);
        WireField entry;
        if (!reader.Next(&entry)) continue;
        std::string found;
        WireReader parts(entry.bytes);
        for (WireField part; parts.Next(&part);) {
          if (part.number == kMapKey) found = std::string(part.raw);
        }
        keys->second[found] = position;
      }
    }
    auto found = keys->second.find(key);
    if (found == keys->second.end()) {
      Tree::Item item;
      item.number = number;
      item.tree = std::make_unique<Tree>(field->message_type());
      loaded_.push_back(std::make_unique<std::string>(key));
      RETURN_IF_ERROR(Merge(*loaded_.back(), what, item.tree.get(), depth));
      found = keys->second.emplace(key, tree->items.size()).first;
      Add(tree, std::move(item));
    }
    return Open(&tree->items[found->second], field->message_type(), what, depth + 1);
  }

  absl::Status JoinField(const ChunkedField& field, Tree* tree, int depth) {
    const std::string what = absl::StrCat("field ", PathText(field));
    const ChunkedMessage& content = field.message();
    if (field.field_tag_size() == 0) return Join(content, tree, depth + 1);
    for (int i = 0; i < field.field_tag_size();) {
      if (++depth > kMaxDepth) return Error("the message is nested deeper than 100 levels");
      const FieldIndex& step = field.field_tag(i++);
      const FieldDescriptor* const known =
          step.has_field() ? tree->descriptor->FindFieldByNumber(static_cast<int>(step.field())) : nullptr;
      if (known == nullptr) {
        return Error(
            absl::StrCat(what, " leads to a field that ", tree->descriptor->full_name(), " does not have"));
      }
      const uint32_t number = step.field();
      const bool has_more = i < field.field_tag_size();
      Tree::Item* element = nullptr;
      if (known->is_map()) {
        if (!has_more || !field.field_tag(i).has_map_key())
          return Error(absl::StrCat(what, " lacks the key of a map"));
        const FieldDescriptor* const value = known->message_type()->map_value();
        ASSIGN_OR_RETURN(Tree* const entry,
                         Entry(tree, known, KeyField(field.field_tag(i++).map_key()), what, depth));
        if (value->message_type() == nullptr) return Error(absl::StrCat(what, " leads through a value"));
        ASSIGN_OR_RETURN(tree, Child(entry, value, what, depth));
        continue;
      }
      if (known->is_repeated()) {
        if (!has_more || !field.field_tag(i).has_index())
          return Error(absl::StrCat(what, " lacks the index of an element"));
        ASSIGN_OR_RETURN(element, Element(tree, number, field.field_tag(i++).index(), what));
      }
      if (known->message_type() != nullptr) {
        if (element != nullptr) {
          ASSIGN_OR_RETURN(tree, Open(element, known->message_type(), what, depth));
        } else {
          ASSIGN_OR_RETURN(tree, Child(tree, known, what, depth));
        }
        continue;
      }
      if (i < field.field_tag_size()) return Error(absl::StrCat(what, " leads through a value"));
      return JoinBytes(content, known, element, tree, what);
    }
    return Join(content, tree, depth);
  }

  // A chunk that is the whole value of a bytes field: it is fetched when the message is written.
  absl::Status JoinBytes(const ChunkedMessage& content, const FieldDescriptor* field, Tree::Item* element,
                         Tree* tree, const std::string& what) {
    if ((field->type() != FieldDescriptor::TYPE_BYTES && field->type() != FieldDescriptor::TYPE_STRING) ||
        !content.has_chunk_index() || content.chunked_fields_size() > 0) {
      return Error(absl::StrCat(what, " is no place for a chunk"));
    }
    ASSIGN_OR_RETURN(const ChunkInfo* const chunk, Take(content.chunk_index()));
    if (chunk->type() != ChunkInfo::BYTES) return Error(absl::StrCat(what, " gets a message as its bytes"));
    if (element == nullptr) {
      std::vector<size_t>& positions = Positions(tree, static_cast<uint32_t>(field->number()));
      for (const size_t position : positions) tree->items[position].gone = true;
      positions.clear();
      Tree::Item item;
      item.number = static_cast<uint32_t>(field->number());
      Add(tree, std::move(item));
      element = &tree->items.back();
    }
    element->raw = absl::string_view();
    element->chunk = static_cast<int64_t>(content.chunk_index());
    return absl::OkStatus();
  }

  uint64_t ContentSize(const Tree::Item& item) const {
    if (item.tree != nullptr) return item.tree->size;
    return item.chunk < 0 ? 0 : metadata_.chunks(static_cast<int>(item.chunk)).size();
  }

  // Recursion is bounded by kMaxDepth.
  void Measure(Tree* tree) {
    for (Tree::Item& item : tree->items) {
      if (item.gone) continue;
      if (item.tree != nullptr) Measure(item.tree.get());
      tree->size += item.raw.empty() ? BytesFieldSize(item.number, ContentSize(item)) : item.raw.size();
    }
  }

  absl::Status Write(const Tree& tree, std::string* out) {
    for (const Tree::Item& item : tree.items) {
      if (item.gone) continue;
      if (!item.raw.empty()) {
        out->append(item.raw.data(), item.raw.size());
        continue;
      }
      AppendBytesHeader(item.number, ContentSize(item), out);
      if (item.tree != nullptr) {
        RETURN_IF_ERROR(Write(*item.tree, out));
      } else if (item.chunk >= 0) {
        ASSIGN_OR_RETURN(const std::string bytes, Load(metadata_.chunks(static_cast<int>(item.chunk))));
        *out += bytes;
      }
    }
    return absl::OkStatus();
  }

  RecordFileReader& file_;
  const ChunkMetadata& metadata_;
  const std::string where_;
  std::vector<bool> used_;
  std::vector<std::unique_ptr<std::string>> loaded_;  // Chunks, and keys of maps, that trees show.
  const uint64_t file_size_;
  uint64_t padding_left_;  // Elements of lists that may yet be made up: no more than the file has bytes.
};

}  // namespace

absl::StatusOr<std::string> JoinChunks(absl::string_view file, absl::string_view where) {
  ASSIGN_OR_RETURN(RecordFileReader reader, RecordFileReader::Open(file, where));
  ASSIGN_OR_RETURN(const uint64_t last, reader.LastRecord());
  ASSIGN_OR_RETURN(const std::string index, reader.Record(last));
  RETURN_IF_ERROR(
      CheckWire(index, MessageKind::kChunkMetadata, absl::StrCat(where, ": the record at byte ", last)));
  const google::protobuf::LogSilencer silencer;  // What it would print is in the status.
  ChunkMetadata metadata;
  if (index.size() > kLargestIndex || !metadata.ParseFromString(index)) {
    return absl::DataLossError(
        absl::StrCat(where, ": at byte ", last, ": the last record is no index of chunks"));
  }
  const auto& version = metadata.version();
  const bool bad =
      std::count(version.bad_consumers().begin(), version.bad_consumers().end(), kOurJoinVersion) > 0;
  if (version.join_version() > kOurJoinVersion || bad) {
    return absl::FailedPreconditionError(
        absl::StrCat(where, ": the chunks can be joined by readers of version ", version.join_version(),
                     bad ? ", but not by version " : " and later; this one has version ", kOurJoinVersion));
  }
  return Joiner(&reader, metadata, file.size(), where).Run();
}

}  // namespace cryograph

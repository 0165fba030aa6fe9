#include "graph/sniff.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/wire.h"
#include "graph/wire_check.h"

namespace cryograph {
namespace {

constexpr int kMostFields = 64;           // Of a message that are looked at.
constexpr size_t kMostText = 1 << 16;     // Bytes of blanks and comments before the first field of a text.
constexpr size_t kZipDirectory = 1 << 16; // Bytes at the end of a zip file that are searched for names.

// ---- Messages ----

// Walks fields like WireReader, but gives the part that is left of a last one that is cut.
class CutReader {
 public:
  explicit CutReader(absl::string_view bytes) : bytes_(bytes), reader_(bytes) {}

  bool Next(WireField* field) {
    if (++count_ > kMostFields) return false;
    if (reader_.Next(field)) return true;
    if (reader_.ok()) return false;
    absl::string_view rest = bytes_.substr(reader_.position());
    uint64_t tag, length;
    if (cut_ || !ReadVarint(&rest, &tag) || (tag & 7) != static_cast<uint64_t>(WireType::kBytes)) return false;
    if (tag >> 3 == 0 || tag >> 3 >= 1u << 29 || !ReadVarint(&rest, &length) || length <= rest.size()) return false;
    cut_ = true;
    *field = WireField();
    field->number = static_cast<uint32_t>(tag >> 3);
    field->type = WireType::kBytes;
    field->bytes = rest;
    return true;
  }

  // `score` of the field given last. If that one is cut, nothing that it lacks speaks against it.
  int Of(int score) const { return cut_ ? std::max(score, 0) : score; }

  // False if the walk ended at something that is no field at all.
  bool ok() const { return reader_.ok() || cut_; }

 private:
  absl::string_view bytes_;
  WireReader reader_;
  int count_ = 0;
  bool cut_ = false;
};

bool IsPrintable(absl::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
}

bool IsBytes(const WireField& field) { return field.type == WireType::kBytes; }

// The first field `number` of `bytes`, if it is of bytes; false if there is none.
bool FindBytes(absl::string_view bytes, uint32_t number, absl::string_view* payload) {
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number != number || !IsBytes(field)) continue;
    *payload = field.bytes;
    return true;
  }
  return false;
}

// Evidence is counted in points: what only that message holds is worth ten, what cannot be there costs as much.
constexpr int kStrong = 10;
constexpr int kFair = 5;
constexpr int kWeak = 1;
constexpr int kAgainst = -20;

int NodeScore(absl::string_view bytes) {
  if (bytes.empty()) return 0;
  absl::string_view name, op;
  if (!FindBytes(bytes, 1, &name)) return kAgainst;
  if (!IsPrintable(name)) return kAgainst;
  return FindBytes(bytes, 2, &op) ? (IsPrintable(op) ? kStrong : kAgainst) : 0;
}

// {1: {1: name}}: a library's function with its signature, an OpList's op.
bool HasNamedElement(absl::string_view bytes, int depth) {
  absl::string_view inner = bytes;
  for (int i = 0; i < depth; ++i) {
    if (!FindBytes(inner, 1, &inner)) return false;
  }
  return IsPrintable(inner);
}

int LibraryScore(absl::string_view bytes) {
  if (bytes.empty()) return 0;
  if (HasNamedElement(bytes, 3)) return kFair;
  absl::string_view gradient;
  return FindBytes(bytes, 2, &gradient) && HasNamedElement(gradient, 1) ? kFair : kAgainst;
}

int VersionsScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    const bool fits = field.number <= 2 ? field.type == WireType::kVarint
                                        : field.number == 3 && (IsBytes(field) || field.type == WireType::kVarint);
    score += fits ? kWeak : kAgainst;
  }
  return reader.ok() ? score : kAgainst;
}

int GraphScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    switch (field.number) {
      case 1:
        score += IsBytes(field) ? reader.Of(NodeScore(field.bytes)) : kAgainst;
        break;
      case 2:
        score += IsBytes(field) ? reader.Of(LibraryScore(field.bytes)) : kAgainst;
        break;
      case 3:
        score += field.type == WireType::kVarint ? kWeak : kAgainst;
        break;
      case 4:
        score += IsBytes(field) ? reader.Of(VersionsScore(field.bytes)) : kAgainst;
        break;
      default:
        score += field.number == 5 && IsBytes(field) ? 0 : -kWeak;
    }
  }
  return score;
}

int MetaInfoScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    switch (field.number) {
      case 2:  // stripped_op_list
        score += IsBytes(field) && (field.bytes.empty() || HasNamedElement(field.bytes, 2)) ? kWeak : reader.Of(kAgainst);
        break;
      case 1:  // meta_graph_version
      case 4:  // tags
      case 5:  // tensorflow_version
      case 6:  // tensorflow_git_version
        score += IsBytes(field) && (field.bytes.empty() || IsPrintable(field.bytes)) ? kWeak : kAgainst;
        break;
      case 7:  // stripped_default_attrs
        score += field.type == WireType::kVarint ? kWeak : kAgainst;
        break;
      default:
        break;
    }
  }
  return std::min(score, kFair);
}

int SaverScore(absl::string_view bytes) {
  int score = 0;
  bool named[4] = {};
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number <= 3) {
      const bool fits = IsBytes(field) && IsPrintable(field.bytes);
      score += fits ? kWeak : kAgainst;
      named[field.number] = fits;
    } else if (field.number <= 7) {
      const WireType type = field.number == 6 ? WireType::kFixed32 : WireType::kVarint;
      score += field.type == type ? kWeak : kAgainst;
    } else {
      score -= kWeak;
    }
  }
  return named[3] && (named[1] || named[2]) ? score : kAgainst;
}

// Entry of a map from text to a message of bytes.
int MapEntryScore(absl::string_view bytes) {
  absl::string_view key, value;
  if (bytes.empty()) return 0;
  return FindBytes(bytes, 1, &key) && IsPrintable(key) && FindBytes(bytes, 2, &value) ? kFair : kAgainst;
}

int MetaGraphScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number > 7) {
      score -= kWeak;
    } else if (!IsBytes(field)) {
      score += kAgainst;
    } else if (field.number == 1) {
      score += reader.Of(MetaInfoScore(field.bytes));
    } else if (field.number == 2) {
      const int graph = reader.Of(GraphScore(field.bytes));
      score += graph > 0 ? kStrong : graph < 0 ? kAgainst : 0;
    } else if (field.number == 3) {
      score += SaverScore(field.bytes) > 0 ? kFair : reader.Of(kAgainst);
    } else if (field.number <= 5) {
      score += reader.Of(MapEntryScore(field.bytes));
    }
  }
  return score;
}

int SavedModelScore(absl::string_view bytes) {
  int score = 0;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number == 1) {
      score += field.type == WireType::kVarint ? kWeak : kAgainst;
    } else if (field.number == 2) {
      const int meta = IsBytes(field) ? reader.Of(MetaGraphScore(field.bytes)) : kAgainst;
      score += meta > 0 ? kStrong : meta < 0 ? kAgainst : 0;
    } else {
      score -= kWeak;
    }
  }
  return score;
}

int CheckpointStateScore(absl::string_view bytes) {
  int score = 0;
  bool has_path = false;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    const bool number = field.type == WireType::kFixed64 || (field.number == 3 && IsBytes(field));
    const bool text = IsBytes(field) && IsPrintable(field.bytes);
    has_path = has_path || (field.number == 1 && text);
    score += field.number <= 2 ? (text ? kWeak : kAgainst) : field.number <= 4 && number ? kWeak : kAgainst;
  }
  return has_path && reader.ok() ? score : kAgainst;
}

// ONNX's ModelProto: ir_version (1), producer's name (2) and version (3), graph (7), opset_import (8).
bool IsOnnx(absl::string_view bytes) {
  bool version = false, graph = false;
  CutReader reader(bytes);
  for (WireField field; reader.Next(&field);) {
    if (field.number == 1) {
      if (field.type != WireType::kVarint) return false;
      version = field.varint > 0 && field.varint < 1000;
    } else if (field.number == 2) {
      if (!IsBytes(field) || !IsPrintable(field.bytes)) return false;
    } else if (field.number == 7 || field.number == 8) {
      graph = graph || IsBytes(field);
    }
  }
  return version && graph;
}

bool SniffMessage(absl::string_view bytes, Sniffed* sniffed) {
  const struct {
    FileKind kind;
    int score;
  } candidates[] = {{FileKind::kGraphDef, GraphScore(bytes)},
                    {FileKind::kMetaGraphDef, MetaGraphScore(bytes)},
                    {FileKind::kSavedModel, SavedModelScore(bytes)},
                    {FileKind::kSaverDef, SaverScore(bytes)},
                    {FileKind::kCheckpointState, CheckpointStateScore(bytes)}};
  int best = 0;
  for (const auto& candidate : candidates) {
    if (candidate.score <= best) continue;
    best = candidate.score;
    sniffed->kind = candidate.kind;
  }
  if (best > 0) return true;
  if (IsOnnx(bytes)) {
    sniffed->kind = FileKind::kOnnx;
    return true;
  }
  // Nothing speaks for it, and nothing against: a graph of nameless nodes, say.
  if (bytes.size() < kMostText && IsWireValid(bytes, MessageKind::kGraphDef) &&
      FirstUnknownField(bytes, MessageKind::kGraphDef).empty()) {
    sniffed->kind = FileKind::kGraphDef;
    return true;
  }
  return false;
}

// ---- Text ----

void SkipBlanks(absl::string_view* text) {
  while (!text->empty()) {
    const char c = text->front();
    if (c == '#') {
      const size_t end = text->find('\n');
      text->remove_prefix(end == absl::string_view::npos ? text->size() : end);
    } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
      text->remove_prefix(1);
    } else {
      return;
    }
  }
}

absl::string_view TakeWord(absl::string_view* text) {
  size_t size = 0;
  while (size < text->size() && (absl::ascii_isalnum(static_cast<unsigned char>((*text)[size])) || (*text)[size] == '_')) {
    ++size;
  }
  const absl::string_view word = text->substr(0, size);
  text->remove_prefix(size);
  return word;
}

struct FieldOfKind {
  absl::string_view name;
  FileKind kind;
};
constexpr FieldOfKind kFieldNames[] = {
    {"node", FileKind::kGraphDef},
    {"library", FileKind::kGraphDef},
    {"versions", FileKind::kGraphDef},
    {"debug_info", FileKind::kGraphDef},
    {"meta_info_def", FileKind::kMetaGraphDef},
    {"graph_def", FileKind::kMetaGraphDef},
    {"saver_def", FileKind::kMetaGraphDef},
    {"collection_def", FileKind::kMetaGraphDef},
    {"signature_def", FileKind::kMetaGraphDef},
    {"asset_file_def", FileKind::kMetaGraphDef},
    {"object_graph_def", FileKind::kMetaGraphDef},
    {"saved_model_schema_version", FileKind::kSavedModel},
    {"meta_graphs", FileKind::kSavedModel},
    {"filename_tensor_name", FileKind::kSaverDef},
    {"save_tensor_name", FileKind::kSaverDef},
    {"restore_op_name", FileKind::kSaverDef},
    {"max_to_keep", FileKind::kSaverDef},
    {"sharded", FileKind::kSaverDef},
    {"keep_checkpoint_every_n_hours", FileKind::kSaverDef},
    {"model_checkpoint_path", FileKind::kCheckpointState},
    {"all_model_checkpoint_paths", FileKind::kCheckpointState},
    {"all_model_checkpoint_timestamps", FileKind::kCheckpointState},
    {"last_preserved_timestamp", FileKind::kCheckpointState},
};

bool SniffText(absl::string_view bytes, Sniffed* sniffed) {
  absl::string_view text = bytes.substr(0, kMostText);
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  SkipBlanks(&text);
  if (text.empty()) {
    if (bytes.size() > kMostText) return false;
    sniffed->kind = FileKind::kEmpty;
    sniffed->text = true;
    sniffed->detail = "blanks and comments";
    return true;
  }
  std::string first;
  for (;;) {
    const absl::string_view name = TakeWord(&text);
    SkipBlanks(&text);
    const bool field = !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) && !text.empty() &&
                       (text[0] == '{' || text[0] == '<' || text[0] == ':');
    if (!field && first.empty()) return false;
    sniffed->text = true;
    // GraphDef and SaverDef both have a `version`, a number or the name of an enum's value: the next field decides.
    if (field && name == "version") {
      first = "version";
      text.remove_prefix(1);
      SkipBlanks(&text);
      const absl::string_view value = TakeWord(&text);
      if (value == "LEGACY" || value == "V1" || value == "V2") {
        sniffed->kind = FileKind::kSaverDef;
        return true;
      }
      SkipBlanks(&text);
      if (!text.empty() && (text[0] == ',' || text[0] == ';')) text.remove_prefix(1);
      SkipBlanks(&text);
      if (!text.empty() && !value.empty()) continue;
      sniffed->kind = FileKind::kGraphDef;
      return true;
    }
    sniffed->kind = first.empty() ? FileKind::kOtherText : FileKind::kGraphDef;
    sniffed->detail = std::string(name.substr(0, 64));
    for (const FieldOfKind& each : kFieldNames) {
      if (each.name != name) continue;
      sniffed->kind = each.kind;
      sniffed->detail.clear();
    }
    if (sniffed->kind != FileKind::kOtherText) sniffed->detail.clear();
    return true;
  }
}

// ---- Tables ----

constexpr absl::string_view kTableMagic("\x57\xfb\x80\x8b\x24\x75\x47\xdb", 8);

// What the value of the empty key, the first of the first block, says of the table that begins with `bytes`.
FileKind KindOfFirstEntry(absl::string_view bytes) {
  absl::string_view entry = bytes.substr(0, 4096);
  uint64_t size;
  if (!absl::StartsWith(entry, absl::string_view("\0\0", 2))) {
    // Compressed by snappy: the size of the block, and a literal with the beginning of the entry.
    if (!ReadVarint(&entry, &size) || entry.empty() || (entry[0] & 3) != 0) return FileKind::kTable;
    const int length = static_cast<unsigned char>(entry[0]) >> 2;
    entry.remove_prefix(std::min<size_t>(entry.size(), length < 60 ? 1 : static_cast<size_t>(length) - 58));
    if (!absl::StartsWith(entry, absl::string_view("\0\0", 2))) return FileKind::kTable;
  }
  entry.remove_prefix(2);
  if (!ReadVarint(&entry, &size) || size == 0 || entry.empty()) return FileKind::kTable;
  const absl::string_view value = entry.substr(0, static_cast<size_t>(std::min<uint64_t>(size, entry.size())));
  switch (value[0]) {
    case '\x08':  // BundleHeaderProto: num_shards, or endianness or version where that is 0.
    case '\x10':
    case '\x1a':
      return IsWireValid(value, MessageKind::kBundleHeaderProto) ? FileKind::kBundleIndex : FileKind::kTable;
    case '\x0a':  // SavedTensorSlices: meta.
      return FileKind::kCheckpointV1;
    default:
      return FileKind::kTable;
  }
}

bool SniffTable(absl::string_view bytes, Sniffed* sniffed) {
  if (absl::EndsWith(bytes, kTableMagic)) {
    sniffed->kind = KindOfFirstEntry(bytes);
    return true;
  }
  // A file that was cut has no footer any more.
  if (bytes.size() <= 8 || !absl::StartsWith(bytes, absl::string_view("\0\0", 2))) return false;
  sniffed->kind = KindOfFirstEntry(bytes);
  absl::string_view entry = bytes.substr(2);
  uint64_t size;
  const bool v1 = sniffed->kind == FileKind::kCheckpointV1 && ReadVarint(&entry, &size) && HasNamedElement(entry, 3);
  if (!v1 && sniffed->kind != FileKind::kBundleIndex) {
    sniffed->kind = FileKind::kUnknown;
    return false;
  }
  sniffed->detail = "its end is missing";
  return true;
}

// ---- Others ----

bool SniffZip(absl::string_view bytes, Sniffed* sniffed) {
  if (!absl::StartsWith(bytes, "PK\x03\x04") && !absl::StartsWith(bytes, "PK\x05\x06")) return false;
  const absl::string_view names = bytes.substr(bytes.size() - std::min(bytes.size(), kZipDirectory));
  const auto has = [names](absl::string_view name) { return absl::StrContains(names, name); };
  sniffed->kind = has("data.pkl")                                    ? FileKind::kPyTorch
                  : has("saved_model.pb")                            ? FileKind::kZippedSavedModel
                  : has("model.weights.h5") || has("metadata.json") ? FileKind::kKerasArchive
                  : has(".npy")                                      ? FileKind::kNpz
                                                                     : FileKind::kZip;
  return true;
}

// Old package of mobile TensorFlow: its last 8 bytes say where the directory begins.
bool IsMemmappedPackage(absl::string_view bytes) {
  if (bytes.size() < 16) return false;
  const uint64_t offset = LoadFixed64(bytes.data() + bytes.size() - 8);
  if (offset >= bytes.size() - 8) return false;
  const absl::string_view directory = bytes.substr(static_cast<size_t>(offset), bytes.size() - 8 - offset);
  return absl::StrContains(directory.substr(0, 256), "memmapped_package://");
}

bool SniffMagic(absl::string_view bytes, Sniffed* sniffed) {
  static constexpr struct {
    size_t offset;
    absl::string_view magic;
    FileKind kind;
    absl::string_view detail;
  } kMagics[] = {
      {0, "\x83\xaf\x70\xd1\x0d\x88\x4a\x3f", FileKind::kChunkedSavedModel, ""},
      {0, "\x89HDF\r\n\x1a\n", FileKind::kHdf5, ""},
      {512, "\x89HDF\r\n\x1a\n", FileKind::kHdf5, ""},
      {1024, "\x89HDF\r\n\x1a\n", FileKind::kHdf5, ""},
      {2048, "\x89HDF\r\n\x1a\n", FileKind::kHdf5, ""},
      {4, "TFL3", FileKind::kTfLite, ""},
      {0, "\x93NUMPY", FileKind::kNpy, ""},
      {0, "\x1f\x8b", FileKind::kCompressed, "gzip"},
      {0, "BZh", FileKind::kCompressed, "bzip2"},
      {0, absl::string_view("\xfd" "7zXZ\0", 6), FileKind::kCompressed, "xz"},
      {0, "\x28\xb5\x2f\xfd", FileKind::kCompressed, "zstd"},
      {257, "ustar", FileKind::kTar, ""},
      {0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", FileKind::kPyTorch, ""},
  };
  for (const auto& each : kMagics) {
    if (bytes.size() < each.offset || !absl::StartsWith(bytes.substr(each.offset), each.magic)) continue;
    sniffed->kind = each.kind;
    sniffed->detail = std::string(each.detail);
    return true;
  }
  // A pickle says its protocol, and ends with a stop.
  if (bytes.size() > 3 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 && bytes.back() == '.') {
    sniffed->kind = FileKind::kPickle;
    return true;
  }
  if (absl::StartsWith(bytes, "version https://git-lfs")) {
    sniffed->kind = FileKind::kLfsPointer;
    sniffed->detail = absl::StrCat(bytes.size(), " bytes");
    return true;
  }
  // TFRecord's length and checksum, then an Event.
  if (bytes.size() > 24 && absl::StrContains(bytes.substr(12, 64), "brain.Event:")) {
    sniffed->kind = FileKind::kEventFile;
    return true;
  }
  absl::string_view text = bytes.substr(0, 1024);
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  text = absl::StripLeadingAsciiWhitespace(text);
  for (const absl::string_view start : {"<!doctype", "<html", "<?xml", "<head", "<!--"}) {
    if (!absl::StartsWithIgnoreCase(text, start)) continue;
    sniffed->kind = FileKind::kHtml;
    return true;
  }
  if (!text.empty() && (text[0] == '{' || text[0] == '[')) {
    text.remove_prefix(1);
    text = absl::StripLeadingAsciiWhitespace(text);
    if (!text.empty() && absl::StrContains("\"[{]}0123456789-tfn", text.substr(0, 1))) {
      sniffed->kind = FileKind::kJson;
      return true;
    }
  }
  return false;
}

absl::string_view Name(FileKind kind) {
  switch (kind) {
    case FileKind::kGraphDef:
      return "a GraphDef";
    case FileKind::kMetaGraphDef:
      return "a MetaGraphDef";
    case FileKind::kSavedModel:
      return "a SavedModel";
    case FileKind::kSaverDef:
      return "a SaverDef";
    case FileKind::kCheckpointState:
      return "the state file of a checkpoint directory (CheckpointState)";
    case FileKind::kBundleIndex:
      return "the index of a V2 checkpoint";
    case FileKind::kCheckpointV1:
      return "a V1 checkpoint";
    case FileKind::kMemmappedPackage:
      return "a memory-mapped package of mobile TensorFlow";
    case FileKind::kChunkedSavedModel:
      return "a chunked SavedModel (.cpb)";
    case FileKind::kEmpty:
      return "an empty file";
    case FileKind::kTable:
      return "a table (SSTable) without the header of a checkpoint";
    case FileKind::kOtherText:
      return "a text that is no graph";
    case FileKind::kHdf5:
      return "an HDF5 file, as Keras writes them (.h5); convert it with Keras to a SavedModel";
    case FileKind::kZip:
      return "a zip archive; unpack it";
    case FileKind::kNpz:
      return "a NumPy archive (.npz)";
    case FileKind::kNpy:
      return "a NumPy array (.npy)";
    case FileKind::kKerasArchive:
      return "a Keras archive (.keras); export it with Keras to a SavedModel";
    case FileKind::kZippedSavedModel:
      return "a zip archive with a SavedModel in it; unpack it";
    case FileKind::kPyTorch:
      return "a PyTorch model";
    case FileKind::kPickle:
      return "a Python pickle";
    case FileKind::kCompressed:
      return "a compressed file";
    case FileKind::kTar:
      return "a tar archive; unpack it";
    case FileKind::kLfsPointer:
      return "a Git LFS pointer";
    case FileKind::kHtml:
      return "an HTML or XML page, perhaps a failed download; fetch the real file";
    case FileKind::kJson:
      return "a JSON text";
    case FileKind::kTfLite:
      return "a TensorFlow Lite model (.tflite)";
    case FileKind::kOnnx:
      return "an ONNX model";
    case FileKind::kEventFile:
      return "an event file of TensorBoard";
    case FileKind::kUnknown:
      return "no format that is known here";
  }
  return "";
}

}  // namespace

Sniffed Sniff(absl::string_view bytes) {
  Sniffed sniffed;
  if (bytes.empty()) {
    sniffed.kind = FileKind::kEmpty;
    return sniffed;
  }
  if (SniffTable(bytes, &sniffed) || SniffZip(bytes, &sniffed) || SniffMagic(bytes, &sniffed) ||
      SniffText(bytes, &sniffed) || SniffMessage(bytes, &sniffed)) {
    return sniffed;
  }
  if (IsMemmappedPackage(bytes)) sniffed.kind = FileKind::kMemmappedPackage;
  return sniffed;
}

std::string Describe(const Sniffed& sniffed) {
  const absl::string_view name = Name(sniffed.kind);
  switch (sniffed.kind) {
    case FileKind::kGraphDef:
    case FileKind::kMetaGraphDef:
    case FileKind::kSavedModel:
    case FileKind::kSaverDef:
      return absl::StrCat(name, sniffed.text ? " (text)" : " (binary)");
    case FileKind::kEmpty:
      return sniffed.detail.empty() ? std::string(name) : absl::StrCat(name, " (only ", sniffed.detail, ")");
    case FileKind::kOtherText:
      return absl::StrCat(name, ": it begins with '", sniffed.detail, "'");
    case FileKind::kBundleIndex:
    case FileKind::kCheckpointV1:
      return sniffed.detail.empty() ? std::string(name) : absl::StrCat(name, " (", sniffed.detail, ")");
    case FileKind::kCompressed:
      return absl::StrCat("a file compressed with ", sniffed.detail, "; unpack it");
    case FileKind::kLfsPointer:
      return absl::StrCat(name, " of ", sniffed.detail, "; fetch the real file");
    default:
      return std::string(name);
  }
}

}  // namespace cryograph

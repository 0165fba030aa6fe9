#include "graph/sniff.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/wire.h"
#include "graph/message_evidence.h"
#include "graph/wire_check.h"

namespace cryograph {
namespace {

constexpr size_t kMostText = 1 << 16;      // Bytes of blanks and comments before the first field of a text.
constexpr size_t kZipDirectory = 1 << 16;  // Bytes at the end of a zip file that are searched for names.

// ---- Messages ----

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
  while (size < text->size() &&
         (absl::ascii_isalnum(static_cast<unsigned char>((*text)[size])) || (*text)[size] == '_')) {
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
    const bool field = !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
                       !text.empty() && (text[0] == '{' || text[0] == '<' || text[0] == ':');
    if (!field && first.empty()) return false;
    sniffed->text = true;
    // GraphDef and SaverDef both have a `version`, a number or the name of an enum's value: the next field
    // decides.
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
  const absl::string_view value =
      entry.substr(0, static_cast<size_t>(std::min<uint64_t>(size, entry.size())));
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
  const bool v1 =
      sniffed->kind == FileKind::kCheckpointV1 && ReadVarint(&entry, &size) && HasNamedElement(entry, 3);
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
  sniffed->kind = has("data.pkl")                                   ? FileKind::kPyTorch
                  : has("saved_model.pb")                           ? FileKind::kZippedSavedModel
                  : has("model.weights.h5") || has("metadata.json") ? FileKind::kKerasArchive
                  : has(".npy")                                     ? FileKind::kNpz
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
      {0,
       absl::string_view("\xfd"
                         "7zXZ\0",
                         6),
       FileKind::kCompressed, "xz"},
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

#include "graph/open.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/chunked_message.h"
#include "graph/import.h"
#include "graph/memmapped_package.h"
#include "graph/sniff.h"
#include "graph/text.h"
#include "graph/wire_check.h"

namespace cryograph {
namespace {

namespace fs = std::filesystem;
using Expect = OpenOptions::Expect;

constexpr uint32_t kSchemaVersionField = 1;
constexpr const char* kSavedModelFiles[] = {"saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"};

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// "dir/" and "" of names without a slash, so that JoinDirectory(path) + name is a path again.
std::string DirectoryPrefix(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

std::string BaseName(const std::string& path) { return path.substr(DirectoryPrefix(path).size()); }

std::string WithSlash(const std::string& directory) {
  return absl::EndsWith(directory, "/") ? directory : directory + "/";
}

// Names in a directory, sorted; none if it cannot be read.
std::vector<std::string> List(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(directory.empty() ? "." : directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The SavedModel file in `directory`, the first that a loader looks for; empty if there is none.
std::string SavedModelFile(const std::string& directory) {
  for (const char* name : kSavedModelFiles) {
    const std::string path = WithSlash(directory) + name;
    if (Exists(path) && !IsDirectory(path)) return path;
  }
  return "";
}

bool IsTextName(absl::string_view name) {
  for (const absl::string_view suffix : {"txt", ".prototxt", ".pbtext", ".textproto", ".textpb", ".ascii"}) {
    if (absl::EndsWithIgnoreCase(name, suffix)) return true;
  }
  return false;
}

// "model.ckpt" for "model.ckpt.data-00000-of-00001"; empty for other names.
std::string PrefixOfDataShard(const std::string& path) {
  const size_t at = path.rfind(".data-");
  if (at == std::string::npos || at == 0) return "";
  const std::string rest = path.substr(at + 6);
  const bool shard =
      rest.size() >= 14 && rest.find("-of-") != std::string::npos &&
      std::all_of(rest.begin(), rest.end(), [](char c) {
        return absl::ascii_isdigit(static_cast<unsigned char>(c)) || absl::StrContains("-of", c);
      });
  return shard ? path.substr(0, at) : "";
}

absl::Status Missing(const std::string& path) {
  std::error_code error;
  const std::string resolved = fs::absolute(path, error).lexically_normal().string();
  std::string message = absl::StrCat("'", path, "' does not exist (CG105)");
  // The first directory of the path that is not there, if it is not the file alone.
  std::string directory = DirectoryPrefix(path);
  std::string missing = BaseName(path);
  while (directory.size() > 1 && !IsDirectory(directory)) {
    directory.pop_back();
    missing = BaseName(directory);
    directory = DirectoryPrefix(directory);
  }
  if (resolved != path) absl::StrAppend(&message, "\nwhy: it would be ", resolved);
  const std::vector<std::string> names = List(directory);
  const std::vector<absl::string_view> candidates(names.begin(), names.end());
  std::vector<std::string> near = NearestNames(missing, candidates);
  if (directory + missing != path) {
    absl::StrAppend(&message, "\nwhy: there is no '", directory, missing, "'");
  }
  if (near.empty()) {
    if (names.empty() || names.size() > 12) return absl::NotFoundError(message);
    return absl::NotFoundError(absl::StrCat(message, "\nwhy: '", directory.empty() ? "." : directory,
                                            "' holds ", absl::StrJoin(names, ", ")));
  }
  for (std::string& name : near) name = directory + name;
  return absl::NotFoundError(absl::StrCat(message, "\ntry: ", absl::StrJoin(near, "\ntry: ")));
}

// What a directory without a SavedModel holds instead.
absl::Status NoSavedModel(const std::string& directory) {
  std::string message = absl::StrCat("'", directory, "' is a directory without a SavedModel (CG128)");
  std::vector<std::string> below, graphs;
  bool checkpoint = false;
  for (const std::string& name : List(directory)) {
    const std::string path = WithSlash(directory) + name;
    if (IsDirectory(path)) {
      if (!SavedModelFile(path).empty()) below.push_back(path);
    } else if (absl::EndsWith(name, ".meta") || absl::EndsWith(name, ".pb") ||
               absl::EndsWith(name, ".pbtxt")) {
      graphs.push_back(path);
    } else {
      checkpoint = checkpoint || absl::EndsWith(name, ".index") || name == "checkpoint";
    }
  }
  // Exports are numbered: the longest and last name is the newest.
  std::stable_sort(below.begin(), below.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  if (!below.empty()) {
    absl::StrAppend(&message, "\nwhy: ", below.back(), " contains one\ntry: ", below.back());
  } else if (!graphs.empty()) {
    absl::StrAppend(&message, "\nwhy: it holds no saved_model.pb, but other graphs\ntry: ", graphs.back());
  } else if (checkpoint) {
    absl::StrAppend(&message,
                    "\nwhy: it holds a checkpoint, which has values but no graph\ntry: --input_checkpoint=",
                    directory, " together with the graph that it belongs to");
  } else {
    absl::StrAppend(&message, "\nwhy: neither saved_model.pb nor saved_model.pbtxt is in it");
  }
  return absl::NotFoundError(message);
}

// The first bytes as one can read them.
std::string FirstBytes(absl::string_view bytes) {
  return absl::StrCat("it begins with \"", absl::CHexEscape(bytes.substr(0, 24)), "\"",
                      bytes.size() > 24 ? absl::StrCat(" and has ", bytes.size(), " bytes") : "");
}

absl::Status NotAGraph(const std::string& path, const Sniffed& sniffed, absl::string_view bytes) {
  const std::string what = absl::StrCat("'", path, "' is ", Describe(sniffed));
  switch (sniffed.kind) {
    case FileKind::kBundleIndex:
    case FileKind::kCheckpointV1:
    case FileKind::kCheckpointState:
    case FileKind::kTable: {
      std::string prefix = path;
      if (absl::EndsWith(prefix, ".index")) prefix.resize(prefix.size() - 6);
      const std::string meta = prefix + ".meta";
      return absl::InvalidArgumentError(absl::StrCat(
          what, ", not a graph (CG108)\nwhy: a checkpoint holds the values of variables, but no graph\ntry: ",
          "--input_checkpoint=", prefix,
          Exists(meta) ? absl::StrCat(" with --input_meta_graph=", meta)
                       : " with the graph that it belongs to"));
    }
    case FileKind::kSaverDef:
      return absl::InvalidArgumentError(absl::StrCat(
          what, ", not a graph (CG108)\nwhy: it names the nodes that save and restore, no more\ntry: ",
          "--input_saver=", path, " with the graph that it belongs to"));
    case FileKind::kHdf5:
    case FileKind::kKerasArchive:
      return absl::InvalidArgumentError(absl::StrCat(
          what,
          " (CG114)\nwhy: it describes layers, and only Keras can make a graph of them\ntry: in Python, ",
          "tf.keras.models.load_model('", path, "').export('saved_model'), then open that directory"));
    case FileKind::kNpz:
    case FileKind::kNpy:
    case FileKind::kPyTorch:
    case FileKind::kPickle:
    case FileKind::kTfLite:
    case FileKind::kOnnx:
      return absl::InvalidArgumentError(
          absl::StrCat(what, " (CG114)\nwhy: it holds no TensorFlow graph\ntry: ",
                       sniffed.kind == FileKind::kTfLite
                           ? "the SavedModel or frozen graph that it was converted from"
                           : "converting it to a SavedModel with the tools of its own framework"));
    case FileKind::kEmpty:
      return absl::InvalidArgumentError(absl::StrCat(what, " where a graph is expected (CG109)"));
    default:
      break;
  }
  if (const std::string prefix = PrefixOfDataShard(path); !prefix.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", path, "' is, by its name, a data file of a checkpoint, not a graph (CG108)\nwhy: a ",
        "checkpoint holds the values of variables, but no graph\ntry: --input_checkpoint=", prefix,
        Exists(prefix + ".meta") ? absl::StrCat(" with --input_meta_graph=", prefix, ".meta") : ""));
  }
  return absl::InvalidArgumentError(absl::StrCat(what, " (CG109)\nwhy: ", FirstBytes(bytes)));
}

// A damaged file says so with the catalogue's id.
absl::Status WithId(const absl::Status& status) {
  if (!absl::IsDataLoss(status) || absl::StrContains(status.message(), "(CG")) return status;
  return absl::DataLossError(absl::StrCat(
      status.message(), " (CG109)\nwhy: the file is cut or damaged\ntry: fetching or writing it again"));
}

// A file's message in binary form.
struct Message {
  Sniffed kind;
  std::string path;
  std::shared_ptr<const MappedFile> file;
};

class Opener {
 public:
  Opener(const OpenOptions& options, std::vector<std::string>* notes) : options_(options), notes_(notes) {}

  absl::StatusOr<Model> Open(const std::string& path);
  absl::StatusOr<OpenedFile> OpenAll(const std::string& path);

 private:
  absl::StatusOr<Message> Read(const std::string& path);
  absl::StatusOr<Message> ReadFile(const std::string& path, bool of_directory);
  absl::StatusOr<Model> Import(const Message& message);
  absl::StatusOr<Model> ImportOne(const Message& message, absl::string_view meta_graph);
  void NoteForm(const std::string& path, bool text);
  void NoteKind(const std::string& path, const Sniffed& sniffed);

  const OpenOptions& options_;
  std::vector<std::string>* const notes_;
};

bool IsSavedModel(const Sniffed& sniffed) {
  return sniffed.kind == FileKind::kSavedModel || sniffed.kind == FileKind::kChunkedSavedModel;
}

absl::StatusOr<Message> Opener::Read(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("the path of the model is empty (CG105)");
  if (path == "-") return ReadFile(path, false);
  if (!Exists(path)) return Missing(path);
  if (!IsDirectory(path)) return ReadFile(path, false);
  const std::string file = SavedModelFile(path);
  if (file.empty()) return NoSavedModel(path);
  return ReadFile(file, true);
}

absl::StatusOr<Message> Opener::ReadFile(const std::string& path, bool of_directory) {
  Message message;
  ASSIGN_OR_RETURN(message.file, MappedFile::Open(path));
  message.path = message.file->path();
  const absl::string_view bytes = message.file->bytes();
  message.kind = Sniff(bytes);
  FileKind& kind = message.kind.kind;
  // A text that begins with an unknown word is most likely a graph with a slip: its parser says which.
  if (kind == FileKind::kOtherText) kind = of_directory ? FileKind::kSavedModel : FileKind::kGraphDef;
  MessageKind text_kind = MessageKind::kGraphDef;
  switch (kind) {
    case FileKind::kGraphDef:
    case FileKind::kMemmappedPackage:
      break;
    case FileKind::kMetaGraphDef:
      text_kind = MessageKind::kMetaGraphDef;
      break;
    case FileKind::kSavedModel:
    case FileKind::kChunkedSavedModel:
      text_kind = MessageKind::kSavedModel;
      break;
    default:
      return NotAGraph(message.path, message.kind, bytes);
  }
  NoteForm(message.path, message.kind.text);
  if (!of_directory) NoteKind(message.path, message.kind);
  if (message.kind.text) {
    ASSIGN_OR_RETURN(std::string binary, MessageFromText(text_kind, bytes, message.path));
    message.file = MappedFile::FromString(message.path, std::move(binary));
  } else if (kind == FileKind::kChunkedSavedModel) {
    absl::StatusOr<std::string> joined = JoinChunks(bytes, message.path);
    if (!joined.ok()) return WithId(joined.status());
    message.file = MappedFile::FromString(message.path, *std::move(joined));
  }
  return message;
}

absl::StatusOr<Model> Opener::Open(const std::string& path) {
  ASSIGN_OR_RETURN(const Message message, Read(path));
  absl::StatusOr<Model> model = Import(message);
  if (!model.ok()) return WithId(model.status());
  return model;
}

absl::StatusOr<Model> Opener::Import(const Message& message) {
  const absl::string_view bytes = message.file->bytes();
  if (!IsSavedModel(message.kind)) return ImportOne(message, bytes);
  ASSIGN_OR_RETURN(const std::vector<MetaGraphSlice> meta_graphs, ListMetaGraphs(bytes, message.path));
  ASSIGN_OR_RETURN(const MetaGraphSlice chosen, ChooseMetaGraph(meta_graphs, options_.tags, message.path));
  if (options_.tags.empty() && meta_graphs.size() > 1) {
    notes_->push_back(absl::StrCat(message.path, " holds ", meta_graphs.size(),
                                   " MetaGraphs: the one with the tag-set '", absl::StrJoin(chosen.tags, ","),
                                   "' is taken"));
  }
  return ImportOne(message, chosen.bytes);
}

// `bytes` is the message, or one MetaGraph of the SavedModel that it is.
absl::StatusOr<Model> Opener::ImportOne(const Message& message, absl::string_view bytes) {
  absl::StatusOr<Model> model = message.kind.kind == FileKind::kGraphDef
                                    ? ImportGraphDef(bytes, message.file, message.path)
                                : message.kind.kind == FileKind::kMemmappedPackage
                                    ? ImportMemmappedPackage(bytes, message.file, message.path)
                                    : ImportMetaGraphDef(bytes, message.file, message.path);
  RETURN_IF_ERROR(model.status());
  model->path = message.path;
  model->was_text = message.kind.text;
  if (!IsSavedModel(message.kind) || message.path == "<stdin>") return model;
  // What lies in variables/ decides: an empty or absent folder is that of a model without variables.
  const std::string variables = DirectoryPrefix(message.path) + "variables";
  for (const std::string& name : List(variables)) {
    if (absl::StartsWith(name, "variables.")) model->variables_prefix = variables + "/variables";
  }
  return model;
}

absl::StatusOr<OpenedFile> Opener::OpenAll(const std::string& path) {
  ASSIGN_OR_RETURN(const Message message, Read(path));
  OpenedFile opened;
  opened.kind = message.kind;
  opened.path = message.path;
  std::vector<MetaGraphSlice> meta_graphs(1);
  meta_graphs[0].bytes = message.file->bytes();
  if (IsSavedModel(message.kind)) {
    if (message.path != "<stdin>") {
      opened.directory = DirectoryPrefix(message.path);
      if (opened.directory.empty()) opened.directory = "./";
    }
    absl::StatusOr<std::vector<MetaGraphSlice>> listed = ListMetaGraphs(message.file->bytes(), message.path);
    if (!listed.ok()) return WithId(listed.status());
    meta_graphs = *std::move(listed);
    WireReader reader(message.file->bytes());
    for (WireField field; reader.Next(&field);) {
      if (field.number == kSchemaVersionField) opened.schema_version = static_cast<int64_t>(field.varint);
    }
  }
  for (const MetaGraphSlice& each : meta_graphs) {
    absl::StatusOr<Model> model = ImportOne(message, each.bytes);
    if (!model.ok()) return WithId(model.status());
    opened.models.push_back(*std::move(model));
  }
  return opened;
}

void Opener::NoteForm(const std::string& path, bool text) {
  const bool expected = options_.text.has_value() ? *options_.text : IsTextName(path);
  if (expected == text || (path == "<stdin>" && !options_.text.has_value())) return;
  notes_->push_back(
      absl::StrCat(path, " is read as ", text ? "text (CG106)" : "binary (CG107)",
                   options_.text.has_value() ? ", which it is, though the flag says otherwise" : ""));
}

void Opener::NoteKind(const std::string& path, const Sniffed& sniffed) {
  const bool saved_model = IsSavedModel(sniffed);
  const bool fits = options_.expect == Expect::kAnyGraph ||
                    (options_.expect == Expect::kGraphDef && sniffed.kind == FileKind::kGraphDef) ||
                    (options_.expect == Expect::kMetaGraph && sniffed.kind == FileKind::kMetaGraphDef) ||
                    (options_.expect == Expect::kSavedModel && saved_model);
  if (!fits) {
    notes_->push_back(absl::StrCat(path, " is ", Describe(sniffed), " and is read as that (CG108)"));
  } else if (saved_model && path != "<stdin>") {
    notes_->push_back(absl::StrCat(path, " is a SavedModel's file: its directory is used (CG128)"));
  }
}

}  // namespace

absl::StatusOr<Model> OpenModel(const std::string& path, const OpenOptions& options,
                                std::vector<std::string>* notes) {
  std::vector<std::string> unused;
  return Opener(options, notes == nullptr ? &unused : notes).Open(path);
}

absl::StatusOr<OpenedFile> OpenAll(const std::string& path, const OpenOptions& options,
                                   std::vector<std::string>* notes) {
  std::vector<std::string> unused;
  return Opener(options, notes == nullptr ? &unused : notes).OpenAll(path);
}

}  // namespace cryograph

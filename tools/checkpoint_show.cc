// checkpoint show: what a checkpoint is: files, totals, what is the optimizer's, objects, state file.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/directory.h"
#include "checkpoint/object_graph.h"
#include "checkpoint/optimizer_keys.h"
#include "checkpoint/state_file.h"
#include "graph/numpy_text.h"
#include "graph/tensor.h"
#include "tools/checkpoint_flags.h"
#include "tools/checkpoint_verbs.h"
#include "tools/cli.h"
#include "tools/numpy_options.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::JsonString;

struct Flags {
  std::vector<std::string> paths;
  std::vector<std::string> values;
  std::string printoptions;
  NumpyTextOptions numpy;
  bool objects = false, json = false;
};

struct Group {
  uint64_t tensors = 0, elements = 0, bytes = 0;
};

// All that is shown.
struct Summary {
  Group all, optimizer, averages, sliced;
  std::map<std::string, Group> types;
  std::vector<std::pair<std::string, uint64_t>> files;
  std::optional<CheckpointState> state;
  std::string state_path;
  std::optional<ObjectGraph> objects;
  ObjectKeys object_keys;
};

void Count(const CheckpointReader& reader, const CheckpointEntry& entry, Group* group) {
  ++group->tensors;
  group->elements += ElementsOf(entry);
  group->bytes += StoredBytesOf(reader, entry);
}

void ReadObjects(const TensorFile& file, Summary* summary) {
  const std::string bytes = file.ObjectGraph();
  if (file.reader().Find(kObjectGraphKey) == nullptr || file.checkpoint() == nullptr) return;
  absl::StatusOr<ObjectGraph> graph = ParseObjectGraph(bytes);
  if (!graph.ok()) {
    cli::PrintWarning(absl::StrCat(file.name(), ": ", graph.status().message()));
    return;
  }
  summary->object_keys = CompareObjectKeys(*graph, file.reader().entries());
  summary->objects = *std::move(graph);
}

void ReadState(const TensorFile& file, Summary* summary) {
  if (file.checkpoint() == nullptr) return;
  summary->state_path = JoinPath(DirectoryOf(file.name()), "checkpoint");
  if (!IsRegularFile(summary->state_path)) return;
  absl::StatusOr<CheckpointState> state = ReadCheckpointState(summary->state_path);
  if (state.ok()) {
    summary->state = *std::move(state);
  } else {
    cli::PrintWarning(state.status().message());
  }
}

Summary Summarize(const TensorFile& file) {
  Summary summary;
  const CheckpointReader& reader = file.reader();
  const std::vector<bool> optimizer = FindOptimizerKeys(reader.entries(), file.ObjectGraph());
  for (size_t i = 0; i < reader.entries().size(); ++i) {
    const CheckpointEntry& entry = reader.entries()[i];
    Count(reader, entry, &summary.all);
    Count(reader, entry, &summary.types[PythonTypeName(entry.dtype)]);
    if (optimizer[i]) Count(reader, entry, &summary.optimizer);
    if (absl::EndsWith(entry.name, "/ExponentialMovingAverage")) Count(reader, entry, &summary.averages);
    if (entry.sliced) Count(reader, entry, &summary.sliced);
  }
  for (const std::string& path : file.Files()) {
    const absl::StatusOr<std::shared_ptr<const MappedFile>> mapped = MappedFile::Open(path);
    summary.files.emplace_back(path, mapped.ok() ? (*mapped)->bytes().size() : 0);
    if (!mapped.ok()) cli::PrintWarning(mapped.status().message());
  }
  ReadObjects(file, &summary);
  ReadState(file, &summary);
  return summary;
}

std::string GroupText(const Group& group) {
  return absl::StrCat(cli::Counted(group.tensors, "tensor"), ", ", cli::Counted(group.elements, "element"),
                      ", ", cli::BytesText(group.bytes));
}

void AppendLine(absl::string_view what, absl::string_view text, std::string* out) {
  absl::StrAppendFormat(out, "%-12s %s\n", what, text);
}

// The first few of a list.
std::string Some(const std::vector<std::string>& names) {
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<long>(std::min<size_t>(names.size(), 3)));
  return absl::StrCat(absl::StrJoin(shown, ", "), names.size() > shown.size() ? ", …" : "");
}

void AppendState(const Summary& summary, const TensorFile& file, std::string* text) {
  if (!summary.state.has_value()) return;
  const CheckpointState& state = *summary.state;
  const bool latest = BaseName(state.latest) == BaseName(file.name());
  AppendLine("state file",
             absl::StrCat(summary.state_path, ": latest is ", state.latest, latest ? " (this one)" : "", ", ",
                          state.all.size(), " kept"),
             text);
}

void AppendObjects(const Summary& summary, const TensorFile& file, bool tree, std::string* text) {
  if (!summary.objects.has_value()) return;
  const ObjectGraph& graph = *summary.objects;
  size_t attributes = 0, slots = 0;
  for (const ObjectGraph::Object& object : graph.objects) {
    attributes += object.attributes.size();
    slots += object.slots.size();
  }
  AppendLine("objects",
             absl::StrCat(graph.objects.size(), " with ", cli::Counted(attributes, "value"), " and ",
                          cli::Counted(slots, "slot"), " of optimizers"),
             text);
  const ObjectKeys& keys = summary.object_keys;
  if (!keys.missing.empty()) {
    AppendLine(
        "",
        absl::StrCat(cli::Counted(keys.missing.size(), "value"), " without a tensor: ", Some(keys.missing)),
        text);
  }
  if (!keys.unnamed.empty()) {
    AppendLine(
        "", absl::StrCat(cli::Counted(keys.unnamed.size(), "tensor"), " of no object: ", Some(keys.unnamed)),
        text);
  }
  for (const auto& [name, found] : KeysByFullName(graph)) {
    if (found.size() < 2) continue;
    AppendLine("",
               absl::StrCat("the name '", PrintableName(name), "' is that of ", found.size(),
                            " variables: ", Some(found)),
               text);
  }
  if (tree) absl::StrAppend(text, "\n", ObjectGraphText(graph, file.reader().entries()));
}

void PrintText(const TensorFile& file, const Summary& summary, bool tree) {
  std::string text = absl::StrCat(file.name(), ": ", file.kind(), "\n");
  AppendLine("tensors", GroupText(summary.all), &text);
  for (const auto& [type, group] : summary.types)
    AppendLine("", absl::StrCat(type, ": ", GroupText(group)), &text);
  if (summary.optimizer.tensors > 0) AppendLine("optimizer", GroupText(summary.optimizer), &text);
  if (summary.averages.tensors > 0) AppendLine("averages", GroupText(summary.averages), &text);
  if (summary.sliced.tensors > 0) AppendLine("partitioned", GroupText(summary.sliced), &text);
  for (size_t i = 0; i < summary.files.size(); ++i) {
    AppendLine(i == 0 ? "files" : "",
               absl::StrCat(summary.files[i].first, " (", cli::BytesText(summary.files[i].second), ")"),
               &text);
  }
  AppendState(summary, file, &text);
  AppendObjects(summary, file, tree, &text);
  PrintToStdout(text);
}

std::string GroupJson(const Group& group) {
  return absl::StrCat("{\"tensors\": ", group.tensors, ", \"elements\": ", group.elements,
                      ", \"bytes\": ", group.bytes, "}");
}

std::string JsonList(const std::vector<std::string>& names) {
  std::string json = "[";
  for (size_t i = 0; i < names.size(); ++i) absl::StrAppend(&json, i == 0 ? "" : ", ", JsonString(names[i]));
  return json + "]";
}

std::string ObjectsJson(const Summary& summary) {
  if (!summary.objects.has_value()) return "null";
  const ObjectGraph& graph = *summary.objects;
  const std::vector<absl::optional<std::string>> paths = ObjectPaths(graph);
  std::string json = absl::StrCat("{\"missing\": ", JsonList(summary.object_keys.missing),
                                  ", \"unnamed\": ", JsonList(summary.object_keys.unnamed), ", \"nodes\": [");
  for (size_t i = 0; i < graph.objects.size(); ++i) {
    const ObjectGraph::Object& object = graph.objects[i];
    absl::StrAppend(&json, i == 0 ? "\n" : ",\n",
                    "    {\"path\": ", paths[i].has_value() ? JsonString(*paths[i]) : "null",
                    ", \"children\": [");
    const char* comma = "";
    for (const ObjectGraph::Child& child : object.children) {
      absl::StrAppend(&json, comma, "{\"name\": ", JsonString(child.name), ", \"object\": ", child.object,
                      "}");
      comma = ", ";
    }
    json += "], \"values\": [";
    comma = "";
    for (const ObjectGraph::Attribute& attribute : object.attributes) {
      absl::StrAppend(&json, comma, "{\"name\": ", JsonString(attribute.name),
                      ", \"full_name\": ", JsonString(attribute.full_name),
                      ", \"key\": ", JsonString(attribute.key), "}");
      comma = ", ";
    }
    json += "], \"slots\": [";
    comma = "";
    for (const ObjectGraph::Slot& slot : object.slots) {
      absl::StrAppend(&json, comma, "{\"variable\": ", slot.variable, ", \"name\": ", JsonString(slot.name),
                      ", \"slot_variable\": ", slot.slot_variable, "}");
      comma = ", ";
    }
    json += "]}";
  }
  return json + "\n  ]}";
}

void PrintJson(const TensorFile& file, const Summary& summary) {
  std::string text = absl::StrCat(
      "{\"path\": ", JsonString(file.name()), ", \"kind\": ", JsonString(file.kind()),
      ",\n  \"all\": ", GroupJson(summary.all), ",\n  \"optimizer\": ", GroupJson(summary.optimizer),
      ",\n  \"averages\": ", GroupJson(summary.averages), ",\n  \"partitioned\": ", GroupJson(summary.sliced),
      ",\n  \"types\": {");
  const char* comma = "";
  for (const auto& [type, group] : summary.types) {
    absl::StrAppend(&text, comma, JsonString(type), ": ", GroupJson(group));
    comma = ", ";
  }
  text += "},\n  \"files\": [";
  comma = "";
  for (const auto& [path, size] : summary.files) {
    absl::StrAppend(&text, comma, "{\"path\": ", JsonString(path), ", \"bytes\": ", size, "}");
    comma = ", ";
  }
  text += "],\n  \"state\": ";
  if (summary.state.has_value()) {
    absl::StrAppend(&text, "{\"path\": ", JsonString(summary.state_path),
                    ", \"latest\": ", JsonString(summary.state->latest),
                    ", \"all\": ", JsonList(summary.state->all), "}");
  } else {
    text += "null";
  }
  absl::StrAppend(&text, ",\n  \"objects\": ", ObjectsJson(summary), "\n}\n");
  PrintToStdout(text);
}

absl::Status PrintValues(const TensorFile& file, const Flags& flags) {
  KeyFlags keys;
  keys.tensors = flags.values;
  ASSIGN_OR_RETURN(const EditedKeys wanted, EditKeysOf(file, keys));
  for (const EditedKey& key : wanted.keys) {
    ASSIGN_OR_RETURN(const Tensor tensor, file.reader().Read(key.entry->name));
    PrintToStdout(absl::StrCat(PrintableName(key.name), "  ", PythonTypeName(tensor.dtype), " ",
                               ShapeText(tensor.dims), "\n"));
    RETURN_IF_ERROR(NumpyText(tensor, flags.numpy, PrintToStdout));
    PrintToStdout("\n");
  }
  return absl::OkStatus();
}

absl::Status Show(const Flags& flags) {
  RETURN_IF_ERROR(CheckPaths(flags.paths, 1, 1, "show", "one path"));
  ASSIGN_OR_RETURN(const TensorFile file, OpenTensorFile(flags.paths[0]));
  if (!flags.values.empty()) return PrintValues(file, flags);
  const Summary summary = Summarize(file);
  if (flags.json) {
    PrintJson(file, summary);
  } else {
    PrintText(file, summary, flags.objects);
  }
  return absl::OkStatus();
}

}  // namespace

int RunCheckpointShow(absl::Span<const std::string> args) {
  Flags flags;
  Command command(
      "checkpoint show", cli::Family::kCpp,
      "says what a checkpoint is: files, totals, optimizer, state file, objects of TensorFlow 2.");
  command.Positionals(&flags.paths, "PATH");
  command
      .Add(&flags.values, "tensors",
           "Print the values of these tensors instead; scope/* are all below a scope.")
      .Value("NAME,NAME…");
  command
      .Add(&flags.printoptions, "printoptions",
           "How numpy prints values: precision, threshold, edgeitems, linewidth, suppress …")
      .Value("KEY=VALUE KEY=VALUE…");
  command.Add(&flags.objects, "objects",
              "The tree of objects of a TensorFlow 2 checkpoint: names, keys, slots of optimizers.");
  command.Add(&flags.json, "json", "The same as JSON, with all objects.");
  command.Example("checkpoint show saved_model --objects", "What belongs to which object?");
  command.Example("checkpoint show model.ckpt-1000 --tensors=dense/kernel", "One value:");
  command.Epilogue("Exit status", "0: done. 1: it cannot be read. 2: wrong usage.");
  std::vector<std::string> words;
  const std::vector<std::string> rest = TakePrintOptions(args, &words);
  if (std::optional<int> status = command.Parse(rest)) return *status;
  if (const absl::Status status = SetPrintOptions(words, &flags.numpy); !status.ok())
    return cli::Finish(cli::UsageError(status.message()));
  return cli::Finish(Show(flags));
}

}  // namespace cryograph

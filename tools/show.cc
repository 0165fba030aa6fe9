// show: prints all that a model file says: graph, saver, collections, signatures, assets, objects.
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/restore_map.h"
#include "checkpoint/variable_keys.h"
#include "graph/meta_graph.h"
#include "graph/model.h"
#include "graph/open.h"
#include "tools/cli.h"
#include "tools/document.h"
#include "tools/model_document.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::string in;
  std::vector<std::string> files;
  bool json = false, nodes = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("MODEL [--json]");
  command.Positionals(&flags.files, "MODEL");
  command
      .Add(
          &flags.in, "in_graph",
          "What to show: a GraphDef, MetaGraphDef or SavedModel in any form. May be given as a word instead.")
      .Alias("input_graph")
      .Value("FILE")
      .Path();
  command.Add(&flags.json, "json", "Print JSON instead of text.");
  command.Add(&flags.nodes, "nodes", "Also list every node of the main graph with its inputs.");
  command.Example("show saved_model", "What a SavedModel holds:");
  command.Example("show --json model.ckpt-7.meta | jq '.meta_graphs[0].collections.variables[].variable'",
                  "The variables of a MetaGraph:");
  command.Epilogue("Exit status", "0: shown. 1: the file cannot be read. 2: wrong usage.");
}

// The variables of a model and where their values are, as its own restore ops say.
Document VariablesDocument(Model& model, std::vector<std::string>* notes) {
  Document list = Document::Array();
  const absl::StatusOr<RestoreMap> restores = RestoreMap::Find(model, "", nullptr, notes);
  for (const Node node : model.graph().nodes()) {
    if (!IsVariableOp(node.op())) continue;
    const VariableType type = TypeOfVariable(node);
    Document variable = Document::Object();
    variable.Set("node", Document::String(node.name()));
    variable.Set("dtype", Document::String(DataTypeName(type.dtype)));
    variable.Set("shape", Document::String(PartialShapeText(type.shape)));
    const RestoredValue* const value = restores.ok() ? restores->Of(node.id()) : nullptr;
    if (value != nullptr) {
      variable.Set("key", Document::String(value->key));
      variable.SetString("slice", value->slice_spec);
    }
    list.Add(std::move(variable));
  }
  return list;
}

// What a loader would stumble over.
void NoteOddities(const OpenedFile& file, const std::vector<tensorflow::MetaGraphDef>& meta_graphs) {
  const bool saved_model = !meta_graphs.empty() && !file.directory.empty();
  if (saved_model && file.schema_version != 1) {
    PrintNote(absl::StrCat(file.path, " has schema version ", file.schema_version,
                           "; loaders know only version 1"));
  }
  std::set<std::set<std::string>> seen;
  for (const tensorflow::MetaGraphDef& meta_graph : meta_graphs) {
    const auto& tags = meta_graph.meta_info_def().tags();
    if (saved_model && !seen.insert(std::set<std::string>(tags.begin(), tags.end())).second) {
      PrintNote(absl::StrCat("two MetaGraphs have the tag-set '", absl::StrJoin(tags, ","),
                             "': loaders take the first"));
    }
    const auto main_op = meta_graph.collection_def().find("saved_model_main_op");
    if (main_op != meta_graph.collection_def().end() && main_op->second.node_list().value_size() > 1) {
      PrintNote("the collection saved_model_main_op names several ops: TensorFlow refuses to load it");
    }
  }
}

absl::Status Show(Flags& flags) {
  if (flags.files.size() > 1 || (!flags.files.empty() && !flags.in.empty())) {
    return UsageError("show takes one model\ntry: show MODEL");
  }
  const std::string path = flags.files.empty() ? flags.in : flags.files[0];
  if (path.empty()) return UsageError("show needs to know what to show\ntry: show MODEL");
  std::vector<std::string> notes;
  absl::StatusOr<OpenedFile> file = OpenAll(path, {}, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(file.status());
  DocumentOptions options;
  options.nodes = flags.nodes;
  Document document = Document::Object();
  document.Set("file", Document::String(file->path));
  document.Set("kind", Document::String(Describe(file->kind)));
  document.SetInt("schema_version", file->schema_version);
  Document meta_graphs = Document::Array();
  std::vector<tensorflow::MetaGraphDef> parsed;
  notes.clear();
  for (Model& model : file->models) {
    ASSIGN_OR_RETURN(Document each, ModelDocument(model, options));
    if (!model.meta_fields.empty()) {
      ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
      parsed.push_back(std::move(meta_graph));
    }
    each.SetIfAny("variables", VariablesDocument(model, &notes));
    meta_graphs.Add(std::move(each));
  }
  for (const std::string& note : notes) PrintNote(note);
  NoteOddities(*file, parsed);
  document.Set("meta_graphs", std::move(meta_graphs));
  std::fputs((flags.json ? document.Json() : document.Text()).c_str(), stdout);
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("show", Family::kCpp, "prints all that a model file says, as text or JSON.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Show(flags));
}

CRYOGRAPH_REGISTER_TOOL(show, "All that a model file says, as text or JSON.", Run);

}  // namespace
}  // namespace cryograph

// edit_model: sets, renames and removes signatures and tags of a MetaGraph or SavedModel, and makes either of
// a graph.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/meta_graph.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/signature_maker.h"
#include "tools/cli.h"
#include "tools/model_output.h"
#include "tools/saved_model_files.h"
#include "tools/saved_model_of_checkpoint.h"
#include "tools/signature_spec.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::UsageError;

struct Flags {
  std::string in, checkpoint, out, tag_set, set_signature;
  std::vector<std::string> rename_signature, copy_signature, remove_signature, set_tags, add_tags,
      remove_tags;
  bool in_place = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("--in_graph=MODEL --out_graph=FILE_OR_DIR EDIT…");
  command.Section("Model");
  command
      .Add(&flags.in, "in_graph",
           "A SavedModel's directory, a MetaGraphDef (.meta), or a GraphDef that shall become one of these.")
      .Alias("input_graph")
      .Value("MODEL")
      .Path();
  command
      .Add(&flags.checkpoint, "in_checkpoint",
           "A checkpoint of either version with the values of a MetaGraphDef's variables: both become a "
           "SavedModel.")
      .Value("PREFIX")
      .Path();
  command.Add(&flags.tag_set, "tag_set", "Tags of the MetaGraph to edit, if the SavedModel has several.")
      .Value("TAG,TAG…");
  command
      .Add(&flags.out, "out_graph",
           "Where the result goes. A SavedModel stays one, with all its files, in a new directory; a "
           "MetaGraphDef stays "
           "one; a GraphDef becomes a MetaGraphDef in a file named .meta, else a SavedModel.")
      .Alias("output_graph")
      .Value("FILE_OR_DIR")
      .Path();
  command.Add(&flags.in_place, "in_place", "Replace the model's own file instead.");
  command.Section("Edits: removed, renamed, copied and set in this order");
  command.Add(&flags.remove_signature, "remove_signature", "Signatures to remove.").Value("KEY,KEY…");
  command.Add(&flags.rename_signature, "rename_signature", "Signatures to rename.").Value("OLD=NEW,…");
  command.Add(&flags.copy_signature, "copy_signature", "Signatures to offer under a second key.")
      .Value("OLD=NEW,…");
  command
      .Add(&flags.set_signature, "set_signature",
           "Signatures to add or replace: KEY(IN=TENSOR, … -> OUT=TENSOR, …). 'KEY:METHOD(…)' sets the "
           "method name, which "
           "is tensorflow/serving/predict otherwise; a tensor without 'IN=' has its node's last name as key. "
           "Several are "
           "separated by semicolons.")
      .Value("SIGNATURE;…");
  command.Add(&flags.set_tags, "set_tags", "The tags of the MetaGraph, instead of those that it has.")
      .Value("TAG,TAG…");
  command.Add(&flags.add_tags, "add_tags", "Tags to add.").Value("TAG,TAG…");
  command.Add(&flags.remove_tags, "remove_tags", "Tags to remove.").Value("TAG,TAG…");
  command.Example(
      "edit_model --in_graph=frozen.pb --out_graph=served --set_signature='serving_default(image -> "
      "probabilities)'",
      "A frozen graph becomes a SavedModel that can be served:");
  command.Example(
      "edit_model --in_graph=model.ckpt-7.meta --in_checkpoint=model.ckpt-7 --out_graph=served "
      "--set_signature='serving_default(image -> probabilities)'",
      "So does what tf.train.Saver saved, with its variables:");
  command.Example("edit_model --in_graph=model --in_place --rename_signature=predict=serving_default",
                  "Rename a signature of a SavedModel:");
  command.Epilogue("What is kept",
                   "Everything else: other MetaGraphs, variables, assets, unknown files. fingerprint.pb "
                   "goes, since it is the "
                   "fingerprint of another model.");
  command.Epilogue("Exit status", "0: the result is written. 1: it could not be made. 2: wrong usage.");
}

absl::Status NoSuchSignature(const tensorflow::MetaGraphDef& meta_graph, absl::string_view key,
                             absl::string_view flag) {
  std::vector<absl::string_view> keys;
  for (const auto& signature : meta_graph.signature_def()) keys.push_back(signature.first);
  std::sort(keys.begin(), keys.end());
  return absl::NotFoundError(absl::StrCat(flag, ": there is no signature '", key, "'",
                                          DidYouMean(NearestNames(key, keys)), "\nwhy: there are ",
                                          keys.empty() ? "none" : absl::StrJoin(keys, ", ")));
}

absl::Status MoveSignatures(const std::vector<std::string>& pairs, bool remove_old, absl::string_view flag,
                            tensorflow::MetaGraphDef* meta_graph) {
  auto& signatures = *meta_graph->mutable_signature_def();
  for (const std::string& pair : pairs) {
    const std::vector<std::string> names = absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (names.size() != 2 || names[0].empty() || names[1].empty()) {
      return UsageError(absl::StrCat(flag, "=", pair, " must have the form OLD=NEW"));
    }
    const auto old = signatures.find(names[0]);
    if (old == signatures.end()) return NoSuchSignature(*meta_graph, names[0], flag);
    if (signatures.contains(names[1])) {
      return absl::AlreadyExistsError(
          absl::StrCat(flag, "=", pair, ": there is a signature '", names[1], "' already"));
    }
    const tensorflow::SignatureDef signature = old->second;
    if (remove_old) signatures.erase(old);
    signatures[names[1]] = signature;
  }
  return absl::OkStatus();
}

absl::Status EditSignatures(Model& model, const Flags& flags, tensorflow::MetaGraphDef* meta_graph) {
  auto& signatures = *meta_graph->mutable_signature_def();
  for (const std::string& key : flags.remove_signature) {
    if (signatures.erase(key) == 0) return NoSuchSignature(*meta_graph, key, "--remove_signature");
  }
  RETURN_IF_ERROR(MoveSignatures(flags.rename_signature, true, "--rename_signature", meta_graph));
  RETURN_IF_ERROR(MoveSignatures(flags.copy_signature, false, "--copy_signature", meta_graph));
  ASSIGN_OR_RETURN(const std::vector<SignatureSpec> specs,
                   ParseSignatureSpecs(flags.set_signature, "--set_signature"));
  for (const SignatureSpec& spec : specs) {
    ASSIGN_OR_RETURN(signatures[spec.key], MakeSignature(model, spec.inputs, spec.outputs, spec.method));
  }
  return absl::OkStatus();
}

absl::Status EditTags(const Flags& flags, tensorflow::MetaGraphDef* meta_graph) {
  std::vector<std::string> tags(meta_graph->meta_info_def().tags().begin(),
                                meta_graph->meta_info_def().tags().end());
  if (!flags.set_tags.empty()) tags = flags.set_tags;
  for (const std::string& tag : flags.remove_tags) {
    const auto found = std::find(tags.begin(), tags.end(), tag);
    if (found == tags.end()) {
      return absl::NotFoundError(absl::StrCat("--remove_tags: the MetaGraph has no tag '", tag,
                                              "'\nwhy: its tags are ", absl::StrJoin(tags, ", ")));
    }
    tags.erase(found);
  }
  for (const std::string& tag : flags.add_tags) {
    if (std::count(tags.begin(), tags.end(), tag) == 0) tags.push_back(tag);
  }
  auto& result = *meta_graph->mutable_meta_info_def()->mutable_tags();
  result.Clear();
  for (const std::string& tag : tags) *result.Add() = tag;
  return absl::OkStatus();
}

// No two MetaGraphs of a SavedModel may have one tag-set: only the first would be found.
absl::Status CheckTagSets(const OpenedFile& file) {
  std::set<std::set<std::string>> seen;
  for (const Model& model : file.models) {
    const std::vector<std::string> tags = TagsOf(model);
    if (!seen.insert(std::set<std::string>(tags.begin(), tags.end())).second) {
      return absl::InvalidArgumentError(absl::StrCat("then two MetaGraphs would have the tag-set '",
                                                     absl::StrJoin(tags, ","),
                                                     "', and loaders find only the first"));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteSavedModelOf(OpenedFile& file, const Flags& flags) {
  RETURN_IF_ERROR(CheckTagSets(file));
  if (!flags.in_place) return WriteWholeSavedModel(file, MainFileOf(file), flags.out);
  for (const Model& model : file.models) RETURN_IF_ERROR(AssetFiles(model).status());
  RETURN_IF_ERROR(WriteMainFile(file, MainFileOf(file), file.directory));
  std::remove((file.directory + "/fingerprint.pb").c_str());
  return absl::OkStatus();
}

absl::Status WriteResult(OpenedFile& file, Model& model, const Flags& flags) {
  if (!flags.checkpoint.empty()) return WriteSavedModelOfCheckpoint(model, flags.checkpoint, flags.out);
  if (!file.directory.empty()) return WriteSavedModelOf(file, flags);
  const bool meta = file.kind.kind == FileKind::kMetaGraphDef || absl::StrContains(flags.out, ".meta");
  if (flags.in_place || meta) {
    OutputOptions output;
    output.form = (flags.in_place ? file.kind.text : HasTextSuffix(flags.out)) ? OutputForm::kMetaGraphText
                                                                               : OutputForm::kMetaGraph;
    output.allow_defects = true;
    return WriteModel(model, flags.in_place ? file.path : flags.out, output).status();
  }
  RETURN_IF_ERROR(SetTagsIfNone(model));
  OutputOptions output;
  output.form = OutputForm::kSavedModel;
  return WriteModel(model, flags.out, output).status();
}

absl::Status Edit(const Flags& flags) {
  if (flags.in.empty()) return UsageError("--in_graph must name the model\ntry: --in_graph=DIR");
  if (flags.in_place != flags.out.empty()) {
    return UsageError("say where the result goes (CG145)\ntry: --out_graph=DIR, or --in_place");
  }
  std::vector<std::string> notes;
  absl::StatusOr<OpenedFile> file = OpenAll(flags.in, {}, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(file.status());
  if (!flags.checkpoint.empty() && (flags.in_place || !file->directory.empty())) {
    return UsageError(
        "--in_checkpoint has values for a MetaGraphDef, and they become a new SavedModel\ntry: "
        "--in_graph=MODEL.meta "
        "--out_graph=DIR");
  }
  if (flags.in_place && file->kind.kind == FileKind::kGraphDef) {
    return UsageError(
        "a GraphDef has no signatures and no tags\ntry: --out_graph=DIR, which makes a SavedModel of it");
  }
  ASSIGN_OR_RETURN(Model* const model, FindTagSet(*file, flags.tag_set));
  ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(*model));
  RETURN_IF_ERROR(EditSignatures(*model, flags, &meta_graph));
  RETURN_IF_ERROR(EditTags(flags, &meta_graph));
  const std::string tags = absl::StrJoin(meta_graph.meta_info_def().tags(), ",");
  const size_t num_signatures = meta_graph.signature_def().size();
  SetMetaGraph(std::move(meta_graph), model);
  RETURN_IF_ERROR(WriteResult(*file, *model, flags));
  std::fprintf(stderr, "wrote %s%s\n", cli::Counted(num_signatures, "signature").c_str(),
               tags.empty() ? "" : absl::StrCat(" with tags ", tags).c_str());
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("edit_model", Family::kCpp, "edits the signatures and tags of a MetaGraph or SavedModel.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Edit(flags));
}

CRYOGRAPH_REGISTER_TOOL(edit_model, "Signatures and tags of a MetaGraph or SavedModel, edited.", Run);

}  // namespace
}  // namespace cryograph

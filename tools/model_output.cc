#include "tools/model_output.h"

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/byte_sink.h"
#include "base/staged_directory.h"
#include "base/status_macros.h"
#include "checkpoint/saved_model_writer.h"
#include "graph/export.h"
#include "graph/export_text.h"
#include "graph/meta_graph.h"
#include "graph/meta_graph_names.h"
#include "graph/op_list.h"
#include "graph/signature_maker.h"
#include "graph/text.h"
#include "tools/cli.h"
#include "tools/saved_model_files.h"

namespace cryograph {
namespace {

bool SameFile(const std::string& a, const std::string& b) {
  struct stat info_a, info_b;
  if (stat(a.c_str(), &info_a) != 0 || stat(b.c_str(), &info_b) != 0) return a == b;
  return info_a.st_dev == info_b.st_dev && info_a.st_ino == info_b.st_ino;
}

// The file was written, but TensorFlow cannot read it: CG141.
void WarnOfLimit(Model& model, const std::string& path, uint64_t size, absl::string_view hint) {
  cli::PrintWarning(
      absl::StrCat(path, " has ", cli::BytesText(size),
                   ", and TensorFlow cannot parse a GraphDef over 2 GiB (CG141)\nwhy: its largest "
                   "constants are ",
                   absl::StrJoin(LargestConstants(model, 10), ", "), hint));
}

// "model.meta", "model.meta.pbtxt".
bool HasMetaSuffix(const std::string& path) {
  return absl::EndsWith(path, ".meta") || (HasTextSuffix(path) && absl::StrContains(path, ".meta."));
}

absl::StatusOr<uint64_t> WriteChunkedSavedModel(Model& model, const std::string& path,
                                                const ChunkOptions& chunks, const ExportOptions& form) {
  RETURN_IF_ERROR(CheckHasNoVariables(model));
  ASSIGN_OR_RETURN(const std::string assets, AssetsFolderOf(model));
  ASSIGN_OR_RETURN(const std::unique_ptr<StagedDirectory> staged, StagedDirectory::Create(path));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink,
                   FileSink::Create(staged->path() + "/saved_model.cpb"));
  RETURN_IF_ERROR(ExportChunkedSavedModel({&model}, *sink, chunks, form));
  RETURN_IF_ERROR(sink->Commit());
  if (!assets.empty()) RETURN_IF_ERROR(CopyTree(assets, staged->path() + "/assets"));
  RETURN_IF_ERROR(staged->Commit());
  return static_cast<uint64_t>(sink->size());
}

// The graph alone, or with what is beside it.
absl::Status Export(Model& model, ByteSink& sink, const OutputOptions& options, const ExportOptions& form) {
  switch (options.form) {
    case OutputForm::kText:
      return ExportGraphDefText(model, sink, options.drop_unknown_fields, form);
    case OutputForm::kMetaGraph:
      return ExportMetaGraphDef(model, sink, form);
    case OutputForm::kMetaGraphText: {
      StringSink binary;
      RETURN_IF_ERROR(ExportMetaGraphDef(model, binary, form));
      ASSIGN_OR_RETURN(const std::string text, MessageToText(MessageKind::kMetaGraphDef, binary.bytes(),
                                                             options.drop_unknown_fields));
      return sink.Append(text);
    }
    default:
      return ExportGraphDef(model, sink, form);
  }
}

}  // namespace

bool HasTextSuffix(const std::string& path) {
  return absl::EndsWith(path, ".pbtxt") || absl::EndsWith(path, ".prototxt") || absl::EndsWith(path, ".txt");
}

absl::Status CheckOutputPath(const std::string& output, const std::vector<std::string>& inputs, bool in_place,
                             const std::string& flag) {
  if (output.empty()) {
    return cli::UsageError(absl::StrCat(flag, " must say where the result goes (CG145)\ntry: ", flag,
                                        "=FILE, or ", flag, "=- for stdout"));
  }
  for (const std::string& input : inputs) {
    if (in_place || input.empty() || output == "-" || !SameFile(output, input)) continue;
    return cli::UsageError(
        absl::StrCat(flag, "=", output, " is the input file (CG145)\ntry: another name, or --in_place"));
  }
  return absl::OkStatus();
}

absl::StatusOr<OutputForm> ChooseForm(const std::string& format, bool as_text, const std::string& path) {
  if (format == "meta" || (format == "auto" && HasMetaSuffix(path))) {
    return as_text || HasTextSuffix(path) ? OutputForm::kMetaGraphText : OutputForm::kMetaGraph;
  }
  if (as_text && format != "auto" && format != "pbtxt") {
    return cli::UsageError(
        absl::StrCat("--output_as_text and --output_format=", format, " contradict each other"));
  }
  if (as_text || format == "pbtxt") return OutputForm::kText;
  if (format == "auto" && HasTextSuffix(path)) return OutputForm::kText;
  if (format != "saved_model" && format != "saved_model_chunked") return OutputForm::kBinary;
  if (path == "-") return cli::UsageError("a SavedModel is a directory and cannot be written to stdout");
  return format == "saved_model" ? OutputForm::kSavedModel : OutputForm::kChunkedSavedModel;
}

absl::Status CompleteMetaGraph(Model& model, const OutputOptions& options) {
  ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  if (!options.allow_defects) {
    MapNames(
        [&model](absl::string_view name) {
          return model.graph().Find(name) ? std::optional<std::string>(name) : std::nullopt;
        },
        &meta_graph);
  }
  std::vector<std::string> unknown;
  *meta_graph.mutable_meta_info_def()->mutable_stripped_op_list() = StrippedOpList(model, &unknown);
  if (!unknown.empty()) {
    cli::PrintNote(absl::StrCat("op '", absl::StrJoin(unknown, "', '"),
                                "' is not described in the MetaGraph: nobody here ", "knows it (CG139)"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> removed,
                   FitSignatures(model, options.inputs, options.outputs, &meta_graph));
  for (const std::string& name : removed) {
    cli::PrintNote(absl::StrCat("signature '", name, "' names tensors that are gone, and goes, too"));
  }
  SetMetaGraph(std::move(meta_graph), &model);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> WriteModel(Model& model, const std::string& path, const OutputOptions& options) {
  ExportOptions form;
  form.allow_defects = options.allow_defects;
  form.tensor_form = options.tensor_form;
  form.progress = cli::Progress();
  if (options.form == OutputForm::kSavedModel) {
    SavedModelOptions saved_model;
    saved_model.inputs = options.inputs;
    saved_model.outputs = options.outputs;
    if (!TagsOf(model).empty()) saved_model.tags = TagsOf(model);
    ASSIGN_OR_RETURN(saved_model.assets, AssetsFolderOf(model));
    saved_model.graph = form;
    ASSIGN_OR_RETURN(const SavedModelReport report, WriteSavedModel(model, path, saved_model));
    if (report.message_bytes > kTensorFlowLimit)
      WarnOfLimit(model, path + "/saved_model.pb", report.message_bytes, "");
    return report.message_bytes + report.outlined_bytes;
  }
  if (options.form != OutputForm::kBinary && options.form != OutputForm::kText) {
    RETURN_IF_ERROR(CompleteMetaGraph(model, options));
  }
  if (options.form == OutputForm::kChunkedSavedModel) {
    RETURN_IF_ERROR(SetTagsIfNone(model));
    return WriteChunkedSavedModel(model, path, options.chunks, form);
  }
  bool created_directory = false;
  ASSIGN_OR_RETURN(std::unique_ptr<FileSink> sink, FileSink::Create(path, &created_directory));
  const absl::Status status = Export(model, *sink, options, form);
  // What cannot be written for the model's sake; trouble with files names the file already.
  if (absl::IsInvalidArgument(status)) {
    return absl::InvalidArgumentError(
        absl::StrCat(model.path, model.path.empty() ? "" : ": ", status.message()));
  }
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(sink->Commit());
  if (created_directory) cli::PrintNote(absl::StrCat("made the directory of ", path));
  const uint64_t size = static_cast<uint64_t>(sink->size());
  if ((options.form == OutputForm::kBinary || options.form == OutputForm::kMetaGraph) &&
      size > kTensorFlowLimit) {
    WarnOfLimit(model, path, size,
                "\ntry: --output_format=saved_model, which keeps large values beside the graph");
  }
  return size;
}

}  // namespace cryograph

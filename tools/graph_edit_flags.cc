#include "tools/graph_edit_flags.h"

#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "graph/finding.h"
#include "graph/open.h"
#include "graph/verify.h"
#include "tools/model_output.h"

namespace cryograph {

void DeclareGraphEditFlags(GraphEditFlags& flags, cli::Command& command) {
  command.Section("Output");
  command
      .Add(&flags.out_graph, "out_graph",
           "Where the result goes; - is stdout. Missing directories are made; the file appears when it is "
           "whole, and an "
           "old one stays on any error.")
      .Alias("output_graph")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.format, "output_format",
           "auto writes text to a file named .pbtxt, .prototxt or .txt, a MetaGraphDef (signatures, "
           "collections) to one named .meta, and a binary GraphDef to any other; saved_model makes a "
           "directory whose large values are variables.")
      .Choices({"auto", "pb", "pbtxt", "meta", "saved_model"})
      .Value("FORMAT");
  command.Add(&flags.output_as_text, "output_as_text", "The same as --output_format=pbtxt.");
  command.Add(&flags.in_place, "in_place", "--out_graph may be a file that is read.");
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, if it has several; separated by commas, in any order.")
      .Value("TAG,TAG…");
  command.Section("Checks");
  command.Add(&flags.verify, "verify",
              "Check that TensorFlow can load the result, as lint does, before it is written; --verify=off "
              "skips that.");
  command.Add(&flags.json, "json", "Print what was done as JSON on stdout.");
}

absl::StatusOr<Model> OpenForEdit(const std::string& path, const GraphEditFlags& flags) {
  std::vector<std::string> notes;
  OpenOptions open;
  open.tags = flags.saved_model_tags;
  absl::StatusOr<Model> model = OpenModel(path, open, &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  return model;
}

absl::StatusOr<uint64_t> WriteEdited(Model& model, const GraphEditFlags& flags,
                                     const std::vector<std::string>& inputs) {
  if (flags.json && flags.out_graph == "-") {
    return cli::UsageError("--json and --out_graph=- both write to stdout");
  }
  RETURN_IF_ERROR(CheckOutputPath(flags.out_graph, inputs, flags.in_place, "--out_graph"));
  OutputOptions output;
  ASSIGN_OR_RETURN(output.form, ChooseForm(flags.format, flags.output_as_text, flags.out_graph));
  const bool graph_only = output.form == OutputForm::kBinary || output.form == OutputForm::kText;
  if (flags.verify) {
    VerifyOptions verify;
    verify.container = !graph_only;
    const absl::Status status = FindingsStatus(Verify(model, verify));
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("the result cannot be loaded: ", status.message(),
                                                      "\ntry: --verify=off writes it all the same"));
    }
  }
  if (graph_only && !model.meta_fields.empty()) {
    cli::PrintNote("signatures and collections are left out; --output_format=meta keeps them");
  }
  output.allow_defects = !flags.verify;
  return WriteModel(model, flags.out_graph, output);
}

absl::StatusOr<std::pair<std::string, std::string>> ParsePair(const std::string& text,
                                                              const std::string& flag) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return cli::UsageError(absl::StrCat(flag, ": '", text, "' is not of the form NAME=VALUE"));
  }
  return std::make_pair(text.substr(0, equals), text.substr(equals + 1));
}

void PrintResult(const GraphEditFlags& flags, const std::string& line, const std::string& json) {
  if (flags.json) {
    std::fprintf(stdout, "%s\n", json.c_str());
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

std::string JsonList(const std::vector<std::string>& texts) {
  return absl::StrCat("[",
                      absl::StrJoin(texts, ", ",
                                    [](std::string* out, const std::string& text) {
                                      absl::StrAppend(out, cli::JsonString(text));
                                    }),
                      "]");
}

}  // namespace cryograph

// saved_model_cli freeze_model: what TensorFlow's ahead-of-time compiler takes, of one signature of a
// SavedModel.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/byte_sink.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/variable_keys.h"
#include "graph/finding.h"
#include "graph/meta_graph.h"
#include "graph/verify.h"
#include "tools/cli.h"
#include "tools/model_output.h"
#include "tools/saved_model_cli.h"
#include "tools/saved_model_files.h"
#include "tools/tf2xla_config.h"
#include "transforms/freeze_variables.h"
#include "transforms/pass.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::UsageError;

struct Flags {
  std::string dir, tag_set, output_prefix, signature_def_key = "serving_default", checkpoint_path;
  std::string variables_to_feed, input_shapes, state = "error";
};

void Declare(Flags& flags, Command& command) {
  command.Usage("freeze_model --dir=DIR --tag_set=TAGS --output_prefix=DIR");
  command.Add(&flags.dir, "dir", "The SavedModel's directory.").Value("DIR").Path();
  command.Add(&flags.tag_set, "tag_set", "Tags of the MetaGraph, separated by commas.").Value("TAG,TAG…");
  command
      .Add(
          &flags.output_prefix, "output_prefix",
          "The directory that frozen_graph.pb, config.pbtxt, original_graph.pb and prefrozen_graph.pb go to.")
      .Value("DIR")
      .Path();
  command.Add(&flags.signature_def_key, "signature_def_key", "The signature to compile.").Value("KEY");
  command
      .Add(&flags.checkpoint_path, "checkpoint_path",
           "Where the variables' values come from, if not from the SavedModel.")
      .Value("PREFIX")
      .Path();
  command
      .Add(&flags.variables_to_feed, "variables_to_feed",
           "Resource variables that the compiled program is given when it runs, and that are not frozen: "
           "names, or "
           "'all'.")
      .Value("NAME,NAME…");
  command
      .Add(&flags.input_shapes, "input_shapes",
           "Shapes of inputs, by their keys in the signature, instead of what that says.")
      .Value("KEY=1,224,224,3;…")
      .Extension();
  command
      .Add(&flags.state, "state",
           "What to do with an op that changes a variable and whose value the outputs need; as of "
           "freeze_graph.")
      .Choices({"error", "drop", "pure"})
      .Value("WHAT")
      .Extension();
  command.Epilogue(
      "For the compiler alone",
      "The inputs of frozen_graph.pb are constants of zeros, which tfcompile replaces by what "
      "config.pbtxt says. For a graph that can be fed use saved_model_cli freeze or freeze_graph.");
  command.Epilogue("Exit status",
                   "0: the files are written. 1: the model could not be frozen. 2: wrong usage.");
}

std::string Node0(const tensorflow::TensorInfo& info) { return std::string(NodeOfTensor(info.name())); }

// Does what --input_shapes says. Usage error for another form; NotFound for a key that is no input.
absl::Status SetShapes(const std::string& flag, SortedTensors* inputs) {
  for (absl::string_view entry : absl::StrSplit(flag, ';', absl::SkipWhitespace())) {
    const size_t equals = entry.find('=');
    const std::string key(absl::StripAsciiWhitespace(entry.substr(0, equals)));
    const auto input = inputs->find(key);
    if (equals != absl::string_view::npos && input == inputs->end()) {
      std::vector<absl::string_view> keys;
      for (const auto& each : *inputs) keys.push_back(each.first);
      return absl::NotFoundError(absl::StrCat("--input_shapes: the signature has no input '", key, "'",
                                              DidYouMean(NearestNames(key, keys)), "\nwhy: its inputs are ",
                                              absl::StrJoin(keys, ", ")));
    }
    tensorflow::TensorShapeProto shape;
    bool fits = equals != absl::string_view::npos;
    if (fits) {
      for (absl::string_view text : absl::StrSplit(entry.substr(equals + 1), ',', absl::SkipWhitespace())) {
        int64_t size = 0;
        fits &= absl::SimpleAtoi(text, &size) && size >= 0;
        shape.add_dim()->set_size(size);
      }
    }
    if (!fits) {
      return UsageError(absl::StrCat("--input_shapes: '", entry, "' is not of the form KEY=1,224,224,3"));
    }
    *input->second.mutable_tensor_shape() = shape;
  }
  return absl::OkStatus();
}

// Every input that is a Placeholder becomes zeros of the shape that the signature says, and TensorFlow's
// optimizer then takes for the graph's own.
absl::Status PinInputs(Graph& graph, const SortedTensors& inputs) {
  for (const auto& [key, info] : inputs) {
    const Node node = graph.Find(NodeOfTensor(info.name()));
    if (!node) {
      return absl::NotFoundError(
          absl::StrCat("input '", key, "' is '", info.name(), "', which the graph does not have (CG101)"));
    }
    if (!absl::StartsWith(node.op(), "Placeholder") || node.num_inputs() > 0) {
      if (node.op() != "Const") {
        cli::PrintNote(
            absl::StrCat("input '", key, "' is no placeholder but a ", node.op(), ", and stays as it is"));
      }
      continue;
    }
    const tensorflow::TensorShapeProto& shape = info.tensor_shape();
    bool known = !shape.unknown_rank();
    std::vector<std::string> dims;
    for (const auto& dim : shape.dim()) {
      known &= dim.size() >= 0;
      dims.push_back(dim.size() < 0 ? "?" : absl::StrCat(dim.size()));
    }
    if (!known) {
      return absl::FailedPreconditionError(
          absl::StrCat("input '", key, "' ('", info.name(), "') has the shape ",
                       shape.unknown_rank() ? "<unknown>" : absl::StrCat("[", absl::StrJoin(dims, ","), "]"),
                       "\nwhy: the ahead-of-time compiler compiles for one shape, which must be fully "
                       "known\ntry: --input_shapes=",
                       key, "=…; or saved_model_cli freeze, which keeps the shape open"));
    }
    // A tensor without values is one of zeros, whatever its size.
    tensorflow::TensorProto zeros;
    zeros.set_dtype(info.dtype());
    for (const auto& dim : shape.dim()) zeros.mutable_tensor_shape()->add_dim()->set_size(dim.size());
    graph.RemoveAllControlInputs(node);
    graph.Clear(node, "Const");
    graph.SetAttr(node, "dtype", AttrType(static_cast<DataType>(info.dtype())));
    graph.SetAttr(node, "value", AttrTensor(zeros.SerializeAsString()));
  }
  return absl::OkStatus();
}

absl::StatusOr<tensorflow::SignatureDef> FindSignature(const Model& model, const std::string& key) {
  ASSIGN_OR_RETURN(const tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  const auto found = meta_graph.signature_def().find(key);
  if (found == meta_graph.signature_def().end()) {
    std::vector<std::string> keys;
    for (const auto& signature : meta_graph.signature_def()) {
      if (!absl::StartsWith(signature.first, "__saved_model_")) keys.push_back(signature.first);
    }
    std::sort(keys.begin(), keys.end());
    return absl::NotFoundError(absl::StrCat(
        "Unable to find signature_def_key '", key, "' in signature def map of ", model.path,
        " (CG130)\nwhy: its keys are ", keys.empty() ? "none at all" : absl::StrJoin(keys, ", ")));
  }
  if (found->second.outputs().empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("Signature key ", key, " must have outputs, but ", model.path, " has none for it"));
  }
  for (const auto* side : {&found->second.inputs(), &found->second.outputs()}) {
    for (const auto& [name, info] : *side) {
      if (!info.name().empty()) continue;
      return absl::UnimplementedError(
          absl::StrCat("'", name, "' of signature '", key,
                       "' is made of several tensors, and the compiler takes single ones"));
    }
  }
  return found->second;
}

// The names of --variables_to_feed; those of all resource variables for "all". NotFound (CG142) for a name
// that is none.
absl::StatusOr<std::vector<std::string>> VariablesToFeed(Graph& graph, const std::string& flag) {
  std::vector<std::string> all, chosen;
  for (Node node : graph.nodes()) {
    if (node.op() == "VarHandleOp") all.emplace_back(node.name());
  }
  if (absl::AsciiStrToLower(flag) == "all") return all;
  for (absl::string_view name : absl::StrSplit(flag, ',')) {
    name = absl::StripAsciiWhitespace(name);
    if (name.empty()) continue;
    if (std::find(all.begin(), all.end(), name) == all.end()) {
      return absl::NotFoundError(absl::StrCat(
          "--variables_to_feed: '", name, "' is no resource variable of the graph",
          DidYouMean(NearestNames(name, std::vector<absl::string_view>(all.begin(), all.end()))),
          " (CG142)\nwhy: its variables are ", all.empty() ? "none at all" : absl::StrJoin(all, ", ")));
    }
    chosen.emplace_back(name);
  }
  return chosen;
}

// The graph of the outputs as it is before variables become constants.
absl::StatusOr<Model> Prefrozen(const Model& model, const std::vector<std::string>& outputs) {
  Model copy = model.Clone();
  ASSIGN_OR_RETURN(PassManager manager,
                   PassManager::Parse("strip_unused_nodes inline_functions lower_control_flow "
                                      "strip_unused_nodes"));
  PassOptions options;
  for (const std::string& output : outputs) options.outputs.push_back({output, 0});
  PassContext context(&copy, options);
  RETURN_IF_ERROR(manager.Run(copy, context));
  return copy;
}

// Whether there are variables and each is one of `fed`: then there is nothing to freeze.
bool AllAreFed(Graph& graph, const std::vector<std::string>& fed) {
  for (Node node : graph.nodes()) {
    if (IsVariableOp(node.op()) && std::find(fed.begin(), fed.end(), node.name()) == fed.end()) return false;
  }
  return !fed.empty();
}

absl::Status WriteGraph(Model& model, const std::string& path) {
  OutputOptions options;
  options.allow_defects = true;
  return WriteModel(model, path, options).status();
}

absl::Status FreezeModel(const Flags& flags) {
  if (flags.dir.empty()) return UsageError("--dir must name the SavedModel's directory");
  if (flags.tag_set.empty())
    return UsageError("--tag_set must name the tags of the MetaGraph, such as serve");
  if (flags.output_prefix.empty()) {
    return UsageError("--output_prefix must name the directory that the files go to (CG145)");
  }
  ASSIGN_OR_RETURN(OpenedFile file, OpenSavedModel(flags.dir));
  ASSIGN_OR_RETURN(Model* const model, FindTagSet(file, flags.tag_set));
  ASSIGN_OR_RETURN(const tensorflow::SignatureDef signature, FindSignature(*model, flags.signature_def_key));
  SortedTensors inputs(signature.inputs().begin(), signature.inputs().end());
  const SortedTensors outputs(signature.outputs().begin(), signature.outputs().end());
  RETURN_IF_ERROR(SetShapes(flags.input_shapes, &inputs));
  FreezeOptions options;
  for (const auto& output : outputs) {
    const std::string node = Node0(output.second);
    if (std::find(options.outputs.begin(), options.outputs.end(), node) == options.outputs.end())
      options.outputs.push_back(node);
  }
  Model original = model->Clone();
  RETURN_IF_ERROR(PinInputs(model->graph(), inputs));
  ASSIGN_OR_RETURN(Model prefrozen, Prefrozen(*model, options.outputs));
  ASSIGN_OR_RETURN(options.deny, VariablesToFeed(prefrozen.graph(), flags.variables_to_feed));

  const std::string checkpoint_path =
      flags.checkpoint_path.empty() ? model->variables_prefix : flags.checkpoint_path;
  std::vector<std::string> notes;
  if (!checkpoint_path.empty()) {
    ASSIGN_OR_RETURN(options.checkpoint, Checkpoint::Open(checkpoint_path, &notes));
  }
  options.functions = FunctionForm::kLower;
  options.tables = TablePolicy::kLeave;
  options.allow_frozen = true;
  options.clear_devices = true;
  options.state = flags.state == "drop"   ? StatePolicy::kDrop
                  : flags.state == "pure" ? StatePolicy::kPure
                                          : StatePolicy::kError;
  std::string summary = "froze no variable";
  if (AllAreFed(prefrozen.graph(), options.deny)) {
    *model = prefrozen.Clone();
  } else {
    ASSIGN_OR_RETURN(const FreezeReport report, FreezeVariables(*model, options));
    notes.insert(notes.end(), report.notes.begin(), report.notes.end());
    summary = report.Summary();
  }
  for (const std::string& note : notes) cli::PrintNote(note);
  VerifyOptions verify;
  verify.container = false;
  RETURN_IF_ERROR(FindingsStatus(Verify(*model, verify)));

  Graph& graph = model->graph();
  for (auto input = inputs.begin(); input != inputs.end();) {
    if (graph.Find(Node0(input->second))) {
      ++input;
      continue;
    }
    cli::PrintWarning(absl::StrCat("signature input key '", input->first, "', tensor '", input->second.name(),
                                   "', is not needed by the outputs and is left out of config.pbtxt"));
    input = inputs.erase(input);
  }
  std::vector<Node> variables;
  for (const std::string& name : options.deny) {
    if (const Node node = graph.Find(name)) variables.push_back(node);
  }
  const std::string config = Tf2XlaConfig(graph, inputs, outputs, variables);
  const std::string folder = absl::StrCat(flags.output_prefix, "/");
  RETURN_IF_ERROR(WriteGraph(original, folder + "original_graph.pb"));
  RETURN_IF_ERROR(WriteGraph(prefrozen, folder + "prefrozen_graph.pb"));
  RETURN_IF_ERROR(WriteGraph(*model, folder + "frozen_graph.pb"));
  RETURN_IF_ERROR(WriteFile(folder + "config.pbtxt", config));
  std::fprintf(stderr, "%s; %s and %s to feed; in %s\n", summary.c_str(),
               cli::Counted(inputs.size(), "input").c_str(),
               cli::Counted(variables.size(), "variable").c_str(), flags.output_prefix.c_str());
  return absl::OkStatus();
}

}  // namespace

int RunSavedModelFreezeModel(absl::Span<const std::string> args) {
  Flags flags;
  Command command("saved_model_cli freeze_model", Family::kPython,
                  "freezes a signature of a SavedModel for TensorFlow's ahead-of-time compiler, tfcompile.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(FreezeModel(flags));
}

}  // namespace cryograph

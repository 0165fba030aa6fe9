// freeze_graph: a graph and the values of its variables become one GraphDef of constants. Every flag of every
// version of TensorFlow's tool is understood; what it reports as success and gets wrong is right here, or
// refused.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/checkpoint.h"
#include "graph/finding.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/sniff.h"
#include "graph/text.h"
#include "graph/verify.h"
#include "graph/wire_check.h"
#include "tools/cli.h"
#include "tools/freeze_report.h"
#include "tools/model_names.h"
#include "tools/model_output.h"
#include "tools/output_guesses.h"
#include "tools/pipeline_checks.h"
#include "tools/signature_choice.h"
#include "tools/variable_map_flag.h"
#include "transforms/freeze_variables.h"
#include "transforms/half_weights.h"
#include "transforms/pass.h"
#include "transforms/pass_manager.h"
#include "transforms/pin_placeholders.h"
#include "transforms/prune_branches.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::UsageError;

// Constants of fewer elements are not worth a cast.
constexpr int64_t kHalvedElements = 1024;

struct Flags {
  std::string input_graph, input_meta_graph, input_saved_model_dir, saved_model_tags = "serve";
  std::string input_saver, input_checkpoint;
  int64_t checkpoint_version = 2;
  bool input_binary = false, input_binary_given = false;
  std::string output_graph;
  std::vector<std::string> output_node_names;
  bool clear_devices = true;
  std::vector<std::string> initializer_nodes, allow, deny;
  std::string restore_op_name = "save/restore_all", filename_tensor_name = "save/Const:0";

  bool output_as_text = false, in_place = false, verify = true;
  std::string output_format = "pb", compat = "2.21", missing = "error", state = "error", report_json, report,
              tables = "keep_init";
  std::string add_default_attrs = "no", signature, functions = "auto";
  bool signature_names = true, signature_input_names = false;
  std::vector<std::string> variable_map, set;
  bool guess_outputs = false, json = false, half_weights = false;
  bool use_ema = false, allow_py_func = false, allow_input_pipeline = false, allow_frozen = false;
  bool allow_initializer_overwrite = false;
  bool drop_colocation = false, keep_functions = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage(
      "--input_graph=FILE --input_checkpoint=PREFIX --output_graph=FILE --output_node_names=NAME,NAME…");
  command.Section("Model: one of three");
  command.Add(&flags.input_graph, "input_graph", "The graph: a GraphDef, binary or text.")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.input_meta_graph, "input_meta_graph",
           "A MetaGraphDef, such as the .meta file beside a checkpoint, which is then found by itself. Its "
           "saver says where "
           "each variable's value is.")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.input_saved_model_dir, "input_saved_model_dir",
           "A SavedModel's directory; it brings its own variables, so --input_checkpoint is not needed.")
      .Value("DIR")
      .Path();
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, separated by commas, in any order.")
      .Value("TAG,TAG…");
  command.Add(&flags.input_binary, "input_binary",
              "What TensorFlow's tool needs to be told: that the input files are binary. Here the content "
              "decides, and "
              "a note says if it differs.");

  command.Section("Values");
  command
      .Add(&flags.input_checkpoint, "input_checkpoint",
           "The checkpoint: its prefix (model.ckpt-7), any of its files, the state file 'checkpoint', or its "
           "directory. "
           "Formats V1 and V2.")
      .Value("PREFIX")
      .Path();
  command
      .Add(&flags.input_saver, "input_saver",
           "A SaverDef, binary or text, that names the restore nodes in --input_graph: for checkpoints whose "
           "keys are not "
           "the variables' names. Without it, restore nodes in the graph are found by their op.")
      .Value("FILE")
      .Path();
  command.Add(&flags.checkpoint_version, "checkpoint_version",
              "1 or 2. The content decides; a note says if it differs.");
  command
      .Add(&flags.initializer_nodes, "initializer_nodes",
           "Nodes that give variables which the checkpoint lacks their initial value, if that is the same in "
           "each "
           "run.")
      .Value("NAME,NAME…");

  command.Section("Result");
  command
      .Add(&flags.output_graph, "output_graph",
           "Where the frozen graph goes. Missing directories are made; the file appears when it is whole, "
           "and an old one "
           "stays on any error.")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.output_node_names, "output_node_names",
           "The nodes to keep, with all they need. 'name:0' names its node. Without it, the outputs of the "
           "model's signature.")
      .Value("NAME,NAME…");
  command.Add(&flags.clear_devices, "clear_devices",
              "Forgets on which device each node of the main graph shall run. TensorFlow's tool ignores "
              "=false together "
              "with --input_meta_graph; here it holds.");
  command
      .Add(&flags.allow, "variable_names_whitelist",
           "Freeze only the variables of these names; others stay variables.")
      .Alias("variable_names_allowlist")
      .Value("NAME,NAME…");
  command.Add(&flags.deny, "variable_names_blacklist", "Do not freeze the variables of these names.")
      .Alias("variable_names_denylist")
      .Value("NAME,NAME…");
  command.Add(&flags.restore_op_name, "restore_op_name", "Accepted and ignored, as since TensorFlow 0.12.")
      .Value("NAME");
  command
      .Add(&flags.filename_tensor_name, "filename_tensor_name",
           "Accepted and ignored, as since TensorFlow 0.12.")
      .Value("NAME");

  command.Section("Beyond TensorFlow's tool");
  command
      .Add(&flags.signature, "signature",
           "Freeze what this signature of the MetaGraph or SavedModel gives, instead of --output_node_names.")
      .Value("NAME")
      .Extension();
  command
      .Add(&flags.signature_names, "signature_names",
           "With --signature: give each output a node of the name that it has in the signature. The tensors "
           "that the "
           "signature names are there in any case.")
      .Extension();
  command
      .Add(&flags.signature_input_names, "signature_input_names",
           "Call the placeholders as the signature calls its inputs: x instead of serving_default_x.")
      .Extension();
  command
      .Add(&flags.functions, "functions",
           "What becomes of functions that the outputs run. lower: they are inlined, and If, While and Case "
           "become "
           "Switch, Merge, Enter …, which every TensorFlow loads; inline: If, While and Case stay; keep: "
           "calls stay, "
           "too; auto: lower for SavedModels of TensorFlow 2 and where a variable is handed to a function, "
           "else keep.")
      .Choices({"auto", "lower", "inline", "keep"})
      .Value("FORM")
      .Extension();
  command
      .Add(&flags.output_format, "output_format",
           "pb: binary; pbtxt: text; meta: a MetaGraphDef, with signatures and what else stays true; "
           "saved_model: a new "
           "directory whose large values are variables again, which is the form that has no 2 GiB limit; "
           "saved_model_chunked: a new directory whose large values are chunks of saved_model.cpb.")
      .Choices({"pb", "pbtxt", "meta", "saved_model", "saved_model_chunked"})
      .Value("FORMAT")
      .Extension();
  command.Add(&flags.output_as_text, "output_as_text", "The same as --output_format=pbtxt.").Extension();
  command
      .Add(&flags.compat, "compat",
           "The TensorFlow whose way of writing constants is used: 1.15 lists half and bfloat16 values one "
           "by one, 2.21 "
           "writes them as bytes. Both read both.")
      .Choices({"1.15", "2.21"})
      .Value("RELEASE")
      .Extension();
  command
      .Add(&flags.add_default_attrs, "add_default_attrs",
           "Write out the attributes that each node lacks and its op has defaults for, as the freeze_graph "
           "of that "
           "release does. What 2.21 adds is refused by 1.15; 'no' leaves the graph as loadable as it was.")
      .Choices({"no", "1.15", "2.21"})
      .Value("RELEASE")
      .Extension();
  command
      .Add(&flags.guess_outputs, "guess_outputs",
           "Without --output_node_names and a signature, take what looks most like the graph's results. What "
           "that is, is listed if the flag is not given.")
      .Extension();
  command
      .Add(
          &flags.set, "set",
          "Placeholders that become constants, such as is_training=false; branches that are then never taken "
          "go.")
      .Alias("constants")
      .Value("PLACEHOLDER=VALUE,…")
      .Extension();
  command
      .Add(&flags.variable_map, "variable_map",
           "Pairs variable=key for variables that the checkpoint holds under another name; 'from/*=to/*' "
           "renames a scope; @FILE has a pair in each line. Stronger than everything the files say.")
      .Value("VARIABLE=KEY,…")
      .Extension();
  command
      .Add(&flags.missing, "missing",
           "What to do for variables that the outputs need and the checkpoint lacks: refuse, use the initial "
           "value that "
           "the graph computes, if that is the same in each run, or use zeros.")
      .Choices({"error", "init", "zeros"})
      .Value("WHAT")
      .Extension();
  command
      .Add(&flags.state, "state",
           "What to do with an op that changes a variable and whose value the outputs need: refuse; 'drop' "
           "uses the "
           "variable's frozen value; 'pure' computes what the first run would (AssignSub becomes Sub).")
      .Choices({"error", "drop", "pure"})
      .Value("WHAT")
      .Extension();
  command
      .Add(&flags.tables, "tables",
           "What becomes of lookup tables: 'keep_init' keeps what fills them, with files written into the "
           "graph, as a "
           "node init_all_tables that must be run first; 'bake' makes look-ups gathers from constants; "
           "'leave' keeps "
           "the tables alone, as TensorFlow's tool does; 'error' refuses.")
      .Choices({"keep_init", "bake", "leave", "error"})
      .Value("WHAT")
      .Extension();
  command
      .Add(&flags.use_ema, "use_ema", "Take the moving average of a variable where the checkpoint has one.")
      .Extension();
  command
      .Add(&flags.allow_input_pipeline, "allow_input_pipeline",
           "Keep iterators, queues and readers, for a graph that is fed where they give data (CG137).")
      .Extension();
  command
      .Add(&flags.allow_py_func, "allow_py_func",
           "Keep Python calls, which run only in the program that made them.")
      .Extension();
  command
      .Add(&flags.allow_frozen, "allow_frozen", "A graph without variables is stripped instead of refused.")
      .Extension();
  command
      .Add(&flags.allow_initializer_overwrite, "allow_initializer_overwrite",
           "Let --initializer_nodes replace values that were restored.")
      .Extension();
  command
      .Add(&flags.drop_colocation, "drop_colocation",
           "Do not keep nodes only because a kept node is to be placed with them.")
      .Extension();
  command.Add(&flags.keep_functions, "keep_functions", "Keep library functions that nothing calls.")
      .Extension();
  command
      .Add(&flags.half_weights, "half_weights",
           "Store float constants of 1024 elements and more as half, and cast them when the graph runs: half "
           "the size, and "
           "one way below TensorFlow's limit of 2 GiB.")
      .Extension();
  command.Add(&flags.in_place, "in_place", "Allow --output_graph to be the input file.").Extension();
  command.Add(&flags.verify, "verify", "Check the result before it is written; --verify=off skips that.")
      .Extension();
  command
      .Add(&flags.report, "report",
           "Write which variable came from which key, with type, shape and size, what became of tables, what "
           "looks "
           "like training: as JSON if the file is called .json, else as text.")
      .Value("FILE")
      .Path()
      .Extension();
  command.Add(&flags.json, "json", "Print that report as JSON on stdout.").Extension();
  command.Add(&flags.report_json, "report_json", "The report as JSON, whatever the file is called.")
      .Value("FILE")
      .Path()
      .Extension();

  command.Example(
      "freeze_graph --input_graph=graph.pb --input_checkpoint=model.ckpt-7 --output_graph=frozen.pb "
      "--output_node_names=softmax",
      "From a graph and a checkpoint:");
  command.Example(
      "freeze_graph --input_meta_graph=model.ckpt-7.meta --input_checkpoint=model.ckpt-7 "
      "--output_graph=frozen.pb --output_node_names=softmax",
      "From the .meta file:");
  command.Example(
      "freeze_graph --input_saved_model_dir=export/1 --output_graph=frozen.pb --output_node_names=softmax",
      "From a SavedModel:");
  command.Example(
      "freeze_graph --input_saved_model_dir=export/2 --output_graph=frozen.pb --signature=serving_default",
      "From a SavedModel of TensorFlow 2:");
  command.Epilogue(
      "Exit status",
      "0: the frozen graph is written. 1: it could not be frozen. 2: wrong usage. With 1 and 2 nothing is "
      "written.");
}

absl::Status CheckUsage(const Flags& flags) {
  if (flags.checkpoint_version != 1 && flags.checkpoint_version != 2) {
    return UsageError(
        absl::StrCat("--checkpoint_version=", flags.checkpoint_version,
                     ": checkpoints have version 1 or 2 (CG115)\ntry: leave the flag out, the file tells"));
  }
  RETURN_IF_ERROR(CheckOutputPath(flags.output_graph, {flags.input_graph, flags.input_meta_graph},
                                  flags.in_place, "--output_graph"));
  if (flags.json && flags.output_graph == "-") {
    return UsageError("--json prints to stdout, and so does --output_graph=-\ntry: --report=FILE.json");
  }
  const std::string& directory = flags.input_saved_model_dir;
  if (directory.empty() && !flags.input_graph.empty() && !flags.input_meta_graph.empty()) {
    return UsageError(
        "--input_graph and --input_meta_graph name two graphs, and one is frozen\n"
        "why: TensorFlow's tool merges them, and restores the variables of one while it converts the other\n"
        "try: --input_meta_graph alone, with --input_checkpoint");
  }
  if (flags.signature_input_names && flags.output_format != "pb" && flags.output_format != "pbtxt") {
    return UsageError(
        "--signature_input_names is for plain graphs: a MetaGraph or SavedModel has the signature itself");
  }
  if (directory.empty() && flags.input_graph.empty() && flags.input_meta_graph.empty()) {
    return UsageError(
        "no model to freeze\ntry: --input_graph=FILE, --input_meta_graph=FILE or "
        "--input_saved_model_dir=DIR");
  }
  return absl::OkStatus();
}

absl::StatusOr<FreezeOptions> OptionsOf(const Flags& flags) {
  FreezeOptions options;
  options.outputs = flags.output_node_names;
  options.allow = flags.allow;
  options.deny = flags.deny;
  ASSIGN_OR_RETURN(options.variable_map, ParseVariableMap(flags.variable_map));
  options.initializer_nodes = flags.initializer_nodes;
  options.allow_initializer_overwrite = flags.allow_initializer_overwrite;
  options.state = flags.state == "drop"   ? StatePolicy::kDrop
                  : flags.state == "pure" ? StatePolicy::kPure
                                          : StatePolicy::kError;
  options.missing = flags.missing == "init"    ? MissingPolicy::kInit
                    : flags.missing == "zeros" ? MissingPolicy::kZeros
                                               : MissingPolicy::kError;
  options.tables = flags.tables == "bake"    ? TablePolicy::kBake
                   : flags.tables == "leave" ? TablePolicy::kLeave
                   : flags.tables == "error" ? TablePolicy::kError
                                             : TablePolicy::kKeepInit;
  options.use_ema = flags.use_ema;
  options.allow_py_func = flags.allow_py_func;
  options.allow_frozen = flags.allow_frozen;
  options.allow_input_pipeline = flags.allow_input_pipeline;
  options.drop_colocation = flags.drop_colocation;
  options.keep_functions = flags.keep_functions;
  options.clear_devices = flags.clear_devices;
  options.functions = flags.functions == "lower"    ? FunctionForm::kLower
                      : flags.functions == "inline" ? FunctionForm::kInline
                      : flags.functions == "keep"   ? FunctionForm::kKeep
                                                    : FunctionForm::kAuto;
  return options;
}

// Opens what the flags name.
absl::StatusOr<Model> OpenInput(const Flags& flags) {
  OpenOptions options;
  std::string path = flags.input_graph;
  options.expect = OpenOptions::Expect::kGraphDef;
  if (!flags.input_saved_model_dir.empty()) {
    path = flags.input_saved_model_dir;
    options.expect = OpenOptions::Expect::kSavedModel;
    options.tags = flags.saved_model_tags;
    if (!flags.input_graph.empty()) PrintNote("--input_graph is ignored: the SavedModel has its own graph");
  } else if (!flags.input_meta_graph.empty()) {
    path = flags.input_meta_graph;
    options.expect = OpenOptions::Expect::kMetaGraph;
  }
  if (flags.input_binary_given && options.expect != OpenOptions::Expect::kSavedModel) {
    options.text = !flags.input_binary;
  }
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(path, options, &notes);
  for (const std::string& note : notes) PrintNote(note);
  return model;
}

// The prefix of the checkpoint that "model.ckpt-7.meta" was saved with, if it is there; else an empty string.
std::string CheckpointBeside(const std::string& path) {
  absl::string_view prefix = path;
  if (!absl::ConsumeSuffix(&prefix, ".meta")) return "";
  std::error_code error;
  for (const char* suffix : {".index", ""}) {  // Formats V2 and V1.
    if (std::filesystem::is_regular_file(absl::StrCat(prefix, suffix), error)) return std::string(prefix);
  }
  return "";
}

// The serialized SaverDef of a file, binary or text.
absl::StatusOr<std::string> OpenSaver(const std::string& path) {
  ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  const Sniffed sniffed = Sniff(file->bytes());
  if (sniffed.kind != FileKind::kSaverDef) {
    return absl::InvalidArgumentError(
        absl::StrCat("--input_saver=", path, " is ", Describe(sniffed), ", not a SaverDef (CG108)",
                     sniffed.kind == FileKind::kMetaGraphDef
                         ? "\ntry: --input_meta_graph, whose saver is used by itself"
                         : "\ntry: leave the flag out; restore nodes are found in the graph"));
  }
  if (sniffed.text) return MessageFromText(MessageKind::kSaverDef, file->bytes(), path);
  RETURN_IF_ERROR(CheckWire(file->bytes(), MessageKind::kSaverDef, path));
  return std::string(file->bytes());
}

// TensorFlow's tool imports the graph before it freezes, which adds the defaults to the nodes of the main
// graph.
absl::Status AddDefaultAttributes(Model& model, const std::string& release) {
  ASSIGN_OR_RETURN(PassManager manager,
                   PassManager::Parse(absl::StrCat("add_default_attributes(release=\"", release, "\")")));
  PassContext context(&model, PassOptions());
  RETURN_IF_ERROR(manager.Run(model, context));
  for (const std::string& warning : context.run_report().AllWarnings()) PrintNote(warning);
  return absl::OkStatus();
}

// Says which file `status` speaks of, unless it does.
absl::Status Located(const absl::Status& status, const Model& model, const Checkpoint* checkpoint) {
  if (status.ok() || absl::StrContains(status.message(), model.path)) return status;
  if (checkpoint != nullptr && absl::StrContains(status.message(), checkpoint->prefix())) return status;
  return absl::Status(status.code(), absl::StrCat(model.path, ": ", status.message()));
}

absl::StatusOr<PinnedValues> ParseSet(const std::vector<std::string>& set) {
  PinnedValues values;
  for (const std::string& text : set) {
    absl::StatusOr<std::pair<std::string, std::string>> value = ParsePinnedValue(text);
    if (!value.ok()) return UsageError(absl::StrCat("--set: ", value.status().message()));
    values.push_back(*std::move(value));
  }
  return values;
}

// Does what --set says, and takes away the branches that are then never taken.
absl::Status SetPlaceholders(Model& model, const PinnedValues& values, const FreezeOptions& options,
                             std::vector<std::string>* notes) {
  if (values.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(PinPlaceholders(model.graph(), values));
  PruneOptions prune;
  prune.outputs = options.outputs;
  ASSIGN_OR_RETURN(const PruneReport report, PruneBranches(model, prune));
  if (!report.dead_outputs.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the output '", report.dead_outputs[0],
                     "' is in a branch that is never taken with what --set says (CG133)"));
  }
  notes->push_back(absl::StrCat("--set: ", cli::Counted(values.size(), "placeholder"), " set; ",
                                report.switches + report.functional, " conditionals decided, ",
                                cli::Counted(static_cast<uint64_t>(report.removed), "node"), " never taken"));
  return absl::OkStatus();
}

// Whether TensorFlow can load what is about to be written.
absl::Status CheckResult(Model& model) {
  VerifyOptions options;
  options.container = false;  // Signatures are not part of a GraphDef.
  const std::vector<Finding> findings = Verify(model, options);
  std::vector<std::string> unknown;  // Ops, in the order of their first node.
  for (const Finding& finding : findings) {
    if (finding.code != FindingCode::kUnknownOp || !finding.function.empty()) continue;
    const Node node = model.graph().Find(finding.node);
    if (!node || std::count(unknown.begin(), unknown.end(), node.op()) > 0) continue;
    unknown.emplace_back(node.op());
  }
  for (const std::string& op : unknown) {
    PrintNote(absl::StrCat("op '", op,
                           "' is none of TensorFlow's own; what loads the graph needs its library (CG139)"));
  }
  return FindingsStatus(findings);
}

// Of the signature those tensors that are still there.
void KeepFound(Graph& graph, SignatureUse& use) {
  for (std::vector<SignatureTensor>* side : {&use.inputs, &use.outputs}) {
    side->erase(
        std::remove_if(side->begin(), side->end(),
                       [&](const SignatureTensor& each) { return !graph.Find(NodeNameOf(each.tensor)); }),
        side->end());
  }
}

// --signature_input_names; the report follows.
void RenameInputs(Graph& graph, SignatureUse& use, FreezeReport& report) {
  const std::vector<SignatureTensor> before = use.inputs;
  NameInputs(graph, use.inputs);
  for (std::string& input : report.inputs) {
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i].tensor != input) continue;
      input = use.inputs[i].tensor;
      break;
    }
  }
}

absl::Status Freeze(const Flags& flags) {
  RETURN_IF_ERROR(CheckUsage(flags));
  const std::string format =
      flags.output_as_text && flags.output_format == "pb" ? "pbtxt" : flags.output_format;
  ASSIGN_OR_RETURN(const OutputForm form, ChooseForm(format, flags.output_as_text, flags.output_graph));
  ASSIGN_OR_RETURN(FreezeOptions options, OptionsOf(flags));
  std::unique_ptr<ConstantEvaluator> evaluator;
  if (FindConstantEvaluator() != nullptr) evaluator = FindConstantEvaluator()();
  options.evaluator = evaluator.get();
  ASSIGN_OR_RETURN(const PinnedValues set, ParseSet(flags.set));
  ASSIGN_OR_RETURN(Model model, OpenInput(flags));
  std::vector<std::string> notes;

  const bool saved_model = !flags.input_saved_model_dir.empty();
  // A SavedModel without variables is one that was exported frozen, and TensorFlow's tool takes it.
  if (saved_model && !model.meta_fields.empty()) options.allow_frozen = true;
  if (!flags.input_saver.empty()) {
    ASSIGN_OR_RETURN(options.saver, OpenSaver(flags.input_saver));
  }
  if ((saved_model || !flags.input_saver.empty()) && !options.initializer_nodes.empty()) {
    notes.push_back(
        absl::StrCat("--initializer_nodes is ignored: ", saved_model ? "a SavedModel" : "--input_saver",
                     " says where every value is"));
    options.initializer_nodes.clear();
  }

  std::string checkpoint_path = flags.input_checkpoint;
  if (saved_model || (checkpoint_path.empty() && !model.variables_prefix.empty())) {
    if (!checkpoint_path.empty())
      notes.push_back("--input_checkpoint is ignored: the SavedModel has its own variables");
    checkpoint_path = model.variables_prefix;
  } else if (checkpoint_path.empty() && !CheckpointBeside(model.path).empty()) {
    checkpoint_path = CheckpointBeside(model.path);
    notes.push_back(absl::StrCat("the checkpoint beside the MetaGraph is taken: ", checkpoint_path));
  } else if (checkpoint_path.empty() && !flags.allow_frozen) {
    return UsageError(
        "--input_checkpoint must say where the variables' values are (CG110)\n"
        "try: --input_checkpoint=PREFIX, such as model.ckpt-7");
  }
  if (!checkpoint_path.empty()) {
    ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(checkpoint_path, &notes));
    if (!saved_model && flags.checkpoint_version != checkpoint->version() && flags.checkpoint_version != 2) {
      notes.push_back(absl::StrCat("--checkpoint_version=", flags.checkpoint_version, ", but ",
                                   checkpoint->prefix(), " is of version ", checkpoint->version(),
                                   " and is read as that (CG115)"));
    }
    options.checkpoint = std::move(checkpoint);
  }
  for (const std::string& note : notes) PrintNote(note);
  notes.clear();

  std::vector<SignatureTensor> signature;
  if (!flags.signature.empty()) {
    ASSIGN_OR_RETURN(signature, ChooseSignature(model, flags.signature));
    for (const SignatureTensor& output : signature) {
      const std::string node(NodeNameOf(output.tensor));
      if (std::count(options.outputs.begin(), options.outputs.end(), node) == 0)
        options.outputs.push_back(node);
    }
  }
  if (options.outputs.empty()) {
    ASSIGN_OR_RETURN(options.outputs,
                     ChooseOutputs(model, flags.guess_outputs, "--output_node_names", &notes));
  }
  RETURN_IF_ERROR(CheckNodesExist(model, options.outputs, "--output_node_names"));
  SignatureUse use = UsedSignature(model, flags.signature, options.outputs);
  RETURN_IF_ERROR(Located(SetPlaceholders(model, set, options, &notes), model, nullptr));
  for (const std::string& note : notes) PrintNote(note);
  if (flags.add_default_attrs != "no") RETURN_IF_ERROR(AddDefaultAttributes(model, flags.add_default_attrs));
  const absl::StatusOr<FreezeReport> frozen = FreezeVariables(model, options);
  RETURN_IF_ERROR(Located(frozen.status(), model, options.checkpoint.get()));
  FreezeReport report = *frozen;
  for (const std::string& note : report.notes) PrintNote(note);
  if (flags.half_weights) RETURN_IF_ERROR(StoreWeightsAsHalf(model.graph(), kHalvedElements).status());
  std::vector<std::string> outputs = flags.output_node_names;
  if (flags.signature_names) {
    const std::vector<std::string> named = NameOutputs(model, signature);
    outputs.insert(outputs.end(), named.begin(), named.end());
  }
  if (outputs.empty()) outputs = options.outputs;
  KeepFound(model.graph(), use);
  if (flags.signature_input_names) RenameInputs(model.graph(), use, report);
  if (flags.verify) RETURN_IF_ERROR(Located(CheckResult(model), model, nullptr));

  OutputOptions output;
  output.form = form;
  output.inputs = report.inputs;
  output.outputs = outputs;
  output.tensor_form = flags.compat == "1.15" ? TensorForm::kTensorFlow1 : TensorForm::kTensorFlow2;
  RETURN_IF_ERROR(WriteModel(model, flags.output_graph, output).status());
  if (!flags.report_json.empty())
    RETURN_IF_ERROR(WriteFile(flags.report_json, FreezeReportJson(report, use)));
  if (!flags.report.empty()) {
    const bool json = absl::EndsWith(flags.report, ".json");
    RETURN_IF_ERROR(
        WriteFile(flags.report, json ? FreezeReportJson(report, use) : FreezeReportText(report, use)));
  }
  if (flags.json) std::fputs(FreezeReportJson(report, use).c_str(), stdout);
  std::fprintf(stderr, "%s\n", report.Summary().c_str());
  if (const std::string line = use.Text(); !line.empty()) std::fprintf(stderr, "%s\n", line.c_str());
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command(
      "freeze_graph", Family::kPython,
      "turns a graph and the values of its variables into one GraphDef of constants, without TensorFlow.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  flags.input_binary_given = command.Given("input_binary");
  return cli::Finish(Freeze(flags));
}

CRYOGRAPH_REGISTER_TOOL(freeze_graph, "A graph and its checkpoint become one graph of constants.", Run);

}  // namespace
}  // namespace cryograph

// transform_graph: a model goes through a pipeline of passes. Flags and notation are those of TensorFlow's
// Graph Transform Tool, and more.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "graph/finding.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/verify.h"
#include "tools/cli.h"
#include "tools/model_names.h"
#include "tools/model_output.h"
#include "tools/pipeline_checks.h"
#include "transforms/instrument/bisect.h"
#include "transforms/instrument/dump.h"
#include "transforms/instrument/reproducer.h"
#include "transforms/instrument/timing.h"
#include "transforms/pass_manager.h"
#include "transforms/registry.h"
#include "transforms/spec.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::PrintNote;
using cli::PrintWarning;
using cli::UsageError;

struct Flags {
  std::string in_graph, out_graph, transforms;
  std::vector<std::string> inputs, outputs;
  bool output_as_text = false;

  std::string transforms_file, saved_model_tags, output_format = "pb";
  std::vector<std::string> keep;
  bool compat = false, strict_compat = false, bisect = false;
  bool remarks = false, timing = false;
  std::string verify = "load";
  std::unique_ptr<PipelineChecks> checks;  // Null: not linked.
  std::string report_json, dump_dir, reproducer_dir;
  int64_t bisect_limit = -1;
  std::vector<std::string> skip_passes;
  bool list_passes = false, passes_markdown = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage(
      "--in_graph=FILE --out_graph=FILE --inputs=NAME,… --outputs=NAME,… --transforms='PASS "
      "PASS(key=value)…'");
  command.Section("Model");
  command
      .Add(&flags.in_graph, "in_graph",
           "The model to read: GraphDef or MetaGraphDef, binary or text, or a SavedModel's directory. The "
           "content "
           "decides what it is.")
      .Value("FILE")
      .Path();
  command
      .Add(&flags.out_graph, "out_graph",
           "Where the resulting GraphDef goes; may be --in_graph. Missing directories are made; the file "
           "appears when it "
           "is whole, and an old one stays on any error.")
      .Value("FILE")
      .Path();
  command.Add(&flags.inputs, "inputs", "Nodes that are fed when the graph runs. Passes keep their names.")
      .Value("NAME,NAME…");
  command
      .Add(&flags.outputs, "outputs", "Nodes that are fetched when the graph runs. Passes keep their names.")
      .Value("NAME,NAME…");
  command.Add(&flags.output_as_text, "output_as_text", "Write text (pbtxt) instead of binary.");
  command
      .Add(
          &flags.output_format, "output_format",
          "pb: binary; pbtxt: text, as --output_as_text; meta: a MetaGraphDef; saved_model: a new directory "
          "whose large values are variables, which is the form that has no 2 GiB limit; saved_model_chunked: "
          "a new directory whose large values are chunks of saved_model.cpb. --inputs and --outputs become "
          "the signature.")
      .Choices({"pb", "pbtxt", "meta", "saved_model", "saved_model_chunked"})
      .Value("FORMAT")
      .Extension();
  command
      .Add(&flags.saved_model_tags, "saved_model_tags",
           "Tags of the SavedModel's graph, if it has several; separated by commas, in any order.")
      .Value("TAG,TAG…")
      .Extension();
  command.Add(&flags.keep, "keep", "Further nodes whose names are kept.").Value("NAME,NAME…").Extension();

  command.Section("Pipeline");
  command
      .Add(
          &flags.transforms, "transforms",
          "The passes, separated by blanks; parameters in parentheses: 'strip_unused_nodes "
          "remove_nodes(op=Identity)'. "
          "Every pass takes ignore_errors=true. repeat{…} repeats until nothing changes; # begins a comment.")
      .Value("SPEC");
  command.Add(&flags.transforms_file, "transforms_file", "A file that holds what --transforms would.")
      .Value("FILE")
      .Path()
      .Extension();
  command
      .Add(&flags.compat, "compat",
           "Give what TensorFlow's tool gives where it is wrong but somebody needs its bytes. Unknown "
           "parameters and "
           "unknown outputs are warnings then.")
      .Extension();
  command.Add(&flags.strict_compat, "strict_compat", "Read --transforms exactly as TensorFlow's tool does.")
      .Extension();
  command.Add(&flags.list_passes, "list_passes", "Print every pass in one line, and end.").Extension();
  command.Add(&flags.passes_markdown, "passes_markdown", "Print the description of every pass, and end.")
      .Extension();

  command.Section("Watching it work");
  command.Add(&flags.timing, "timing", "A table of the steps with their time, on stderr.").Extension();
  command.Add(&flags.remarks, "remarks", "The table, and what each pass left alone and why, on stderr.")
      .Extension();
  command.Add(&flags.report_json, "report_json", "Write the table and the remarks as JSON.")
      .Value("FILE")
      .Path()
      .Extension();
  const std::string load_help =
      "off: write the result as it is. load: check as lint does that TensorFlow can load it, and write "
      "nothing if it "
      "cannot. (Names, edges and cycles are checked after every pass in any case.)";
  if (flags.checks == nullptr) {
    command.Add(&flags.verify, "verify", load_help)
        .Choices({"off", "load"})
        .Bare("load")
        .Value("WHEN")
        .Extension();
  } else {
    command
        .Add(&flags.verify, "verify",
             absl::StrCat(
                 load_help,
                 " end: also run the model before and after the pipeline on the same inputs, and write "
                 "nothing if --outputs differ. each: compare after every pass, and name the one that "
                 "changes them."))
        .Choices({"off", "load", "end", "each"})
        .Bare("each")
        .Value("WHEN")
        .Extension();
    command
        .Add(&flags.bisect, "bisect",
             "Write nothing; find the first step of the pipeline that changes --outputs, and the fewest "
             "nodes in "
             "which it does. Exit status 1 if there is one.")
        .Extension();
    flags.checks->Declare(command);
  }
  command.Add(&flags.dump_dir, "dump_dir", "Write the graph as text into this directory after each pass.")
      .Value("DIR")
      .Path()
      .Extension();
  command
      .Add(&flags.reproducer_dir, "reproducer_dir",
           "When a pass fails, write into this directory the graph that it got and the spec that remains.")
      .Value("DIR")
      .Path()
      .Extension();
  command
      .Add(&flags.bisect_limit, "bisect_limit",
           "Run only the first N steps, to find the pass that breaks a model; -1 runs all.")
      .Value("N")
      .AtLeast(-1)
      .Extension();
  command.Add(&flags.skip_passes, "skip_passes", "Passes of the pipeline that are not run.")
      .Value("PASS,PASS…")
      .Extension();

  command.Example(
      "transform_graph --in_graph=frozen.pb --out_graph=lean.pb --inputs=image --outputs=softmax \\\n"
      "  --transforms='strip_unused_nodes remove_nodes(op=Identity) sort_by_execution_order'",
      "Keep what inference needs:");
  command.Example(
      "transform_graph --in_graph=model.ckpt-7.meta --out_graph=frozen.pb --outputs=softmax \\\n"
      "  --transforms='freeze_variables(checkpoint=model.ckpt-7) remove_device'",
      "Freeze on the way:");
  command.Epilogue(
      "Exit status",
      "0: the result is written. 1: it could not be made, or --verify or --bisect found that outputs "
      "change. 2: wrong usage, a wrong spec "
      "included. With 1 and 2 "
      "nothing is written. (TensorFlow's tool ends with 255 on every failure.)");
}

absl::StatusOr<std::string> SpecText(const Flags& flags) {
  if (flags.transforms_file.empty()) return flags.transforms;
  if (!flags.transforms.empty()) return UsageError("--transforms and --transforms_file give two pipelines");
  ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, MappedFile::Open(flags.transforms_file));
  return std::string(file->bytes());
}

// The status of a spec that cannot be read is a usage error, and says in which file it stands.
absl::Status SpecStatus(const absl::Status& status, const Flags& flags) {
  if (flags.transforms_file.empty()) return UsageError(status.message());
  return UsageError(absl::StrCat(flags.transforms_file, ": ", status.message()));
}

absl::StatusOr<std::vector<TensorName>> TensorNames(const std::vector<std::string>& texts,
                                                    absl::string_view flag) {
  std::vector<TensorName> names;
  for (const std::string& text : texts) {
    absl::StatusOr<TensorName> name = ParseTensorName(text);
    if (!name.ok()) return UsageError(absl::StrCat(flag, ": ", name.status().message()));
    names.push_back(*std::move(name));
  }
  return names;
}

bool MakesNames(const std::vector<SpecItem>& items) {
  for (const SpecItem& item : items) {
    if (item.name == "rename_node" || MakesNames(item.body)) return true;
  }
  return false;
}

// The checkpoint that the pipeline freezes from, if it takes the values as they are.
std::string FrozenFrom(const std::vector<SpecItem>& items) {
  static constexpr absl::string_view kHarmless[] = {
      "checkpoint",    "drop_colocation",      "functions",        "ignore_errors", "keep_functions",
      "allow_py_func", "allow_input_pipeline", "max_inlined_nodes"};
  for (const SpecItem& item : items) {
    if (item.name != "freeze_variables") continue;
    std::string checkpoint;
    for (const SpecParam& param : item.params) {
      if (std::find(std::begin(kHarmless), std::end(kHarmless), param.key) == std::end(kHarmless)) return "";
      if (param.key == "checkpoint") checkpoint = param.value;
    }
    return cli::ExpandHome(checkpoint);
  }
  return "";
}

absl::Status CheckPassNames(const std::vector<std::string>& names, absl::string_view flag) {
  for (const std::string& name : names) {
    const absl::Status status = PassRegistry::Global().Create(name).status();
    if (!status.ok()) return UsageError(absl::StrCat(flag, ": ", status.message()));
  }
  return absl::OkStatus();
}

void AddHooks(const Flags& flags, PassManager& manager) {
  if (flags.bisect_limit >= 0) manager.Add(std::make_unique<BisectLimit>(flags.bisect_limit));
  if (!flags.skip_passes.empty()) manager.Add(std::make_unique<SkipPasses>(flags.skip_passes));
  if (flags.timing || !flags.report_json.empty()) manager.Add(std::make_unique<Timing>());
  if (!flags.dump_dir.empty()) manager.Add(std::make_unique<Dump>(flags.dump_dir));
  if (!flags.reproducer_dir.empty()) manager.Add(std::make_unique<Reproducer>(flags.reproducer_dir));
}

absl::Status Transform(const Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the model to read");
  if (!flags.bisect) RETURN_IF_ERROR(CheckOutputPath(flags.out_graph, {}, true, "--out_graph"));
  if (flags.transforms.empty() && flags.transforms_file.empty()) {
    return UsageError("--transforms must name at least one pass\ntry: transform_graph --list_passes");
  }
  const std::string format =
      flags.output_as_text && flags.output_format == "pb" ? "pbtxt" : flags.output_format;
  ASSIGN_OR_RETURN(const OutputForm form, ChooseForm(format, flags.output_as_text, flags.out_graph));
  ASSIGN_OR_RETURN(const std::string spec, SpecText(flags));
  ParseOptions parse;
  parse.compat = flags.compat;
  parse.strict_compat = flags.strict_compat;
  absl::StatusOr<PassManager> manager = PassManager::Parse(spec, parse);
  if (!manager.ok()) return SpecStatus(manager.status(), flags);
  if (manager->empty()) return SpecStatus(absl::InvalidArgumentError("the spec names no pass"), flags);

  RETURN_IF_ERROR(CheckPassNames(flags.skip_passes, "--skip_passes"));
  PassOptions options;
  ASSIGN_OR_RETURN(options.inputs, TensorNames(flags.inputs, "--inputs"));
  ASSIGN_OR_RETURN(options.outputs, TensorNames(flags.outputs, "--outputs"));
  options.keep = flags.keep;
  options.compat = flags.compat;
  options.resolve_path = cli::ExpandHome;
  std::unique_ptr<ConstantEvaluator> evaluator;
  if (const ConstantEvaluatorFactory make = FindConstantEvaluator()) evaluator = make();
  options.evaluator = evaluator.get();

  std::vector<std::string> notes;
  OpenOptions open;
  open.tags = flags.saved_model_tags;
  absl::StatusOr<Model> opened = OpenModel(flags.in_graph, open, &notes);
  for (const std::string& note : notes) PrintNote(note);
  RETURN_IF_ERROR(opened.status());
  Model model = *std::move(opened);

  // A pass may make the node that an output means.
  if (!MakesNames(manager->spec().items)) {
    const absl::Status status = CheckNodesExist(model, flags.outputs, "--outputs");
    if (!status.ok() && !flags.compat) return status;
    if (!status.ok()) PrintWarning(status.message());
  }
  const PipelineChecks::Subject subject{flags.inputs, flags.outputs, FrozenFrom(manager->spec().items)};
  if (flags.bisect) return flags.checks->Bisect(model, spec, parse, options, subject);
  const int nodes_before = model.graph().num_nodes();
  PassContext context(&model, std::move(options));
  AddHooks(flags, *manager);
  PipelineChecks::Verification verification;
  if (flags.verify == "each" || flags.verify == "end") {
    verification = flags.checks->Verify(flags.verify == "each", subject);
    manager->Add(std::move(verification.hook));
  }
  const absl::Status run = manager->Run(model, context);
  const RunReport& report = context.run_report();
  for (const std::string& warning : report.AllWarnings()) PrintWarning(warning);
  if (flags.remarks || flags.timing) {
    const std::string table = report.Table(flags.remarks);
    std::fwrite(table.data(), 1, table.size(), stderr);
  }
  if (!flags.report_json.empty()) RETURN_IF_ERROR(WriteFile(flags.report_json, report.Json()));
  if (!run.ok()) return absl::Status(run.code(), absl::StrCat(flags.in_graph, ": ", run.message()));
  if (!flags.compat) RETURN_IF_ERROR(CheckNodesExist(model, flags.outputs, "--outputs"));

  if (verification.summary) std::fputs(verification.summary().c_str(), stderr);
  if (flags.verify != "off") {
    VerifyOptions verify;
    verify.container = false;  // Signatures are not part of a GraphDef.
    const absl::Status status = FindingsStatus(Verify(model, verify));
    if (!status.ok() && !flags.compat) {
      return absl::Status(status.code(),
                          absl::StrCat(flags.in_graph, ": the result cannot be loaded: ", status.message(),
                                       "\ntry: --verify=off writes it all the same"));
    }
    if (!status.ok()) PrintWarning(absl::StrCat("the result cannot be loaded: ", status.message()));
  }

  OutputOptions output;
  output.form = form;
  output.inputs = flags.inputs;
  output.outputs = flags.outputs;
  if (form == OutputForm::kBinary && HasTextSuffix(flags.out_graph)) {
    PrintNote(absl::StrCat(flags.out_graph, " is binary in spite of its name; --output_as_text writes text"));
  }
  ASSIGN_OR_RETURN(const uint64_t size, WriteModel(model, flags.out_graph, output));
  std::fprintf(stderr, "transformed %s into %s (%s)\n", cli::Counted(nodes_before, "node").c_str(),
               cli::Counted(model.graph().num_nodes(), "node").c_str(), cli::BytesText(size).c_str());
  return absl::OkStatus();
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  if (const PipelineChecksFactory make = FindPipelineChecks()) flags.checks = make();
  Command command("transform_graph", Family::kCpp,
                  "runs passes over a TensorFlow model, without TensorFlow.");
  Declare(flags, command);
  command.Epilogue("Passes", [] { return PassRegistry::Global().Summary(); });
  if (std::optional<int> status = command.Parse(args)) return *status;
  if (flags.list_passes || flags.passes_markdown) {
    const std::string text =
        flags.list_passes ? PassRegistry::Global().Summary() : PassRegistry::Global().Markdown();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return cli::Finish(absl::OkStatus());
  }
  return cli::Finish(Transform(flags));
}

CRYOGRAPH_REGISTER_TOOL(transform_graph, "A model goes through a pipeline of passes.", Run);

}  // namespace
}  // namespace cryograph

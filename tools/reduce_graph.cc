// reduce_graph: the smallest graph that still shows a failure.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/variable_keys.h"
#include "graph/finding.h"
#include "graph/model.h"
#include "graph/open.h"
#include "tools/cli.h"
#include "tools/model_names.h"
#include "tools/model_output.h"
#include "tools/model_state.h"
#include "tools/output_check.h"
#include "tools/reduce_model.h"
#include "tools/reduction_check.h"
#include "tools/seen_tensors.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::UsageError;

struct Flags {
  std::string in_graph, out_graph, tags, transforms, lint, message;
  std::vector<std::string> inputs, outputs;
  CommandCheckOptions command;
  int64_t exit_code = -1;
  bool run = false, json = false;
  double stop_after = 0;
  OutputCheckFlags check;
};

void Declare(Flags& flags, Command& command) {
  command.Usage(
      "--in_graph=FILE --out_graph=FILE (--transforms=SPEC | --run | --lint=CODE | --command=LINE)");
  command.Section("Model");
  command.Add(&flags.in_graph, "in_graph", "The model that shows the failure.")
      .Path()
      .Value("FILE")
      .Extension();
  command.Add(&flags.out_graph, "out_graph", "Where the small one goes; text if it is named .pbtxt.")
      .Path()
      .Value("FILE")
      .Extension();
  command.Add(&flags.tags, "tags", "Tags of a SavedModel's graph, if it has several.")
      .Value("TAG,TAG…")
      .Extension();
  command.Add(&flags.outputs, "outputs", "Tensors that are computed; default: the outputs of the signatures.")
      .Value("NAME,NAME…")
      .Extension();
  command.Add(&flags.inputs, "inputs", "Tensors that are fed besides every Placeholder.")
      .Value("NAME,NAME…")
      .Extension();
  command.Section("The failure: one of");
  command
      .Add(&flags.transforms, "transforms",
           "These transforms change the outputs, fail, or leave a graph that cannot be run.")
      .Value("SPEC")
      .Extension();
  command.Add(&flags.run, "run", "A run fails, with the message that the whole graph's has.").Extension();
  command.Add(&flags.lint, "lint", "lint has a finding of this code.").Value("L107").Extension();
  command
      .Add(&flags.command.command, "command",
           "This line for the shell, {} in it being the graph's file, ends with another exit status than 0.")
      .Value("LINE")
      .Extension();
  command.Section("More of it");
  command.Add(&flags.message, "message", "--run: what the message must have in it, instead.")
      .Value("TEXT")
      .Extension();
  command
      .Add(&flags.exit_code, "exit_code", "--command: the exit status that shows the failure; 0 is possible.")
      .AtLeast(-1)
      .Extension();
  command
      .Add(&flags.command.time_limit, "command_time_limit",
           "--command: seconds after which it is killed, and the graph shows no failure; 0: none.")
      .Extension();
  command.Section("Inputs and tolerance");
  DeclareOutputCheck(flags.check, "", command);
  command.Section("Result");
  command
      .Add(&flags.stop_after, "stop_after",
           "Seconds after which the smallest graph so far is taken; 0: when it becomes no smaller.")
      .Extension();
  command.Add(&flags.json, "json", "Print JSON.").Extension();
  command.Example(
      "reduce_graph --in_graph=model.pb --out_graph=small.pbtxt --outputs=probs "
      "--transforms='fold_batch_norms'",
      "Why do these transforms change the outputs?");
  command.Example("reduce_graph --in_graph=model.pb --out_graph=small.pbtxt --outputs=y --run",
                  "Why can it not be run?");
  command.Example("reduce_graph --in_graph=model.pb --out_graph=small.pb --command='! ./my_converter {}'",
                  "");
  command.Epilogue("Exit status",
                   "0: the small graph is written. 1: the whole graph shows no failure. 2: wrong usage, or a "
                   "file that cannot be read or written.");
}

absl::StatusOr<std::unique_ptr<ReductionCheck>> MakeCheck(const Flags& flags) {
  const int given = (flags.transforms.empty() ? 0 : 1) + (flags.run ? 1 : 0) + (flags.lint.empty() ? 0 : 1) +
                    (flags.command.command.empty() ? 0 : 1);
  if (given != 1) {
    return UsageError(absl::StrCat(given == 0 ? "no failure is named" : "several failures are named",
                                   "\ntry: one of --transforms, --run, --lint and --command"));
  }
  if (!flags.message.empty() && !flags.run) return UsageError("--message is for --run");
  if (!flags.transforms.empty()) {
    const absl::Status spec = PassManager::Parse(flags.transforms, ParseOptions()).status();
    if (!spec.ok()) return UsageError(spec.message());
    return TransformCheck(flags.transforms, flags.inputs, flags.check);
  }
  if (flags.run) return RunCheck(flags.message, flags.inputs, flags.check);
  if (!flags.lint.empty()) {
    for (const FindingKind& kind : FindingKinds()) {
      if (CodeText(kind.code) == flags.lint) return LintCheck(flags.lint);
    }
    return UsageError(absl::StrCat("--lint: no finding has the code '", flags.lint, "'\ntry: lint --list"));
  }
  CommandCheckOptions options = flags.command;
  options.exit_code = static_cast<int>(flags.exit_code);
  options.text = HasTextSuffix(flags.out_graph);
  absl::StatusOr<std::unique_ptr<ReductionCheck>> check = CommandCheck(std::move(options));
  if (absl::IsInvalidArgument(check.status())) return UsageError(check.status().message());
  return check;
}

absl::StatusOr<Model> Open(const Flags& flags) {
  OpenOptions open;
  open.tags = flags.tags;
  std::vector<std::string> notes;
  absl::StatusOr<Model> model = OpenModel(flags.in_graph, open, &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  return model;
}

absl::StatusOr<std::vector<std::string>> Outputs(const Flags& flags, Model& model, bool needed) {
  std::vector<std::string> outputs = flags.outputs;
  if (outputs.empty() && needed) {
    outputs = SignatureOutputTensors(model);
    if (outputs.empty()) return NoOutputsGiven(model, "--outputs");
  }
  RETURN_IF_ERROR(CheckNodesExist(model, outputs, "--outputs"));
  return outputs;
}

// The flags of a check that are not its defaults, as a command line has them.
std::string OutputCheckText(const OutputCheckFlags& flags, const std::string& checkpoint,
                            absl::string_view prefix, absl::string_view feed) {
  const OutputCheckFlags usual;
  std::string text;
  const auto add = [&](absl::string_view name, const auto& value, const auto& default_value) {
    if (value != default_value) absl::StrAppend(&text, " --", prefix, name, "=", value);
  };
  for (const std::string& each : flags.feeds)
    absl::StrAppend(&text, " --", prefix, feed, "=", ShellWord(each));
  add("checkpoint", checkpoint, usual.checkpoint);
  add("init_nodes", absl::StrJoin(flags.init_nodes, ","), "");
  add("seed", flags.seed, usual.seed);
  add("batches", flags.batches, usual.batches);
  add("batch_size", flags.batch_size, usual.batch_size);
  add("atol", flags.atol, usual.atol);
  add("rtol", flags.rtol, usual.rtol);
  add("ulps", flags.ulps, usual.ulps);
  return text;
}

// How to see the failure again.
std::string Again(const Flags& flags, ReducedModel& reduced, const std::string& checkpoint) {
  const std::vector<std::string> inputs = InputsOf(reduced.model, flags.inputs, reduced.outputs);
  const std::vector<std::string>& outputs = reduced.outputs;
  const std::string named = outputs.empty() ? "" : absl::StrCat(" --outputs=", absl::StrJoin(outputs, ","));
  if (!flags.transforms.empty()) {
    return absl::StrCat(
        "transform_graph --in_graph=", flags.out_graph, " --out_graph=/dev/null",
        inputs.empty() ? "" : absl::StrCat(" --inputs=", absl::StrJoin(inputs, ",")), named,
        " --transforms=", ShellWord(flags.transforms), " --verify",
        OutputCheckText(FeedsOf(reduced.model, flags.check), checkpoint, "verify_", "inputs"));
  }
  if (flags.run) {
    return absl::StrCat("verify_graph ", flags.out_graph, " ", flags.out_graph, named,
                        OutputCheckText(FeedsOf(reduced.model, flags.check), checkpoint, "", "feed"));
  }
  if (!flags.lint.empty()) return absl::StrCat("lint ", flags.out_graph);
  return absl::StrReplaceAll(flags.command.command, {{"{}", ShellWord(flags.out_graph)}});
}

void Print(const Flags& flags, ReducedModel& reduced, int nodes_before, uint64_t bytes,
           const std::string& failure, const std::string& checkpoint) {
  const std::string again = Again(flags, reduced, checkpoint);
  const int nodes = reduced.model.graph().num_nodes();
  if (flags.json) {
    std::vector<std::string> outputs;
    for (const std::string& output : reduced.outputs) outputs.push_back(cli::JsonString(output));
    std::printf(
        "{\"failure\": %s, \"nodes_before\": %d, \"nodes\": %d, \"bytes\": %llu, \"outputs\": [%s], "
        "\"tries\": "
        "%d, \"complete\": %s, \"again\": %s}\n",
        cli::JsonString(failure).c_str(), nodes_before, nodes, static_cast<unsigned long long>(bytes),
        absl::StrJoin(outputs, ", ").c_str(), reduced.tries, reduced.complete ? "true" : "false",
        cli::JsonString(again).c_str());
    return;
  }
  std::printf("%s: %s of %d, %s, after %s%s\n  again: %s\n", failure.c_str(),
              cli::Counted(static_cast<uint64_t>(nodes), "node").c_str(), nodes_before,
              cli::BytesText(bytes).c_str(),
              reduced.tries == 1 ? "1 try" : absl::StrCat(reduced.tries, " tries").c_str(),
              reduced.complete ? "" : " (the time was over; it may become smaller yet)", again.c_str());
}

// "small.ckpt" for "small.pbtxt".
std::string CheckpointBeside(const std::string& graph) {
  const size_t dot = graph.rfind('.'), slash = graph.rfind('/');
  const bool has_suffix = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return absl::StrCat(has_suffix ? graph.substr(0, dot) : graph, ".ckpt");
}

// Writes the values of the variables that are left into a checkpoint beside the graph, by the variables' own
// names. Returns its prefix; empty if there is nothing to write.
absl::StatusOr<std::string> WriteVariables(const Flags& flags, Model& reduced) {
  if (flags.check.state == nullptr || flags.check.state->checkpoint() == nullptr) return "";
  ASSIGN_OR_RETURN(const ModelState state, flags.check.state->For(reduced));
  const std::string prefix = CheckpointBeside(flags.out_graph);
  std::unique_ptr<BundleWriter> writer;
  for (const VariableValue& variable : state.variables()) {
    const Node node = reduced.graph().Find(variable.variable);
    if (!node || !IsVariableOp(node.op())) continue;
    if (writer == nullptr) {
      ASSIGN_OR_RETURN(writer, BundleWriter::Create(prefix));
    }
    ASSIGN_OR_RETURN(auto value, state.checkpoint()->Source(variable.key, variable.slice_spec));
    RETURN_IF_ERROR(writer->Add(variable.variable, std::move(value)));
  }
  if (writer == nullptr) return "";
  RETURN_IF_ERROR(writer->Finish());
  return prefix;
}

// Whether the file that was written shows the failure by itself, without what stood beside the whole graph.
absl::Status CheckResult(const Flags& flags, const std::string& checkpoint,
                         const std::vector<std::string>& outputs, const std::string& failure) {
  Flags of_result = flags;
  of_result.in_graph = flags.out_graph;
  of_result.tags.clear();
  of_result.check.checkpoint = checkpoint;
  of_result.check.state = nullptr;
  ASSIGN_OR_RETURN(const std::unique_ptr<ReductionCheck> check, MakeCheck(of_result));
  ASSIGN_OR_RETURN(const Model model, Open(of_result));
  if (check->Failure(model, outputs) != failure) {
    cli::PrintWarning(absl::StrCat(flags.out_graph, " does not show the failure by itself, only with what ",
                                   flags.in_graph, " has beside its graph"));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Reduce(Flags& flags) {
  if (flags.in_graph.empty()) return UsageError("--in_graph must name the model to read");
  RETURN_IF_ERROR(CheckOutputPath(flags.out_graph, {flags.in_graph}, false, "--out_graph"));
  OutputOptions output;
  ASSIGN_OR_RETURN(output.form, ChooseForm("auto", false, flags.out_graph));
  RETURN_IF_ERROR(MakeCheck(flags).status());
  ASSIGN_OR_RETURN(Model model, Open(flags));
  if (flags.run || !flags.transforms.empty()) {
    std::vector<std::string> notes;
    ASSIGN_OR_RETURN(flags.check.state, FindState(model, flags.check, &notes));
    for (const std::string& note : notes) cli::PrintNote(note);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<ReductionCheck> check, MakeCheck(flags));
  ASSIGN_OR_RETURN(const std::vector<std::string> outputs, Outputs(flags, model, check->needs_outputs()));
  const int nodes_before = model.graph().num_nodes();

  const std::string failure = check->Failure(model, outputs);
  if (failure.empty() && !check->reason().empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("whether ", flags.in_graph, " shows the failure cannot be told: ", check->reason()));
  }
  if (failure.empty()) return false;
  std::fprintf(stderr, "%s: %s\n", cli::Counted(static_cast<uint64_t>(nodes_before), "node").c_str(),
               failure.c_str());
  ReduceOptions options;
  options.by_outputs = !outputs.empty();
  options.shows = [&](const Model& candidate, const std::vector<std::string>& of) {
    return check->Failure(candidate, of) == failure;
  };
  if (!outputs.empty()) {
    options.initializers = TableInitializers(model);
    options.initializers.insert(options.initializers.end(), flags.check.init_nodes.begin(),
                                flags.check.init_nodes.end());
    options.watch = [&](Model& watched, const std::vector<std::string>& of) {
      return WatchRun(watched, InputsOf(watched, flags.inputs, of), of, flags.check);
    };
  }
  if (flags.stop_after > 0) options.end = absl::Now() + absl::Seconds(flags.stop_after);
  options.progress = [](const std::string& step, int nodes, int tries) {
    std::fprintf(stderr, "  %s: %s left, %d tries\n", step.c_str(),
                 cli::Counted(static_cast<uint64_t>(nodes), "node").c_str(), tries);
  };
  ReducedModel reduced = ReduceModel(model, outputs, options);
  output.allow_defects = check->allows_defects();
  ASSIGN_OR_RETURN(const std::string checkpoint, WriteVariables(flags, reduced.model));
  ASSIGN_OR_RETURN(const uint64_t bytes, WriteModel(reduced.model, flags.out_graph, output));
  if (!outputs.empty()) {
    RETURN_IF_ERROR(CheckResult(flags, checkpoint, reduced.outputs, failure));
  }
  Print(flags, reduced, nodes_before, bytes, failure, checkpoint);
  return true;
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("reduce_graph", Family::kCpp, "makes a graph small that shows a failure.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  const absl::StatusOr<bool> reduced = Reduce(flags);
  if (!reduced.ok()) {
    cli::PrintError(reduced.status());
    return cli::kUsage;
  }
  if (!*reduced) {
    cli::PrintError(absl::FailedPreconditionError(
        absl::StrCat(flags.in_graph,
                     " does not show the failure\ntry: the check by itself, with the same inputs: --feed")));
    return cli::kFailure;
  }
  return cli::Finish(absl::OkStatus());
}

CRYOGRAPH_REGISTER_TOOL(reduce_graph, "The smallest graph that still shows a failure.", Run);

}  // namespace
}  // namespace cryograph

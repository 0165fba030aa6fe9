#include "tools/bisect_pipeline.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "tools/delta_debugging.h"
#include "tools/pipeline_trial.h"
#include "transforms/report.h"

namespace cryograph {
namespace {

constexpr int kMostRuns = 2000;  // Of the model, while rewrites are narrowed down.

std::string NodeText(Node node) {
  std::string text = absl::StrCat(node.op(), "\n", node.device());
  for (int i = 0; i < node.num_inputs(); ++i) {
    absl::StrAppend(&text, "\n", node.input_node(i).name(), ":", node.input(i).index);
  }
  for (const ControlEdge& edge : node.control_inputs()) {
    absl::StrAppend(&text, "\n^", node.graph().node(edge.node).name());
  }
  std::vector<std::pair<absl::string_view, AttrView>> attrs;
  node.GetAttrs(&attrs);
  for (const auto& [key, value] : attrs) {
    if (value.tensor_source() == nullptr) absl::StrAppend(&text, "\n", key, "=", value.bytes());
  }
  return text;
}

std::vector<std::string> ChangedNodes(Model& before, Model& after) {
  std::vector<std::string> changed;
  for (Node node : before.graph().nodes()) {
    const Node other = after.graph().Find(node.name());
    if (!other || NodeText(node) != NodeText(other)) changed.emplace_back(node.name());
  }
  return changed;
}

std::vector<std::string> Without(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  std::vector<std::string> rest;
  for (const std::string& each : all) {
    if (std::find(some.begin(), some.end(), each) == some.end()) rest.push_back(each);
  }
  return rest;
}

// The fewest nodes that must be free for the outputs to differ.
std::vector<std::string> FewestRewrites(PipelineTrial& trial, const std::vector<std::string>& all) {
  return SmallestPart<std::string>(
      all,
      [&](const std::vector<std::string>& free) {
        const absl::StatusOr<PipelineTrial::Outcome> outcome =
            trial.Run(PipelineTrial::kAllSteps, Without(all, free));
        return outcome.ok() && !outcome->report.ok();
      },
      [&] { return trial.runs() < kMostRuns; });
}

}  // namespace

absl::StatusOr<BisectResult> BisectPipeline(const Model& model, const std::string& spec,
                                            const ParseOptions& parse, const PassOptions& options,
                                            const ReferenceOutputs& reference,
                                            const OutputCheckFlags& flags) {
  PipelineTrial trial(model, spec, parse, options, reference, flags);
  BisectResult result;
  ASSIGN_OR_RETURN(PipelineTrial::Outcome whole, trial.Run(PipelineTrial::kAllSteps));
  if (whole.report.ok()) {
    result.runs = trial.runs();
    return result;
  }
  // After `good` steps the outputs agree, after `bad` they do not.
  int good = 0, bad = static_cast<int>(whole.steps.size());
  PipelineTrial::Outcome broken = std::move(whole);
  while (bad - good > 1) {
    const int middle = good + (bad - good) / 2;
    ASSIGN_OR_RETURN(PipelineTrial::Outcome outcome, trial.Run(middle));
    if (outcome.report.ok()) {
      good = middle;
    } else {
      bad = middle;
      broken = std::move(outcome);
    }
  }
  result.step = bad;
  const StepReport& step = broken.steps[static_cast<size_t>(bad) - 1];
  result.pass = step.pass;
  result.spec = step.spec;
  result.difference = broken.report.failure.ok() ? DifferenceText(broken.report.worst()->difference)
                                                 : std::string(broken.report.failure.message());
  ASSIGN_OR_RETURN(PipelineTrial::Outcome before, trial.Apply(good));
  const std::vector<std::string> changed = ChangedNodes(before.model, broken.model);
  result.changed_nodes = static_cast<int>(changed.size());
  PipelineTrial step_alone(before.model, result.spec, parse, options, reference, flags);
  result.nodes = FewestRewrites(step_alone, changed);
  result.runs = trial.runs() + step_alone.runs();
  return result;
}

std::string BisectText(const BisectResult& result) {
  if (result.step == 0) return absl::StrCat("no step changes the outputs (", result.runs, " runs)\n");
  std::string text = absl::StrCat("step ", result.step, ", ", result.spec,
                                  ", changes the outputs: ", result.difference, "\n");
  if (result.nodes.empty()) {
    absl::StrAppend(&text, "holding the ", result.changed_nodes,
                    " nodes that it changed makes no difference\n");
  } else {
    absl::StrAppend(&text, "of the ", result.changed_nodes, " nodes that it changed, it takes ",
                    result.nodes.size() == 1 ? "this one" : "these", ": ", absl::StrJoin(result.nodes, ", "),
                    "\n");
  }
  absl::StrAppend(&text, "(", result.runs, " runs)\n");
  return text;
}

}  // namespace cryograph

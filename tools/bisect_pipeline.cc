#include "tools/bisect_pipeline.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "transforms/instrument/bisect.h"
#include "transforms/report.h"

namespace cryograph {
namespace {

constexpr int kMostRuns = 2000;  // Of the model, while rewrites are narrowed down.
constexpr int kAllSteps = 1 << 30;

// A pipeline, cut off behind a step, on copies of a model.
class Trial {
 public:
  Trial(const Model& model, const std::string& spec, const ParseOptions& parse, const PassOptions& options,
        const ReferenceOutputs& reference, const OutputCheckFlags& flags)
      : model_(model), spec_(spec), parse_(parse), options_(options), reference_(reference), flags_(flags) {}

  struct Outcome {
    Model model;
    std::vector<StepReport> steps;
    EquivalenceReport report;
  };

  // Runs the first `limit` steps; `held` nodes keep their names.
  absl::StatusOr<Outcome> Run(int limit, const std::vector<std::string>& held = {}) {
    ++runs_;
    ASSIGN_OR_RETURN(Outcome outcome, Apply(limit, held));
    Tolerance tolerance = ToleranceFor(Semantics::kExact, flags_);
    for (const StepReport& step : outcome.steps) {
      if (step.skipped || step.edits == 0) continue;
      ASSIGN_OR_RETURN(const std::unique_ptr<Pass> pass, PassRegistry::Global().Create(step.pass));
      tolerance = Loosest(tolerance, ToleranceFor(pass->semantics(), flags_));
    }
    ASSIGN_OR_RETURN(outcome.report, reference_.Check(outcome.model, tolerance));
    return outcome;
  }

  // The model after `limit` steps, not judged.
  absl::StatusOr<Outcome> Apply(int limit, const std::vector<std::string>& held) {
    ASSIGN_OR_RETURN(PassManager manager, PassManager::Parse(spec_, parse_));
    manager.Add(std::make_unique<BisectLimit>(limit));
    Outcome outcome;
    outcome.model = model_.Clone();
    PassOptions options = options_;
    options.keep.insert(options.keep.end(), held.begin(), held.end());
    PassContext context(&outcome.model, std::move(options));
    RETURN_IF_ERROR(manager.Run(outcome.model, context));
    const auto& steps = context.run_report().steps;
    outcome.steps.assign(steps.begin(), steps.end());
    return outcome;
  }

  int runs() const { return runs_; }

 private:
  const Model& model_;
  const std::string& spec_;
  const ParseOptions& parse_;
  const PassOptions& options_;
  const ReferenceOutputs& reference_;
  const OutputCheckFlags& flags_;
  int runs_ = 0;
};

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

// Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input (2002), the ddmin algorithm: the
// fewest nodes that must be free for the outputs to differ.
absl::StatusOr<std::vector<std::string>> FewestRewrites(Trial& trial, const std::vector<std::string>& all) {
  const auto still_differs = [&](const std::vector<std::string>& free) {
    const absl::StatusOr<Trial::Outcome> outcome = trial.Run(kAllSteps, Without(all, free));
    return outcome.ok() && !outcome->report.ok();
  };
  if (still_differs({})) return std::vector<std::string>();
  std::vector<std::string> free = all;
  size_t parts = 2;
  while (free.size() > 1 && trial.runs() < kMostRuns) {
    const size_t size = (free.size() + parts - 1) / parts;
    bool reduced = false;
    for (size_t begin = 0; begin < free.size() && !reduced; begin += size) {
      const size_t end = std::min(free.size(), begin + size);
      const std::vector<std::string> part(free.begin() + static_cast<ptrdiff_t>(begin),
                                          free.begin() + static_cast<ptrdiff_t>(end));
      const std::vector<std::string> rest = Without(free, part);
      if (still_differs(part)) {
        free = part;
        parts = 2;
        reduced = true;
      } else if (parts > 2 && still_differs(rest)) {
        free = rest;
        parts = std::max<size_t>(parts - 1, 2);
        reduced = true;
      }
    }
    if (reduced) continue;
    if (parts >= free.size()) break;
    parts = std::min(free.size(), parts * 2);
  }
  return free;
}

}  // namespace

absl::StatusOr<BisectResult> BisectPipeline(const Model& model, const std::string& spec,
                                            const ParseOptions& parse, const PassOptions& options,
                                            const ReferenceOutputs& reference,
                                            const OutputCheckFlags& flags) {
  Trial trial(model, spec, parse, options, reference, flags);
  BisectResult result;
  ASSIGN_OR_RETURN(Trial::Outcome whole, trial.Run(kAllSteps));
  if (whole.report.ok()) {
    result.runs = trial.runs();
    return result;
  }
  // After `good` steps the outputs agree, after `bad` they do not.
  int good = 0, bad = static_cast<int>(whole.steps.size());
  Trial::Outcome broken = std::move(whole);
  while (bad - good > 1) {
    const int middle = good + (bad - good) / 2;
    ASSIGN_OR_RETURN(Trial::Outcome outcome, trial.Run(middle));
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
  ASSIGN_OR_RETURN(Trial::Outcome before, trial.Apply(good, {}));
  const std::vector<std::string> changed = ChangedNodes(before.model, broken.model);
  result.changed_nodes = static_cast<int>(changed.size());
  Trial step_alone(before.model, result.spec, parse, options, reference, flags);
  ASSIGN_OR_RETURN(result.nodes, FewestRewrites(step_alone, changed));
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

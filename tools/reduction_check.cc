#include "tools/reduction_check.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/finding.h"
#include "graph/verify.h"
#include "tools/feed_values.h"
#include "tools/model_names.h"
#include "tools/pipeline_checks.h"
#include "tools/pipeline_trial.h"

namespace cryograph {
namespace {

// The first line of a message with "…" for each name in quotes and N for each number.
std::string Generalized(absl::string_view message) {
  std::string text;
  bool quoted = false;
  for (const char c : message.substr(0, message.find('\n'))) {
    if (c == '\'') {
      quoted = !quoted;
      text += quoted ? "'…" : "'";
    } else if (!quoted && !absl::ascii_isdigit(c)) {
      text += c;
    } else if (!quoted && (text.empty() || text.back() != 'N')) {
      text += 'N';
    }
  }
  return text;
}

class TransformCheckImpl final : public ReductionCheck {
 public:
  TransformCheckImpl(std::string spec, std::vector<std::string> inputs, OutputCheckFlags flags)
      : spec_(std::move(spec)), inputs_(std::move(inputs)), flags_(std::move(flags)) {
    if (const ConstantEvaluatorFactory make = FindConstantEvaluator()) evaluator_ = make();
  }

  std::string Failure(const Model& model, const std::vector<std::string>& outputs) override {
    Model before = model.Clone();
    const OutputCheckFlags flags = FeedsOf(before, flags_);
    const std::vector<std::string> inputs = InputsOf(before, inputs_, outputs);
    const auto reference = ComputeReference(before, inputs, outputs, flags);
    if (!reference.ok()) {
      reason_ = std::string(reference.status().message());
      return "";
    }
    PassOptions options;
    options.resolve_path = cli::ExpandHome;
    options.evaluator = evaluator_.get();
    for (const auto& [from, to] :
         {std::pair(&inputs, &options.inputs), std::pair(&outputs, &options.outputs)}) {
      for (const std::string& text : *from) {
        absl::StatusOr<TensorName> name = ParseTensorName(text);
        if (!name.ok()) return "";
        to->push_back(*std::move(name));
      }
    }
    const ParseOptions parse;
    PipelineTrial trial(model, spec_, parse, options, **reference, flags);
    absl::StatusOr<PipelineTrial::Outcome> outcome = trial.Apply(PipelineTrial::kAllSteps);
    if (!outcome.ok()) return absl::StrCat("a transform fails: ", Generalized(outcome.status().message()));
    if (const absl::Status judged = trial.Judge(*outcome); !judged.ok()) {
      reason_ = std::string(judged.message());
      return "";
    }
    if (!outcome->report.failure.ok()) {
      return absl::StrCat("the result cannot be run: ", Generalized(outcome->report.failure.message()));
    }
    return outcome->report.ok() ? "" : "an output differs";
  }

  std::string reason() const override { return reason_; }

 private:
  const std::string spec_;
  const std::vector<std::string> inputs_;
  const OutputCheckFlags flags_;
  std::unique_ptr<ConstantEvaluator> evaluator_;
  std::string reason_;
};

class RunCheckImpl final : public ReductionCheck {
 public:
  RunCheckImpl(std::string message, std::vector<std::string> inputs, OutputCheckFlags flags)
      : message_(std::move(message)), inputs_(std::move(inputs)), flags_(std::move(flags)) {}

  std::string Failure(const Model& model, const std::vector<std::string>& outputs) override {
    Model run = model.Clone();
    const absl::Status status =
        ComputeReference(run, InputsOf(run, inputs_, outputs), outputs, FeedsOf(run, flags_)).status();
    if (status.ok() || cli::IsUsageError(status)) return "";
    if (message_.empty()) return absl::StrCat("a run fails: ", Generalized(status.message()));
    return absl::StrContains(status.message(), message_) ? absl::StrCat("a run fails: …", message_, "…") : "";
  }

 private:
  const std::string message_;
  const std::vector<std::string> inputs_;
  const OutputCheckFlags flags_;
};

class LintCheckImpl final : public ReductionCheck {
 public:
  explicit LintCheckImpl(std::string code) : code_(std::move(code)) {}

  std::string Failure(const Model& model, const std::vector<std::string>&) override {
    Model judged = model.Clone();
    for (const Finding& finding : Verify(judged)) {
      if (CodeText(finding.code) == code_) return absl::StrCat("lint finding ", code_);
    }
    return "";
  }
  bool needs_outputs() const override { return false; }
  bool allows_defects() const override { return true; }

 private:
  const std::string code_;
};

}  // namespace

std::vector<std::string> InputsOf(Model& model, const std::vector<std::string>& named,
                                  const std::vector<std::string>& outputs) {
  std::vector<std::string> inputs;
  std::set<absl::string_view> nodes;
  for (const std::string& name : named) {
    const Node node = model.graph().Find(NodeNameOf(name));
    if (!node) continue;
    inputs.push_back(name);
    nodes.insert(node.name());
  }
  for (std::string& name : NeededPlaceholders(model, outputs)) {
    if (nodes.count(name) == 0) inputs.push_back(std::move(name));
  }
  return inputs;
}

OutputCheckFlags FeedsOf(Model& model, const OutputCheckFlags& flags) {
  OutputCheckFlags left = flags;
  left.feeds.clear();
  for (const std::string& feed : flags.feeds) {
    const auto split = SplitFeed(feed);
    if (!split.ok() || model.graph().Find(NodeNameOf(split->first))) left.feeds.push_back(feed);
  }
  left.init_nodes.clear();
  for (const std::string& node : flags.init_nodes) {
    if (model.graph().Find(NodeNameOf(node))) left.init_nodes.push_back(node);
  }
  return left;
}

std::unique_ptr<ReductionCheck> TransformCheck(std::string spec, std::vector<std::string> inputs,
                                               OutputCheckFlags flags) {
  return std::make_unique<TransformCheckImpl>(std::move(spec), std::move(inputs), std::move(flags));
}
std::unique_ptr<ReductionCheck> RunCheck(std::string message, std::vector<std::string> inputs,
                                         OutputCheckFlags flags) {
  return std::make_unique<RunCheckImpl>(std::move(message), std::move(inputs), std::move(flags));
}
std::unique_ptr<ReductionCheck> LintCheck(std::string code) {
  return std::make_unique<LintCheckImpl>(std::move(code));
}

}  // namespace cryograph

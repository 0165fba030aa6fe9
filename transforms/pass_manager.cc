#include "transforms/pass_manager.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "transforms/instrument/promises.h"
#include "transforms/instrument/structure_lint.h"

namespace cryograph {

struct PassManager::Step {
  const SpecItem* item = nullptr;  // Of spec_, which outlives it.
  std::unique_ptr<Pass> pass;      // Null for a repeat.
  std::vector<Step> body;
  bool ignore_errors = false;
  absl::Status broken;  // Why it cannot be run, if ignore_errors lets that pass.
};

// Where a run is in one list of steps.
struct PassManager::Frame {
  const std::vector<Step>* steps;
  size_t index = 0;
  int64_t rounds_left = 0;  // Of the repeat around it, after the present round.
};

struct PassManager::State {
  Model& model;
  PassContext& context;
  std::vector<Frame> frames;  // Outermost first.
  int number = 0;

  std::string RemainingSpec() const {
    std::string text;
    const auto append = [&text](absl::string_view more) {
      absl::StrAppend(&text, text.empty() ? "" : " ", more);
    };
    for (size_t depth = frames.size(); depth-- > 0;) {
      const Frame& frame = frames[depth];
      const bool innermost = depth + 1 == frames.size();
      for (size_t i = frame.index + (innermost ? 0 : 1); i < frame.steps->size(); ++i) {
        append((*frame.steps)[i].item->ToText());
      }
      if (depth > 0 && frame.rounds_left > 0) {
        const Frame& outer = frames[depth - 1];
        SpecItem rest = *(*outer.steps)[outer.index].item;
        rest.max = frame.rounds_left;
        append(rest.ToText());
      }
    }
    return text;
  }
};

namespace {

uint64_t EditsOf(Model& model) {
  uint64_t edits = model.graph().edits();
  for (const Function& function : model.functions()) {
    if (const Graph* body = function.parsed_body()) edits += body->edits();
  }
  return edits;
}

// What a failed step must not leave behind.
class Snapshot {
 public:
  explicit Snapshot(Model& model) : saved_(model.Clone()) {}
  void Restore(Model& model) { model = std::move(saved_); }

 private:
  Model saved_;
};

absl::Status Prefixed(const absl::Status& status, absl::string_view prefix) {
  return absl::Status(status.code(), absl::StrCat(prefix, status.message()));
}

}  // namespace

PassManager::PassManager() {
  Add(std::make_unique<Promises>());
  Add(std::make_unique<StructureLint>());
}
PassManager::PassManager(PassManager&&) = default;
PassManager& PassManager::operator=(PassManager&&) = default;
PassManager::~PassManager() = default;

absl::StatusOr<PassManager> PassManager::Parse(absl::string_view text, const ParseOptions& options) {
  PassManager manager;
  ASSIGN_OR_RETURN(manager.spec_, ParseSpec(text, SpecOptions{options.strict_compat}));
  manager.warnings_ = manager.spec_.warnings;
  RETURN_IF_ERROR(manager.Build(text, manager.spec_.items, options, &manager.steps_));
  return manager;
}

absl::Status PassManager::Build(absl::string_view text, const std::vector<SpecItem>& items,
                                const ParseOptions& options, std::vector<Step>* steps) {
  for (const SpecItem& item : items) {
    Step step;
    step.item = &item;
    if (item.is_repeat) {
      RETURN_IF_ERROR(Build(text, item.body, options, &step.body));
    } else {
      RETURN_IF_ERROR(Configure(text, item, options, &step));
    }
    steps->push_back(std::move(step));
  }
  return absl::OkStatus();
}

absl::Status PassManager::Configure(absl::string_view text, const SpecItem& item, const ParseOptions& options,
                                    Step* step) {
  absl::StatusOr<std::unique_ptr<Pass>> pass = PassRegistry::Global().Create(item.name);
  if (!pass.ok()) return SpecError(pass.status().code(), text, item.offset, pass.status().message());
  step->pass = *std::move(pass);

  // Every transform has ignore_errors; of several values the first counts.
  for (const SpecParam& param : item.params) {
    if (param.key != "ignore_errors") continue;
    step->ignore_errors = absl::EqualsIgnoreCase(param.value, "true");
    if (!step->ignore_errors && !absl::EqualsIgnoreCase(param.value, "false")) {
      return SpecError(absl::StatusCode::kInvalidArgument, text, param.value_offset,
                       absl::StrCat("ignore_errors is '", param.value, "'; expected true or false"));
    }
    break;
  }
  const auto fail = [&](size_t offset, const absl::Status& status) {
    const absl::Status error = SpecError(absl::StatusCode::kInvalidArgument, text, offset,
                                         absl::StrCat("pass '", item.name, "': ", status.message()));
    if (!step->ignore_errors) return error;
    step->broken.Update(absl::InvalidArgumentError(status.message()));
    return absl::OkStatus();
  };

  for (size_t i = 0; i < item.params.size(); ++i) {
    const SpecParam& first = item.params[i];
    if (first.key == "ignore_errors") continue;
    std::vector<std::string> values;
    bool seen = false;
    for (size_t k = 0; k < item.params.size(); ++k) {
      if (item.params[k].key != first.key) continue;
      seen |= k < i;
      values.push_back(item.params[k].value);
    }
    if (seen) continue;
    ParamBase* param = step->pass->FindParam(first.key);
    if (param == nullptr) {
      std::vector<absl::string_view> names = {"ignore_errors"};
      for (const ParamBase* each : step->pass->params()) names.push_back(each->name());
      const std::string message = absl::StrCat("pass '", item.name, "' has no parameter '", first.key, "'",
                                               DidYouMean(NearestNames(first.key, names, 3)));
      if (!options.compat) return SpecError(absl::StatusCode::kInvalidArgument, text, first.offset, message);
      warnings_.push_back(message);
      continue;
    }
    if (const absl::Status status = param->Set(values); !status.ok())
      RETURN_IF_ERROR(fail(first.offset, status));
  }
  for (const ParamBase* param : step->pass->params()) {
    if (!param->required() || param->given()) continue;
    RETURN_IF_ERROR(fail(item.offset, absl::InvalidArgumentError(
                                          absl::StrCat("parameter '", param->name(), "' must be given (",
                                                       param->type_name(), "): ", param->doc()))));
  }
  if (step->broken.ok()) {
    if (const absl::Status status = step->pass->CheckParams(); !status.ok()) {
      RETURN_IF_ERROR(fail(item.offset, status));
    }
  }
  return absl::OkStatus();
}

std::vector<const Pass*> PassManager::passes() const {
  std::vector<const Pass*> passes;
  std::vector<const Step*> pending;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) pending.push_back(&*step);
  while (!pending.empty()) {
    const Step* step = pending.back();
    pending.pop_back();
    if (step->pass != nullptr) passes.push_back(step->pass.get());
    for (auto inner = step->body.rbegin(); inner != step->body.rend(); ++inner) pending.push_back(&*inner);
  }
  return passes;
}

void PassManager::Add(std::unique_ptr<PassInstrumentation> hook) { hooks_.push_back(std::move(hook)); }

absl::Status PassManager::Run(Model& model, PassContext& context) {
  State state{model, context, {}, 0};
  for (const std::string& warning : warnings_) context.run_report().warnings.push_back(warning);
  for (auto& hook : hooks_) RETURN_IF_ERROR(hook->Start(model, context));
  RETURN_IF_ERROR(RunSteps(steps_, state));
  for (auto& hook : hooks_) RETURN_IF_ERROR(hook->Finish(model, context));
  return absl::OkStatus();
}

absl::Status PassManager::RunSteps(const std::vector<Step>& steps, State& state) {
  state.frames.push_back(Frame{&steps});
  for (const Step& step : steps) {
    state.frames.back().index = static_cast<size_t>(&step - steps.data());
    RETURN_IF_ERROR(step.pass != nullptr ? RunStep(step, state) : RunRepeat(step, state));
  }
  state.frames.pop_back();
  return absl::OkStatus();
}

absl::Status PassManager::RunRepeat(const Step& step, State& state) {
  for (int64_t round = 1; round <= step.item->max; ++round) {
    const uint64_t edits = EditsOf(state.model);
    state.frames.push_back(Frame{&step.body, 0, step.item->max - round});
    for (const Step& inner : step.body) {
      state.frames.back().index = static_cast<size_t>(&inner - step.body.data());
      RETURN_IF_ERROR(inner.pass != nullptr ? RunStep(inner, state) : RunRepeat(inner, state));
    }
    state.frames.pop_back();
    if (EditsOf(state.model) == edits) return absl::OkStatus();
  }
  if (step.item->max > 1) {
    state.context.run_report().warnings.push_back(absl::StrCat(
        "'", step.item->ToText(), "' still changed the graph in its last round, number ", step.item->max));
  }
  return absl::OkStatus();
}

absl::Status PassManager::RunStep(const Step& step, State& state) {
  StepReport& report = state.context.run_report().steps.emplace_back();
  report.number = ++state.number;
  report.pass = step.pass->name();
  report.spec = step.item->ToText();
  report.nodes_before = report.nodes_after = state.model.graph().num_nodes();
  state.context.set_report(&report);
  const PassRun run{*step.pass, state.model, state.context, report,
                    [&state] { return state.RemainingSpec(); }};

  bool should_run = true;
  for (auto& hook : hooks_) should_run &= hook->ShouldRun(run);
  if (!should_run) {
    report.skipped = true;
    return absl::OkStatus();
  }
  std::optional<Snapshot> snapshot;
  if (step.ignore_errors) snapshot.emplace(state.model);
  report.status = Execute(step, run, state);
  report.nodes_after = state.model.graph().num_nodes();
  if (report.status.ok()) return absl::OkStatus();
  if (step.ignore_errors) {
    snapshot->Restore(state.model);
    report.nodes_after = state.model.graph().num_nodes();
    report.edits = 0;
    report.error_ignored = true;
    report.AddRemark(RemarkKind::kWarning, "", "", absl::StrCat("error ignored: ", report.status.message()));
    return absl::OkStatus();
  }
  for (auto& hook : hooks_) hook->OnFailure(run);
  return report.status;
}

absl::Status PassManager::Execute(const Step& step, const PassRun& run, State& state) {
  const std::string who = absl::StrCat("pass #", run.report.number, " '", run.pass.name(), "': ");
  if (!step.broken.ok()) return Prefixed(step.broken, who);
  Model& model = state.model;
  for (auto& hook : hooks_) RETURN_IF_ERROR(hook->Before(run));
  const uint64_t edits = EditsOf(model);
  run.report.status = step.pass->Run(model.graph(), state.context);
  if (run.report.status.ok()) {
    // A node that is gone takes its colocations with it, whoever removed it.
    if (const int dropped = model.graph().FixColocations(); dropped > 0) {
      run.report.Count("colocations dropped", dropped);
    }
  }
  run.report.edits = EditsOf(model) - edits;
  run.report.nodes_after = model.graph().num_nodes();
  absl::Status status = Prefixed(run.report.status, who);
  for (auto& hook : hooks_) {
    absl::Status hooked = hook->After(run);
    if (status.ok() && !hooked.ok()) {
      run.report.status = status = Prefixed(hooked, absl::StrCat("after ", who));
    }
  }
  return status;
}

}  // namespace cryograph

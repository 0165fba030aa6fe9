#include "tools/output_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "checkpoint/variable_keys.h"
#include "graph/attr.h"
#include "runtime/memory.h"
#include "runtime/random_feeds.h"
#include "tools/feed_values.h"
#include "tools/model_names.h"
#include "tools/placeholder_shape.h"

namespace cryograph {
namespace {

std::string WithoutPort0(absl::string_view name) {
  return std::string(absl::EndsWith(name, ":0") ? name.substr(0, name.size() - 2) : name);
}

// Type and shape that the graph gives for a tensor that is fed.
absl::StatusOr<FeedSpec> SpecOf(Model& model, Executor& executor, const std::string& name) {
  FeedSpec spec;
  spec.name = name;
  ASSIGN_OR_RETURN(spec.dtype, executor.TensorType(name));
  spec.shape.unknown_rank = true;
  const Node node = model.graph().Find(NodeNameOf(name));
  if (node && WithoutPort0(name) == node.name()) {
    spec.shape = DeclaredShape(node, model.versions().producer);
  }
  return spec;
}

RunOptions RunOptionsOf(const OutputCheckFlags& flags) {
  RunOptions options;
  if (flags.time_limit > 0) options.time_limit = absl::Seconds(flags.time_limit);
  return options;
}

absl::Status OfInput(const std::string& input, const absl::Status& status) {
  const std::string message = absl::StrCat("input '", input, "': ", status.message());
  return cli::IsUsageError(status) ? cli::UsageError(message) : absl::Status(status.code(), message);
}

// What to do about a model that cannot be run, as far as it is known.
std::string Advice(Model& model, const OutputCheckFlags& flags) {
  if (!flags.checkpoint.empty() || !model.variables_prefix.empty()) return "";
  for (Node node : model.graph().nodes()) {
    if (!IsVariableOp(node.op())) continue;
    return absl::StrCat("\ntry: --", flags.prefix, "checkpoint=PATH, where its variables are");
  }
  return "";
}

absl::Status CheckTolerance(const OutputCheckFlags& flags) {
  const double not_given = OutputCheckFlags().atol;
  for (const auto& [bound, name] : {std::pair(flags.atol, "atol"), std::pair(flags.rtol, "rtol"),
                                    std::pair(static_cast<double>(flags.ulps), "ulps")}) {
    if (bound >= 0 || bound == not_given) continue;
    return cli::UsageError(absl::StrCat("--", flags.prefix, name, "=", bound, ": a bound is at least 0"));
  }
  return absl::OkStatus();
}

struct GivenFeed {
  std::string name, text;
};

absl::StatusOr<std::vector<GivenFeed>> GivenFeeds(const std::vector<std::string>& feeds) {
  std::vector<GivenFeed> given;
  for (const std::string& feed : feeds) {
    ASSIGN_OR_RETURN(auto parts, SplitFeed(feed));
    std::string name = WithoutPort0(parts.first);
    for (const GivenFeed& earlier : given) {
      if (earlier.name == name) return cli::UsageError(absl::StrCat("input '", name, "' is given twice"));
    }
    given.push_back({std::move(name), std::move(parts.second)});
  }
  return given;
}

}  // namespace

std::vector<std::string> NeededPlaceholders(Model& model, const std::vector<std::string>& outputs) {
  Graph& graph = model.graph();
  const std::vector<bool> needed = NeededNodes(graph, outputs);
  std::vector<std::string> names;
  for (Node node : graph.nodes()) {
    if (!needed[static_cast<uint32_t>(node.id())]) continue;
    if (node.op() == "Placeholder" || node.op() == "PlaceholderV2") names.emplace_back(node.name());
  }
  return names;
}

void DeclareOutputCheck(OutputCheckFlags& flags, const std::string& prefix, cli::Command& command) {
  flags.prefix = prefix;
  command
      .Add(&flags.feeds, prefix.empty() ? "feed" : prefix + "inputs",
           absl::StrCat(
               "An input and its value; without it, seeded random numbers of the input's type and shape.\n",
               FeedHelp()))
      .Value("NAME=VALUE")
      .Repeated()
      .Extension();
  command
      .Add(&flags.checkpoint, prefix + "checkpoint",
           "Where the variables are, for a graph that is not frozen; a SavedModel's own are found.")
      .Path()
      .Value("PATH")
      .Extension();
  command
      .Add(&flags.init_nodes, prefix + "init_nodes",
           "Nodes that run before all else: those that fill tables, say.")
      .Value("NAME,NAME…")
      .Repeated(true)
      .Extension();
  command.Add(&flags.batches, prefix + "batches", "How many sets of random inputs are tried.")
      .AtLeast(1)
      .Value("N")
      .Extension();
  command.Add(&flags.seed, prefix + "seed", "Of the random inputs.").Extension();
  command
      .Add(&flags.batch_size, prefix + "batch_size",
           "Size of an input's first dimension, where it is not known.")
      .AtLeast(1)
      .Extension();
  command
      .Add(&flags.atol, prefix + "atol",
           "Largest absolute error that passes. Without any of the three bounds: no error for passes that "
           "keep results "
           "exactly, else 1e-5 or 1e-4 of the value.")
      .Extension();
  command.Add(&flags.rtol, prefix + "rtol", "Largest error that passes, relative to the value before.")
      .Extension();
  command.Add(&flags.ulps, prefix + "ulps", "Largest error that passes, in steps of the floating-point type.")
      .Extension();
  command.Add(&flags.threads, prefix + "threads", "Threads; results do not depend on it.")
      .AtLeast(1)
      .Extension();
  command
      .Add(&flags.time_limit, prefix + "time_limit", "Seconds after which a run ends as a failure; 0: none.")
      .Extension();
}

Tolerance ToleranceFor(const ErrorBound& promised, const OutputCheckFlags& flags) {
  if (!flags.tolerance_given()) return {promised.absolute, promised.relative, promised.ulps};
  return {std::max(flags.atol, 0.0), std::max(flags.rtol, 0.0), std::max<int64_t>(flags.ulps, 0)};
}

Tolerance Loosest(const Tolerance& a, const Tolerance& b) {
  return {std::max(a.absolute, b.absolute), std::max(a.relative, b.relative), std::max(a.ulps, b.ulps)};
}

absl::StatusOr<std::shared_ptr<const ModelState>> FindState(Model& model, const OutputCheckFlags& flags,
                                                            std::vector<std::string>* notes) {
  ModelStateOptions options;
  options.checkpoint = flags.checkpoint;
  options.init_nodes = flags.init_nodes;
  options.init_limits = RunOptionsOf(flags);
  ASSIGN_OR_RETURN(ModelState found, ModelState::Find(model, std::move(options), notes));
  return std::make_shared<const ModelState>(std::move(found));
}

absl::StatusOr<Prepare> PrepareFor(Model& model, const OutputCheckFlags& flags,
                                   std::vector<std::string>* notes) {
  std::shared_ptr<const ModelState> state = flags.state;
  if (state == nullptr) {
    ASSIGN_OR_RETURN(state, FindState(model, flags, notes));
  }
  return Prepare([state](Model& prepared, Executor& executor) -> absl::Status {
    ASSIGN_OR_RETURN(const ModelState own, state->For(prepared));
    return own.Restore(executor);
  });
}

absl::StatusOr<std::unique_ptr<ReferenceOutputs>> ComputeReference(Model& model,
                                                                   const std::vector<std::string>& inputs,
                                                                   const std::vector<std::string>& outputs,
                                                                   const OutputCheckFlags& flags,
                                                                   std::vector<std::string>* notes) {
  if (outputs.empty()) return NoOutputsGiven(model, "--outputs");
  RETURN_IF_ERROR(CheckTolerance(flags));
  RETURN_IF_ERROR(CheckNodesExist(model, flags.init_nodes, absl::StrCat("--", flags.prefix, "init_nodes")));
  EquivalenceRequest request;
  request.inputs = inputs.empty() ? NeededPlaceholders(model, outputs) : inputs;
  request.outputs = outputs;
  request.executor.threads = static_cast<int>(std::min<int64_t>(flags.threads, 1024));
  // Which nodes are computed as one, and so how they round, depends on what stands beside them: a pass that
  // keeps results exactly would be blamed for it.
  request.executor.fuse = false;
  request.run = RunOptionsOf(flags);
  std::vector<std::string> unsaid;
  ASSIGN_OR_RETURN(request.prepare, PrepareFor(model, flags, notes != nullptr ? notes : &unsaid));

  ASSIGN_OR_RETURN(const std::vector<GivenFeed> given, GivenFeeds(flags.feeds));
  std::set<std::string> known;
  for (const std::string& input : request.inputs) known.insert(WithoutPort0(input));
  for (const GivenFeed& feed : given) {
    if (known.insert(feed.name).second) request.inputs.push_back(feed.name);
  }

  // Only to ask the graph for types; values are made in a pool of their own.
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                   Executor::Create(model.Clone(), request.executor));
  std::vector<FeedSpec> random;
  std::vector<Value> fixed;
  std::vector<int> place;  // Into `fixed`, or -1 - index into `random`.
  for (const std::string& input : request.inputs) {
    absl::StatusOr<FeedSpec> spec = SpecOf(model, *executor, input);
    if (!spec.ok()) return OfInput(input, spec.status());
    const auto found = std::find_if(given.begin(), given.end(), [&input](const GivenFeed& feed) {
      return feed.name == WithoutPort0(input);
    });
    if (found == given.end()) {
      place.push_back(-1 - static_cast<int>(random.size()));
      random.push_back(*std::move(spec));
      continue;
    }
    FeedTarget target;
    target.name = input;
    target.dtype = spec->dtype;
    target.shape = spec->shape;
    absl::StatusOr<Value> value = FeedValue(found->text, target, executor->pool());
    if (!value.ok()) return OfInput(input, value.status());
    place.push_back(static_cast<int>(fixed.size()));
    fixed.push_back(*std::move(value));
  }
  RandomFeedOptions options;
  options.seed = static_cast<uint64_t>(flags.seed);
  options.batch = flags.batch_size;
  std::vector<FeedBatch> batches;
  const int64_t rounds = random.empty() ? 1 : flags.batches;
  for (int64_t round = 0; round < rounds; ++round) {
    ASSIGN_OR_RETURN(std::vector<Value> drawn,
                     RandomFeeds(random, options, static_cast<int>(round), executor->pool()));
    FeedBatch batch;
    batch.source = random.empty() ? "the given inputs"
                                  : absl::StrCat("random inputs of seed ", flags.seed, ", batch ", round + 1);
    for (const int at : place) {
      batch.values.push_back(at >= 0 ? fixed[static_cast<size_t>(at)] : drawn[static_cast<size_t>(-1 - at)]);
    }
    batches.push_back(std::move(batch));
  }
  absl::StatusOr<std::unique_ptr<ReferenceOutputs>> reference =
      ReferenceOutputs::Compute(model, std::move(request), std::move(batches));
  if (absl::IsFailedPrecondition(reference.status())) {
    return absl::FailedPreconditionError(absl::StrCat(reference.status().message(), Advice(model, flags)));
  }
  return reference;
}

namespace {

std::string Figures(const TensorDifference& difference) {
  if (!difference.is_numeric) return "";
  return absl::StrFormat(",\"max_absolute\":%.17g,\"max_relative\":%.17g,\"max_ulps\":%d,\"cosine\":%.17g",
                         difference.max_absolute, difference.max_relative, difference.max_ulps,
                         difference.cosine);
}

}  // namespace

absl::Status MismatchStatus(const EquivalenceReport& report, const Tolerance& tolerance) {
  if (report.ok()) return absl::OkStatus();
  if (!report.failure.ok()) {
    return absl::Status(report.failure.code(),
                        absl::StrCat("the model cannot be run any more: ", report.failure.message()));
  }
  const OutputDifference* worst = report.worst();
  std::string message =
      absl::StrCat("output '", worst->output, "' changed: ", DifferenceText(worst->difference),
                   "; tolerance: ", ToleranceText(tolerance));
  if (!report.first_diverging.empty()) {
    absl::StrAppend(&message, "\nwhy: the first tensor that differs is '", report.first_diverging,
                    "': ", report.first_diverging_text);
  }
  return absl::FailedPreconditionError(message);
}

std::string ReportJson(const EquivalenceReport& report, const Tolerance& tolerance) {
  std::string json =
      absl::StrFormat("{\"equal\":%s,\"atol\":%.17g,\"rtol\":%.17g,\"ulps\":%d",
                      report.ok() ? "true" : "false", tolerance.absolute, tolerance.relative, tolerance.ulps);
  if (!report.failure.ok()) {
    absl::StrAppend(&json, ",\"failure\":", cli::JsonString(report.failure.message()), "}\n");
    return json;
  }
  absl::StrAppend(&json, ",\"batches\":[");
  for (size_t b = 0; b < report.batches.size(); ++b) {
    const EquivalenceReport::Batch& batch = report.batches[b];
    absl::StrAppend(&json, b == 0 ? "" : ",", "{\"inputs\":", cli::JsonString(batch.source),
                    ",\"outputs\":[");
    for (size_t i = 0; i < batch.outputs.size(); ++i) {
      const TensorDifference& difference = batch.outputs[i].difference;
      absl::StrAppend(&json, i == 0 ? "" : ",", "{\"name\":", cli::JsonString(batch.outputs[i].output),
                      ",\"ok\":", difference.ok() ? "true" : "false");
      if (!difference.mismatch.empty()) {
        absl::StrAppend(&json, ",\"mismatch\":", cli::JsonString(difference.mismatch));
      } else {
        absl::StrAppend(
            &json,
            absl::StrFormat(",\"elements\":%d,\"outside\":%d", difference.elements, difference.outside),
            Figures(difference), ",\"worst\":[", absl::StrJoin(difference.worst, ","),
            "],\"before\":", cli::JsonString(difference.before_text),
            ",\"after\":", cli::JsonString(difference.after_text));
      }
      absl::StrAppend(&json, "}");
    }
    absl::StrAppend(&json, "]}");
  }
  absl::StrAppend(&json, "]");
  if (!report.first_diverging.empty()) {
    absl::StrAppend(&json, ",\"first_diverging\":", cli::JsonString(report.first_diverging),
                    ",\"first_diverging_text\":", cli::JsonString(report.first_diverging_text));
  }
  return json + "}\n";
}

}  // namespace cryograph

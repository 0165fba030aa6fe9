// Freezes variables: the pass freeze_variables, over the library call of the same name.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "transforms/freeze_variables.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class FreezeVariablesPass final : public Pass {
 public:
  FreezeVariablesPass()
      : Pass("freeze_variables",
             "Makes constants of the variables that the outputs need, with the values of a checkpoint, and "
             "removes "
             "what the outputs do not need.") {}

  std::string doc() const override {
    return R"(The graph's own restore ops (a MetaGraph's or SavedModel's SaverDef, or `RestoreV2` and `Assign` pairs of a plain
graph) say which variable holds which key. Without them a key is looked for by node name, by the full names of an
object-based checkpoint, as a part of a partitioned variable, and with a scope added or removed that fits all variables.
A SavedModel's own variables are taken if `checkpoint` is not given.

Values are not read by this pass: each constant stands for a tensor of the checkpoint, which is fetched and checked when
the graph is written.

Where TensorFlow's `convert_variables_to_constants` leaves a graph that does not load, this pass does not:

- reference ops in conds and loops (`RefSwitch`, `RefMerge`, `RefEnter` …) become their counterparts for values;
- `ResourceGather` in a loop gets its axis in the loop's frame, and `batch_dims` is kept; `ResourceGatherNd`,
  `VariableShape`, `VarIsInitializedOp` and `IsVariableInitialized` are converted;
- ops that change a variable (batch norm updates, counters) are dropped when only control dependencies lead to them; when
  the outputs need what they give, `state` says what to do;
- control inputs of a `ReadVariableOp` are kept, and so are the graph's versions;
- a resource variable of the deny list keeps its reads;
- Python functions, input pipelines and temporary variables are refused, since a frozen graph cannot hold them.

Functions that the outputs run, which is where models of TensorFlow 2 have everything, are inlined as by
`inline_functions`, and their control flow is lowered as by `lower_control_flow`, unless `functions` says otherwise. Constants
have the variables' own names. Functions that stay take tensors where they took variables. Library functions that nothing
leads to are removed unless `keep_functions`.)";
  }

  absl::Status CheckParams() const override {
    for (const std::string& entry : *variable_map_) {
      if (std::pair<std::string, std::string> pair; !SplitPair(entry, &pair)) {
        return absl::InvalidArgumentError(
            absl::StrCat("variable_map: '", entry, "' is not of the form variable=key"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    FreezeOptions options;
    const auto text = [](const TensorName& name) {
      return name.has_port ? absl::StrCat(name.node, ":", name.port) : name.node;
    };
    for (const TensorName& name : context.outputs()) options.outputs.push_back(text(name));
    for (const std::string& name : context.keep()) options.outputs.push_back(name);
    for (const TensorName& name : context.inputs()) {
      options.inputs.push_back(text(name));
      // Its name is promised, needed or not.
      if (const Node node = graph.Find(name.node); node && node.op() == "Placeholder") {
        options.outputs.push_back(name.node);
      }
    }
    options.allow = *allow_;
    options.deny = *deny_;
    options.initializer_nodes = *initializer_nodes_;
    options.allow_initializer_overwrite = *allow_initializer_overwrite_;
    for (const std::string& entry : *variable_map_) {
      options.variable_map.emplace_back();
      SplitPair(entry, &options.variable_map.back());
    }
    options.state = *state_ == "drop"   ? StatePolicy::kDrop
                    : *state_ == "pure" ? StatePolicy::kPure
                                        : StatePolicy::kError;
    options.missing = *missing_ == "init"    ? MissingPolicy::kInit
                      : *missing_ == "zeros" ? MissingPolicy::kZeros
                                             : MissingPolicy::kError;
    options.tables = *tables_ == "bake"    ? TablePolicy::kBake
                     : *tables_ == "leave" ? TablePolicy::kLeave
                     : *tables_ == "error" ? TablePolicy::kError
                                           : TablePolicy::kKeepInit;
    options.use_ema = *use_ema_;
    options.evaluator = context.evaluator();
    options.allow_py_func = *allow_py_func_;
    options.allow_input_pipeline = *allow_input_pipeline_;
    options.drop_colocation = *drop_colocation_;
    options.keep_functions = *keep_functions_;
    options.functions = *functions_ == "lower"    ? FunctionForm::kLower
                        : *functions_ == "inline" ? FunctionForm::kInline
                        : *functions_ == "keep"   ? FunctionForm::kKeep
                                                  : FunctionForm::kAuto;
    options.max_inlined_nodes = *max_inlined_nodes_;
    options.allow_frozen =
        true;  // In a pipeline there being nothing to do is no mistake, and a note says so.

    std::string path = context.model().variables_prefix;
    if (!checkpoint_->empty()) path = context.ResolvePath(*checkpoint_);
    if (!path.empty()) {
      std::vector<std::string> notes;
      ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(path, &notes));
      options.checkpoint = std::move(checkpoint);
      for (const std::string& note : notes) context.Warn(note);
    }
    ASSIGN_OR_RETURN(const FreezeReport report, FreezeVariables(context.model(), options));
    for (const std::string& note : report.notes) context.Warn(note);
    for (const std::string& line : report.changed_signatures) context.Warn(line);
    for (const FrozenVariable& variable : report.variables) {
      context.Remark(absl::StrCat(
          "froze '", variable.node, "' from ",
          variable.key.empty() ? variable.how : absl::StrCat("'", variable.key, "' (", variable.how, ")")));
    }
    if (!report.variables.empty()) context.Count("frozen", static_cast<int64_t>(report.variables.size()));
    if (report.nodes_total > report.nodes_kept)
      context.Count("removed", report.nodes_total - report.nodes_kept);
    if (report.dropped_updates > 0) context.Count("update ops dropped", report.dropped_updates);
    if (report.inlined > 0) context.Count("calls inlined", report.inlined);
    if (report.lowered > 0) context.Count("lowered", report.lowered);
    if (report.functions_pruned > 0) context.Count("functions removed", report.functions_pruned);
    return absl::OkStatus();
  }

 private:
  static bool SplitPair(const std::string& entry, std::pair<std::string, std::string>* pair) {
    const std::vector<std::string> parts = absl::StrSplit(entry, absl::MaxSplits('=', 1));
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) return false;
    *pair = {parts[0], parts[1]};
    return true;
  }

  Param<std::string> checkpoint_{this, "checkpoint", "",
                                 "Prefix, file or directory of the checkpoint; empty: the SavedModel's own."};
  Param<std::vector<std::string>> allow_{this, "allow", {}, "Freeze only these variables."};
  Param<std::vector<std::string>> deny_{this, "deny", {}, "Do not freeze these variables."};
  Param<std::vector<std::string>> variable_map_{
      this, "variable_map", {}, "`variable=key`, or `scope/*=other/*`: where the checkpoint has a value."};
  Param<std::vector<std::string>> initializer_nodes_{
      this, "initializer_nodes", {}, "Initializers of variables that are not in the checkpoint."};
  Param<bool> allow_initializer_overwrite_{this, "allow_initializer_overwrite", false,
                                           "Let `initializer_nodes` replace values of the checkpoint."};
  Param<std::string> state_{
      this, "state", "error",
      "For an op that changes a variable and whose value is needed: refuse (`error`), take the "
      "variable's value (`drop`), or compute what the op gives in its first run (`pure`).",
      OneOf({"error", "drop", "pure"})};
  Param<std::string> missing_{
      this, "missing", "error",
      "For a variable that the checkpoint lacks: refuse (`error`), take the constant that the "
      "graph initializes it with (`init`), or zeros (`zeros`).",
      OneOf({"error", "init", "zeros"})};
  Param<std::string> tables_{
      this, "tables", "keep_init",
      "For lookup tables: keep what fills them as a node to run first (`keep_init`), make look-ups gathers "
      "from constants (`bake`), keep the tables alone (`leave`), or refuse (`error`).",
      OneOf({"keep_init", "bake", "leave", "error"})};
  Param<bool> use_ema_{this, "use_ema", false,
                       "Take exponential moving averages where the checkpoint has them."};
  Param<bool> allow_py_func_{this, "allow_py_func", false, "Keep Python functions."};
  Param<bool> allow_input_pipeline_{this, "allow_input_pipeline", false,
                                    "Keep iterators, queues and readers."};
  Param<bool> drop_colocation_{this, "drop_colocation", false,
                               "Do not keep nodes only because another one is colocated with them."};
  Param<std::string> functions_{this, "functions", "auto",
                                "For functions that the outputs run: inline them and lower `If`, `While` and "
                                "`Case` (`lower`), inline calls "
                                "alone (`inline`), or keep all of them (`keep`). `auto` lowers for "
                                "SavedModels of TensorFlow 2 and where a "
                                "variable is handed to a function, else keeps.",
                                OneOf({"auto", "lower", "inline", "keep"})};
  Param<int64_t> max_inlined_nodes_{this, "max_inlined_nodes", 1000000, "Most nodes that inlining may add.",
                                    AtLeast(0)};
  Param<bool> keep_functions_{this, "keep_functions", false, "Keep library functions that nothing leads to."};
};
CRYOGRAPH_REGISTER_PASS(FreezeVariablesPass);

}  // namespace
}  // namespace cryograph

#include "transforms/freeze_variables.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "checkpoint/restore_map.h"
#include "checkpoint/variable_keys.h"
#include "graph/tensor_sources.h"
#include "transforms/computed_values.h"
#include "transforms/freeze_inline.h"
#include "transforms/freeze_plan.h"
#include "transforms/freeze_rewrite.h"
#include "transforms/freeze_values.h"

namespace cryograph {
namespace {

using Source = std::shared_ptr<const TensorSource>;

// Shown of a list before "and 7 more".
constexpr size_t kShown = 20;

std::string ShapeOrUnknown(const PartialShape& shape) {
  return shape.unknown_rank ? "of unknown shape" : PartialShapeText(shape);
}

// Finds the value of each variable of the plan.
class ValueFinder {
 public:
  ValueFinder(Model& model, const FreezeOptions& options, FreezeReport& report)
      : model_(model),
        graph_(model.graph()),
        options_(options),
        report_(report),
        computed_(model, options.evaluator) {}

  absl::StatusOr<std::vector<Source>> Find(const std::vector<Node>& variables) {
    variables_ = &variables;
    std::vector<KeyChoice> choices(variables.size());
    if (options_.checkpoint != nullptr) {
      const Checkpoint& checkpoint = *options_.checkpoint;
      ASSIGN_OR_RETURN(const RestoreMap restore_map,
                       RestoreMap::Find(model_, options_.saver, &checkpoint, &report_.notes));
      KeyOptions key_options;
      key_options.variable_map = options_.variable_map;
      key_options.use_ema = options_.use_ema;
      VariableKeys keys(model_, restore_map, checkpoint, key_options);
      choices = keys.Choose(variables, &report_.notes);
      if (keys.num_with_ema() > 0) {
        report_.notes.push_back(absl::StrCat(
            "the checkpoint has a moving average ('…/ExponentialMovingAverage') of ", keys.num_with_ema(),
            " of ", variables.size(), " variables; --use_ema takes it (CG120)"));
      }
    }
    ASSIGN_OR_RETURN(const auto initial, InitializerValues(choices));
    values_.resize(variables.size());
    frozen_.resize(variables.size());
    for (size_t i = 0; i < variables.size(); ++i) {
      RETURN_IF_ERROR(FindOne(i, choices[i], initial));
    }
    RETURN_IF_ERROR(ComputeInitialValues());
    for (size_t i = 0; i < variables.size(); ++i) {
      if (values_[i] != nullptr) report_.variables.push_back(std::move(frozen_[i]));
    }
    RETURN_IF_ERROR(ReportMissing(choices));
    RETURN_IF_ERROR(ReportMismatches());
    ListUnusedKeys();
    return std::move(values_);
  }

 private:
  struct Mismatch {
    std::string variable, wanted, found;
  };
  // An initial value that is no constant and has to be computed.
  struct Uncomputed {
    size_t variable;
    Output value;
    absl::string_view option;
  };

  absl::Status FindOne(size_t i, const KeyChoice& choice,
                       const absl::flat_hash_map<NodeId, Output>& initial) {
    const Node variable = (*variables_)[i];
    const VariableType type = TypeOfVariable(variable);
    FrozenVariable frozen;
    frozen.node = std::string(variable.name());
    const CheckpointEntry* entry =
        choice.value.key.empty() ? nullptr : options_.checkpoint->Find(choice.value.key);
    const auto init = initial.find(variable.id());
    Source value;
    if (init != initial.end()) {
      frozen.how = "initializer node";
      absl::StatusOr<Source> constant = ConstantValue(graph_, init->second);
      if (!constant.ok()) return Defer(i, std::move(frozen), init->second, "initializer_nodes");
      value = *std::move(constant);
    } else if (entry != nullptr) {
      frozen.key = choice.value.key;
      frozen.slice_spec = choice.value.slice_spec;
      frozen.how = choice.how;
      if (entry->dtype != type.dtype) {
        AddDtypeMismatch(variable, type, *entry, choice);
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(value, options_.checkpoint->Source(choice.value.key, choice.value.slice_spec));
      if (choice.value.reshaped && !type.shape.unknown_rank) {
        const absl::StatusOr<int64_t> wanted = NumElements(type.shape.dims),
                                      found = NumElements(value->dims());
        if (wanted.ok() && found.ok() && *wanted == *found)
          value = Reshaped(std::move(value), type.shape.dims);
      }
    } else if (options_.missing == MissingPolicy::kInit) {
      const Node assign = FindInitializer(variable);
      if (!assign) {
        missing_.push_back(i);
        return absl::OkStatus();
      }
      frozen.how = "initial value";
      absl::StatusOr<Source> constant = ConstantValue(graph_, assign.input(1));
      if (!constant.ok()) return Defer(i, std::move(frozen), assign.input(1), "missing=init");
      value = *std::move(constant);
    } else if (options_.missing == MissingPolicy::kZeros && IsStatic(type.shape)) {
      ASSIGN_OR_RETURN(value, Zeros(type.dtype, type.shape.dims));
      frozen.how = "zeros";
    } else {
      missing_.push_back(i);
      return absl::OkStatus();
    }
    Accept(i, std::move(frozen), std::move(value));
    return absl::OkStatus();
  }

  absl::Status Defer(size_t i, FrozenVariable frozen, Output value, absl::string_view option) {
    frozen_[i] = std::move(frozen);
    uncomputed_.push_back({i, value, option});
    return absl::OkStatus();
  }

  // One initial value may need another: as long as some can be computed, the others are tried again.
  absl::Status ComputeInitialValues() {
    if (options_.evaluator == nullptr && !uncomputed_.empty()) {
      const Uncomputed& first = uncomputed_[0];
      return Uncomputable((*variables_)[first.variable], first.option,
                          ConstantValue(graph_, first.value).status());
    }
    absl::flat_hash_map<NodeId, size_t> index;
    for (size_t i = 0; i < variables_->size(); ++i) index.emplace((*variables_)[i].id(), i);
    const auto known = [&](Node variable) -> Source {
      const auto found = index.find(variable.id());
      if (found != index.end()) return values_[found->second];
      if (options_.checkpoint == nullptr || options_.checkpoint->Find(variable.name()) == nullptr)
        return nullptr;
      absl::StatusOr<Source> value = options_.checkpoint->Source(std::string(variable.name()), "");
      return value.ok() ? *std::move(value) : nullptr;
    };
    while (!uncomputed_.empty()) {
      std::vector<Uncomputed> left;
      absl::Status why;
      for (const Uncomputed& each : uncomputed_) {
        absl::StatusOr<Tensor> tensor = computed_.Compute(each.value, known);
        if (tensor.ok()) {
          Accept(each.variable, std::move(frozen_[each.variable]), SourceOf(*std::move(tensor)));
          continue;
        }
        if (left.empty()) why = tensor.status();
        left.push_back(each);
      }
      if (left.size() == uncomputed_.size())
        return Uncomputable((*variables_)[left[0].variable], left[0].option, why);
      uncomputed_ = std::move(left);
    }
    return absl::OkStatus();
  }

  // Takes the value for the variable, if it fits; else it is told of later.
  void Accept(size_t i, FrozenVariable frozen, Source value) {
    const VariableType type = TypeOfVariable((*variables_)[i]);
    if (value->dtype() != type.dtype || !ShapeAdmits(type.shape, value->dims())) {
      const std::string source = frozen.key.empty() ? frozen.how : absl::StrCat("'", frozen.key, "'");
      shape_mismatches_.push_back(
          {frozen.node, absl::StrCat(DataTypeName(type.dtype), " ", ShapeOrUnknown(type.shape)),
           absl::StrCat(source, " is ", DataTypeName(value->dtype()), " ", ShapeText(value->dims()))});
      return;
    }
    frozen.dtype = value->dtype();
    frozen.dims = value->dims();
    frozen.bytes = ValueBytes(*value);
    report_.bytes += frozen.bytes;
    frozen_[i] = std::move(frozen);
    values_[i] = std::move(value);
  }

  static bool IsStatic(const PartialShape& shape) {
    return !shape.unknown_rank &&
           std::all_of(shape.dims.begin(), shape.dims.end(), [](int64_t d) { return d >= 0; });
  }

  absl::Status Uncomputable(Node variable, absl::string_view option, const absl::Status& why) {
    return FreezeError(why.code(), "CG117",
                       absl::StrCat("variable '", variable.name(), "' is not in the checkpoint, and ", option,
                                    " cannot give it a value: ", why.message()));
  }

  void AddDtypeMismatch(Node variable, const VariableType& type, const CheckpointEntry& entry,
                        const KeyChoice& choice) {
    dtype_mismatches_.push_back(
        {std::string(variable.name()),
         absl::StrCat(DataTypeName(type.dtype), " ", ShapeOrUnknown(type.shape)),
         absl::StrCat("'", entry.name, "' is ", DataTypeName(entry.dtype), " ", ShapeText(entry.dims),
                      choice.value.cast_to == DT_INVALID ? "" : ", which the graph casts")});
  }

  static bool IsAssign(Node node) {
    return (node.op() == "Assign" || node.op() == "AssignVariableOp") && node.num_inputs() == 2;
  }

  // The op that gives `variable` its initial value; the null handle if there is none.
  Node FindInitializer(Node variable) {
    Node found;
    for (const Use& use : variable.uses()) {
      if (use.slot != 0) continue;
      const Node user = graph_.node(use.user);
      if (!IsAssign(user) || absl::StartsWith(user.input_node(1).op(), "Restore")) continue;
      // A Saver's Assign reads a restore op, perhaps through an Identity; others are later than the initial
      // one.
      if (user.input_node(1).op() == "Identity" && user.input_node(1).num_inputs() == 1 &&
          absl::StartsWith(user.input_node(1).input_node(0).op(), "Restore")) {
        continue;
      }
      const bool named = user.name() == absl::StrCat(variable.name(), "/Assign");
      if (!found || named ||
          (found.name() != absl::StrCat(variable.name(), "/Assign") && user.id() < found.id())) {
        found = user;
      }
    }
    return found;
  }

  // What options_.initializer_nodes assign to the variables that are to be frozen.
  absl::StatusOr<absl::flat_hash_map<NodeId, Output>> InitializerValues(
      const std::vector<KeyChoice>& choices) {
    absl::flat_hash_map<NodeId, Output> assigned;
    if (options_.initializer_nodes.empty()) return assigned;
    std::vector<char> seen(graph_.id_limit(), 0);
    std::vector<Node> stack;
    for (absl::string_view name : options_.initializer_nodes) {
      name = absl::StripAsciiWhitespace(name);
      if (name.empty()) continue;
      const Node node = graph_.Find(name);
      if (!node) {
        std::vector<absl::string_view> names;
        for (Node other : graph_.nodes()) names.push_back(other.name());
        return FreezeError(absl::StatusCode::kNotFound, "CG126",
                           absl::StrCat("the initializer node '", name, "' is not in the graph",
                                        DidYouMean(NearestNames(name, names))));
      }
      stack.push_back(node);
    }
    while (!stack.empty()) {
      const Node node = stack.back();
      stack.pop_back();
      char& mark = seen[static_cast<uint32_t>(node.id())];
      if (mark != 0 || !graph_.alive(node.id())) continue;
      mark = 1;
      if (IsAssign(node)) assigned.emplace(node.input(0).node, node.input(1));
      for (const InputEdge& edge : node.inputs()) stack.push_back(graph_.node(edge.node));
      for (const ControlEdge& edge : node.control_inputs()) stack.push_back(graph_.node(edge.node));
    }
    std::vector<std::string> overwritten;
    for (size_t i = 0; i < choices.size(); ++i) {
      const Node variable = (*variables_)[i];
      if (!assigned.contains(variable.id()) || choices[i].value.key.empty() ||
          options_.checkpoint->Find(choices[i].value.key) == nullptr) {
        continue;
      }
      overwritten.push_back(absl::StrCat("'", variable.name(), "'"));
    }
    if (!overwritten.empty() && !options_.allow_initializer_overwrite) {
      const size_t count = overwritten.size();
      if (count > kShown) overwritten.resize(kShown);
      return FreezeError(absl::StatusCode::kFailedPrecondition, "CG127",
                         absl::StrCat("the initializer nodes would overwrite ", count,
                                      " variables that the checkpoint restores"),
                         {absl::StrCat("why: ", absl::StrJoin(overwritten, ", "), count > kShown ? " …" : ""),
                          "why: initializers run after restoring, so the result would be the untrained model",
                          "try: name only initializers of variables that are not in the checkpoint",
                          "try: --allow_initializer_overwrite if that is what you want"});
    }
    return assigned;
  }

  std::string NearKeys(const std::string& name) const {
    std::vector<absl::string_view> keys;
    for (const CheckpointEntry& entry : options_.checkpoint->entries()) keys.push_back(entry.name);
    return DidYouMean(NearestNames(name, keys));
  }

  absl::Status ReportMissing(const std::vector<KeyChoice>& choices) {
    if (missing_.empty()) return absl::OkStatus();
    const size_t count = missing_.size(), all = variables_->size();
    std::vector<std::string> lines;
    if (options_.checkpoint == nullptr) {
      for (size_t k = 0; k < std::min<size_t>(count, 5); ++k) {
        lines.push_back(
            absl::StrCat("why: variable '", (*variables_)[missing_[k]].name(), "' needs a value"));
      }
      lines.push_back("try: --input_checkpoint=PREFIX (in a spec: checkpoint=\"PREFIX\")");
      return FreezeError(absl::StatusCode::kInvalidArgument, "CG110",
                         absl::StrCat("no checkpoint is given, and ", count, " variables need a value"),
                         lines);
    }
    const Checkpoint& checkpoint = *options_.checkpoint;
    const bool object_based = checkpoint.ObjectGraph().ok();
    if (count == all && count > 1 && !checkpoint.entries().empty()) {
      // Side by side: three of each tell more than a list.
      const std::vector<CheckpointEntry>& entries = checkpoint.entries();
      for (size_t k = 0; k < 3; ++k) {
        const std::string variable = k < count ? std::string((*variables_)[missing_[k]].name()) : "";
        const std::string key = k < entries.size() ? entries[k].name : "";
        lines.push_back(absl::StrCat("why: variable '", variable, "'   key '", key, "'"));
      }
      if (object_based) {
        lines.push_back(
            "why: the checkpoint is object-based (TF2, Keras), and its full names are not those of the graph "
            "(CG121)");
      }
      const std::string near = NearKeys(lines.empty() ? "" : std::string((*variables_)[missing_[0]].name()));
      lines.push_back(absl::StrCat("try: --variable_map=from=to,… or from/*=to/*", near));
      return FreezeError(absl::StatusCode::kNotFound, "CG116",
                         absl::StrCat(checkpoint.prefix(), ": 0 of ", all,
                                      " variables matched: the checkpoint is of another model"),
                         lines);
    }
    bool initial = false;
    for (size_t k = 0; k < count; ++k) {
      const Node variable = (*variables_)[missing_[k]];
      initial = initial || FindInitializer(variable);
      if (k >= kShown) continue;
      const VariableType type = TypeOfVariable(variable);
      const std::string& key = choices[missing_[k]].value.key;
      lines.push_back(
          absl::StrCat("why: variable '", variable.name(), "' (", DataTypeName(type.dtype), " ",
                       ShapeOrUnknown(type.shape), ")",
                       key.empty() || key == variable.name() ? "" : absl::StrCat(", key '", key, "'"),
                       NearKeys(key.empty() ? std::string(variable.name()) : key)));
      if (const std::string& doubtful = choices[missing_[k]].doubtful_key; !doubtful.empty()) {
        lines.push_back(absl::StrCat("why: a restore op of the graph reads '", doubtful,
                                     "' for it, but no SaverDef names that op; --variable_map=",
                                     variable.name(), "=", doubtful, " or --input_saver believes it"));
      }
    }
    if (count > kShown) lines.push_back(absl::StrCat("why: and ", count - kShown, " more"));
    if (object_based) {
      lines.push_back(
          "why: the checkpoint is object-based (TF2, Keras); no full name in it is the variable's (CG121)");
    }
    lines.push_back("try: --variable_map=variable=key,…");
    if (initial && options_.missing != MissingPolicy::kInit) {
      lines.push_back("try: --missing=init takes the initial values that the graph itself holds");
    }
    if (options_.missing != MissingPolicy::kZeros) lines.push_back("try: --missing=zeros");
    return FreezeError(absl::StatusCode::kNotFound, "CG117",
                       absl::StrCat(checkpoint.prefix(), ": ", count, " of ", all,
                                    " variables that the outputs need are not in the checkpoint"),
                       lines);
  }

  static std::vector<std::string> Table(const std::vector<Mismatch>& mismatches) {
    std::vector<std::string> lines;
    for (size_t i = 0; i < mismatches.size() && i < kShown; ++i) {
      lines.push_back(absl::StrCat("why: variable '", mismatches[i].variable, "' is ", mismatches[i].wanted,
                                   ", but ", mismatches[i].found));
    }
    if (mismatches.size() > kShown)
      lines.push_back(absl::StrCat("why: and ", mismatches.size() - kShown, " more"));
    return lines;
  }

  absl::Status ReportMismatches() {
    if (!dtype_mismatches_.empty()) {
      return FreezeError(absl::StatusCode::kFailedPrecondition, "CG119",
                         absl::StrCat(options_.checkpoint->prefix(), ": ", dtype_mismatches_.size(),
                                      " variables have another type than the checkpoint"),
                         Table(dtype_mismatches_));
    }
    if (!shape_mismatches_.empty()) {
      std::vector<std::string> lines = Table(shape_mismatches_);
      lines.push_back(
          "why: usual causes are another number of classes, another input size, or the checkpoint of another "
          "model");
      return FreezeError(
          absl::StatusCode::kFailedPrecondition, "CG118",
          absl::StrCat(
              options_.checkpoint != nullptr ? absl::StrCat(options_.checkpoint->prefix(), ": ") : "",
              shape_mismatches_.size(), " variables have another shape than their values"),
          lines);
    }
    return absl::OkStatus();
  }

  void ListUnusedKeys() {
    if (options_.checkpoint == nullptr) return;
    absl::flat_hash_set<absl::string_view> used;
    for (const FrozenVariable& frozen : report_.variables) used.insert(frozen.key);
    for (const CheckpointEntry& entry : options_.checkpoint->entries()) {
      if (!used.contains(entry.name)) report_.unused_keys.push_back(entry.name);
    }
  }

  Model& model_;
  Graph& graph_;
  const FreezeOptions& options_;
  FreezeReport& report_;
  const std::vector<Node>* variables_ = nullptr;
  ComputedValues computed_;
  std::vector<Source> values_;          // By position in *variables_.
  std::vector<FrozenVariable> frozen_;  // The same.
  std::vector<Uncomputed> uncomputed_;
  std::vector<size_t> missing_;
  std::vector<Mismatch> dtype_mismatches_, shape_mismatches_;
};

// "1.2 MB", as file managers count.
std::string SizeText(uint64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " bytes");
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes) / 1000;
  int unit = 0;
  while (value >= 999.95 && unit < 3) {
    value /= 1000;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

// Does what the options say of lookup tables. The node that fills them becomes one more output.
absl::Status TreatTables(Model& model, FreezeOptions& options, FreezeReport& report) {
  std::vector<Node> outputs;
  for (absl::string_view name : options.outputs) {
    // One that is unknown is told of later.
    if (const Node node = FindTensor(model.graph(), absl::StripAsciiWhitespace(name)))
      outputs.push_back(node);
  }
  ASSIGN_OR_RETURN(FrozenTables tables, FreezeTables(model, outputs, options.tables, options.evaluator));
  report.tables = std::move(tables.tables);
  report.init_node = std::move(tables.init_node);
  report.notes.insert(report.notes.end(), tables.notes.begin(), tables.notes.end());
  if (!report.init_node.empty()) options.outputs.push_back(report.init_node);
  return absl::OkStatus();
}

}  // namespace

std::string FreezeReport::Summary() const {
  std::string text =
      absl::StrCat("froze ", variables.size(), variables.size() == 1 ? " variable (" : " variables (",
                   SizeText(bytes), "); ", nodes_kept, " of ", nodes_total, " nodes kept");
  if (inlined + lowered > 0) {
    absl::StrAppend(&text, "; ", inlined, inlined == 1 ? " call" : " calls", " inlined");
    if (lowered > 0) absl::StrAppend(&text, ", ", lowered, " If, While and Case lowered");
  }
  if (!inputs.empty()) absl::StrAppend(&text, "; inputs: ", absl::StrJoin(inputs, ", "));
  return text;
}

namespace {

absl::StatusOr<FreezeReport> FreezeGraph(Model& model, FreezeOptions options, FreezeReport report) {
  RETURN_IF_ERROR(TreatTables(model, options, report));
  // What fills a table may be in a function, too.
  if (!report.init_node.empty() && RunsFunctions(model)) {
    RETURN_IF_ERROR(InlineForFreezing(model, options, report));
  }
  ASSIGN_OR_RETURN(const FreezePlan plan, PlanFreezing(model, options, report));
  ASSIGN_OR_RETURN(const std::vector<Source> values, ValueFinder(model, options, report).Find(plan.frozen));
  RETURN_IF_ERROR(RewriteFrozen(model, plan, options, values, report));
  report.leftovers = FindTrainingLeftovers(model);
  const std::vector<std::string> notes = TrainingNotes(report.leftovers);
  report.notes.insert(report.notes.end(), notes.begin(), notes.end());
  return report;
}

}  // namespace

absl::StatusOr<FreezeReport> FreezeVariables(Model& model, const FreezeOptions& options) {
  FreezeReport report;
  if (!RunsFunctions(model)) return FreezeGraph(model, options, std::move(report));
  // On a copy, since what is inlined stays so whatever is found out afterwards.
  Model copy = model.Clone();
  RETURN_IF_ERROR(InlineForFreezing(copy, options, report));
  ASSIGN_OR_RETURN(report, FreezeGraph(copy, options, std::move(report)));
  model = std::move(copy);
  return report;
}

}  // namespace cryograph

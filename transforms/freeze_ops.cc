#include "transforms/freeze_ops.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"

namespace cryograph {
namespace {

using OpMap = absl::flat_hash_map<absl::string_view, FreezeOp>;

const OpMap& KnownOps() {
  static const OpMap* const ops = new OpMap({
      {"Variable", FreezeOp::kVariable},
      {"VariableV2", FreezeOp::kVariable},
      {"AutoReloadVariable", FreezeOp::kVariable},
      {"VarHandleOp", FreezeOp::kHandle},
      {"TemporaryVariable", FreezeOp::kTemporary},
      {"DestroyTemporaryVariable", FreezeOp::kTemporary},
      {"ReadVariableOp", FreezeOp::kRead},
      {"ResourceGather", FreezeOp::kGather},
      {"ResourceGatherNd", FreezeOp::kGatherNd},
      {"VariableShape", FreezeOp::kShape},
      {"VarIsInitializedOp", FreezeOp::kIsInitialized},
      {"IsVariableInitialized", FreezeOp::kIsInitialized},
      {"Identity", FreezeOp::kForward},
      {"Switch", FreezeOp::kForward},
      {"_SwitchN", FreezeOp::kForward},
      {"Merge", FreezeOp::kForward},
      {"Enter", FreezeOp::kForward},
      {"Exit", FreezeOp::kForward},
      {"NextIteration", FreezeOp::kForward},
      {"RefIdentity", FreezeOp::kRefForward},
      {"RefSwitch", FreezeOp::kRefForward},
      {"RefMerge", FreezeOp::kRefForward},
      {"RefEnter", FreezeOp::kRefForward},
      {"RefExit", FreezeOp::kRefForward},
      {"RefNextIteration", FreezeOp::kRefForward},
      {"DebugGradientRefIdentity", FreezeOp::kRefForward},
      {"RefSelect", FreezeOp::kRefSelect},
      {"Assign", FreezeOp::kRefUpdate},
      {"AssignAdd", FreezeOp::kRefUpdate},
      {"AssignSub", FreezeOp::kRefUpdate},
      {"CountUpTo", FreezeOp::kRefUpdate},
      {"NegTrain", FreezeOp::kRefUpdate},
      {"SdcaShrinkL1", FreezeOp::kRefUpdate},
      {"StridedSliceAssign", FreezeOp::kRefUpdate},
      {"ScatterUpdate", FreezeOp::kRefUpdate},
      {"ScatterAdd", FreezeOp::kRefUpdate},
      {"ScatterSub", FreezeOp::kRefUpdate},
      {"ScatterMul", FreezeOp::kRefUpdate},
      {"ScatterDiv", FreezeOp::kRefUpdate},
      {"ScatterMin", FreezeOp::kRefUpdate},
      {"ScatterMax", FreezeOp::kRefUpdate},
      {"ScatterNdUpdate", FreezeOp::kRefUpdate},
      {"ScatterNdAdd", FreezeOp::kRefUpdate},
      {"ScatterNdSub", FreezeOp::kRefUpdate},
      {"DestroyResourceOp", FreezeOp::kRelease},
      {"DisableCopyOnRead", FreezeOp::kRelease},
      {"PyFunc", FreezeOp::kPyFunc},
      {"PyFuncStateless", FreezeOp::kPyFunc},
      {"EagerPyFunc", FreezeOp::kPyFunc},
      {"HashTable", FreezeOp::kTable},
      {"HashTableV2", FreezeOp::kTable},
      {"AnonymousHashTable", FreezeOp::kTable},
      {"MutableHashTable", FreezeOp::kTable},
      {"MutableHashTableV2", FreezeOp::kTable},
      {"MutableHashTableOfTensors", FreezeOp::kTable},
      {"MutableHashTableOfTensorsV2", FreezeOp::kTable},
      {"MutableDenseHashTable", FreezeOp::kTable},
      {"MutableDenseHashTableV2", FreezeOp::kTable},
      {"Placeholder", FreezeOp::kPlaceholder},
      {"PlaceholderV2", FreezeOp::kPlaceholder},
  });
  return *ops;
}

// What gives data: the ops whose outputs a caller would feed instead.
bool IsPipelineOp(absl::string_view op) {
  return absl::StartsWith(op, "IteratorGetNext") || absl::StartsWith(op, "QueueDequeue") ||
         absl::StartsWith(op, "ReaderRead") || absl::StartsWith(op, "BarrierTakeMany") || op == "Unstage" ||
         op == "StagePeek" || op == "MapUnstage" || op == "OrderedMapUnstage" ||
         op == "DatasetToSingleElement";
}

}  // namespace

FreezeOp ClassifyForFreezing(absl::string_view op) {
  const OpMap& known = KnownOps();
  if (const auto it = known.find(op); it != known.end()) return it->second;
  if (absl::StartsWith(op, "Apply") || absl::StartsWith(op, "SparseApply")) return FreezeOp::kRefUpdate;
  if (IsPipelineOp(op)) return FreezeOp::kPipeline;
  return FreezeOp::kOther;
}

absl::string_view ValueOpOf(absl::string_view op) {
  if (op == "DebugGradientRefIdentity") return "DebugGradientIdentity";
  if (op == "RefSelect" || !absl::StartsWith(op, "Ref")) return "";
  return op.substr(3);
}

int NumReferenceInputs(absl::string_view op) {
  if (op == "NegTrain") return 2;
  const bool sparse = absl::StartsWith(op, "SparseApply");
  if (!sparse && !absl::StartsWith(op, "Apply")) return 1;
  absl::string_view rule = op.substr(sparse ? 11 : 5);
  if (absl::EndsWith(rule, "V2")) rule.remove_suffix(2);
  if (rule == "CenteredRMSProp") return 4;
  if (rule == "AdaMax" || rule == "Adadelta" || rule == "AdagradDA" || rule == "Adam" || rule == "Ftrl" ||
      rule == "RMSProp") {
    return 3;
  }
  if (rule == "GradientDescent" || rule == "ProximalGradientDescent") return 1;
  return 2;  // Adagrad, AddSign, Momentum, PowerSign, ProximalAdagrad.
}

}  // namespace cryograph

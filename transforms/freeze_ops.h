// What freezing knows of ops: which are variables, which hand a variable on, which read it, which change it.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_OPS_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_OPS_H_

#include "absl/strings/string_view.h"

namespace cryograph {

enum class FreezeOp {
  kOther,
  kVariable,       // Variable, VariableV2, AutoReloadVariable: output 0 is a reference.
  kHandle,         // VarHandleOp: output 0 is a resource.
  kTemporary,      // TemporaryVariable: lives within one run, so no checkpoint has it.
  kRead,           // ReadVariableOp
  kGather,         // ResourceGather
  kGatherNd,       // ResourceGatherNd
  kShape,          // VariableShape
  kIsInitialized,  // VarIsInitializedOp, IsVariableInitialized
  kForward,     // Identity, Switch, Merge, Enter, Exit, NextIteration: hand a resource on, and dereference a
                // reference.
  kRefForward,  // The same ops for references.
  kRefSelect,   // RefSelect: input 1 + index is handed on.
  kRefUpdate,   // Takes a reference to change it; gives the reference.
  kRelease,     // DestroyResourceOp, DisableCopyOnRead: has nothing to do once the variable is a constant.
  kPyFunc,
  kTable,     // Makes a lookup table.
  kPipeline,  // Iterators, queues, readers: gives data that no frozen graph has.
  kPlaceholder,
};

FreezeOp ClassifyForFreezing(absl::string_view op);

// The op for values that stands for the reference op `op`: "Switch" for "RefSwitch". Empty if there is none.
absl::string_view ValueOpOf(absl::string_view op);

// References among the inputs of a kRefUpdate op: 1 for Assign, 3 for ApplyAdam (variable and slots).
int NumReferenceInputs(absl::string_view op);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_OPS_H_

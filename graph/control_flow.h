// Names of the ops that make up the control flow of TensorFlow 1.x: frames, dead tensors, loops.
#ifndef CRYOGRAPH_GRAPH_CONTROL_FLOW_H_
#define CRYOGRAPH_GRAPH_CONTROL_FLOW_H_

#include "absl/strings/string_view.h"

namespace cryograph {

inline bool IsSwitch(absl::string_view op) { return op == "Switch" || op == "RefSwitch" || op == "_SwitchN"; }
// Passes on the one input that is alive; output 1 is its number.
inline bool IsMerge(absl::string_view op) { return op == "Merge" || op == "RefMerge" || op == "_XlaMerge"; }
inline bool IsEnter(absl::string_view op) { return op == "Enter" || op == "RefEnter"; }
inline bool IsExit(absl::string_view op) { return op == "Exit" || op == "RefExit"; }
inline bool IsNextIteration(absl::string_view op) {
  return op == "NextIteration" || op == "RefNextIteration";
}
inline bool IsLoopCond(absl::string_view op) { return op == "LoopCond"; }
// Reads that may give a dead tensor, because the sender may have been dead.
inline bool IsReceive(absl::string_view op) {
  return op == "_Recv" || op == "_HostRecv" || op == "_XlaRecvAtHost";
}

// Ops whose meaning is their place in a frame or a branch: never moved, merged, printed or removed like
// others. RefSelect forwards one of its references and is no control flow.
inline bool IsControlFlow(absl::string_view op) {
  switch (op.empty() ? '\0' : op[0]) {
    case 'S':
    case 'R':
    case 'M':
    case 'E':
    case 'N':
    case 'L':
    case 'C':
    case '_':
      return IsSwitch(op) || IsMerge(op) || IsEnter(op) || IsExit(op) || IsNextIteration(op) ||
             IsLoopCond(op) || op == "ControlTrigger";
    default:
      return false;
  }
}

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_CONTROL_FLOW_H_

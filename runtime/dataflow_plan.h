// A graph with control flow of its own, ready to run: nodes with their readers, and the frames they run in.
#ifndef CRYOGRAPH_RUNTIME_DATAFLOW_PLAN_H_
#define CRYOGRAPH_RUNTIME_DATAFLOW_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/value.h"

namespace cryograph {

struct PlanStep;

enum class DataflowKind : uint8_t {
  kKernel,    // Runs a step.
  kConstant,  // Its outputs are known; its inputs only say when, and whether it is alive.
  kFeed,      // Gives feed number `number`.
  kFetch,     // Takes its input as fetch number `number`.
  kSwitch,    // Input 0 to the output that input 1 selects (bool, or an index).
  kMerge,     // Passes on the first live input, and its number.
  kEnter,     // Into `child_frame`.
  kExit,      // Out of the frame.
  kNextIteration,
  kControlTrigger,  // Runs though inputs are dead.
};

struct DataflowEdge {
  int reader = 0;  // Node.
  int output = 0;  // Of the node that is read; kControlEdge.
  int slot = 0;    // Among the inputs of the reader's frame.
};
inline constexpr int kControlEdge = -1;

struct DataflowNode {
  DataflowKind kind = DataflowKind::kKernel;
  bool is_constant_enter = false;
  int number = 0;       // Of the step, feed or fetch; of the first constant.
  int frame = 0;        // That the node runs in.
  int child_frame = 0;  // Of an Enter.
  int place = 0;        // Among the nodes of its frame.
  int num_inputs = 0;   // Data inputs.
  int num_controls = 0;
  int first_input = 0;  // Among the inputs of its frame.
  int num_outputs = 0;
  std::vector<DataflowEdge> readers;
};

struct DataflowFrame {
  int parent = -1;
  std::string name;
  int num_enters = 0;  // Enter nodes that lead into it.
  int num_inputs = 0;
  std::vector<int> nodes;  // In the order of `place`.
};

struct DataflowPlan {
  std::vector<DataflowNode> nodes;
  std::vector<DataflowFrame> frames;  // 0 is the root.
  std::vector<int> sources;           // Nodes of the root frame that wait for nothing.
  std::vector<PlanStep> steps;
  std::vector<Value> constants;
  int num_fetches = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_DATAFLOW_PLAN_H_

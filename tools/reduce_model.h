// Makes a model small as long as something stays true of it.
#ifndef CRYOGRAPH_TOOLS_REDUCE_MODEL_H_
#define CRYOGRAPH_TOOLS_REDUCE_MODEL_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "graph/model.h"
#include "tools/reduce_cuts.h"

namespace cryograph {

struct ReduceOptions {
  // Whether a model with these outputs still shows the failure.
  std::function<bool(const Model& model, const std::vector<std::string>& outputs)> shows;
  // Nodes that no output needs go, and outputs may move towards the inputs.
  bool by_outputs = true;
  // Nodes that stay with the outputs' as long as the failure needs them: what fills tables.
  std::vector<std::string> initializers;
  // What the tensors of a model hold when these outputs are computed; called once. May be empty.
  std::function<SeenTensors(Model& model, const std::vector<std::string>& outputs)> watch;
  absl::Time end = absl::InfiniteFuture();
  // Told after each step that made the model smaller: "outputs", the nodes that are left, tries so far.
  std::function<void(const std::string& step, int nodes, int tries)> progress;
};

struct ReducedModel {
  Model model;
  std::vector<std::string> outputs;
  int tries = 0;
  bool complete = true;  // False: the time was over.
};

// A model of which no single output, node, bypass, attribute or control edge can go any more without losing
// the failure: deltas of ddmin over outputs; over nodes, which become placeholders of the type and shape that
// they had or constants of the value that they had; nodes that hand their first input on; constants of one
// value for all elements and of smaller dimensions, the same one everywhere; attributes, devices, control
// edges, and what a container says beside the graph. Functions are inlined and their control flow lowered if
// the failure is there without them; the bodies of those that stay lose nodes, attributes and control edges,
// too. Deterministic, unless the time is over. `model` must show the failure.
ReducedModel ReduceModel(const Model& model, const std::vector<std::string>& outputs,
                         const ReduceOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_REDUCE_MODEL_H_

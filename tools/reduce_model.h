// Makes a model small as long as something stays true of it.
#ifndef CRYOGRAPH_TOOLS_REDUCE_MODEL_H_
#define CRYOGRAPH_TOOLS_REDUCE_MODEL_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "graph/attr.h"
#include "graph/model.h"
#include "graph/tensor.h"

namespace cryograph {

// What a node gave when the whole model ran, by name; nodes of which nothing is known are not there.
struct SeenTensor {
  std::vector<int64_t> dims;
  Tensor value;  // Of dtype DT_INVALID where it was too large to keep.
};
using SeenTensors = std::map<std::string, std::vector<SeenTensor>>;  // By node; one for each output.

struct ReduceOptions {
  // Whether a model with these outputs still shows the failure.
  std::function<bool(const Model& model, const std::vector<std::string>& outputs)> shows;
  // Nodes that no output needs go, and outputs may move towards the inputs.
  bool by_outputs = true;
  SeenTensors seen;
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
// edges, and what a container says beside the graph. Deterministic, unless the time is over. `model` must
// show the failure.
ReducedModel ReduceModel(const Model& model, const std::vector<std::string>& outputs,
                         const ReduceOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_REDUCE_MODEL_H_

#include "tools/benchmark_flops.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

double Elements(const Shape& shape) {
  double elements = 1;
  for (const int64_t dim : shape) elements *= static_cast<double>(dim);
  return elements;
}

// Multiply-adds for one element of the output.
double TermsOfAnElement(Node node, const Shape& weights) {
  if (node.op() == "MatMul") {
    if (weights.size() != 2) return 0;
    return static_cast<double>(weights[node.attr("transpose_b", false) ? 1 : 0]);
  }
  if (weights.size() != 4) return 0;  // [height, width, in_depth, …]
  const double window = static_cast<double>(weights[0]) * static_cast<double>(weights[1]);
  return node.op() == "Conv2D" ? window * static_cast<double>(weights[2]) : window;
}

}  // namespace

absl::StatusOr<double> EstimateFlops(Graph& graph, const BenchmarkProfile& profile, Executor& executor,
                                     const std::vector<std::pair<std::string, Value>>& feeds) {
  std::vector<std::pair<Node, const NodeProfile*>> counted;
  std::vector<std::string> fetches;
  for (const NodeProfile& ran : profile.nodes()) {
    const Node node = graph.Find(ran.name);
    if (!node || node.op() != ran.op || node.num_inputs() < 2 || ran.outputs.empty()) continue;
    if (ran.op != "Conv2D" && ran.op != "DepthwiseConv2dNative" && ran.op != "MatMul") continue;
    counted.emplace_back(node, &ran);
    fetches.push_back(absl::StrCat(node.input_node(1).name(), ":", node.input(1).index));
  }
  if (counted.empty() || profile.runs() == 0) return 0;
  ASSIGN_OR_RETURN(const std::vector<Value> weights, executor.RunOnce(feeds, fetches));
  double flops = 0;
  for (size_t i = 0; i < counted.size(); ++i) {
    const auto [node, ran] = counted[i];
    const double calls = static_cast<double>(ran->calls) / static_cast<double>(profile.runs());
    flops += 2 * calls * Elements(ran->outputs[0].shape) * TermsOfAnElement(node, weights[i].shape());
  }
  return flops;
}

}  // namespace cryograph

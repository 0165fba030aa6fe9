// A program with a frozen graph in it: prints its nodes.
#include <iostream>

#include "graph/proto/graph.pb.h"
#include "lean_model_cc.h"

int main() {
  tensorflow::GraphDef graph;
  if (!graph.ParseFromArray(lean_model_cc_data(), static_cast<int>(lean_model_cc_size()))) {
    std::cerr << "the embedded graph is damaged\n";
    return 1;
  }
  int variables = 0;
  for (const tensorflow::NodeDef& node : graph.node()) {
    std::cout << node.op() << " " << node.name() << "\n";
    variables += node.op() == "VariableV2";
  }
  return graph.node_size() > 0 && variables == 0 ? 0 : 1;
}

// For tests: a graph from a few lines of C++, where only names, ops and edges matter.
#ifndef CRYOGRAPH_GRAPH_GRAPH_LINES_H_
#define CRYOGRAPH_GRAPH_GRAPH_LINES_H_

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "graph/graph.h"
#include "gtest/gtest.h"

namespace cryograph {

// One node. Inputs are "name", "name:port" or "^name", in any order of definition.
struct GraphLine {
  std::string name, op;
  std::vector<std::string> inputs;
};

inline Graph GraphOf(const std::vector<GraphLine>& lines) {
  Graph graph;
  for (const GraphLine& line : lines) EXPECT_TRUE(graph.AddNode(line.name, line.op, {}).ok()) << line.name;
  for (const GraphLine& line : lines) {
    const Node node = graph.Find(line.name);
    for (const std::string& input : line.inputs) {
      const std::vector<std::string> parts = absl::StrSplit(input, ':');
      int port = 0;
      if (parts.size() > 1) {
        EXPECT_TRUE(absl::SimpleAtoi(parts[1], &port)) << input;
      }
      const bool control = input[0] == '^';
      const Node from = graph.Find(control ? input.substr(1) : parts[0]);
      EXPECT_TRUE(static_cast<bool>(from)) << input;
      if (!from) continue;
      if (control) {
        graph.AddControlInput(node, from);
      } else {
        graph.AddInput(node, from.out(port));
      }
    }
  }
  return graph;
}

inline std::vector<std::string> NamesOf(Graph& graph, const std::vector<NodeId>& ids) {
  std::vector<std::string> names;
  for (NodeId id : ids) names.emplace_back(graph.node(id).name());
  return names;
}

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_GRAPH_LINES_H_

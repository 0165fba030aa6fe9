// Says how two GraphDefs differ in meaning: what only differs in spelling is equal.
#ifndef CRYOGRAPH_TESTS_END_TO_END_GRAPH_DIFFERENCE_H_
#define CRYOGRAPH_TESTS_END_TO_END_GRAPH_DIFFERENCE_H_

#include <set>
#include <string>
#include <vector>

#include "graph/proto/graph.pb.h"

namespace cryograph {

// Reads a GraphDef, text if the name ends in "txt", else binary. Fails the test, and gives an empty graph, if
// it cannot.
tensorflow::GraphDef ReadGraph(const std::string& path);

// One line per difference, sorted by node; empty if there is none. Nodes are a set: their order does not
// count, nor do
// ":0" in inputs, the order of control inputs, `versions` and the library. Tensors are equal if type, shape
// and every bit of their elements are, in whatever form they are written. Attributes in `ignored` do not
// count.
std::vector<std::string> GraphDifferences(const tensorflow::GraphDef& expected,
                                          const tensorflow::GraphDef& actual,
                                          const std::set<std::string>& ignored = {});

}  // namespace cryograph

#endif  // CRYOGRAPH_TESTS_END_TO_END_GRAPH_DIFFERENCE_H_

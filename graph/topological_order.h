// Orders of a graph's nodes in which what a node reads stands before it, and the cycles that make that
// impossible.
#ifndef CRYOGRAPH_GRAPH_TOPOLOGICAL_ORDER_H_
#define CRYOGRAPH_GRAPH_TOPOLOGICAL_ORDER_H_

#include <string>
#include <vector>

#include "graph/graph.h"

namespace cryograph {

struct TopologicalOrder {
  std::vector<NodeId> order;  // Every node that could be placed.
  std::vector<NodeId> stuck;  // The others, in file order: on a cycle or behind one. Empty for a good graph.
};

// Of the nodes that are ready the one that stands first comes next, so that a sorted graph stays as it is.
// Data and control inputs count. The edge from a NextIteration to a Merge closes a loop and is no dependency;
// a Merge comes after all its other inputs. Missing inputs and function arguments do not hold anybody up. O(n
// log n).
TopologicalOrder StableOrder(Graph& graph);

// The order of the original graph transforms: sources are put on a stack in file order, the top of the stack
// is placed next and signals its readers in file order; a reader is put on the stack when its last input
// signals. A Merge waits for its control inputs and one data input only.
TopologicalOrder StackOrder(Graph& graph);

// The cycles among `stuck`: sets of nodes that reach each other, each in file order; back edges of loops as
// in StableOrder. Linear.
std::vector<std::vector<NodeId>> FindCycles(Graph& graph, const std::vector<NodeId>& stuck);

// "a -> b -> a": a shortest way from the first node of `cycle` (of FindCycles) back to itself, in the
// direction of the data; long ones are cut in the middle.
std::string CycleText(Graph& graph, const std::vector<NodeId>& cycle);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_TOPOLOGICAL_ORDER_H_

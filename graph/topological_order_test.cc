#include "graph/topological_order.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "graph/graph_lines.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What the original sort_by_execution_order was seen to answer: c4 c3 add3 c2 c1 add2 add1.
const std::vector<GraphLine>& Tree() {
  static const auto* lines = new std::vector<GraphLine>{{"add1", "Add", {"add2", "add3"}},
                                                        {"add2", "Add", {"c1", "c2"}},
                                                        {"add3", "Add", {"c3", "c4"}},
                                                        {"c1", "Const", {}},
                                                        {"c2", "Const", {}},
                                                        {"c3", "Const", {}},
                                                        {"c4", "Const", {}}};
  return *lines;
}

const std::vector<GraphLine>& Loop() {
  static const auto* lines = new std::vector<GraphLine>{{"next", "NextIteration", {"body"}},
                                                        {"exit", "Exit", {"switch"}},
                                                        {"body", "Relu", {"switch"}},
                                                        {"switch", "Switch", {"merge", "cond"}},
                                                        {"cond", "LoopCond", {"less"}},
                                                        {"less", "Less", {"merge", "merge"}},
                                                        {"merge", "Merge", {"enter", "next"}},
                                                        {"enter", "Enter", {"x"}},
                                                        {"x", "Placeholder", {}}};
  return *lines;
}

TEST(StackOrderTest, LaterSourcesComeFirst) {
  Graph graph = GraphOf(Tree());
  EXPECT_THAT(NamesOf(graph, StackOrder(graph).order),
              ElementsAre("c4", "c3", "add3", "c2", "c1", "add2", "add1"));
}

TEST(StackOrderTest, AMergeWaitsForOneInput) {
  Graph graph = GraphOf({{"a", "Const", {}}, {"b", "Const", {}}, {"m", "Merge", {"a", "b"}}});
  EXPECT_THAT(NamesOf(graph, StackOrder(graph).order), ElementsAre("b", "m", "a"));
}

TEST(StackOrderTest, AMergeWaitsForItsControls) {
  Graph graph =
      GraphOf({{"c", "NoOp", {}}, {"a", "Const", {}}, {"b", "Const", {}}, {"m", "Merge", {"a", "b", "^c"}}});
  // b and a signal; the third signal, of c, comes at zero already passed: two signals suffice.
  EXPECT_THAT(NamesOf(graph, StackOrder(graph).order), ElementsAre("b", "a", "m", "c"));
}

TEST(StackOrderTest, LoopsAreSorted) {
  Graph graph = GraphOf(Loop());
  EXPECT_THAT(NamesOf(graph, StackOrder(graph).order),
              ElementsAre("x", "enter", "merge", "less", "cond", "switch", "body", "next", "exit"));
}

TEST(StackOrderTest, CyclesAreLeft) {
  Graph graph =
      GraphOf({{"a", "Relu", {"b"}}, {"b", "Relu", {"a"}}, {"c", "Const", {}}, {"d", "Relu", {"b"}}});
  const TopologicalOrder order = StackOrder(graph);
  EXPECT_THAT(NamesOf(graph, order.order), ElementsAre("c"));
  EXPECT_THAT(NamesOf(graph, order.stuck), ElementsAre("a", "b", "d"));
}

TEST(StableOrderTest, SortedGraphsStay) {
  Graph graph =
      GraphOf({{"a", "Const", {}}, {"b", "Const", {}}, {"m", "Merge", {"a", "b"}}, {"c", "Const", {}}});
  EXPECT_THAT(NamesOf(graph, StableOrder(graph).order), ElementsAre("a", "b", "m", "c"));
}

TEST(StableOrderTest, TheFirstThatIsReadyComesNext) {
  Graph graph = GraphOf(Tree());
  EXPECT_THAT(NamesOf(graph, StableOrder(graph).order),
              ElementsAre("c1", "c2", "add2", "c3", "c4", "add3", "add1"));
}

TEST(StableOrderTest, ControlInputsCount) {
  Graph graph = GraphOf({{"a", "Const", {"^b"}}, {"b", "NoOp", {}}});
  EXPECT_THAT(NamesOf(graph, StableOrder(graph).order), ElementsAre("b", "a"));
}

TEST(StableOrderTest, ALoopIsNoCycle) {
  Graph graph = GraphOf(Loop());
  const TopologicalOrder order = StableOrder(graph);
  EXPECT_THAT(NamesOf(graph, order.order),
              ElementsAre("x", "enter", "merge", "less", "cond", "switch", "exit", "body", "next"));
  EXPECT_THAT(order.stuck, IsEmpty());
}

TEST(StableOrderTest, AMergeWaitsForItsForwardInputs) {
  Graph graph = GraphOf({{"m", "Merge", {"a", "b"}}, {"a", "Const", {}}, {"b", "Const", {}}});
  EXPECT_THAT(NamesOf(graph, StableOrder(graph).order), ElementsAre("a", "b", "m"));
}

TEST(FindCyclesTest, NamesTheCyclesAndNotWhatIsBehind) {
  Graph graph = GraphOf({{"d", "Relu", {"b"}},
                         {"a", "Relu", {"b"}},
                         {"b", "AddN", {"a", "x", "d2"}},
                         {"d2", "Relu", {"d"}},
                         {"self", "Relu", {"self"}},
                         {"x", "Const", {}},
                         {"end", "AddN", {"self", "a"}}});
  const TopologicalOrder order = StableOrder(graph);
  EXPECT_THAT(NamesOf(graph, order.stuck), ElementsAre("d", "a", "b", "d2", "self", "end"));
  const auto cycles = FindCycles(graph, order.stuck);
  ASSERT_EQ(cycles.size(), 2u);
  EXPECT_THAT(NamesOf(graph, cycles[0]), ElementsAre("d", "a", "b", "d2"));
  EXPECT_EQ(CycleText(graph, cycles[0]), "d -> d2 -> b -> d");
  EXPECT_THAT(NamesOf(graph, cycles[1]), ElementsAre("self"));
  EXPECT_EQ(CycleText(graph, cycles[1]), "self -> self");
}

TEST(FindCyclesTest, LongCyclesAreCut) {
  std::vector<GraphLine> lines;
  for (int i = 0; i < 100000; ++i) {
    lines.push_back({absl::StrCat("n", i), "Relu", {absl::StrCat("n", (i + 99999) % 100000)}});
  }
  Graph graph = GraphOf(lines);
  const TopologicalOrder order = StableOrder(graph);
  EXPECT_THAT(order.order, IsEmpty());
  const auto cycles = FindCycles(graph, order.stuck);
  ASSERT_EQ(cycles.size(), 1u);
  EXPECT_EQ(CycleText(graph, cycles[0]),
            "n0 -> n1 -> n2 -> n3 -> (99993 more) -> n99997 -> n99998 -> n99999 -> n0");
}

}  // namespace
}  // namespace cryograph

#include "graph/frames.h"

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

void SetFrame(Graph& graph, const std::string& enter, const std::string& frame) {
  graph.SetAttr(graph.Find(enter), "frame_name", AttrString(frame));
}

bool CanBeDead(Graph& graph, const FrameInfo& info, const std::string& name) {
  return info.CanBeDead(graph.Find(name).id());
}

// y = p ? relu(x) : tanh(x), with a constant in one branch, as TensorFlow 1.x writes it.
std::vector<GraphLine> Cond() {
  return {{"x", "Placeholder", {}},      {"p", "Placeholder", {}},
          {"sp", "Switch", {"p", "p"}},  {"t", "Identity", {"sp:1"}},
          {"f", "Identity", {"sp"}},     {"sx", "Switch", {"x", "p"}},
          {"k", "Const", {"^t"}},        {"add", "Add", {"sx:1", "k"}},
          {"tanh", "Tanh", {"sx"}},      {"out", "Merge", {"tanh", "add"}},
          {"end", "Relu", {"out", "^p"}}};
}

TEST(FramesTest, BranchesOfACond) {
  Graph graph = GraphOf(Cond());
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_THAT(info.defects(), IsEmpty());
  EXPECT_EQ(info.frames().size(), 1u);
  for (const char* name : {"x", "p", "sp", "sx", "out", "end"})
    EXPECT_FALSE(CanBeDead(graph, info, name)) << name;
  for (const char* name : {"t", "f", "k", "add", "tanh"}) EXPECT_TRUE(CanBeDead(graph, info, name)) << name;
  EXPECT_TRUE(info.CanBeDead(graph, graph.Find("sx").out(0)));
  EXPECT_FALSE(info.CanBeDead(graph, graph.Find("out").out(1)));
  EXPECT_TRUE(info.SameGuard(graph.Find("k").id(), graph.Find("add").id()));
  EXPECT_FALSE(info.SameGuard(graph.Find("tanh").id(), graph.Find("add").id()));
}

TEST(FramesTest, ControlsThatGuard) {
  Graph graph = GraphOf(Cond());
  graph.AddControlInput(graph.Find("add"), graph.Find("x"));  // Only orders.
  graph.AddControlInput(graph.Find("add"), graph.Find("t"));  // Says what sx:1 says already.
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_THAT(info.GuardingControls(graph.Find("k")), ElementsAre(0));
  EXPECT_THAT(info.GuardingControls(graph.Find("add")), IsEmpty());
  EXPECT_THAT(info.GuardingControls(graph.Find("end")), IsEmpty());
}

TEST(FramesTest, ANestedCond) {
  Graph graph = GraphOf({{"x", "Placeholder", {}},
                         {"p", "Placeholder", {}},
                         {"q", "Placeholder", {}},
                         {"sx", "Switch", {"x", "p"}},
                         {"sq", "Switch", {"q", "p"}},
                         {"inner", "Switch", {"sx:1", "sq:1"}},
                         {"relu", "Relu", {"inner:1"}},
                         {"m1", "Merge", {"inner", "relu"}},
                         {"m2", "Merge", {"sx", "m1"}},
                         {"half", "Merge", {"relu", "sx"}}});
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_TRUE(CanBeDead(graph, info, "inner"));
  EXPECT_TRUE(CanBeDead(graph, info, "m1"));
  EXPECT_TRUE(info.SameGuard(graph.Find("m1").id(), graph.Find("inner").id()));
  EXPECT_FALSE(CanBeDead(graph, info, "m2"));
  EXPECT_TRUE(CanBeDead(graph, info, "half"));  // Dead if p and not q.
}

// while (i < 10) i += 1, entered under a condition if `guarded`.
Graph Loop(bool guarded) {
  Graph graph = GraphOf({{"x", "Placeholder", {}},
                         {"p", "Placeholder", {}},
                         {"sx", "Switch", {"x", "p"}},
                         {"enter", "Enter", {guarded ? "sx:1" : "x"}},
                         {"merge", "Merge", {"enter"}},
                         {"ten", "Const", {"^merge"}},
                         {"less", "Less", {"merge", "ten"}},
                         {"cond", "LoopCond", {"less"}},
                         {"switch", "Switch", {"merge", "cond"}},
                         {"body", "Identity", {"switch:1"}},
                         {"one", "Const", {"^body"}},
                         {"add", "Add", {"body", "one"}},
                         {"next", "NextIteration", {"add"}},
                         {"exit", "Exit", {"switch"}},
                         {"y", "Relu", {"exit"}},
                         {"after", "Const", {"^exit"}}});
  SetFrame(graph, "enter", "while/context");
  graph.AddInput(graph.Find("merge"), graph.Find("next").out());
  return graph;
}

TEST(FramesTest, ALoop) {
  Graph graph = Loop(false);
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_THAT(info.defects(), IsEmpty());
  ASSERT_EQ(info.frames().size(), 2u);
  EXPECT_EQ(info.frames()[1].name, "while/context");
  EXPECT_EQ(info.frames()[1].parent, 0);
  for (const char* name : {"merge", "ten", "less", "cond", "switch", "body", "one", "add", "next"}) {
    EXPECT_EQ(info.frame(graph.Find(name).id()), 1) << name;
    EXPECT_EQ(info.input_frame(graph.Find(name).id()), 1) << name;
  }
  EXPECT_EQ(info.input_frame(graph.Find("enter").id()), 0);
  EXPECT_EQ(info.frame(graph.Find("enter").id()), 1);
  EXPECT_EQ(info.input_frame(graph.Find("exit").id()), 1);
  EXPECT_EQ(info.frame(graph.Find("exit").id()), 0);
  EXPECT_TRUE(info.InLoop(graph.Find("exit").id()));
  EXPECT_FALSE(info.InLoop(graph.Find("y").id()));
  EXPECT_FALSE(CanBeDead(graph, info, "ten"));
  EXPECT_TRUE(CanBeDead(graph, info, "one"));
  EXPECT_FALSE(CanBeDead(graph, info, "y"));
  EXPECT_FALSE(CanBeDead(graph, info, "after"));
  // Without "^merge" the constant would be in the root frame; "^body" keeps the other from running at the
  // end.
  EXPECT_THAT(info.GuardingControls(graph.Find("ten")), ElementsAre(0));
  EXPECT_THAT(info.GuardingControls(graph.Find("one")), ElementsAre(0));
  EXPECT_THAT(info.GuardingControls(graph.Find("after")), IsEmpty());
}

TEST(FramesTest, ALoopInABranch) {
  Graph graph = Loop(true);
  const FrameInfo info = FrameInfo::Analyze(graph);
  for (const char* name : {"merge", "ten", "y", "after"}) EXPECT_TRUE(CanBeDead(graph, info, name)) << name;
  EXPECT_TRUE(info.CanBeDead(graph, graph.Find("exit").out()));
  EXPECT_TRUE(info.SameGuard(graph.Find("y").id(), graph.Find("after").id()));
  EXPECT_THAT(info.GuardingControls(graph.Find("after")), ElementsAre(0));
}

TEST(FramesTest, AnchorsForNewNodes) {
  Graph graph = Loop(false);
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_EQ(info.Anchor(graph.Find("less")).name(), "merge");
  EXPECT_EQ(info.Anchor(graph.Find("add")).name(), "body");
  EXPECT_FALSE(static_cast<bool>(info.Anchor(graph.Find("enter"))));
  EXPECT_FALSE(static_cast<bool>(info.Anchor(graph.Find("y"))));
  // No input of body carries the branch as a signal: its Switch at least is in the frame.
  EXPECT_EQ(info.Anchor(graph.Find("body")).name(), "switch");
}

TEST(FramesTest, NestedFrames) {
  Graph graph = GraphOf({{"x", "Const", {}},
                         {"e1", "Enter", {"x"}},
                         {"e2", "Enter", {"e1"}},
                         {"e2b", "Enter", {"e1"}},
                         {"add", "Add", {"e2", "e2b"}},
                         {"o2", "Exit", {"add"}},
                         {"o1", "Exit", {"o2"}}});
  SetFrame(graph, "e1", "outer");
  SetFrame(graph, "e2", "inner");
  SetFrame(graph, "e2b", "inner");
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_THAT(info.defects(), IsEmpty());
  EXPECT_EQ(info.frames().size(), 3u);
  EXPECT_EQ(info.frame(graph.Find("add").id()), 2);
  EXPECT_EQ(info.frames()[2].parent, 1);
  EXPECT_EQ(info.frame(graph.Find("o1").id()), 0);
}

TEST(FramesTest, DefectsAreNamed) {
  Graph graph = GraphOf({{"x", "Const", {}},
                         {"k", "Const", {}},
                         {"e", "Enter", {"x"}},
                         {"add", "Add", {"k", "e"}},
                         {"bad", "Exit", {"x"}}});
  SetFrame(graph, "e", "loop");
  const FrameInfo info = FrameInfo::Analyze(graph);
  ASSERT_EQ(info.defects().size(), 2u);
  EXPECT_EQ(graph.node(info.defects()[0].node).name(), "bad");
  EXPECT_EQ(info.defects()[0].text, "leaves a frame, but is in the root frame");
  EXPECT_EQ(graph.node(info.defects()[1].node).name(), "add");
  EXPECT_EQ(info.defects()[1].text, "reads 'k' of the root frame, but is in frame 'loop'");
}

TEST(FramesTest, CyclesAndDeepNestingEnd) {
  std::vector<GraphLine> lines = {{"x", "Const", {}}, {"p", "Const", {}}, {"s0", "Switch", {"x", "p"}}};
  for (int i = 1; i < 3000; ++i) {
    lines.push_back(
        {absl::StrCat("s", i), "Switch", {absl::StrCat("s", i - 1), absl::StrCat("s", i - 1, ":1")}});
  }
  lines.push_back({"a", "Merge", {"b", "s5"}});
  lines.push_back({"b", "Switch", {"a", "a"}});
  Graph graph = GraphOf(lines);
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_TRUE(CanBeDead(graph, info, "s2999"));
  EXPECT_TRUE(CanBeDead(graph, info, "s1"));
}

TEST(FramesTest, ReceivedValuesMayBeDead) {
  Graph graph = GraphOf({{"r", "_Recv", {}}, {"y", "Relu", {"r"}}});
  const FrameInfo info = FrameInfo::Analyze(graph);
  EXPECT_TRUE(CanBeDead(graph, info, "y"));
}

}  // namespace
}  // namespace cryograph

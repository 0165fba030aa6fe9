#include "graph/graph.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Node Add(Graph& graph, absl::string_view name, absl::string_view op, std::vector<Output> inputs = {}) {
  absl::StatusOr<Node> node = graph.AddNode(name, op, inputs);
  EXPECT_OK(node);
  return *node;
}

std::vector<std::string> Names(Graph& graph) {
  std::vector<std::string> names;
  for (const Node node : graph.nodes()) names.emplace_back(node.name());
  return names;
}

// "reader:slot<-index" for each reader, "^reader" for a control reader.
std::vector<std::string> Readers(Node node) {
  std::vector<std::string> readers;
  for (const Use& use : node.uses()) {
    const Node user = node.graph().node(use.user);
    readers.push_back(use.slot == kControl ? absl::StrCat("^", user.name())
                                           : absl::StrCat(user.name(), ":", use.slot, "<-", use.index));
  }
  std::sort(readers.begin(), readers.end());
  return readers;
}

std::vector<std::string> Inputs(Node node) {
  std::vector<std::string> inputs;
  for (const InputEdge& edge : node.inputs()) {
    inputs.push_back(absl::StrCat(node.graph().node(edge.node).name(), ":", edge.index));
  }
  for (const ControlEdge& edge : node.control_inputs()) {
    inputs.push_back(absl::StrCat("^", node.graph().node(edge.node).name()));
  }
  return inputs;
}

// Both ends of every edge agree.
void CheckEdges(Graph& graph) {
  std::map<std::string, std::vector<std::string>> expected;
  for (const Node node : graph.nodes()) {
    for (int i = 0; i < node.num_inputs(); ++i) {
      expected[std::string(node.input_node(i).name())].push_back(
          absl::StrCat(node.name(), ":", i, "<-", node.input(i).index));
    }
    for (const ControlEdge& edge : node.control_inputs()) {
      expected[std::string(graph.node(edge.node).name())].push_back(absl::StrCat("^", node.name()));
    }
  }
  for (const Node node : graph.nodes()) {
    std::vector<std::string>& readers = expected[std::string(node.name())];
    std::sort(readers.begin(), readers.end());
    EXPECT_EQ(Readers(node), readers) << node.name();
  }
}

TEST(GraphTest, AddNodeKeepsOrderAndEdges) {
  Graph graph;
  const Node a = Add(graph, "a", "Placeholder");
  const Node b = Add(graph, "b", "Relu", {a.out()});
  ASSERT_OK_AND_ASSIGN(const Node first, graph.AddNode("first", "NoOp", {}, a));
  graph.AddControlInput(b, first);
  graph.AddControlInput(b, first);
  EXPECT_THAT(Names(graph), ElementsAre("first", "a", "b"));
  EXPECT_THAT(Inputs(b), ElementsAre("a:0", "^first"));
  EXPECT_THAT(Readers(first), ElementsAre("^b"));
  EXPECT_EQ(graph.Find("b"), b);
  EXPECT_FALSE(graph.Find("nope"));
}

TEST(GraphTest, AddNodeRefusesTakenAndInvalidNames) {
  Graph graph;
  Add(graph, "a", "NoOp");
  EXPECT_THAT(graph.AddNode("a", "Relu", {}),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'a' (NoOp)")));
  EXPECT_THAT(graph.AddNode("a b", "Relu", {}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(graph.AddNode("", "Relu", {}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Names(graph), ElementsAre("a"));
}

TEST(GraphTest, UniqueNameTakesTheFirstFree) {
  Graph graph;
  Add(graph, "c", "NoOp");
  Add(graph, "c_1", "NoOp");
  EXPECT_EQ(graph.UniqueName("c"), "c_2");
  EXPECT_EQ(graph.UniqueName("d"), "d");
}

TEST(GraphTest, SetInputMovesTheUse) {
  Graph graph;
  const Node a = Add(graph, "a", "Split");
  const Node b = Add(graph, "b", "Const");
  const Node sum = Add(graph, "sum", "Add", {a.out(0), a.out(1)});
  EXPECT_FALSE(a.OnlyOutputUsed(0));
  graph.SetInput(sum, 1, b.out());
  EXPECT_TRUE(a.OnlyOutputUsed(0));
  EXPECT_THAT(Inputs(sum), ElementsAre("a:0", "b:0"));
  CheckEdges(graph);
  const uint64_t edits = graph.edits();
  graph.SetInput(sum, 1, b.out());
  EXPECT_EQ(graph.edits(), edits) << "what changes nothing is no edit";
}

TEST(GraphTest, RemoveInputShiftsTheRest) {
  Graph graph;
  const Node a = Add(graph, "a", "Const");
  const Node n = Add(graph, "n", "AddN", {a.out(), a.out(1), a.out(2)});
  graph.RemoveInput(n, 0);
  EXPECT_THAT(Inputs(n), ElementsAre("a:1", "a:2"));
  CheckEdges(graph);
}

TEST(GraphTest, RemoveControlInputShiftsTheRest) {
  Graph graph;
  const Node a = Add(graph, "a", "NoOp"), b = Add(graph, "b", "NoOp"), c = Add(graph, "c", "NoOp");
  const Node n = Add(graph, "n", "NoOp");
  for (const Node each : {a, b, c}) graph.AddControlInput(n, each);
  graph.RemoveControlInput(n, 0);
  EXPECT_THAT(Inputs(n), ElementsAre("^b", "^c"));
  CheckEdges(graph);
  graph.RemoveAllControlInputs(n);
  EXPECT_THAT(Inputs(n), IsEmpty());
  CheckEdges(graph);
}

TEST(GraphTest, ReplaceHandsOverNamePinReadersAndControlEdges) {
  Graph graph;
  const Node guard = Add(graph, "guard", "NoOp");
  const Node x = Add(graph, "x", "Placeholder");
  const Node old = Add(graph, "y", "Mul", {x.out()});
  graph.AddControlInput(old, guard);
  graph.Pin(old);
  const Node data = Add(graph, "data", "Relu", {old.out()});
  const Node waits = Add(graph, "waits", "NoOp");
  graph.AddControlInput(waits, old);
  const Node replacement = Add(graph, "temporary", "BiasAdd", {x.out()});
  ASSERT_OK(graph.Replace(old, replacement));
  EXPECT_EQ(replacement.name(), "y");
  EXPECT_TRUE(replacement.pinned());
  EXPECT_THAT(Inputs(replacement), ElementsAre("x:0", "^guard"));
  EXPECT_THAT(Inputs(data), ElementsAre("y:0"));
  EXPECT_THAT(Inputs(waits), ElementsAre("^y"));
  EXPECT_EQ(graph.Find("y"), replacement);
  EXPECT_FALSE(graph.Find("temporary"));
  CheckEdges(graph);
}

TEST(GraphTest, BypassMovesReadersAndControlInputs) {
  Graph graph;
  const Node guard = Add(graph, "guard", "NoOp");
  const Node x = Add(graph, "x", "Split");
  const Node id = Add(graph, "id", "Identity", {x.out(1)});
  graph.AddControlInput(id, guard);
  const Node reader = Add(graph, "reader", "Add", {id.out(), id.out()});
  const Node waits = Add(graph, "waits", "NoOp");
  graph.AddControlInput(waits, id);
  ASSERT_OK(graph.Bypass(id, id.input(0)));
  EXPECT_THAT(Inputs(reader), ElementsAre("x:1", "x:1", "^guard"));
  EXPECT_THAT(Inputs(waits), UnorderedElementsAre("^x", "^guard"));
  EXPECT_THAT(Names(graph), ElementsAre("guard", "x", "reader", "waits"));
  CheckEdges(graph);
}

TEST(GraphTest, BypassRefusesPinnedAndOtherOutputs) {
  Graph graph;
  const Node x = Add(graph, "x", "Placeholder");
  const Node out = Add(graph, "out", "Identity", {x.out()});
  graph.Pin(out);
  EXPECT_THAT(graph.Bypass(out, x.out()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'out'")));
  const Node two = Add(graph, "two", "Switch", {x.out()});
  Add(graph, "reader", "Relu", {two.out(1)});
  EXPECT_THAT(graph.Bypass(two, x.out()), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(GraphTest, EraseNamesAReader) {
  Graph graph;
  const Node a = Add(graph, "a", "Const");
  const Node b = Add(graph, "b", "Relu", {a.out()});
  EXPECT_THAT(graph.Erase(a), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'b' reads it")));
  EXPECT_TRUE(graph.alive(a.id()));
  ASSERT_OK(graph.Erase({a.id(), b.id()}));
  EXPECT_THAT(Names(graph), IsEmpty());
  EXPECT_EQ(graph.num_nodes(), 0);
}

TEST(GraphTest, EditWhileWalking) {
  Graph graph;
  for (int i = 0; i < 6; ++i) Add(graph, absl::StrCat("n", i), "NoOp");
  std::vector<std::string> visited;
  for (const Node node : graph.nodes()) {
    visited.emplace_back(node.name());
    if (node.name() == "n1") {
      ASSERT_OK(graph.Erase({graph.Find("n1").id(), graph.Find("n2").id(), graph.Find("n3").id()}));
      Add(graph, "added", "NoOp");
    }
  }
  EXPECT_THAT(visited, ElementsAre("n0", "n1", "n4", "n5"));
  EXPECT_THAT(Names(graph), ElementsAre("n0", "n4", "n5", "added"));
}

TEST(GraphTest, RenameMovesTheName) {
  Graph graph;
  const Node a = Add(graph, "a", "Const");
  const Node b = Add(graph, "b", "Relu", {a.out()});
  ASSERT_OK(graph.Rename(a, "c"));
  EXPECT_EQ(graph.Find("c"), a);
  EXPECT_FALSE(graph.Find("a"));
  EXPECT_THAT(Inputs(b), ElementsAre("c:0"));
  EXPECT_THAT(graph.Rename(a, "b"), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'b' (Relu)")));
  Add(graph, "a", "NoOp");
}

TEST(GraphTest, ManyNamesComeAndGo) {
  Graph graph;
  std::vector<Node> nodes;
  for (int i = 0; i < 5000; ++i) nodes.push_back(Add(graph, absl::StrCat("n", i), "NoOp"));
  for (int i = 0; i < 5000; i += 2) ASSERT_OK(graph.Erase(nodes[static_cast<size_t>(i)]));
  for (int i = 0; i < 5000; ++i)
    EXPECT_EQ(static_cast<bool>(graph.Find(absl::StrCat("n", i))), i % 2 == 1) << i;
  for (int i = 0; i < 5000; i += 2) Add(graph, absl::StrCat("n", i), "NoOp");
  EXPECT_EQ(graph.num_nodes(), 5000);
}

TEST(GraphTest, AttributesAreSortedAndTyped) {
  Graph graph;
  const Node node = Add(graph, "n", "Op");
  graph.SetAttr(node, "zeta", AttrInt(-7));
  graph.SetAttr(node, "alpha", AttrFloat(0.5f));
  graph.SetAttr(node, "flag", AttrBool(true));
  graph.SetAttr(node, "T", AttrType(DT_HALF));
  graph.SetAttr(node, "text", AttrString("hi"));
  EXPECT_THAT(node.attr_keys(), ElementsAre("T", "alpha", "flag", "text", "zeta"));
  EXPECT_EQ(node.attr<int64_t>("zeta", 0), -7);
  EXPECT_EQ(node.attr("alpha", 0.f), 0.5f);
  EXPECT_TRUE(node.attr("flag", false));
  EXPECT_EQ(node.attr("T", DT_INVALID), DT_HALF);
  EXPECT_EQ(node.attr<std::string>("text", ""), "hi");
  EXPECT_EQ(node.attr<int64_t>("text", 3), 3) << "another kind gives the fallback";
  EXPECT_TRUE(graph.RemoveAttr(node, "flag"));
  EXPECT_FALSE(graph.RemoveAttr(node, "flag"));
  EXPECT_FALSE(node.has_attr("flag"));
}

TEST(GraphTest, ColocationFollowsRenamedAndReplacedNodes) {
  Graph graph;
  const auto colocate = [&](absl::string_view name, std::vector<std::string> with) {
    const Node node = Add(graph, name, "NoOp");
    graph.SetAttr(node, "_class", AttrStringList(with));
    return node;
  };
  const Node x = Add(graph, "x", "Const");
  const Node renamed = Add(graph, "renamed", "Const");
  const Node id = Add(graph, "id", "Identity", {x.out()});
  const Node gone = Add(graph, "gone", "NoOp");
  const Node user = colocate("user", {"loc:@renamed", "loc:@id", "loc:@gone", "loc:@never", "other"});
  const Node lonely = colocate("lonely", {"loc:@gone"});
  ASSERT_OK(graph.Rename(renamed, "new"));
  ASSERT_OK(graph.Bypass(id, id.input(0)));
  ASSERT_OK(graph.Erase(gone));
  EXPECT_EQ(graph.FixColocations(), 2);
  EXPECT_THAT(user.attr("_class").list_s(), ElementsAre("loc:@new", "loc:@x", "loc:@never", "other"));
  EXPECT_FALSE(lonely.has_attr("_class"));
}

// TensorFlow writes such an entry on every VarHandleOp.
TEST(GraphTest, ColocationWithItselfFollowsARename) {
  Graph graph;
  const Node node = *graph.AddNode("old", "VarHandleOp", {});
  graph.SetAttr(node, "_class", AttrStringList(std::vector<std::string>{"loc:@old"}));
  ASSERT_TRUE(graph.Rename(node, "new").ok());
  EXPECT_EQ(graph.FixColocations(), 0);
  EXPECT_EQ(node.attr("_class").list_s(), std::vector<absl::string_view>{"loc:@new"});
}

TEST(GraphTest, ColocationFollowsSwappedNames) {
  Graph graph;
  const Node a = Add(graph, "a", "NoOp"), b = Add(graph, "b", "NoOp");
  const Node user = Add(graph, "user", "NoOp");
  graph.SetAttr(user, "_class", AttrStringList({"loc:@a"}));
  ASSERT_OK(graph.Rename(a, "t"));
  ASSERT_OK(graph.Rename(b, "a"));
  graph.FixColocations();
  EXPECT_THAT(user.attr("_class").list_s(), ElementsAre("loc:@t"));
}

TEST(GraphTest, AMillionReadersOfOneNode) {
  Graph graph;
  const Node source = Add(graph, "source", "Const");
  const Node other = Add(graph, "other", "Const");
  std::vector<Node> readers;
  for (int i = 0; i < 1000000; ++i)
    readers.push_back(Add(graph, absl::StrCat("r", i), "Relu", {source.out()}));
  for (size_t i = 0; i < readers.size(); i += 2) graph.SetInput(readers[i], 0, other.out());
  EXPECT_EQ(source.uses().size(), 500000u);
  EXPECT_EQ(other.uses().size(), 500000u);
  const Node id = Add(graph, "id", "Identity", {source.out()});
  for (size_t i = 0; i < readers.size(); i += 2) graph.SetInput(readers[i], 0, id.out());
  ASSERT_OK(graph.Bypass(id, source.out()));
  EXPECT_EQ(source.uses().size(), 1000000u);
}

}  // namespace
}  // namespace cryograph

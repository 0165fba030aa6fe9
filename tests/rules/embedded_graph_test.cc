// The graph that the rules froze, transformed and put into this program.
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "graph/proto/graph.pb.h"
#include "tests/rules/lean_model_cc.h"

namespace cryograph {
namespace {

TEST(EmbeddedGraphTest, IsFrozenAndLean) {
  tensorflow::GraphDef graph;
  ASSERT_TRUE(graph.ParseFromArray(lean_model_cc_data(), static_cast<int>(lean_model_cc_size())));
  std::vector<std::string> nodes;
  for (const tensorflow::NodeDef& node : graph.node()) nodes.push_back(node.name() + " " + node.op());
  EXPECT_THAT(nodes, testing::UnorderedElementsAre("x Placeholder", "w Const", "product MatMul", "b Const",
                                                   "sum AddV2", "y Relu"));
  for (const tensorflow::NodeDef& node : graph.node()) {
    if (node.name() != "w") continue;
    const tensorflow::TensorProto& value = node.attr().at("value").tensor();
    const float expected[] = {1, -2, 3, 4, -5, 6};
    EXPECT_EQ(value.tensor_content(), std::string(reinterpret_cast<const char*>(expected), sizeof(expected)));
  }
}

TEST(EmbeddedGraphTest, LiesWhereVectorInstructionsWantIt) {
  EXPECT_EQ(reinterpret_cast<uintptr_t>(lean_model_cc_data()) % 64, 0u);
}

}  // namespace
}  // namespace cryograph

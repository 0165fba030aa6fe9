// merge_duplicate_nodes on what a text case cannot show: size, and values that are not in the graph yet.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_matchers.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "transforms/pass.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

// Runs the pass; a step that is quadratic in any of the sizes below would take hours.
void Merge(Model& model) {
  absl::StatusOr<PassManager> manager = PassManager::Parse("merge_duplicate_nodes");
  ASSERT_OK(manager);
  PassContext context(&model, PassOptions());
  const absl::Time start = absl::Now();
  ASSERT_OK(manager->Run(model, context));
  EXPECT_LT(absl::Now() - start, absl::Seconds(60));
  EXPECT_OK(VerifyStructure(model));
}

Node Add(Graph& graph, const std::string& name, const std::string& op, const std::vector<Output>& inputs) {
  absl::StatusOr<Node> node = graph.AddNode(name, op, inputs);
  EXPECT_OK(node);
  graph.SetAttr(*node, "T", AttrType(DT_FLOAT));
  return *node;
}

Tensor Scalar(float value) { return Tensor::Of<float>(DT_FLOAT, {}, {value}); }

TEST(MergeDuplicateNodesTest, DeepChains) {
  Model model;
  Graph& graph = model.graph();
  constexpr int kDepth = 200000;
  std::vector<Node> ends;
  for (const char* chain : {"a", "b"}) {
    Node node = graph.AddConst(chain, Scalar(1));
    for (int i = 0; i < kDepth; ++i) node = Add(graph, absl::StrCat(chain, i), "Relu", {node.out()});
    ends.push_back(node);
  }
  const Node sum = Add(graph, "sum", "Add", {ends[0].out(), ends[1].out()});
  Merge(model);
  EXPECT_EQ(graph.num_nodes(), kDepth + 2);
  EXPECT_EQ(sum.input(0), sum.input(1));
  EXPECT_EQ(sum.input_node(0).name(), absl::StrCat("a", kDepth - 1));
}

TEST(MergeDuplicateNodesTest, ManyReadersOfEachOfManyDuplicates) {
  Model model;
  Graph& graph = model.graph();
  constexpr int kNodes = 100000;
  const Node x = *graph.AddNode("x", "Placeholder", {});
  for (int i = 0; i < kNodes; ++i) {
    const Node relu = Add(graph, absl::StrCat("r", i), "Relu", {x.out()});
    // The readers differ by a constant, and so are kept.
    const Node bias = graph.AddConst(absl::StrCat("c", i), Scalar(static_cast<float>(i)));
    const Node sum = Add(graph, absl::StrCat("s", i), "Add", {relu.out(), bias.out()});
    graph.AddControlInput(sum, relu);
  }
  Merge(model);
  EXPECT_EQ(graph.num_nodes(), 1 + 1 + 2 * kNodes);
  EXPECT_EQ(graph.Find("r0").uses().size(), 2u * kNodes);
}

TEST(MergeDuplicateNodesTest, FillsAreNotExpanded) {
  Model model;
  Graph& graph = model.graph();
  // DT_FLOAT, shape [2^40], one float_val.
  const auto fill = [](const char* value) {
    return AttrTensor(
        absl::StrCat(absl::string_view("\x08\x01\x12\x09\x12\x07\x08\x80\x80\x80\x80\x80\x20", 13),
                     "\x2a\x04", absl::string_view(value, 4)));
  };
  const char* values[] = {"\x00\x00\x80\x3f", "\x00\x00\x80\x3f", "\x00\x00\x00\x40"};
  std::vector<Output> outputs;
  for (int i = 0; i < 3; ++i) {
    const Node node = *graph.AddNode(absl::StrCat("c", i), "Const", {});
    graph.SetAttr(node, "dtype", AttrType(DT_FLOAT));
    graph.SetAttr(node, "value", fill(values[i]));
    outputs.push_back(node.out());
  }
  const Node sum = Add(graph, "sum", "AddN", outputs);
  graph.SetAttr(sum, "N", AttrInt(3));
  Merge(model);
  EXPECT_EQ(sum.input(0), sum.input(1));
  EXPECT_NE(sum.input(0), sum.input(2));
}

class FixedSource final : public TensorSource {
 public:
  explicit FixedSource(float value) : tensor_(Scalar(value)) {}
  DataType dtype() const override { return tensor_.dtype; }
  const std::vector<int64_t>& dims() const override { return tensor_.dims; }
  uint64_t num_bytes() const override { return tensor_.bytes.size(); }
  absl::StatusOr<Tensor> Load() const override { return tensor_; }
  absl::Status Write(ByteSink& sink) const override { return sink.Append(tensor_.bytes); }

 private:
  Tensor tensor_;
};

TEST(MergeDuplicateNodesTest, ValuesOfACheckpoint) {
  Model model;
  Graph& graph = model.graph();
  std::vector<Output> outputs;
  for (float value : {1.f, 1.f, 2.f}) {
    outputs.push_back(graph.AddConst("w", std::make_shared<FixedSource>(value)).out());
  }
  outputs.push_back(graph.AddConst("inline", Scalar(2)).out());
  const Node sum = Add(graph, "sum", "AddN", outputs);
  graph.SetAttr(sum, "N", AttrInt(4));
  Merge(model);
  EXPECT_EQ(graph.num_nodes(), 3);
  EXPECT_EQ(sum.input(0), sum.input(1));
  EXPECT_EQ(sum.input(2), sum.input(3));
}

}  // namespace
}  // namespace cryograph

// Times passes on graphs of a thousand to a million nodes.
//
// Legend: BM_<pass>/<nodes>/<readers>. The graph is `readers` chains side by side that all start at one
// Placeholder and for which the output waits; in each, Identity and Relu take turns. So /1000000/1 is one
// chain of a million nodes and /1000000/500000 a node with half a million readers. Time is that of a run by
// the pass manager, checks included, on a graph in memory; items are nodes. A pass that is not linear shows
// in its items per second.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "graph/graph.h"
#include "graph/model.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

struct Case {
  const char* name;
  const char* spec;
};

constexpr Case kCases[] = {
    {"add_default_attributes", "add_default_attributes"},
    {"insert_logging", "insert_logging(op=Relu)"},
    {"merge_duplicate_nodes", "merge_duplicate_nodes"},
    {"obfuscate_names", "obfuscate_names"},
    {"remove_attribute", "remove_attribute(attribute_name=T)"},
    {"remove_control_dependencies", "remove_control_dependencies"},
    {"remove_device", "remove_device"},
    {"remove_nodes", "remove_nodes(op=Identity)"},
    {"rename_attribute", "rename_attribute(old_attribute_name=T, new_attribute_name=U)"},
    {"rename_node", "rename_node(old_node_name=\"identity_*\", new_node_name=\"i/*\")"},
    {"rename_op", "rename_op(old_op_name=Relu, new_op_name=Relu6)"},
    {"set_device", "set_device(device=\"/cpu:0\")"},
    {"sort_by_execution_order", "sort_by_execution_order"},
    {"strip_unused_nodes", "strip_unused_nodes"},
};

void Fill(Graph& graph, int64_t nodes, int64_t readers, PassOptions* options) {
  const std::string type = AttrType(DT_FLOAT);
  const Node x = *graph.AddNode("x", "Placeholder", {});
  graph.SetAttr(x, "dtype", type);
  options->inputs.push_back(*ParseTensorName("x"));
  std::vector<Node> ends(static_cast<size_t>(readers), x);
  for (int64_t i = 1; i < nodes; ++i) {
    Node& end = ends[static_cast<size_t>(i % readers)];
    const bool identity = (i / readers) % 2 == 0;
    const Node next = *graph.AddNode(absl::StrCat(identity ? "identity_" : "relu_", i),
                                     identity ? "Identity" : "Relu", {end.out()});
    graph.SetAttr(next, "T", type);
    if (i % 16 == 0) graph.AddControlInput(next, x);
    if (i % 8 == 0) graph.SetDevice(next, "/device:GPU:0");
    end = next;
  }
  // A tenth of the chains leads to nothing that is wanted.
  const Node wanted = *graph.AddNode("wanted", "NoOp", {});
  for (size_t i = 0; i < ends.size(); ++i) {
    if (i % 10 != 9) graph.AddControlInput(wanted, ends[i]);
  }
  options->outputs.push_back(*ParseTensorName("wanted"));
}

void RunPass(benchmark::State& state, const char* spec) {
  absl::StatusOr<PassManager> manager = PassManager::Parse(spec);
  if (!manager.ok()) {
    state.SkipWithError(std::string(manager.status().message()).c_str());
    return;
  }
  Model model;
  PassOptions options;
  Fill(model.graph(), state.range(0), state.range(1), &options);
  for (auto _ : state) {
    state.PauseTiming();
    {
      Model copy = model.Clone();
      PassContext context(&copy, options);
      state.ResumeTiming();
      const absl::Status status = manager->Run(copy, context);
      state.PauseTiming();
      if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) {
  for (const cryograph::Case& each : cryograph::kCases) {
    benchmark::RegisterBenchmark(
        absl::StrCat("BM_", each.name).c_str(),
        [spec = each.spec](benchmark::State& state) { cryograph::RunPass(state, spec); })
        ->Args({1000, 1})
        ->Args({1000, 500})
        ->Args({100000, 1})
        ->Args({100000, 50000})
        ->Args({1000000, 1})
        ->Args({1000000, 500000})
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

#include "transforms/pass_manager.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/export_text.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "transforms/instrument/bisect.h"
#include "transforms/instrument/dump.h"
#include "transforms/instrument/reproducer.h"
#include "transforms/instrument/timing.h"

namespace cryograph {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Passes for tests. They count what the manager does with them.
class FailAfterEdit final : public Pass {
 public:
  FailAfterEdit()
      : Pass("test_fail_after_edit", "Renames the first node, adds a function's edit, and fails.") {}
  absl::Status Run(Graph& graph, PassContext& context) override {
    for (Node node : graph.nodes()) {
      RETURN_IF_ERROR(graph.Rename(node, "spoilt"));
      graph.SetDevice(node, "/spoilt");
      break;
    }
    RETURN_IF_ERROR(context.ForEachGraph(true, [](Graph& each) {
      for (Node node : each.nodes()) each.SetDevice(node, "/spoilt");
      return absl::OkStatus();
    }));
    return absl::InternalError("it was bound to fail");
  }
};
CRYOGRAPH_REGISTER_PASS(FailAfterEdit);

class LoseOutput final : public Pass {
 public:
  LoseOutput() : Pass("test_lose_output", "Erases a node.") {}
  absl::Status Run(Graph& graph, PassContext&) override { return graph.Erase(graph.Find(*name_)); }

 private:
  Param<std::string> name_{this, "name", kRequired, "Whom."};
};
CRYOGRAPH_REGISTER_PASS(LoseOutput);

class MakeCycle final : public Pass {
 public:
  MakeCycle() : Pass("test_make_cycle", "Lets the first node wait for the last.") {}
  absl::Status Run(Graph& graph, PassContext&) override {
    Node first, last;
    for (Node node : graph.nodes()) {
      if (!first) first = node;
      last = node;
    }
    graph.AddControlInput(first, last);
    return absl::OkStatus();
  }
};
CRYOGRAPH_REGISTER_PASS(MakeCycle);

class CountDown final : public Pass {
 public:
  CountDown() : Pass("test_count_down", "Takes one from attribute n of the first node, down to zero.") {}
  absl::Status Run(Graph& graph, PassContext& context) override {
    for (Node node : graph.nodes()) {
      const int64_t n = node.attr<int64_t>("n", 0);
      if (n > 0) {
        graph.SetAttr(node, "n", AttrInt(n - 1));
        context.Count("steps");
      }
      break;
    }
    return absl::OkStatus();
  }
};
CRYOGRAPH_REGISTER_PASS(CountDown);

constexpr char kChain[] = R"(
node { name: "x" op: "Placeholder" device: "/cpu:0" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "n" value { i: 5 } } }
node { name: "i" op: "Identity" input: "x" device: "/cpu:0" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "y" op: "Relu" input: "i" attr { key: "T" value { type: DT_FLOAT } } }
library { function { signature { name: "f" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "b" type: DT_FLOAT } }
  node_def { name: "g" op: "Identity" input: "a" attr { key: "T" value { type: DT_FLOAT } } } ret { key: "b" value: "g:output:0" } } }
versions { producer: 134 min_consumer: 12 }
)";

Model Load(absl::string_view text) {
  absl::StatusOr<std::string> bytes = GraphDefFromText(text, "test");
  EXPECT_OK(bytes);
  auto owner = std::make_shared<const std::string>(*std::move(bytes));
  absl::StatusOr<Model> model = ImportGraphDef(*owner, owner, "test");
  EXPECT_OK(model);
  return *std::move(model);
}

std::string Print(Model& model) {
  StringSink sink;
  ExportOptions options;
  options.allow_defects = true;
  EXPECT_OK(ExportGraphDefText(model, sink, false, options));
  return sink.bytes();
}

PassOptions Outputs(std::initializer_list<const char*> names) {
  PassOptions options;
  for (const char* name : names) options.outputs.push_back(*ParseTensorName(name));
  return options;
}

class Runner {
 public:
  Runner(absl::string_view text, PassOptions options = {})
      : model(Load(text)), context(&model, std::move(options)) {}

  absl::Status Run(absl::string_view spec, std::unique_ptr<PassInstrumentation> hook = nullptr,
                   const ParseOptions& options = {}) {
    absl::StatusOr<PassManager> manager = PassManager::Parse(spec, options);
    RETURN_IF_ERROR(manager.status());
    if (hook != nullptr) manager->Add(std::move(hook));
    return manager->Run(model, context);
  }
  const StepReport& step(size_t i) { return context.run_report().steps.at(i); }

  Model model;
  PassContext context;
};

TEST(PassManagerTest, UnknownPassNamesTheNearest) {
  EXPECT_EQ(PassManager::Parse("remove_device\n  remove_node(op=Identity)").status(),
            absl::NotFoundError("pass spec 2:3: no pass is named 'remove_node'; did you mean 'remove_nodes' "
                                "or 'rename_node'?\n"
                                "    remove_node(op=Identity)\n"
                                "    ^"));
}

TEST(PassManagerTest, UnknownParameterNamesTheNearest) {
  EXPECT_THAT(
      PassManager::Parse("remove_nodes(op=Identity, max_input=2)"),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr("1:27: pass 'remove_nodes' has no parameter 'max_input'; did you mean 'max_inputs'?")));
  ParseOptions compat;
  compat.compat = true;
  ASSERT_OK_AND_ASSIGN(const PassManager manager,
                       PassManager::Parse("remove_nodes(op=Identity, max_input=2)", compat));
  EXPECT_THAT(manager.warnings(), ElementsAre(HasSubstr("has no parameter 'max_input'")));
}

TEST(PassManagerTest, NamesOfTheOriginalThatAreNotSupportedSaySo) {
  for (const char* name :
       {"fuse_remote_graph", "place_remote_graph_arguments", "fold_moments", "fuse_convolutions",
        "rewrite_quantized_stripped_model_for_hexagon", "fold_batch_norms_algebraic",
        "fuse_quantized_conv_and_requantize", "fake_quantize_training", "remove_ema"}) {
    EXPECT_THAT(PassManager::Parse(name),
                StatusIs(absl::StatusCode::kUnimplemented,
                         HasSubstr(absl::StrCat("'", name, "' is not supported: "))));
  }
  // Routines of the original that never were transforms.
  for (const char* name : {"create_const", "generate_hexagon"}) {
    EXPECT_THAT(PassManager::Parse(name),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("no pass is named")));
  }
}

TEST(PassManagerTest, WrongValuesShowTheParameter) {
  EXPECT_THAT(
      PassManager::Parse("set_device(if_default=yes)"),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          HasSubstr(
              "1:12: pass 'set_device': parameter 'if_default' is 'yes'; expected true, false, 1 or 0")));
  EXPECT_THAT(
      PassManager::Parse("remove_nodes(op=A, max_inputs=2147483648)"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected from -2147483648 to 2147483647")));
}

TEST(PassManagerTest, IgnoreErrorsIsForEveryPass) {
  EXPECT_OK(PassManager::Parse("remove_device(ignore_errors=TRUE,ignore_errors=x)"));
  EXPECT_OK(PassManager::Parse("remove_device(ignore_errors=False)"));
  for (const char* value : {"1", "\"\"", "yes"}) {
    EXPECT_THAT(PassManager::Parse(absl::StrCat("remove_device(ignore_errors=", value, ")")),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected true or false")))
        << value;
  }
}

TEST(PassManagerTest, SpecReadsBack) {
  const std::string spec =
      "clear_devices repeat(max=3) { remove_nodes(op=Identity, max_inputs=1) } set_device(device=\"\")";
  ASSERT_OK_AND_ASSIGN(const PassManager manager, PassManager::Parse(spec));
  EXPECT_EQ(manager.ToSpec(), spec);
  std::vector<std::string> names;
  for (const Pass* pass : manager.passes()) names.push_back(pass->name());
  EXPECT_THAT(names, ElementsAre("remove_device", "remove_nodes", "set_device"));
}

TEST(PassManagerTest, ReportsWhatEachStepDid) {
  Runner runner(kChain, Outputs({"y"}));
  ASSERT_OK(runner.Run("remove_device remove_nodes(op=\"Identity|Relu\") remove_device"));
  ASSERT_EQ(runner.context.run_report().steps.size(), 3u);
  EXPECT_THAT(runner.step(0).counts, ElementsAre(std::make_pair("cleared", 2)));
  EXPECT_EQ(runner.step(0).edits, 2u);
  EXPECT_EQ(runner.step(1).nodes_before, 3);
  EXPECT_EQ(runner.step(1).nodes_after, 2);
  EXPECT_EQ(runner.step(1).spec, "remove_nodes(op=\"Identity|Relu\")");
  ASSERT_EQ(runner.step(1).remarks.size(), 1u);
  EXPECT_EQ(runner.step(1).remarks[0].node, "y");
  EXPECT_EQ(runner.step(2).edits, 0u);
  EXPECT_EQ(runner.context.run_report().Table(true),
            "step  pass               nodes      after  result\n"
            "   1  remove_device          3          3  2 cleared\n"
            "   2  remove_nodes           3          2  1 removed, 1 skipped\n"
            "      skipped: y (Relu): its name is an input or output of the graph\n"
            "   3  remove_device          2          2  no change\n");
  EXPECT_THAT(
      runner.context.run_report().Json(),
      AllOf(HasSubstr("\"spec\": \"remove_nodes(op=\\\"Identity|Relu\\\")\""), HasSubstr("\"removed\": 1"),
            HasSubstr("\"skips\": {\"its name is an input or output of the graph\": 1}")));
}

TEST(PassManagerTest, IgnoredErrorsPutTheModelBack) {
  Runner runner(kChain);
  const std::string before = Print(runner.model);
  ASSERT_OK(runner.Run("test_fail_after_edit(ignore_errors=true)"));
  EXPECT_EQ(Print(runner.model), before);
  EXPECT_TRUE(runner.step(0).error_ignored);
  EXPECT_THAT(runner.context.run_report().AllWarnings(), ElementsAre(HasSubstr("it was bound to fail")));
  // And what comes after works on the graph that is back.
  ASSERT_OK(runner.Run("test_fail_after_edit(ignore_errors=true) remove_device"));
  EXPECT_THAT(Print(runner.model), AllOf(Not(HasSubstr("device")), Not(HasSubstr("spoilt"))));
}

TEST(PassManagerTest, IgnoredErrorsIncludeDefectsAndLostOutputs) {
  Runner runner(kChain, Outputs({"y"}));
  const std::string before = Print(runner.model);
  ASSERT_OK(runner.Run("test_make_cycle(ignore_errors=true) test_lose_output(name=y, ignore_errors=true)"));
  EXPECT_EQ(Print(runner.model), before);
  EXPECT_THAT(runner.context.run_report().AllWarnings(),
              ElementsAre(HasSubstr("after pass #1 'test_make_cycle': "),
                          HasSubstr("output 'y' of the graph is gone")));
}

TEST(PassManagerTest, IgnoredErrorsIncludeWrongParameters) {
  Runner runner(kChain);
  ASSERT_OK(runner.Run(
      "remove_nodes(ignore_errors=true) set_device(if_default=x, ignore_errors=true) remove_device"));
  EXPECT_THAT(
      runner.context.run_report().AllWarnings(),
      ElementsAre(HasSubstr("parameter 'op' must be given"), HasSubstr("parameter 'if_default' is 'x'")));
}

TEST(PassManagerTest, FailuresNameTheStep) {
  Runner runner(kChain, Outputs({"y"}));
  EXPECT_THAT(
      runner.Run("remove_device test_fail_after_edit"),
      StatusIs(absl::StatusCode::kInternal, Eq("pass #2 'test_fail_after_edit': it was bound to fail")));
}

TEST(PassManagerTest, ALostOutputNamesThePass) {
  Runner runner(kChain, Outputs({"y:0"}));
  EXPECT_THAT(runner.Run("test_lose_output(name=y)"),
              StatusIs(absl::StatusCode::kInternal,
                       Eq("after pass #1 'test_lose_output': output 'y' of the graph is gone")));
}

TEST(PassManagerTest, ANewDefectNamesThePass) {
  Runner runner(kChain);
  EXPECT_THAT(runner.Run("test_make_cycle"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("after pass #1 'test_make_cycle': ")));
}

TEST(PassManagerTest, OldDefectsDoNotStopThosePassesThatCope) {
  const std::string broken =
      absl::StrCat(kChain, "node { name: \"z\" op: \"Relu\" input: \"gone\" input: \"y\" }");
  Runner stripped(broken, Outputs({"y"}));
  EXPECT_OK(stripped.Run("remove_device strip_unused_nodes"));
  // But what is left of them cannot be written.
  Runner kept(broken, Outputs({"y"}));
  EXPECT_THAT(
      kept.Run("remove_device"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("was defective before the first pass and still is"), HasSubstr("'gone'"))));
  // And a new one is the pass's.
  Runner worse(broken, Outputs({"y"}));
  EXPECT_THAT(worse.Run("test_make_cycle"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("after pass #1 'test_make_cycle'")));
}

TEST(PassManagerTest, NamesThatTheGraphLacksAreWarnedOf) {
  Runner runner(kChain, Outputs({"yy"}));
  ASSERT_OK(runner.Run("remove_device"));
  EXPECT_THAT(runner.context.run_report().AllWarnings(),
              ElementsAre(HasSubstr("the graph has no node 'yy', which is listed as an output")));
}

TEST(PassManagerTest, VersionsAndLibraryAreCarriedAlong) {
  Runner runner(kChain, Outputs({"y"}));
  ASSERT_OK(
      runner.Run("strip_unused_nodes(prune_functions=false) remove_nodes(op=Identity) obfuscate_names"));
  const std::string text = Print(runner.model);
  EXPECT_THAT(text, HasSubstr("producer: 134"));
  EXPECT_THAT(text, HasSubstr("min_consumer: 12"));
  EXPECT_THAT(text, HasSubstr("name: \"f\""));
}

TEST(PassManagerTest, RepeatEndsWhenNothingChanges) {
  Runner runner(kChain);
  ASSERT_OK(runner.Run("repeat { test_count_down }"));
  EXPECT_EQ(runner.context.run_report().steps.size(), 6u);
  EXPECT_THAT(runner.context.run_report().warnings, IsEmpty());
  Runner limited(kChain);
  ASSERT_OK(limited.Run("repeat(max=2) { test_count_down }"));
  EXPECT_EQ(limited.context.run_report().steps.size(), 2u);
  EXPECT_THAT(limited.context.run_report().warnings, ElementsAre(HasSubstr("still changed the graph")));
}

TEST(PassManagerTest, APipelineRunsOnManyModels) {
  ASSERT_OK_AND_ASSIGN(PassManager manager,
                       PassManager::Parse("remove_nodes(op=Identity) strip_unused_nodes"));
  std::string first;
  for (int i = 0; i < 3; ++i) {
    Model model = Load(kChain);
    PassContext context(&model, Outputs({"y"}));
    ASSERT_OK(manager.Run(model, context));
    if (i == 0) first = Print(model);
    EXPECT_EQ(Print(model), first);
  }
}

TEST(InstrumentTest, TimingIsInTheReport) {
  Runner runner(kChain);
  ASSERT_OK(runner.Run("remove_device", std::make_unique<Timing>()));
  EXPECT_GE(runner.step(0).ms, 0);
  EXPECT_THAT(runner.context.run_report().Table(false), HasSubstr("  ms  "));
}

TEST(InstrumentTest, BisectLimitRunsTheFirstSteps) {
  Runner runner(kChain);
  ASSERT_OK(runner.Run("set_device(device=/cpu:1) repeat { test_count_down } remove_device",
                       std::make_unique<BisectLimit>(3)));
  EXPECT_THAT(Print(runner.model), AllOf(HasSubstr("device: \"/cpu:1\""), HasSubstr("i: 3")));
  EXPECT_TRUE(runner.step(3).skipped);
}

TEST(InstrumentTest, SkipPassesSkipsByName) {
  Runner runner(kChain);
  ASSERT_OK(runner.Run("clear_devices obfuscate_names",
                       std::make_unique<SkipPasses>(std::vector<std::string>{"obfuscate_names"})));
  EXPECT_THAT(Print(runner.model), AllOf(HasSubstr("name: \"i\""), Not(HasSubstr("device"))));
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

TEST(InstrumentTest, DumpsAreNumbered) {
  const std::string directory = testing::TempDir() + "/dumps";
  Runner runner(kChain, Outputs({"y"}));
  ASSERT_OK(runner.Run("remove_device remove_nodes(op=Identity)", std::make_unique<Dump>(directory)));
  EXPECT_THAT(ReadFile(directory + "/00_input.pbtxt"), HasSubstr("/cpu:0"));
  EXPECT_THAT(ReadFile(directory + "/01_remove_device.pbtxt"),
              AllOf(Not(HasSubstr("/cpu:0")), HasSubstr("\"i\"")));
  EXPECT_EQ(ReadFile(directory + "/02_remove_nodes.pbtxt"), Print(runner.model));
}

TEST(InstrumentTest, AReproducerFailsTheSameWay) {
  const std::string directory = testing::TempDir() + "/reproducer";
  Runner runner(kChain, Outputs({"y"}));
  const absl::Status failure = runner.Run(
      "remove_device repeat(max=5) { test_count_down test_lose_output(name=y) } set_device(device=foo)",
      std::make_unique<Reproducer>(directory));
  EXPECT_THAT(failure, StatusIs(absl::StatusCode::kInternal, HasSubstr("after pass #3 'test_lose_output'")));
  EXPECT_THAT(runner.context.run_report().warnings, Contains(HasSubstr(directory)));

  const std::string spec = ReadFile(directory + "/reproducer.transforms");
  EXPECT_THAT(
      spec,
      AllOf(HasSubstr("--outputs=y"),
            HasSubstr("\ntest_lose_output(name=y) repeat(max=4) { test_count_down test_lose_output(name=y) } "
                      "set_device(device=foo)\n")));
  const auto bytes = std::make_shared<const std::string>(ReadFile(directory + "/reproducer.pb"));
  ASSERT_OK_AND_ASSIGN(Model model, ImportGraphDef(*bytes, bytes, "reproducer.pb"));
  EXPECT_THAT(Print(model), AllOf(HasSubstr("i: 4"), Not(HasSubstr("/cpu:0"))));
  PassContext context(&model, Outputs({"y"}));
  ASSERT_OK_AND_ASSIGN(PassManager manager, PassManager::Parse(spec));
  EXPECT_THAT(manager.Run(model, context),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("output 'y' of the graph is gone")));
}

TEST(PassContextTest, TensorNames) {
  ASSERT_OK_AND_ASSIGN(TensorName name, ParseTensorName("^a/b"));
  EXPECT_TRUE(name.control);
  EXPECT_EQ(name.node, "a/b");
  ASSERT_OK_AND_ASSIGN(name, ParseTensorName("a:12"));
  EXPECT_EQ(name.port, 12);
  for (const char* text : {"", "^", ":0", "a:", "a:x", "a:-1", "a:99999999999", "a:0:1"}) {
    EXPECT_THAT(ParseTensorName(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace cryograph

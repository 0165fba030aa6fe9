#include "graph/meta_graph_scope.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/meta_graph.h"
#include "graph/meta_graph_names.h"
#include "graph/proto/collections.pb.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/proto/variable.pb.h"
#include "graph/text.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kModel[] = R"(
meta_info_def { tensorflow_version: "1.15.5" }
graph_def {
  node { name: "x" op: "Placeholder" device: "/cpu:0" attr { key: "dtype" value { type: DT_FLOAT } } }
  node {
    name: "enc/w" op: "VariableV2" device: "/cpu:0"
    attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape { dim { size: 2 } } } }
    attr { key: "container" value { s: "" } }
  }
  node {
    name: "enc/w/read" op: "Identity" input: "enc/w"
    attr { key: "T" value { type: DT_FLOAT } } attr { key: "_class" value { list { s: "loc:@enc/w" s: "loc:@x" } } }
  }
  node { name: "enc/mul" op: "Mul" input: "x" input: "enc/w/read" input: "^start" attr { key: "T" value { type: DT_FLOAT } } }
  node {
    name: "enc/while/Enter" op: "Enter" input: "enc/mul:0"
    attr { key: "T" value { type: DT_FLOAT } } attr { key: "frame_name" value { s: "enc/while/while_context" } }
    attr { key: "parallel_iterations" value { i: 10 } }
  }
  node { name: "start" op: "NoOp" }
  node { name: "encoder" op: "NoOp" }
  node { name: "save/SaveV2" op: "SaveV2" input: "encoder" }
  node { name: "save/restore_all" op: "NoOp" }
  node { name: "save_1/SaveV2" op: "SaveV2" }
  node { name: "save_1/restore_all" op: "NoOp" input: "^save_1/SaveV2" }
  versions { producer: 134 }
}
saver_def { filename_tensor_name: "save/Const:0" save_tensor_name: "save/control_dependency:0" restore_op_name: "save/restore_all" }
collection_def { key: "ops" value { node_list { value: "enc/mul" value: "x:0" } } }
collection_def { key: "mine" value { bytes_list { value: "bytes" } } }
signature_def { key: "s" value { inputs { key: "x" value { name: "x:0" } } outputs { key: "y" value { name: "enc/mul:0" } } } }
signature_def { key: "w" value { outputs { key: "w" value { name: "enc/w/read:0" } } } }
)";

Model ModelOf(const std::string& text) {
  absl::StatusOr<std::string> bytes = MessageFromText(MessageKind::kMetaGraphDef, text, "m.meta");
  EXPECT_OK(bytes.status());
  const auto owner = std::make_shared<std::string>(*std::move(bytes));
  absl::StatusOr<Model> model = ImportMetaGraphDef(*owner, owner, "m.meta");
  EXPECT_OK(model.status());
  tensorflow::MetaGraphDef meta_graph = *MetaGraphOf(*model);
  tensorflow::VariableDef variable;
  variable.set_variable_name("enc/w:0");
  variable.set_initializer_name("enc/w/Assign");
  variable.set_snapshot_name("enc/w/read:0");
  variable.set_initial_value_name("init:0");
  (*meta_graph.mutable_collection_def())["variables"].mutable_bytes_list()->add_value(
      variable.SerializeAsString());
  tensorflow::WhileContextDef context;
  context.set_context_name("enc/while/while_context");
  context.set_pivot_name("enc/while/LoopCond:0");
  context.add_loop_enter_names("enc/while/Enter:0");
  context.mutable_values_def()->add_values("enc/while/Enter:0");
  (*context.mutable_values_def()->mutable_external_values())["enc/mul:0"] = "enc/while/Enter:0";
  (*meta_graph.mutable_collection_def())["while_context"].mutable_bytes_list()->add_value(
      context.SerializeAsString());
  SetMetaGraph(std::move(meta_graph), &*model);
  return *std::move(model);
}

std::vector<std::string> Names(Model& model) {
  std::vector<std::string> names;
  for (const Node node : model.graph().nodes()) names.emplace_back(node.name());
  return names;
}

std::vector<std::string> InputsOf(Node node) {
  std::vector<std::string> inputs;
  for (const InputEdge& edge : node.inputs()) inputs.emplace_back(node.graph().node(edge.node).name());
  for (const ControlEdge& edge : node.control_inputs())
    inputs.push_back(absl::StrCat("^", node.graph().node(edge.node).name()));
  return inputs;
}

TEST(ExportMetaGraphTest, APartUnderItsOwnNames) {
  Model model = ModelOf(kModel);
  ExportMetaGraphOptions options;
  options.scope = "enc/";
  options.clear_devices = true;
  ASSERT_OK_AND_ASSIGN(Model part, ExportMetaGraph(model, options, nullptr));
  // "encoder" is not below "enc".
  EXPECT_THAT(Names(part), ElementsAre("w", "w/read", "mul", "while/Enter"));
  EXPECT_THAT(InputsOf(part.graph().Find("mul")),
              ElementsAre("$unbound_inputs_x", "w/read", "^$unbound_inputs_start"));
  EXPECT_EQ(part.graph().Find("w").device(), "");
  EXPECT_THAT(part.graph().Find("w/read").attr("_class").list_s(), ElementsAre("loc:@w"));
  EXPECT_EQ(part.graph().Find("while/Enter").attr("frame_name").s(), "while/while_context");

  const tensorflow::MetaGraphDef meta_graph = *MetaGraphOf(part);
  const auto& collections = meta_graph.collection_def();
  EXPECT_THAT(collections.at("unbound_inputs").bytes_list().value(),
              ElementsAre("$unbound_inputs_x", "^$unbound_inputs_start"));
  EXPECT_THAT(collections.at("ops").node_list().value(), ElementsAre("mul"));
  EXPECT_THAT(collections.at("mine").bytes_list().value(), ElementsAre("bytes"));
  tensorflow::VariableDef variable;
  ASSERT_TRUE(variable.ParseFromString(collections.at("variables").bytes_list().value(0)));
  EXPECT_EQ(variable.variable_name(), "w:0");
  EXPECT_EQ(variable.initializer_name(), "w/Assign");
  EXPECT_EQ(variable.initial_value_name(), "");
  tensorflow::WhileContextDef context;
  ASSERT_TRUE(context.ParseFromString(collections.at("while_context").bytes_list().value(0)));
  EXPECT_EQ(context.context_name(), "while/while_context");
  EXPECT_EQ(context.values_def().external_values().at("mul:0"), "while/Enter:0");
  // The saver is outside, and so is an input of one signature.
  EXPECT_FALSE(meta_graph.has_saver_def());
  EXPECT_EQ(meta_graph.signature_def().size(), 1u);
  EXPECT_EQ(meta_graph.signature_def().at("w").outputs().at("w").name(), "w/read:0");
  std::vector<std::string> ops;
  for (const auto& op : meta_graph.meta_info_def().stripped_op_list().op()) ops.push_back(op.name());
  EXPECT_THAT(ops, ElementsAre("Enter", "Identity", "Mul", "VariableV2"));
}

TEST(ExportMetaGraphTest, SaversOfOthersAndDefaultsGo) {
  Model model = ModelOf(kModel);
  ExportMetaGraphOptions options;
  options.clear_extraneous_savers = true;
  options.strip_default_attrs = true;
  ASSERT_OK_AND_ASSIGN(Model exported, ExportMetaGraph(model, options, nullptr));
  EXPECT_TRUE(exported.graph().Find("save/SaveV2"));
  EXPECT_FALSE(exported.graph().Find("save_1/SaveV2"));
  EXPECT_FALSE(exported.graph().Find("save_1/restore_all"));
  // container "" and parallel_iterations 10 are the defaults.
  EXPECT_FALSE(exported.graph().Find("enc/w").has_attr("container"));
  EXPECT_FALSE(exported.graph().Find("enc/while/Enter").has_attr("parallel_iterations"));
  EXPECT_TRUE(exported.graph().Find("enc/w").has_attr("shape"));
  EXPECT_TRUE(MetaGraphOf(exported)->meta_info_def().stripped_default_attrs());
  EXPECT_EQ(MetaGraphOf(exported)->saver_def().restore_op_name(), "save/restore_all");
}

TEST(ExportMetaGraphTest, ANodeThatReadsADroppedSaverStops) {
  Model model = ModelOf(absl::StrReplaceAll(
      kModel,
      {{"versions {", "node { name: \"reads\" op: \"NoOp\" input: \"^save_1/SaveV2\" } versions {"}}));
  ExportMetaGraphOptions options;
  options.clear_extraneous_savers = true;
  EXPECT_THAT(
      ExportMetaGraph(model, options, nullptr).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("node 'reads' reads '^save_1/SaveV2'")));
}

TEST(ExportMetaGraphTest, AScopeThatIsNotThereNamesTheNearest) {
  Model model = ModelOf(kModel);
  ExportMetaGraphOptions options;
  options.scope = "encc";
  EXPECT_THAT(
      ExportMetaGraph(model, options, nullptr).status(),
      StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("below the scope 'encc'"), HasSubstr("'enc'"))));
}

// Loops have gradients only as long as their contexts are there.
TEST(MapNamesTest, ContextsOfNodesThatAreLeftStay) {
  tensorflow::MetaGraphDef meta_graph = *MetaGraphOf(ModelOf(kModel));
  MapNames(
      [](absl::string_view name) {
        return name == "enc/while/LoopCond" || name == "enc/while/Enter" ? std::optional<std::string>(name)
                                                                         : std::nullopt;
      },
      &meta_graph);
  EXPECT_EQ(meta_graph.collection_def().count("while_context"), 1u);
  EXPECT_EQ(meta_graph.collection_def().count("variables"), 0u);
  EXPECT_EQ(meta_graph.collection_def().count("ops"), 0u);
  EXPECT_EQ(meta_graph.signature_def().size(), 0u);
  EXPECT_FALSE(meta_graph.has_saver_def());
}

TEST(ImportMetaGraphTest, EverythingGetsTheScope) {
  Model model = ModelOf(kModel);
  ImportMetaGraphOptions options;
  options.scope = "left";
  ASSERT_OK_AND_ASSIGN(Model imported, ImportMetaGraph(model, options));
  EXPECT_TRUE(imported.graph().Find("left/enc/w"));
  EXPECT_THAT(InputsOf(imported.graph().Find("left/enc/mul")),
              ElementsAre("left/x", "left/enc/w/read", "^left/start"));
  EXPECT_THAT(imported.graph().Find("left/enc/w/read").attr("_class").list_s(),
              ElementsAre("loc:@left/enc/w", "loc:@left/x"));
  // The device of the variable that it is colocated with.
  EXPECT_EQ(imported.graph().Find("left/enc/w/read").device(), "/cpu:0");
  EXPECT_EQ(imported.graph().Find("left/enc/while/Enter").attr("frame_name").s(),
            "left/enc/while/while_context");
  const tensorflow::MetaGraphDef meta_graph = *MetaGraphOf(imported);
  EXPECT_EQ(meta_graph.saver_def().restore_op_name(), "left/save/restore_all");
  EXPECT_EQ(meta_graph.saver_def().filename_tensor_name(), "left/save/Const:0");
  EXPECT_EQ(meta_graph.signature_def().at("s").inputs().at("x").name(), "left/x:0");
  EXPECT_THAT(meta_graph.collection_def().at("ops").node_list().value(),
              ElementsAre("left/enc/mul", "left/x:0"));
}

TEST(ImportMetaGraphTest, WhatIsUnboundMustBeMapped) {
  Model model = ModelOf(kModel);
  ExportMetaGraphOptions export_options;
  export_options.scope = "enc";
  ASSERT_OK_AND_ASSIGN(Model part, ExportMetaGraph(model, export_options, nullptr));
  ImportMetaGraphOptions options;
  options.scope = "new";
  EXPECT_THAT(
      ImportMetaGraph(part, options).status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("Graph contains unbound inputs: $unbound_inputs_x, ^$unbound_inputs_start"),
                     HasSubstr("Must provide these inputs through input_map"))));
  options.input_map = {{"$unbound_inputs_x", "new/w/read"}, {"^$unbound_inputs_start", "^new/w"}};
  ASSERT_OK_AND_ASSIGN(Model imported, ImportMetaGraph(part, options));
  EXPECT_THAT(InputsOf(imported.graph().Find("new/mul")), ElementsAre("new/w/read", "new/w/read", "^new/w"));
  EXPECT_EQ(MetaGraphOf(imported)->collection_def().count("unbound_inputs"), 0u);

  // The names of before do, too.
  options.input_map = {{"x", "new/w/read"}, {"^start", "^new/w"}};
  EXPECT_OK(ImportMetaGraph(part, options).status());

  options.input_map.emplace_back("zz:0", "new/w");
  EXPECT_THAT(ImportMetaGraph(part, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not found in graph_def: [zz:0]")));
  options.input_map.clear();
  options.scope = "a b";
  EXPECT_THAT(ImportMetaGraph(part, options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'a b' is not a valid scope name")));
}

}  // namespace
}  // namespace cryograph

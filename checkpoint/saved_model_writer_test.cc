#include "checkpoint/saved_model_writer.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "checkpoint/checkpoint.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/proto/meta_graph.pb.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Scratch(absl::string_view name) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  std::filesystem::remove_all(path);
  return path;
}

// x → MatMul(x, w) → out, with w of [64, 64] floats, and a scalar that is too small to move.
Model SmallModel() {
  Model model;
  Graph& graph = model.graph();
  absl::StatusOr<Node> x = graph.AddNode("x", "Placeholder", {});
  PartialShape shape;
  shape.dims = {-1, 64};
  graph.SetAttr(*x, "dtype", AttrType(DT_FLOAT));
  graph.SetAttr(*x, "shape", AttrShape(shape));
  std::vector<float> values(64 * 64);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Node w = graph.AddConst("layer/w", Tensor::Of<float>(DT_FLOAT, {64, 64}, values));
  graph.AddConst("small", Tensor::Of<float>(DT_FLOAT, {}, {2.f}));
  absl::StatusOr<Node> out = graph.AddNode("layer/out", "MatMul", {x->out(), w.out()});
  graph.SetAttr(*out, "T", AttrType(DT_FLOAT));
  return model;
}

SavedModelOptions SmallOptions() {
  SavedModelOptions options;
  options.inputs = {"x"};
  options.outputs = {"layer/out:0"};
  options.outline_bytes = 1024;
  return options;
}

TEST(SavedModelWriterTest, LargeConstantsBecomeVariables) {
  Model model = SmallModel();
  const std::string directory = Scratch("model");
  ASSERT_OK_AND_ASSIGN(const SavedModelReport report,
                       WriteSavedModel(model, directory + "/", SmallOptions()));
  EXPECT_EQ(report.outlined, 1);
  EXPECT_EQ(report.outlined_bytes, 64u * 64 * 4);
  EXPECT_EQ(report.message_bytes, std::filesystem::file_size(directory + "/saved_model.pb"));
  EXPECT_LT(report.message_bytes, 4096u);

  ASSERT_OK_AND_ASSIGN(const auto file, MappedFile::Open(directory + "/saved_model.pb"));
  tensorflow::SavedModel saved;
  ASSERT_TRUE(saved.ParseFromString(std::string(file->bytes())));
  ASSERT_EQ(saved.meta_graphs_size(), 1);
  const tensorflow::MetaGraphDef& meta_graph = saved.meta_graphs(0);
  EXPECT_THAT(meta_graph.meta_info_def().tags(), ElementsAre("serve"));
  const tensorflow::SignatureDef& signature = meta_graph.signature_def().at("serving_default");
  EXPECT_EQ(signature.inputs().at("x").name(), "x:0");
  EXPECT_EQ(signature.inputs().at("x").tensor_shape().dim(1).size(), 64);
  EXPECT_EQ(signature.outputs().at("out").name(), "layer/out:0");
  EXPECT_EQ(signature.outputs().at("out").dtype(), tensorflow::DT_FLOAT);
  EXPECT_EQ(meta_graph.saver_def().restore_op_name(), "save/restore_all");

  ASSERT_OK_AND_ASSIGN(const auto meta_graphs, ListMetaGraphs(file->bytes(), "saved_model.pb"));
  ASSERT_OK_AND_ASSIGN(Model read, ImportMetaGraphDef(meta_graphs[0].bytes, file, "saved_model.pb"));
  EXPECT_EQ(read.graph().Find("layer/w").op(), "VariableV2");
  EXPECT_EQ(read.graph().Find("small").op(), "Const");
  const Node assign = read.graph().Find("save/Assign");
  EXPECT_EQ(assign.input_node(0).name(), "layer/w");
  EXPECT_EQ(assign.input_node(1).name(), "save/RestoreV2");

  std::vector<std::string> notes;
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, Checkpoint::Open(directory + "/variables/variables", &notes));
  ASSERT_OK_AND_ASSIGN(const Tensor w, checkpoint->Read("layer/w"));
  EXPECT_THAT(w.dims, ElementsAre(64, 64));
  EXPECT_EQ(w.Copy<float>()[4095], 4095.f);
}

TEST(SavedModelWriterTest, WithoutLargeConstantsThereAreNoVariables) {
  Model model = SmallModel();
  const std::string directory = Scratch("all_inside");
  SavedModelOptions options = SmallOptions();
  options.outline_bytes = 1 << 20;
  ASSERT_OK_AND_ASSIGN(const SavedModelReport report, WriteSavedModel(model, directory, options));
  EXPECT_EQ(report.outlined, 0);
  EXPECT_FALSE(std::filesystem::exists(directory + "/variables"));
  EXPECT_FALSE(model.graph().Find("save/restore_all"));
}

TEST(SavedModelWriterTest, NothingIsWrittenOver) {
  Model model = SmallModel();
  const std::string directory = Scratch("taken");
  std::filesystem::create_directories(directory + "/precious");
  EXPECT_THAT(WriteSavedModel(model, directory, SmallOptions()),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("taken")));
  EXPECT_TRUE(std::filesystem::exists(directory + "/precious"));
}

TEST(SavedModelWriterTest, AFailureLeavesNothing) {
  Model model = SmallModel();
  const std::string parent = Scratch("parent");
  SavedModelOptions options = SmallOptions();
  options.outputs = {"nope"};
  EXPECT_THAT(WriteSavedModel(model, parent + "/model", options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'nope'")));
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(parent)) left.push_back(entry.path().string());
  EXPECT_THAT(left, IsEmpty());
}

}  // namespace
}  // namespace cryograph

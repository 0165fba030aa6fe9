// freeze_graph on models that TensorFlow trained: every way to name them. Their numbers are held against
// TensorFlow's in other tests.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(FreezeGraphModelsTest, ThreeWaysToTheSameDigits) {
  const std::string folder = ScratchFolder();
  const std::string digits = Runfile("tests/models/digits");
  const auto freeze = [&](std::vector<std::string> flags, const std::string& output) {
    flags.push_back("--output_node_names=probabilities");
    flags.push_back("--output_graph=" + output);
    const ToolRun run = RunTool("tools/freeze_graph", flags);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run;
  };
  freeze({"--input_graph=" + digits + "/graph.pb", "--input_binary=true",
          "--input_checkpoint=" + digits + "/model.ckpt"},
         folder + "/a.pb");
  // A GraphDef flag that is given a MetaGraphDef (CG108), a .meta as checkpoint (CG111).
  const ToolRun meta = freeze({"--input_graph=" + digits + "/model.ckpt.meta", "--input_binary=true",
                               "--input_checkpoint=" + digits + "/model.ckpt.meta"},
                              folder + "/b.pb");
  EXPECT_THAT(meta.err, AllOf(HasSubstr("CG108"), HasSubstr("CG111")));
  freeze({"--input_meta_graph=" + digits + "/model.ckpt.meta", "--input_binary",
          "--input_checkpoint=" + digits + "/model.ckpt"},
         folder + "/c.pb");
  freeze({"--input_saved_model_dir=" + digits + "/saved_model"}, folder + "/d.pb");
  const std::string through_meta = ReadTestFile(folder + "/c.pb");
  EXPECT_EQ(ReadTestFile(folder + "/b.pb"), through_meta);
  EXPECT_FALSE(through_meta.empty());
  EXPECT_TRUE(FileExists(folder + "/d.pb"));
}

TEST(FreezeGraphModelsTest, AMetaGraphWithoutVariables) {  // CG125
  const std::string folder = ScratchFolder();
  WriteTestFile(folder + "/m.meta",
                "meta_info_def { tags: \"serve\" } graph_def { node { name: \"x\" op: \"Placeholder\" "
                "attr { key: \"dtype\" value { type: DT_FLOAT } } } node { name: \"out\" op: \"Identity\" "
                "input: \"x\" attr { key: \"T\" value { type: DT_FLOAT } } } }");
  const ToolRun run =
      RunTool("tools/freeze_graph", {"--input_meta_graph=" + folder + "/m.meta", "--output_node_names=out",
                                     "--input_checkpoint=" + Runfile("tests/models/digits/model.ckpt"),
                                     "--output_graph=" + folder + "/f.pb"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG125"), HasSubstr("--allow_frozen")));
  EXPECT_FALSE(FileExists(folder + "/f.pb"));
}

TEST(FreezeGraphModelsTest, SavedModelErrors) {  // CG128, CG129
  const std::string folder = ScratchFolder();
  CopyFolder(Runfile("tests/models/digits/saved_model"), folder + "/3");
  const auto freeze = [&](const std::string& directory, const std::string& tags) {
    return RunTool("tools/freeze_graph",
                   {"--input_saved_model_dir=" + directory, "--saved_model_tags=" + tags,
                    "--output_node_names=probabilities", "--output_graph=" + folder + "/frozen.pb"});
  };
  ToolRun run = freeze(folder, "serve");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG128"), HasSubstr("3")));
  run = freeze(folder + "/3", "serve,gpu");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG129"), HasSubstr("serve")));
  EXPECT_FALSE(FileExists(folder + "/frozen.pb"));
  run = freeze(folder + "/3", " serve ");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  run = freeze(folder + "/3/saved_model.pb", "serve");
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST(FreezeGraphModelsTest, ASavedModelWithoutVariablesIsStripped) {
  // As TensorFlow's tool does; of a GraphDef it says, as ours does, that it is frozen already.
  const std::string folder = ScratchFolder();
  ToolRun run = RunTool("tools/convert_graph", {Runfile("tests/models/digits/lean.pb"), folder + "/exported",
                                                "--output_format=saved_model"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(FileExists(folder + "/exported/saved_model.pb"));
  run = RunTool("tools/freeze_graph",
                {"--input_saved_model_dir=" + folder + "/exported", "--output_node_names=probabilities",
                 "--output_graph=" + folder + "/f.pb"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(FileExists(folder + "/f.pb"));
}

TEST(FreezeGraphModelsTest, SignaturesOfWhatIsStrippedDoNotMatter) {
  const std::string folder = ScratchFolder();
  const std::string digits = Runfile("tests/models/digits");
  // The signature speaks of "probabilities", which "logits" does not need.
  const ToolRun run =
      RunTool("tools/freeze_graph", {"--input_saved_model_dir=" + digits + "/saved_model",
                                     "--output_node_names=logits", "--output_graph=" + folder + "/f.pb"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST(FreezeGraphModelsTest, DefaultAttributesOfEitherRelease) {
  // TensorFlow 2.21 knows MatMul's grad_a and writes it out, which 1.15 then refuses.
  const std::string folder = ScratchFolder();
  const std::string digits = Runfile("tests/models/digits");
  const auto frozen = [&](const std::string& release) {
    const ToolRun run =
        RunTool("tools/freeze_graph",
                {"--input_graph=" + digits + "/graph.pb", "--output_graph=" + folder + "/f.pbtxt",
                 "--input_checkpoint=" + digits + "/model.ckpt", "--output_as_text",
                 "--output_node_names=probabilities", "--add_default_attrs=" + release});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return ReadTestFile(folder + "/f.pbtxt");
  };
  EXPECT_THAT(frozen("2.21"), HasSubstr("\"grad_a\""));
  EXPECT_THAT(frozen("1.15"), Not(HasSubstr("\"grad_a\"")));
  EXPECT_EQ(frozen("1.15"), frozen("no")) << "1.15 made the graph, and wrote its defaults out then";
}

TEST(FreezeGraphModelsTest, SavedModelAsOutput) {
  const std::string folder = ScratchFolder();
  const std::string digits = Runfile("tests/models/digits");
  ToolRun run =
      RunTool("tools/freeze_graph",
              {"--input_saved_model_dir=" + digits + "/saved_model", "--output_node_names=probabilities",
               "--output_format=saved_model", "--output_graph=" + folder + "/lean"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ListFolder(folder + "/lean"), Contains("saved_model.pb"));
  // What is there is not replaced.
  run = RunTool("tools/freeze_graph",
                {"--input_saved_model_dir=" + digits + "/saved_model", "--output_node_names=probabilities",
                 "--output_format=saved_model", "--output_graph=" + folder + "/lean"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr(folder + "/lean"));
  run = RunTool("tools/freeze_graph",
                {"--input_saved_model_dir=" + digits + "/saved_model", "--output_node_names=probabilities",
                 "--output_format=saved_model", "--output_graph=-"});
  EXPECT_EQ(run.exit_code, 2);
}

TEST(FreezeGraphModelsTest, EveryKindOfVariable) {  // CG122, CG123
  const std::string folder = ScratchFolder();
  for (const char* variant : {"resource", "partitioned", "partitioned_resource", "control_flow", "dtypes"}) {
    const std::string model = Runfile(absl::StrCat("tests/models/variants/", variant));
    const ToolRun run =
        RunTool("tools/freeze_graph", {"--input_graph=" + model + "/graph.pb", "--input_binary",
                                       "--input_checkpoint=" + model + "/model.ckpt",
                                       "--output_node_names=out", "--output_graph=" + folder + "/f.pb"});
    EXPECT_EQ(run.exit_code, 0) << variant << ": " << run.err;
  }
  const std::string model = Runfile("tests/models/variants/renamed");
  const ToolRun run =
      RunTool("tools/freeze_graph",
              {"--input_graph=" + model + "/graph.pb", "--input_binary",
               "--input_saver=" + model + "/saver.pb", "--input_checkpoint=" + model + "/model.ckpt",
               "--output_node_names=out", "--output_graph=" + folder + "/f.pb"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

}  // namespace
}  // namespace cryograph

// What a user of thaw_graph sees. That TensorFlow loads and trains the results:
// tests/oracle/check_containers.py.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ToolRun Cryograph(const std::vector<std::string>& args) { return RunTool("tools/cryograph", args); }

Json Parsed(const std::string& text) {
  const std::string path = ScratchFolder() + "/out.json";
  WriteTestFile(path, text);
  const absl::StatusOr<Json> json = ReadJson(path);
  EXPECT_TRUE(json.ok()) << json.status() << text;
  return json.ok() ? *json : Json();
}

// Frozen again, what was thawed computes the same: the constants are back in their places.
TEST(ThawGraphTest, FreezesAgainToTheSameGraph) {
  const std::string frozen = Runfile("tests/models/digits/frozen.pb");
  for (const std::string kind : {"ref", "resource"}) {
    const std::string folder = ScratchFolder();
    ToolRun run =
        Cryograph({"thaw_graph", "--in_graph=" + frozen, "--out_checkpoint=" + folder + "/model.ckpt",
                   "--variables=" + kind, "--min_bytes=16"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("thawed "));
    EXPECT_THAT(ListFolder(folder),
                ElementsAre("model.ckpt.data-00000-of-00001", "model.ckpt.index", "model.ckpt.meta"));
    // The checkpoint is found beside the MetaGraph.
    run = Cryograph({"freeze_graph", "--input_meta_graph=" + folder + "/model.ckpt.meta",
                     "--output_graph=" + folder + "/again.pb", "--output_node_names=probabilities"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("the checkpoint beside the MetaGraph is taken"));
    if (kind == "ref") {  // What was an Identity before is one again.
      run = Cryograph({"compare_graphs", frozen, folder + "/again.pb"});
      EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
    }
  }
}

TEST(ThawGraphTest, SaysWhatBecameOfEachConstant) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph({"thaw_graph", "--in_graph=" + Runfile("tests/models/digits/frozen.pb"), "--json",
                           "--out_saved_model=" + folder + "/model", "--min_bytes=16", "--select=block1/.*",
                           "--skip=.*/(beta|gamma)", "--inputs=image", "--outputs=probabilities"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json json = Parsed(run.out);
  std::vector<std::string> names;
  for (const Json& variable : Elements(Member(json, "variables"))) names.push_back(Text(variable, "name"));
  EXPECT_THAT(names, ElementsAre("block1/conv/kernel", "block1/bn/moving_mean", "block1/bn/moving_variance"));
  run = Cryograph({"show", folder + "/model", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json shown = Parsed(run.out);
  const Json& meta_graph = Elements(Member(shown, "meta_graphs"))[0];
  EXPECT_EQ(Elements(Member(Member(meta_graph, "collections"), "variables")).size(), 3);
  // Statistics of batch normalization are not trained.
  EXPECT_EQ(Elements(Member(Member(meta_graph, "collections"), "trainable_variables")).size(), 1);
  EXPECT_EQ(
      Text(Member(Member(Member(Member(meta_graph, "signatures"), "serving_default"), "inputs"), "image"),
           "tensor"),
      "image:0");
  // The ops are described for readers who do not know them.
  EXPECT_GT(Number(Member(meta_graph, "meta_info"), "ops_described"), 5);
}

TEST(ThawGraphTest, LeavesNothingBehindWhenItFails) {
  const std::string folder = ScratchFolder();
  const std::string frozen = Runfile("tests/models/digits/frozen.pb");
  EXPECT_EQ(Cryograph({"thaw_graph", "--in_graph=" + frozen}).exit_code, 2);
  EXPECT_EQ(Cryograph({"thaw_graph", "--in_graph=" + frozen, "--out_checkpoint=a", "--out_saved_model=b"})
                .exit_code,
            2);
  EXPECT_EQ(
      Cryograph({"thaw_graph", "--in_graph=" + frozen, "--out_checkpoint=" + folder + "/a", "--select=("})
          .exit_code,
      2);
  ToolRun run = Cryograph(
      {"thaw_graph", "--in_graph=" + frozen, "--out_checkpoint=" + folder + "/a", "--min_bytes=100000000"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("frozen.pb: no constant of 100000000 bytes"),
                             HasSubstr("try: a smaller --min_bytes")));
  run = Cryograph({"thaw_graph", "--in_graph=" + Runfile("tests/models/digits/graph.pb"),
                   "--out_saved_model=" + folder + "/b"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("is a variable already"));
  run = Cryograph(
      {"thaw_graph", "--in_graph=" + frozen, "--out_saved_model=" + folder + "/b", "--outputs=nope"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("(CG101)"));
  EXPECT_THAT(ListFolder(folder), IsEmpty());
}

TEST(ThawGraphTest, TheSameBytesEveryTime) {
  const std::string folder = ScratchFolder();
  for (const std::string name : {"a", "b"}) {
    ASSERT_EQ(Cryograph({"thaw_graph", "--in_graph=" + Runfile("tests/models/digits/frozen.pb"),
                         "--out_checkpoint=" + folder + "/" + name})
                  .exit_code,
              0);
  }
  for (const std::string suffix : {".meta", ".index", ".data-00000-of-00001"}) {
    EXPECT_TRUE(ReadTestFile(folder + "/a" + suffix) == ReadTestFile(folder + "/b" + suffix)) << suffix;
  }
}

}  // namespace
}  // namespace cryograph

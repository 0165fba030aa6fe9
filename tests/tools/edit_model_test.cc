// What a user of edit_model sees.
#include <string>
#include <vector>

#include "absl/strings/match.h"
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

ToolRun Cryograph(const std::vector<std::string>& args) { return RunTool("tools/cryograph", args); }

// The only MetaGraph of a model as `show` has it.
Json Shown(const std::string& model) {
  const ToolRun run = Cryograph({"show", model, "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string path = ScratchFolder() + "/out.json";
  WriteTestFile(path, run.out);
  const absl::StatusOr<Json> json = ReadJson(path);
  EXPECT_TRUE(json.ok()) << json.status();
  return json.ok() ? Elements(Member(*json, "meta_graphs"))[0] : Json();
}

std::vector<std::string> TagsOf(const Json& meta_graph) {
  std::vector<std::string> tags;
  for (const Json& tag : Elements(Member(Member(meta_graph, "meta_info"), "tags")))
    tags.push_back(tag.string_value());
  return tags;
}

TEST(EditModelTest, AFrozenGraphBecomesASavedModel) {
  const std::string folder = ScratchFolder();
  const ToolRun run =
      Cryograph({"edit_model", "--in_graph=" + Runfile("tests/models/digits/frozen.pb"),
                 "--out_graph=" + folder + "/served", "--set_tags=serve,gpu",
                 "--set_signature=serving_default(image -> probabilities); "
                 "classify:tensorflow/serving/classify(inputs = image:0 -> scores=probabilities:0)"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json meta_graph = Shown(folder + "/served");
  EXPECT_THAT(TagsOf(meta_graph), ElementsAre("serve", "gpu"));
  EXPECT_THAT(Keys(Member(meta_graph, "signatures")), ElementsAre("classify", "serving_default"));
  const Json& classify = Member(Member(meta_graph, "signatures"), "classify");
  EXPECT_EQ(Text(classify, "method"), "tensorflow/serving/classify");
  const Json& input = Member(Member(classify, "inputs"), "inputs");
  EXPECT_EQ(Text(input, "tensor"), "image:0");
  EXPECT_EQ(Text(input, "dtype"), "float");
  EXPECT_EQ(Text(input, "shape"), "[?,12,12,1]");
}

// What a Saver wrote, with a saver of its own or without, freezes to the same from the SavedModel.
TEST(EditModelTest, AMetaGraphAndItsCheckpointBecomeASavedModel) {
  const std::string folder = ScratchFolder();
  const std::string meta = Runfile("tests/models/digits/model.ckpt.meta");
  const std::string checkpoint = Runfile("tests/models/digits/model.ckpt");
  const ToolRun graph = Cryograph({"convert_graph", meta, folder + "/graph.pb"});
  ASSERT_EQ(graph.exit_code, 0) << graph.err;
  ASSERT_EQ(Cryograph({"checkpoint", "convert", checkpoint, folder + "/old", "--to=V1"}).exit_code, 0);
  const auto freeze = [&](const std::vector<std::string>& input, const std::string& out) {
    std::vector<std::string> args = {"freeze_graph", "--output_node_names=probabilities",
                                     "--output_graph=" + folder + "/" + out};
    args.insert(args.end(), input.begin(), input.end());
    const ToolRun run = Cryograph(args);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return ReadTestFile(folder + "/" + out);
  };
  const std::string expected =
      freeze({"--input_meta_graph=" + meta, "--input_checkpoint=" + checkpoint}, "a.pb");
  const struct {
    std::string graph, checkpoint;
    bool has_saver;
  } cases[] = {
      {meta, checkpoint, true}, {meta, folder + "/old", true}, {folder + "/graph.pb", checkpoint, false}};
  int number = 0;
  for (const auto& each : cases) {
    const std::string served = absl::StrCat(folder, "/served", ++number);
    const ToolRun run =
        Cryograph({"edit_model", "--in_graph=" + each.graph, "--in_checkpoint=" + each.checkpoint,
                   "--out_graph=" + served, "--set_signature=serving_default(image -> probabilities)"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(absl::StrContains(run.err, "no saver: one of "), !each.has_saver) << run.err;
    EXPECT_THAT(TagsOf(Shown(served)), ElementsAre("serve"));
    EXPECT_TRUE(freeze({"--input_saved_model_dir=" + served}, "b.pb") == expected) << number;
  }
  const ToolRun frozen = Cryograph({"edit_model", "--in_graph=" + Runfile("tests/models/digits/frozen.pb"),
                                    "--in_checkpoint=" + checkpoint, "--out_graph=" + folder + "/none"});
  EXPECT_EQ(frozen.exit_code, 1);
  EXPECT_THAT(frozen.err,
              AllOf(HasSubstr("frozen.pb: No variables to save"), HasSubstr("before it was frozen")));
  // A checkpoint of another model.
  ASSERT_EQ(Cryograph({"checkpoint", "copy", checkpoint, folder + "/part", "--exclude=^fc"}).exit_code, 0);
  const ToolRun part = Cryograph({"edit_model", "--in_graph=" + meta, "--in_checkpoint=" + folder + "/part",
                                  "--out_graph=" + folder + "/none"});
  EXPECT_EQ(part.exit_code, 1);
  EXPECT_THAT(part.err,
              AllOf(HasSubstr("part: 2 tensors that the graph restores"), HasSubstr("'fc/kernel'")));
  EXPECT_FALSE(FileExists(folder + "/none"));
  EXPECT_EQ(Cryograph({"edit_model", "--in_graph=" + folder + "/served1", "--in_checkpoint=" + checkpoint,
                       "--out_graph=" + folder + "/none"})
                .exit_code,
            2);
}

TEST(EditModelTest, ASavedModelKeepsEverythingElse) {
  const std::string folder = ScratchFolder();
  const std::string source = folder + "/source", target = folder + "/target";
  CopyFolder(Runfile("tests/models/digits/saved_model"), source);
  WriteTestFile(source + "/fingerprint.pb", "stale");
  WriteTestFile(source + "/notes.txt", "mine");
  ToolRun run = Cryograph({"edit_model", "--in_graph=" + source, "--out_graph=" + target,
                           "--rename_signature=serving_default=predict", "--add_tags=tpu",
                           "--copy_signature=predict=again"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ListFolder(target), ElementsAre("notes.txt", "saved_model.pb", "variables"));
  EXPECT_TRUE(ReadTestFile(target + "/variables/variables.index") ==
              ReadTestFile(source + "/variables/variables.index"));
  const Json meta_graph = Shown(target);
  EXPECT_THAT(TagsOf(meta_graph), ElementsAre("serve", "tpu"));
  EXPECT_THAT(Keys(Member(meta_graph, "signatures")), ElementsAre("again", "predict"));
  EXPECT_EQ(Text(Member(meta_graph, "saver"), "restore"), Text(Member(Shown(source), "saver"), "restore"));

  run = Cryograph({"edit_model", "--in_graph=" + source, "--in_place", "--remove_signature=serving_default",
                   "--set_signature=x(image -> y=probabilities)"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(Keys(Member(Shown(source), "signatures")), ElementsAre("x"));
  EXPECT_THAT(ListFolder(source), ElementsAre("notes.txt", "saved_model.pb", "variables"));
}

TEST(EditModelTest, AMetaGraphStaysOne) {
  const std::string folder = ScratchFolder();
  const ToolRun run =
      Cryograph({"edit_model", "--in_graph=" + Runfile("tests/models/digits/model.ckpt.meta"),
                 "--out_graph=" + folder + "/edited.meta", "--set_signature=s(image -> probabilities)"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Json meta_graph = Shown(folder + "/edited.meta");
  EXPECT_THAT(Keys(Member(meta_graph, "signatures")), ElementsAre("s"));
  EXPECT_EQ(Elements(Member(Member(meta_graph, "collections"), "variables")).size(), 13);
}

TEST(EditModelTest, WrongEditsWriteNothing) {
  const std::string folder = ScratchFolder();
  const std::string model = Runfile("tests/models/digits/saved_model"), out = folder + "/out";
  const auto fails = [&](const std::string& edit, int status) {
    const ToolRun run = Cryograph({"edit_model", "--in_graph=" + model, "--out_graph=" + out, edit});
    EXPECT_EQ(run.exit_code, status) << edit;
    EXPECT_THAT(ListFolder(folder), IsEmpty()) << edit;
    return run.err;
  };
  EXPECT_THAT(fails("--remove_signature=serving_defalt", 1),
              AllOf(HasSubstr("there is no signature 'serving_defalt'"),
                    HasSubstr("did you mean 'serving_default'")));
  EXPECT_THAT(fails("--rename_signature=serving_default", 2), HasSubstr("must have the form OLD=NEW"));
  EXPECT_THAT(fails("--rename_signature=serving_default=serving_default", 1), HasSubstr("already"));
  EXPECT_THAT(fails("--set_signature=s(imag -> probabilities)", 1),
              AllOf(HasSubstr("the signature cannot name 'imag'"), HasSubstr("did you mean 'image'")));
  EXPECT_THAT(fails("--set_signature=s(image -> probabilities:3)", 1), HasSubstr("has 1 outputs"));
  EXPECT_THAT(fails("--set_signature=s(a=image, a=image -> probabilities)", 1),
              HasSubstr("two tensors of the key 'a'"));
  EXPECT_THAT(fails("--set_signature=s(image)", 2), HasSubstr("must have the form KEY("));
  EXPECT_THAT(fails("--set_signature=s(image -> )", 2), HasSubstr("has no outputs"));
  EXPECT_THAT(fails("--remove_tags=train", 1), HasSubstr("has no tag 'train'"));
  EXPECT_THAT(fails("--tag_set=train", 1), HasSubstr("(CG129)"));
  EXPECT_EQ(Cryograph({"edit_model", "--in_graph=" + model}).exit_code, 2);
  EXPECT_EQ(Cryograph({"edit_model", "--in_graph=" + model, "--out_graph=" + model}).exit_code, 1);
}

TEST(EditModelTest, AssetsMustStayInside) {
  const std::string folder = ScratchFolder();
  WriteTestFile(
      folder + "/saved_model.pbtxt",
      "saved_model_schema_version: 1 meta_graphs { meta_info_def { tags: 'serve' } asset_file_def { "
      "filename: "
      "'../../etc/passwd' tensor_info { name: 'a:0' } } graph_def { node { name: 'a' op: 'NoOp' } } }");
  const ToolRun run = Cryograph({"edit_model", "--in_graph=" + folder, "--in_place", "--add_tags=x"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("asset '../../etc/passwd' would lie outside"));
}

}  // namespace
}  // namespace cryograph

// What a user of show sees.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

ToolRun Show(const std::vector<std::string>& args) { return RunTool("tools/show", args); }

Json ShowJson(const std::string& model) {
  const ToolRun run = Show({model, "--json"});
  EXPECT_EQ(run.exit_code, 0) << model << run.err;
  const std::string path = ScratchFolder() + "/out.json";
  WriteTestFile(path, run.out);
  const absl::StatusOr<Json> json = ReadJson(path);
  EXPECT_TRUE(json.ok()) << json.status();
  return json.ok() ? *json : Json();
}

const Json& MetaGraph(const Json& json, int index = 0) {
  return Elements(Member(json, "meta_graphs"))[index];
}

TEST(ShowTest, AllOfAMetaGraph) {
  const Json json = ShowJson(Runfile("tests/models/digits/model.ckpt.meta"));
  EXPECT_EQ(Text(json, "kind"), "a MetaGraphDef (binary)");
  const Json& meta_graph = MetaGraph(json);
  EXPECT_EQ(Text(Member(meta_graph, "meta_info"), "tensorflow_version"), "1.15.5");
  EXPECT_EQ(Text(Member(meta_graph, "saver"), "restore"), "save/restore_all");
  EXPECT_EQ(Number(Member(Member(meta_graph, "graph"), "ops"), "VariableV2"), 13);
  const auto& variables = Elements(Member(Member(meta_graph, "collections"), "variables"));
  ASSERT_EQ(variables.size(), 13);
  EXPECT_EQ(Text(variables[0], "variable"), "block1/conv/kernel:0");
  EXPECT_EQ(Text(variables[0], "snapshot"), "block1/conv/kernel/read:0");
  EXPECT_EQ(Text(variables[0], "initializer"), "block1/conv/kernel/Assign");
}

TEST(ShowTest, PartsOfPartitionedVariables) {
  const ToolRun run = Show({Runfile("tests/models/variants/partitioned/model.ckpt.meta")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("slice:"), HasSubstr("full_shape: ["), HasSubstr("offset: [")));
}

TEST(ShowTest, GraphsWithoutMore) {
  const ToolRun run = Show({Runfile("tests/models/digits/frozen.pb"), "--nodes"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("kind: a GraphDef (binary)"), HasSubstr("name: image, op: Placeholder")));
}

TEST(ShowTest, SamplesHoldWhatTheirManifestSays) {
  const std::string folder = SharedData("formats");
  if (folder.empty()) GTEST_SKIP() << "no shared data";
  const absl::StatusOr<Json> expected = ReadJson(folder + "/savedmodel_expected.json");
  ASSERT_TRUE(expected.ok());
  const std::vector<std::pair<std::string, std::string>> samples = {
      {"savedmodel_tf115", "savedmodel_tf115"},
      {"savedmodel_tf115_text", "savedmodel_tf115"},
      {"savedmodel_tf221", "savedmodel_tf221"},
      {"savedmodel_chunked_own", "savedmodel_tf221"},
      {"savedmodel_chunked_brotli_own", "savedmodel_tf221"}};
  for (const auto& [sample, content] : samples) {
    const Json json = ShowJson(folder + "/" + sample);
    const auto& want = Elements(Member(Member(*expected, content), "meta_graphs"));
    const auto& got = Elements(Member(json, "meta_graphs"));
    ASSERT_EQ(got.size(), want.size()) << sample;
    for (int i = 0; i < want.size(); ++i) {
      const auto& tags = Elements(Member(want[i], "tags"));
      ASSERT_EQ(Elements(Member(Member(got[i], "meta_info"), "tags")).size(), tags.size());
      for (int tag = 0; tag < tags.size(); ++tag) {
        EXPECT_EQ(Elements(Member(Member(got[i], "meta_info"), "tags"))[tag].string_value(),
                  tags[tag].string_value());
      }
      for (const std::string& key : Keys(Member(want[i], "signatures"))) {
        const Json& signature = Member(Member(want[i], "signatures"), key);
        const Json& shown = Member(Member(got[i], "signatures"), key);
        EXPECT_EQ(Text(shown, "method"), Text(signature, "method_name"));
        for (const std::string side : {"inputs", "outputs"}) {
          EXPECT_EQ(Keys(Member(shown, side)), Keys(Member(signature, side)));
          for (const std::string& name : Keys(Member(signature, side))) {
            EXPECT_EQ(Text(Member(Member(shown, side), name), "tensor"), Text(Member(signature, side), name));
          }
        }
      }
      for (const Json& variable : Elements(Member(want[i], "variables"))) {
        bool found = false;
        for (const Json& each : Elements(Member(got[i], "variables"))) {
          if (Text(each, "node") != Text(variable, "node")) continue;
          found = true;
          EXPECT_EQ(Text(each, "key"), Text(variable, "key")) << sample;
        }
        EXPECT_TRUE(found) << sample << " " << Text(variable, "node");
      }
    }
  }
}

TEST(ShowTest, AssetsAndObjects) {
  if (SharedData("formats").empty()) GTEST_SKIP() << "no shared data";
  ToolRun run = Show({SharedData("formats/savedmodel_tf115")});
  EXPECT_THAT(run.out, HasSubstr("asset: {file: vocab.txt, tensor: "));
  run = Show({SharedData("formats/savedmodel_tf221")});
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("object_graph:"), HasSubstr("file: vocab2.txt"), HasSubstr("trainable: true"),
                    HasSubstr("TensorSpec(shape=(None, 2), dtype=tf.float32, name='x')")));
}

TEST(ShowTest, EveryModelOfTheCorpus) {
  const std::string models = SharedData("models");
  if (models.empty()) GTEST_SKIP() << "no shared data";
  int shown = 0;
  for (const std::string& name : ListFolder(models)) {
    const std::string folder = models + "/" + name;
    for (const std::string& file :
         {folder + "/saved_model", folder + "/model.ckpt.meta", folder + "/graph.pb"}) {
      if (!FileExists(file)) continue;
      const ToolRun run = Show({file, "--json"});
      EXPECT_EQ(run.exit_code, 0) << file << run.err;
      ++shown;
    }
  }
  EXPECT_GT(shown, 60);
}

TEST(ShowTest, WhatCannotBeShown) {
  EXPECT_EQ(Show({}).exit_code, 2);
  EXPECT_EQ(Show({"a", "b"}).exit_code, 2);
  ToolRun run = Show({"no_such_file"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("(CG105)"));
  // Cut files name themselves and the place.
  const std::string whole = ReadTestFile(Runfile("tests/models/digits/model.ckpt.meta"));
  const std::string folder = ScratchFolder();
  for (const size_t size : {whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
    WriteTestFile(folder + "/cut.meta", whole.substr(0, size));
    run = Show({folder + "/cut.meta"});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, AllOf(HasSubstr("cut.meta: "), HasSubstr("(CG109)"))) << size;
  }
}

TEST(ShowTest, OddSavedModelsAreShownWithANote) {
  const std::string folder = ScratchFolder();
  WriteTestFile(
      folder + "/saved_model.pbtxt",
      "saved_model_schema_version: 7 meta_graphs { meta_info_def { tags: 'serve' } } meta_graphs { "
      "meta_info_def { "
      "tags: 'serve' } collection_def { key: 'saved_model_main_op' value { node_list { value: 'a' value: 'b' "
      "} } } "
      "collection_def { key: 'mine' value { bytes_list { value: 'plain' value: '\\000\\377' "
      "value: '\\012\\001\\377' } } } }");
  const ToolRun run = Show({folder});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("schema version 7"), HasSubstr("two MetaGraphs have the tag-set 'serve'"),
                    HasSubstr("names several ops"), Not(HasSubstr("libprotobuf"))));
  EXPECT_THAT(run.out, HasSubstr("mine: [plain, 2 bytes: \\x00\\xff, 3 bytes: "));
}

}  // namespace
}  // namespace cryograph

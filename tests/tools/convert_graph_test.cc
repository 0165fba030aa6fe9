// What a user of convert_graph sees.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

ToolRun Convert(const std::vector<std::string>& args, const ToolOptions& options = {}) {
  return RunTool("tools/convert_graph", args, options);
}

TEST(ConvertGraphTest, ToTextAndBackIsTheSameFile) {
  const std::string folder = ScratchFolder();
  for (const char* model : {"tests/models/digits/graph.pb", "tests/models/variants/control_flow/graph.pb",
                            "tests/models/variants/dtypes/graph.pb"}) {
    // TensorFlow 1.15 writes attributes in arbitrary order, so the first step brings them into ours.
    ToolRun run = Convert({Runfile(model), folder + "/a.pb"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, AllOf(HasSubstr("converted "), HasSubstr(" of binary)")));
    run = Convert({"--in_graph=" + folder + "/a.pb", "--out_graph=" + folder + "/a.pbtxt"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr(" of text)"));
    EXPECT_THAT(ReadTestFile(folder + "/a.pbtxt"), StartsWith("node {\n"));
    run = Convert({folder + "/a.pbtxt", folder + "/b.pb"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(ReadTestFile(folder + "/b.pb"), ReadTestFile(folder + "/a.pb")) << model;
  }
}

TEST(ConvertGraphTest, TakesTheGraphOutOfAnyContainer) {
  const std::string folder = ScratchFolder();
  for (const char* model : {"tests/models/digits/model.ckpt.meta", "tests/models/digits/saved_model",
                            "tests/models/digits/saved_model/saved_model.pb"}) {
    const ToolRun run = Convert({Runfile(model), folder + "/graph.pbtxt"});
    EXPECT_EQ(run.exit_code, 0) << model << run.err;
    EXPECT_THAT(run.err, HasSubstr("only the graph is written")) << model;
    EXPECT_THAT(ReadTestFile(folder + "/graph.pbtxt"),
                AllOf(HasSubstr("name: \"probabilities\""), Not(HasSubstr("signature"))));
  }
}

TEST(ConvertGraphTest, ToAMetaGraphAndBack) {
  const std::string folder = ScratchFolder();
  ASSERT_EQ(Convert({Runfile("tests/models/digits/frozen.pb"), folder + "/a.pb"}).exit_code, 0);
  for (const std::string name : {"a.meta", "a.meta.pbtxt"}) {
    ToolRun run =
        Convert({folder + "/a.pb", folder + "/" + name, "--inputs=image", "--outputs=probabilities"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("of MetaGraph"));
    ASSERT_EQ(Convert({folder + "/" + name, folder + "/b.pb"}).exit_code, 0);
    EXPECT_TRUE(ReadTestFile(folder + "/b.pb") == ReadTestFile(folder + "/a.pb")) << name;
  }
  EXPECT_THAT(ReadTestFile(folder + "/a.meta.pbtxt"),
              AllOf(StartsWith("meta_info_def {\n"), HasSubstr("stripped_op_list"),
                    HasSubstr("serving_default"), HasSubstr("name: \"probabilities:0\"")));
  EXPECT_EQ(Convert({folder + "/a.pb", folder + "/c.meta", "--inputs=image"}).exit_code, 2);
}

TEST(ConvertGraphTest, ASavedModelInChunksKeepsItsFiles) {
  const std::string folder = ScratchFolder();
  const std::string source = Runfile("tests/models/digits/saved_model");
  const ToolRun run = Convert({source, folder + "/chunked", "--output_format=saved_model_chunked"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ListFolder(folder + "/chunked"), testing::ElementsAre("saved_model.cpb", "variables"));
  ASSERT_EQ(Convert({source, folder + "/a.pb"}).exit_code, 0);
  ASSERT_EQ(Convert({folder + "/chunked", folder + "/b.pb"}).exit_code, 0);
  EXPECT_TRUE(ReadTestFile(folder + "/b.pb") == ReadTestFile(folder + "/a.pb"));
  const ToolRun packed =
      Convert({source, folder + "/packed", "--output_format=saved_model_chunked", "--brotli"});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  EXPECT_LT(ReadTestFile(folder + "/packed/saved_model.cpb").size(),
            ReadTestFile(folder + "/chunked/saved_model.cpb").size() / 2);
  ASSERT_EQ(Convert({folder + "/packed", folder + "/c.pb"}).exit_code, 0);
  EXPECT_TRUE(ReadTestFile(folder + "/c.pb") == ReadTestFile(folder + "/a.pb"));
  EXPECT_EQ(Convert({source, folder + "/d.pb", "--brotli"}).exit_code, 2);
  // And whole again.
  ASSERT_EQ(Convert({folder + "/chunked", folder + "/whole", "--output_format=saved_model"}).exit_code, 0);
  EXPECT_THAT(ListFolder(folder + "/whole"), testing::ElementsAre("saved_model.pb", "variables"));
}

TEST(ConvertGraphTest, VariablesWithoutValuesAreNoSavedModel) {
  const std::string folder = ScratchFolder();
  const ToolRun run =
      Convert({Runfile("tests/models/digits/graph.pb"), folder + "/out", "--output_format=saved_model"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("is a variable, whose value is not part of the graph"));
  EXPECT_THAT(ListFolder(folder), IsEmpty());
}

TEST(ConvertGraphTest, BrokenGraphsAreConvertedAsTheyAre) {
  const std::string folder = ScratchFolder();
  WriteTestFile(folder + "/in.pbtxt", "node { name: \"a\" op: \"Relu\" input: \"gone\" }\n");
  ASSERT_EQ(Convert({folder + "/in.pbtxt", folder + "/out.pb"}).exit_code, 0);
  const ToolRun run = Convert({folder + "/out.pb", "-", "--output_as_text"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("input: \"gone\""));
  EXPECT_THAT(run.err, HasSubstr("TensorFlow cannot load this graph: L107: node 'a'"));
  EXPECT_THAT(Convert({folder + "/out.pb", "-", "--output_as_text", "--verify=off"}).err,
              Not(HasSubstr("cannot load")));
}

TEST(ConvertGraphTest, UnknownFieldsStayInBinaryAndAreDroppedFromTextOnlyOnRequest) {
  const std::string folder = ScratchFolder();
  // A node {name: "a", op: "NoOp"} with the unknown field 500 = 7.
  const std::string node = std::string(
      "\x0a\x01"
      "a\x12\x04NoOp\xa0\x1f\x07");
  WriteTestFile(folder + "/in.pb",
                absl::StrCat("\x0a", std::string(1, static_cast<char>(node.size())), node));
  ToolRun run = Convert({folder + "/in.pb", folder + "/out.pb"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadTestFile(folder + "/out.pb"), ReadTestFile(folder + "/in.pb"));
  run = Convert({folder + "/in.pb", folder + "/out.pbtxt"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("unknown"), HasSubstr("--drop_unknown_fields")));
  EXPECT_FALSE(FileExists(folder + "/out.pbtxt"));
  run = Convert({folder + "/in.pb", folder + "/out.pbtxt", "--drop_unknown_fields"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(folder + "/out.pbtxt"), HasSubstr("name: \"a\""));
}

TEST(ConvertGraphTest, ErrorsLeaveTheOldFile) {
  const std::string folder = ScratchFolder();
  WriteTestFile(folder + "/out.pb", "old");
  WriteTestFile(folder + "/bad.pbtxt", "node { name: \"a\" nonsense: 1 }\n");
  for (const auto& [args, status, words] :
       std::vector<std::tuple<std::vector<std::string>, int, std::string>>{
           {{}, 2, "--in_graph must name the model to read"},
           {{folder + "/bad.pbtxt"}, 2, "--out_graph must say where the result goes"},
           {{"a", "b", "c"}, 2, "takes two files"},
           {{"--in_graph=a", "b", folder + "/out.pb"}, 2, "'b' and --in_graph=a name two files"},
           {{"a", folder + "/out.pb", "--output_as_text", "--output_format=pb"}, 2, "contradict"},
           {{folder + "/gone.pb", folder + "/out.pb"}, 1, "CG105"},
           {{folder + "/bad.pbtxt", folder + "/out.pb"}, 1, "bad.pbtxt:1:"},
       }) {
    const ToolRun run = Convert(args);
    EXPECT_EQ(run.exit_code, status) << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr(words)));
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_EQ(ReadTestFile(folder + "/out.pb"), "old");
  }
}

}  // namespace
}  // namespace cryograph

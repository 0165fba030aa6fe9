// What users of export_meta_graph, import_meta_graph and write_graph see.
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

ToolRun Cryograph(const std::vector<std::string>& args) { return RunTool("tools/cryograph", args); }

const char kMeta[] = "tests/models/digits/model.ckpt.meta";

TEST(ExportMetaGraphTest, APartAndItsInputs) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph({"export_meta_graph", "--in_graph=" + Runfile(kMeta),
                           "--out_graph=" + folder + "/part.meta.pbtxt", "--export_scope=block2"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("exported "));
  const std::string part = ReadTestFile(folder + "/part.meta.pbtxt");
  EXPECT_THAT(part, AllOf(HasSubstr("name: \"conv/kernel\""), HasSubstr("key: \"unbound_inputs\""),
                          HasSubstr("$unbound_inputs_block1/pool"), Not(HasSubstr("name: \"block1"))));

  run = Cryograph({"import_meta_graph", "--in_graph=" + folder + "/part.meta.pbtxt",
                   "--out_graph=" + folder + "/x.meta", "--import_scope=left"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("Graph contains unbound inputs: "), HasSubstr("try: --input_map=")));
  EXPECT_FALSE(FileExists(folder + "/x.meta"));
}

TEST(ExportMetaGraphTest, AModelUnderAScopeFreezesToTheSame) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph({"import_meta_graph", "--in_graph=" + Runfile(kMeta),
                           "--out_graph=" + folder + "/left.meta", "--import_scope=left"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  // The saver followed: the keys of the checkpoint are those of before.
  run = Cryograph({"freeze_graph", "--input_meta_graph=" + folder + "/left.meta",
                   "--input_checkpoint=" + Runfile("tests/models/digits/model.ckpt"),
                   "--output_graph=" + folder + "/left.pb", "--output_node_names=left/probabilities"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("froze 12 variables"));
}

// A GraphDef gets the saver by which its checkpoint is restored, with TensorFlow's names: it has the nodes of
// another one already, but not the SaverDef.
TEST(ExportMetaGraphTest, AddsASaver) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph({"export_meta_graph", "--in_graph=" + Runfile(kMeta),
                           "--out_graph=" + folder + "/same.meta", "--add_saver"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("the MetaGraph has a saver, which stays"));
  run = Cryograph({"export_meta_graph", "--in_graph=" + Runfile("tests/models/digits/graph.pb"),
                   "--out_graph=" + folder + "/saved.meta.pbtxt", "--add_saver"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::string saved = ReadTestFile(folder + "/saved.meta.pbtxt");
  EXPECT_THAT(saved, AllOf(HasSubstr("filename_tensor_name: \"save_1/Const:0\""),
                           HasSubstr("save_tensor_name: \"save_1/control_dependency:0\""),
                           HasSubstr("restore_op_name: \"save_1/restore_all\"")));
  run = Cryograph({"freeze_graph", "--input_meta_graph=" + folder + "/saved.meta.pbtxt",
                   "--input_checkpoint=" + Runfile("tests/models/digits/model.ckpt"),
                   "--output_graph=" + folder + "/frozen.pb", "--output_node_names=probabilities"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("froze 12 variables"));

  run = Cryograph({"export_meta_graph", "--in_graph=" + Runfile("tests/models/digits/frozen.pb"),
                   "--out_graph=" + folder + "/none.meta", "--add_saver"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("No variables to save"));
  EXPECT_FALSE(FileExists(folder + "/none.meta"));
}

// The MetaGraph was written by TensorFlow's Saver, so that it has the shapes that TensorFlow inferred.
TEST(ExportMetaGraphTest, OutputShapesAreThoseOfTensorFlow) {
  const std::string folder = ScratchFolder();
  const auto shapes = [&](const std::string& graph, const std::string& out) {
    const ToolRun run = Cryograph(
        {"export_meta_graph", "--in_graph=" + graph, "--out_graph=" + folder + "/" + out, "--output_shapes"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return ReadTestFile(folder + "/" + out);
  };
  const ToolRun as_it_is = Cryograph({"export_meta_graph", "--in_graph=" + Runfile(kMeta),
                                      "--out_graph=" + folder + "/tensorflow.meta.pbtxt"});
  ASSERT_EQ(as_it_is.exit_code, 0) << as_it_is.err;
  ASSERT_THAT(ReadTestFile(folder + "/tensorflow.meta.pbtxt"), HasSubstr("_output_shapes"));
  const ToolRun bare = Cryograph({"transform_graph", "--in_graph=" + folder + "/tensorflow.meta.pbtxt",
                                  "--out_graph=" + folder + "/bare.meta", "--output_format=meta",
                                  "--transforms=remove_attribute(attribute_name=_output_shapes)"});
  ASSERT_EQ(bare.exit_code, 0) << bare.err;
  ASSERT_THAT(ReadTestFile(folder + "/bare.meta"), Not(HasSubstr("_output_shapes")));
  const std::string expected = ReadTestFile(folder + "/tensorflow.meta.pbtxt");
  // The first op without a rule of ours.
  const size_t loss = expected.find("name: \"sparse_softmax_cross_entropy_loss/xentropy/xentropy\"");
  ASSERT_NE(loss, std::string::npos);
  EXPECT_EQ(shapes(folder + "/bare.meta", "ours.meta.pbtxt").substr(0, loss), expected.substr(0, loss));
  // Where TensorFlow's shapes stand already, they stay.
  EXPECT_EQ(shapes(Runfile(kMeta), "again.meta.pbtxt"), expected);
}

TEST(ExportMetaGraphTest, WrongUsage) {
  const std::string folder = ScratchFolder();
  const std::string meta = Runfile(kMeta);
  EXPECT_EQ(Cryograph({"export_meta_graph", "--in_graph=" + meta}).exit_code, 2);
  EXPECT_EQ(Cryograph({"import_meta_graph", "--out_graph=" + folder + "/a.meta"}).exit_code, 2);
  EXPECT_EQ(Cryograph({"import_meta_graph", "--in_graph=" + meta, "--out_graph=" + folder + "/a.meta",
                       "--input_map=a"})
                .exit_code,
            2);
  const ToolRun run = Cryograph({"export_meta_graph", "--in_graph=" + meta,
                                 "--out_graph=" + folder + "/a.meta", "--export_scope=blok1"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("no node is below the scope 'blok1'"), HasSubstr("block1")));
  EXPECT_THAT(ListFolder(folder), IsEmpty());
}

TEST(WriteGraphTest, PrintsWhereItWrote) {
  const std::string folder = ScratchFolder();
  ToolRun run = Cryograph(
      {"write_graph", "--in_graph=" + Runfile(kMeta), "--logdir=" + folder + "/new", "--name=graph.pbtxt"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, folder + "/new/graph.pbtxt\n");
  EXPECT_THAT(ReadTestFile(folder + "/new/graph.pbtxt"), testing::StartsWith("node {\n"));
  run = Cryograph({"write_graph", "--in_graph=" + Runfile(kMeta), "--logdir=" + folder, "--name=graph.pb"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, HasSubstr("(CG150)"));
  run = Cryograph({"write_graph", "--in_graph=" + Runfile(kMeta), "--logdir=" + folder, "--name=graph.pb",
                   "--as_text=false"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, Not(HasSubstr("(CG150)")));
  EXPECT_EQ(Cryograph({"write_graph", "--in_graph=" + Runfile(kMeta), "--name=a"}).exit_code, 2);
}

}  // namespace
}  // namespace cryograph

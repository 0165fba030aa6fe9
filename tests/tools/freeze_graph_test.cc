// What a user of freeze_graph sees: files, exit status, and the words on stderr.
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_writer.h"
#include "graph/import.h"
#include "graph/tensor.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// A graph with two variables: out = x * w + b, and out2 = x * w.
constexpr char kGraph[] = R"(
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { dim { size: -1 } dim { size: 2 } } } } }
node { name: "w" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { dim { size: 2 } dim { size: 3 } } } } }
node { name: "w/read" op: "Identity" input: "w" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "b" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { dim { size: 3 } } } } }
node { name: "b/zeros" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 3 } } float_val: 0 } } } }
node { name: "b/Assign" op: "Assign" input: "b" input: "b/zeros" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "w/other" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 2 } dim { size: 3 } }
                                            float_val: 5 } } } }
node { name: "w/Assign" op: "Assign" input: "w" input: "w/other" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "dense/MatMul" op: "MatMul" input: "x" input: "w/read" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "dense/BiasAdd" op: "Add" input: "dense/MatMul" input: "b" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "out" op: "Identity" input: "dense/BiasAdd" device: "/device:GPU:0"
       attr { key: "T" value { type: DT_FLOAT } } }
)";

const std::vector<float> kW = {1, 2, 3, 4, 5, 6}, kB = {7, 8, 9};

// Scratch folder with graph.pbtxt and the checkpoint m.ckpt, which holds the tensors that a test asks for.
class FreezeGraphTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = ScratchFolder();
    WriteTestFile(Path("graph.pbtxt"), kGraph);
  }

  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }

  void WriteCheckpoint(const std::vector<std::pair<std::string, Tensor>>& tensors,
                       absl::string_view name = "m.ckpt") {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(Path(name)));
    for (const auto& [key, value] : tensors) ASSERT_OK(writer->Add(key, value));
    ASSERT_OK(writer->Finish());
  }
  static Tensor W() { return Tensor::Of<float>(DT_FLOAT, {2, 3}, kW); }
  static Tensor B() { return Tensor::Of<float>(DT_FLOAT, {3}, kB); }
  void WriteGoodCheckpoint() { WriteCheckpoint({{"b", B()}, {"w", W()}}); }

  // freeze_graph with the usual flags, of which `flags` replace those of the same name.
  ToolRun Freeze(const std::vector<std::string>& flags, const ToolOptions& options = {}) {
    std::vector<std::string> args = {"--input_graph=" + Path("graph.pbtxt"),
                                     "--input_checkpoint=" + Path("m.ckpt"),
                                     "--output_graph=" + Path("frozen.pb"), "--output_node_names=out"};
    args.insert(args.end(), flags.begin(), flags.end());
    return RunTool("tools/freeze_graph", args, options);
  }

  // What stands at the path of the result before a run that must fail.
  void PutOldResult() { WriteTestFile(Path("frozen.pb"), "old"); }
  // Nothing but what the test made is in the folder, and the old result is untouched.
  void ExpectUntouched() {
    EXPECT_EQ(ReadTestFile(Path("frozen.pb")), "old");
    for (const std::string& name : ListFolder(folder_)) EXPECT_THAT(name, Not(HasSubstr(".tmp"))) << name;
  }

  Model Frozen(absl::string_view name = "frozen.pb") {
    const std::string bytes = ReadTestFile(Path(name));
    std::shared_ptr<const MappedFile> file = MappedFile::FromString(std::string(name), bytes);
    absl::StatusOr<Model> model = ImportGraphDef(file->bytes(), file, name);
    EXPECT_OK(model);
    return model.ok() ? *std::move(model) : Model();
  }

  static std::vector<float> ConstantOf(Model& model, absl::string_view name) {
    const Node node = model.graph().Find(name);
    if (!node) return {};
    absl::StatusOr<Tensor> value = node.constant();
    EXPECT_OK(value);
    return value.ok() ? value->Copy<float>() : std::vector<float>();
  }

  std::string folder_;
};

TEST_F(FreezeGraphTest, FreezesAndSaysWhatItDid) {
  WriteGoodCheckpoint();
  const ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, AllOf(HasSubstr("froze 2 variables"), HasSubstr("x:0")));
  Model model = Frozen();
  EXPECT_EQ(ConstantOf(model, "w"), kW);
  EXPECT_EQ(ConstantOf(model, "b"), kB);
  EXPECT_FALSE(model.graph().Find("b/Assign"));
  EXPECT_EQ(model.graph().Find("out").device(), "");
}

TEST_F(FreezeGraphTest, SameBytesFromEveryRun) {
  WriteGoodCheckpoint();
  ASSERT_EQ(Freeze({}).exit_code, 0);
  const std::string first = ReadTestFile(Path("frozen.pb"));
  ASSERT_EQ(Freeze({}).exit_code, 0);
  EXPECT_EQ(ReadTestFile(Path("frozen.pb")), first);
}

TEST_F(FreezeGraphTest, OldFlagsOfEveryRelease) {
  WriteGoodCheckpoint();
  const ToolRun run =
      Freeze({"--input_binary=1", "--noclear_devices", "--restore_op_name=save/restore_all",
              "--filename_tensor_name=save/Const:0", "--checkpoint_version=2",
              "--initializer_nodes=", "--saved_model_tags=serve", "--variable_names_denylist=none",
              "--input_saver=", "--variable_names_blacklist=none", "--logtostderr", "--v=1"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("CG146"));
  EXPECT_EQ(Frozen().graph().Find("out").device(), "/device:GPU:0");
}

TEST_F(FreezeGraphTest, AllowAndDenyListsUnderEitherName) {
  WriteGoodCheckpoint();
  for (const char* flag : {"--variable_names_blacklist=w", "--variable_names_denylist=w",
                           "--variable_names_whitelist=b", "--variable_names_allowlist=b"}) {
    const ToolRun run = Freeze({flag});
    EXPECT_EQ(run.exit_code, 0) << flag << run.err;
    EXPECT_THAT(run.err, HasSubstr("CG143")) << flag;
    Model model = Frozen();
    EXPECT_EQ(model.graph().Find("w").op(), "VariableV2") << flag;
    EXPECT_EQ(ConstantOf(model, "b"), kB) << flag;
  }
  PutOldResult();
  const ToolRun both = Freeze({"--variable_names_blacklist=w", "--variable_names_denylist=b"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err, AllOf(StartsWith("error: "), HasSubstr("CG148")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, OutputNamesWithPortsBlanksAndCommas) {  // CG102, CG103
  WriteGoodCheckpoint();
  const ToolRun run = Freeze({"--output_node_names= out:0 , dense/MatMul,"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG102"), HasSubstr("CG103")));
  EXPECT_TRUE(Frozen().graph().Find("dense/MatMul"));
}

TEST_F(FreezeGraphTest, UnknownOutputNamesTheNearestAndTheSinks) {  // CG101
  WriteGoodCheckpoint();
  PutOldResult();
  ToolRun run = Freeze({"--output_node_names=oout"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("error: --output_node_names: "),
                             HasSubstr("has no node 'oout'; did you mean 'out'"),
                             HasSubstr("(CG101)\n  why: nothing reads out\n  try: ")));
  run = Freeze({"--output_node_names=dense"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("why: 'dense' is a scope of 2 nodes, the last of them is 'dense/BiasAdd'"));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, NoOutputsNamesTheLikelyOnes) {  // CG104
  WriteGoodCheckpoint();
  PutOldResult();
  const ToolRun run = Freeze({"--output_node_names="});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG104"), HasSubstr("out (nothing reads it, it depends on an input")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, MissingGraphNamesTheNearestFile) {  // CG105
  WriteGoodCheckpoint();
  PutOldResult();
  const ToolRun run = Freeze({"--input_graph=" + Path("grahp.pbtxt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("grahp.pbtxt"), HasSubstr("graph.pbtxt"), HasSubstr("CG105")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, WhatIsNoGraphIsNamed) {  // CG109
  WriteGoodCheckpoint();
  PutOldResult();
  for (const auto& [bytes, words] : std::vector<std::pair<std::string, std::string>>{
           {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "Git LFS"},
           {"<!DOCTYPE html><html></html>", "HTML"},
           {std::string("\x1f\x8b\x08\x00\x00", 5), "gzip"},
           {ReadTestFile(Runfile("tests/models/digits/graph.pb")).substr(0, 1000), "graph.bad"},
       }) {
    WriteTestFile(Path("graph.bad"), bytes);
    const ToolRun run = Freeze({"--input_graph=" + Path("graph.bad")});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr(words), HasSubstr("CG109")));
  }
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, TextAndBinaryAreToldByContent) {  // CG106, CG107
  WriteGoodCheckpoint();
  ToolRun run = Freeze({"--input_binary=true"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("graph.pbtxt is read as text (CG106)"));
  ASSERT_EQ(RunTool("tools/convert_graph", {Path("graph.pbtxt"), Path("graph.pb")}).exit_code, 0);
  run = Freeze({"--input_graph=" + Path("graph.pb"), "--input_binary=false"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("graph.pb is read as binary (CG107)"));
  run = Freeze({"--input_graph=" + Path("graph.pb")});
  EXPECT_THAT(run.err, Not(HasSubstr("CG10"))) << "nothing was said that could be wrong";
}

TEST_F(FreezeGraphTest, CheckpointFilesAsGraph) {  // CG108
  WriteGoodCheckpoint();
  PutOldResult();
  const ToolRun run = Freeze({"--input_graph=" + Path("m.ckpt.index")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("is the index of a V2 checkpoint, not a graph (CG108)"),
                             HasSubstr("try: --input_checkpoint=")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, OpsOfOthersAreKeptWithANote) {  // CG139
  WriteGoodCheckpoint();
  WriteTestFile(
      Path("graph.pbtxt"),
      absl::StrReplaceAll(kGraph, {{"\"out\" op: \"Identity\"", "\"out\" op: \"OpOfSomebodyElse\""}}));
  const ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("op 'OpOfSomebodyElse' is none of TensorFlow's own"), HasSubstr("CG139")));
}

TEST_F(FreezeGraphTest, ColocationWithANodeThatIsGone) {  // CG144
  WriteGoodCheckpoint();
  WriteTestFile(
      Path("graph.pbtxt"),
      absl::StrReplaceAll(kGraph, {{"device: \"/device:GPU:0\"",
                                    "attr { key: \"_class\" value { list { s: \"loc:@gone\" } } }"}}));
  const ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("CG144"));
  EXPECT_THAT(ReadTestFile(Path("frozen.pb")), Not(HasSubstr("loc:@")));
}

TEST_F(FreezeGraphTest, StateChangesOnThePath) {  // CG132, and --state
  WriteGoodCheckpoint();
  PutOldResult();
  const std::string graph =
      absl::StrCat(absl::StrReplaceAll(
                       kGraph, {{"\"dense/BiasAdd\" op: \"Add\" input: \"dense/MatMul\" input: \"b\"",
                                 "\"dense/BiasAdd\" op: \"Add\" input: \"dense/MatMul\" input: \"b/Add\""}}),
                   "node { name: \"b/Add\" op: \"AssignAdd\" input: \"b\" input: \"b/zeros\" ",
                   "attr { key: \"T\" value { type: DT_FLOAT } } }\n");
  WriteTestFile(Path("graph.pbtxt"), graph);
  ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("'b/Add'"), HasSubstr("(CG132)"), HasSubstr("--state=drop")));
  ExpectUntouched();
  run = Freeze({"--state=drop"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Frozen().graph().Find("b/Add").op(), "Identity");
  run = Freeze({"--state=pure"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Frozen().graph().Find("b/Add").op(), "Add");
}

TEST_F(FreezeGraphTest, CheckpointByAnyOfItsNames) {  // CG111, CG112
  WriteGoodCheckpoint();
  WriteTestFile(Path("checkpoint"), "model_checkpoint_path: \"m.ckpt\"\n");
  ASSERT_EQ(Freeze({}).exit_code, 0);
  const std::string expected = ReadTestFile(Path("frozen.pb"));
  for (const char* name : {"m.ckpt.index", "m.ckpt.data-00000-of-00001", "checkpoint", "."}) {
    const ToolRun run = Freeze({"--input_checkpoint=" + Path(name)});
    EXPECT_EQ(run.exit_code, 0) << name << run.err;
    EXPECT_THAT(run.err, AllOf(HasSubstr("note: "), HasSubstr("m.ckpt"))) << name;
    EXPECT_EQ(ReadTestFile(Path("frozen.pb")), expected) << name;
  }
}

TEST_F(FreezeGraphTest, MissingCheckpointListsThoseThatAreThere) {  // CG110
  WriteGoodCheckpoint();
  PutOldResult();
  ToolRun run = Freeze({"--input_checkpoint=" + Path("n.ckpt")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG110"), HasSubstr("m.ckpt")));
  run = Freeze({"--input_checkpoint="});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--input_checkpoint must say where"));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, DamagedCheckpointNamesFileAndTensor) {  // CG113
  WriteGoodCheckpoint();
  PutOldResult();
  const std::string data = Path("m.ckpt.data-00000-of-00001");
  const std::string whole = ReadTestFile(data);
  std::string flipped = whole;
  flipped[14] ^= 1;
  WriteTestFile(data, flipped);
  ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("m.ckpt.data-00000-of-00001"), HasSubstr("CG113")));
  WriteTestFile(data, whole.substr(0, 20));
  run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("m.ckpt.data-00000-of-00001"), HasSubstr("CG113")));
  unlink(data.c_str());
  run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("m.ckpt.data-00000-of-00001"), HasSubstr("CG113")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, OtherFormatsAsCheckpointAreNamed) {  // CG114
  PutOldResult();
  WriteTestFile(Path("weights.h5"), "\x89HDF\r\n\x1a\n........................................");
  const ToolRun run = Freeze({"--input_checkpoint=" + Path("weights.h5")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("HDF5"), HasSubstr("CG114")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, CheckpointVersionIsChecked) {  // CG115
  WriteGoodCheckpoint();
  ToolRun run = Freeze({"--checkpoint_version=1"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, AllOf(HasSubstr("is of version 2 and is read as that (CG115)")));
  PutOldResult();
  run = Freeze({"--checkpoint_version=3"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("CG115"));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, CheckpointOfAnotherModel) {  // CG116
  WriteCheckpoint({{"net/v", W()}, {"net/u", B()}});
  PutOldResult();
  const ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG116"), HasSubstr("net/v")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, MissingVariablesAreAllListed) {  // CG117
  WriteCheckpoint({{"w", W()}});
  PutOldResult();
  ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG117"), HasSubstr("b"), HasSubstr("--missing=init")));
  ExpectUntouched();
  run = Freeze({"--missing=init"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  Model model = Frozen();
  EXPECT_EQ(ConstantOf(model, "b"), std::vector<float>(3, 0));
  // What the outputs do not need may be missing.
  run = Freeze({"--output_node_names=dense/MatMul"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST_F(FreezeGraphTest, RenamedKeysByMap) {
  WriteCheckpoint({{"old/b", B()}, {"old/w", W()}});
  const ToolRun run = Freeze({"--variable_map=w=old/w,b=old/b"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  Model model = Frozen();
  EXPECT_EQ(ConstantOf(model, "w"), kW);
  const ToolRun wrong = Freeze({"--variable_map=w"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("'w' is no VARIABLE=KEY"));
}

TEST_F(FreezeGraphTest, MismatchesAreTabled) {  // CG118, CG119
  PutOldResult();
  WriteCheckpoint({{"w", Tensor::Of<float>(DT_FLOAT, {3, 2}, kW)}, {"b", B()}});
  ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG118"), HasSubstr("[2,3]"), HasSubstr("[3,2]")));
  WriteCheckpoint({{"w", Tensor::Of<double>(DT_DOUBLE, {2, 3}, std::vector<double>(6, 1))}, {"b", B()}});
  run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG119"), HasSubstr("double"), HasSubstr("float")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, FrozenAlready) {  // CG124
  WriteGoodCheckpoint();
  ASSERT_EQ(Freeze({}).exit_code, 0);
  const std::string frozen = ReadTestFile(Path("frozen.pb"));
  WriteTestFile(Path("graph.pb"), frozen);
  PutOldResult();
  ToolRun run = Freeze({"--input_graph=" + Path("graph.pb")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG124"), HasSubstr("--allow_frozen")));
  ExpectUntouched();
  run = Freeze({"--input_graph=" + Path("graph.pb"), "--allow_frozen", "--input_checkpoint="});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadTestFile(Path("frozen.pb")), frozen);
}

TEST_F(FreezeGraphTest, Initializers) {  // CG126, CG127
  WriteCheckpoint({{"w", W()}});
  PutOldResult();
  ToolRun run = Freeze({"--initializer_nodes=b/Asign"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG126"), HasSubstr("b/Assign")));
  run = Freeze({"--initializer_nodes=b/Assign,w/Assign"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG127"), HasSubstr("w")));
  ExpectUntouched();
  run = Freeze({"--initializer_nodes=b/Assign"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  Model model = Frozen();
  EXPECT_EQ(ConstantOf(model, "b"), std::vector<float>(3, 0));
  EXPECT_EQ(ConstantOf(model, "w"), kW);
}

TEST_F(FreezeGraphTest, UnknownVariableInAList) {  // CG142
  WriteGoodCheckpoint();
  PutOldResult();
  const ToolRun run = Freeze({"--variable_names_whitelist=ww"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("CG142"));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, PyFuncIsRefused) {  // CG138
  WriteGoodCheckpoint();
  std::string graph =
      absl::StrReplaceAll(kGraph, {{"name: \"out\" op: \"Identity\"", "name: \"mid\" op: \"Identity\""}});
  absl::StrAppend(
      &graph,
      "node { name: \"out\" op: \"PyFunc\" input: \"mid\" attr { key: \"token\" value { s: \"pyfunc_0\" } } ",
      "attr { key: \"Tin\" value { list { type: DT_FLOAT } } } ",
      "attr { key: \"Tout\" value { list { type: DT_FLOAT } } } }\n");
  WriteTestFile(Path("graph.pbtxt"), graph);
  PutOldResult();
  ToolRun run = Freeze({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG138"), HasSubstr("out")));
  ExpectUntouched();
  run = Freeze({"--allow_py_func"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST_F(FreezeGraphTest, OutputPath) {  // CG145
  WriteGoodCheckpoint();
  ToolRun run = Freeze({"--output_graph="});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("--output_graph must say where the result goes"), HasSubstr("CG145")));

  run = Freeze({"--output_graph=" + Path("new/folder/frozen.pb")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("note: made the directory of "));
  EXPECT_TRUE(FileExists(Path("new/folder/frozen.pb")));

  run = Freeze({"--output_graph=" + Path("graph.pbtxt")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("is the input file (CG145)"), HasSubstr("--in_place")));
  EXPECT_EQ(ReadTestFile(Path("graph.pbtxt")), kGraph);

  run = Freeze({"--output_graph=" + folder_});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("is a directory"));

  run = Freeze({"--output_graph=" + Path("graph.pbtxt"), "--in_place", "--output_as_text"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(Path("graph.pbtxt")), Not(HasSubstr("VariableV2")));
}

TEST_F(FreezeGraphTest, UsageErrors) {
  WriteGoodCheckpoint();
  PutOldResult();
  ToolRun run = Freeze({"--initialiser_nodes=init"});  // CG147
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err,
              HasSubstr("freeze_graph has no flag --initialiser_nodes; did you mean '--initializer_nodes'"));
  run = Freeze({"--input_meta_graph=" + Path("graph.pbtxt")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--input_graph and --input_meta_graph name two graphs"));
  run = Freeze({"--input_graph="});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("no model to freeze"));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, StdinAndStdout) {
  WriteGoodCheckpoint();
  ASSERT_EQ(Freeze({}).exit_code, 0);
  ToolOptions options;
  options.input = kGraph;
  const ToolRun run = Freeze({"--input_graph=-", "--output_graph=-"}, options);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, ReadTestFile(Path("frozen.pb")));

  options.output_file = "/dev/full";
  const ToolRun full = Freeze({"--input_graph=-", "--output_graph=-"}, options);
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
}

TEST_F(FreezeGraphTest, PathsCountFromWhereTheUserStands) {
  WriteGoodCheckpoint();
  ToolOptions options;
  options.environment = {"BUILD_WORKING_DIRECTORY=" + folder_};
  const ToolRun run = RunTool("tools/freeze_graph",
                              {"--input_graph=graph.pbtxt", "--input_checkpoint=m.ckpt",
                               "--output_graph=sub/frozen.pb", "--output_node_names=out"},
                              options);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(FileExists(Path("sub/frozen.pb")));
}

TEST_F(FreezeGraphTest, FullDiskLeavesTheOldFile) {
  WriteGoodCheckpoint();
  PutOldResult();
  ToolOptions options;
  options.file_size_limit = 100;
  const ToolRun run = Freeze({}, options);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("frozen.pb"), HasSubstr("cannot write")));
  ExpectUntouched();
}

TEST_F(FreezeGraphTest, AKillLeavesTheOldFileOrTheNewOne) {
  std::vector<float> values(4 << 20);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000);
  const int64_t rows = static_cast<int64_t>(values.size()) / 4;
  WriteCheckpoint({{"b", Tensor::Of<float>(DT_FLOAT, {4}, std::vector<float>(4, 1))},
                   {"w", Tensor::Of<float>(DT_FLOAT, {rows, 4}, values)}});
  WriteTestFile(
      Path("graph.pbtxt"),
      absl::StrReplaceAll(kGraph, {{"dim { size: -1 } dim { size: 2 }",
                                    absl::StrCat("dim { size: -1 } dim { size: ", rows, " }")},
                                   {"shape { dim { size: 2 } dim { size: 3 } }",
                                    absl::StrCat("shape { dim { size: ", rows, " } dim { size: 4 } }")},
                                   {"shape { dim { size: 3 } }", "shape { dim { size: 4 } }"}}));
  const ToolRun whole = Freeze({});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const std::string expected = ReadTestFile(Path("frozen.pb"));
  int killed = 0, old_kept = 0;
  constexpr int kRounds = 60;
  for (int round = 0; round < kRounds; ++round) {
    PutOldResult();
    ToolOptions options;
    // Spread over the whole run and a little more.
    options.kill_after_us = static_cast<int64_t>(whole.ms * 1000 * 1.2 * round / kRounds);
    const ToolRun run = Freeze({}, options);
    killed += run.signal != 0;
    const std::string result = ReadTestFile(Path("frozen.pb"));
    old_kept += result == "old";
    EXPECT_TRUE(result == "old" || result == expected)
        << "round " << round << ": " << result.size() << " bytes";
    if (run.signal == 0) {
      EXPECT_EQ(result, expected);
    }
  }
  EXPECT_GT(killed, kRounds / 4);
  EXPECT_GT(old_kept, kRounds / 4);
}

TEST_F(FreezeGraphTest, ReportNamesKeys) {
  WriteCheckpoint({{"b", B()}, {"unused", B()}, {"w", W()}});
  const ToolRun run = Freeze({"--report_json=" + Path("report.json")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(
      ReadTestFile(Path("report.json")),
      AllOf(HasSubstr("{\"node\": \"w\", \"key\": \"w\""), HasSubstr("\"shape\": [2, 3], \"bytes\": 24}"),
            HasSubstr("\"unused_keys\": [\"unused\"]"), HasSubstr("\"inputs\": [\"x:0\"]")));
}

TEST_F(FreezeGraphTest, HelpIsCompleteAndFast) {
  const ToolRun help = RunTool("tools/freeze_graph", {"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.err, IsEmpty());
  for (const char* flag :
       {"input_graph", "input_saver", "input_checkpoint", "checkpoint_version", "output_graph",
        "input_binary", "output_node_names", "restore_op_name", "filename_tensor_name", "clear_devices",
        "initializer_nodes", "variable_names_whitelist", "variable_names_blacklist",
        "variable_names_denylist", "variable_names_allowlist", "input_meta_graph", "input_saved_model_dir",
        "saved_model_tags"}) {
    EXPECT_THAT(help.out, HasSubstr(absl::StrCat("--", flag)));
  }
}

}  // namespace
}  // namespace cryograph

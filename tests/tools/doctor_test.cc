// What a user of doctor sees: repairs with their reasons, and the weights of another checkpoint.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "checkpoint/bundle_writer.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// What TensorFlow 1.15's freeze_graph leaves of a conditional update: it loads nowhere.
constexpr char kBroken[] = R"(
node { name: "p" op: "Placeholder" attr { key: "dtype" value { type: DT_BOOL } } attr { key: "shape" value { shape { } } } }
node { name: "w" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: 1 float_val: 2 } } } }
node { name: "d" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: 7 float_val: 8 } } } }
node { name: "sw" op: "RefSwitch" input: "w" input: "p" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "up" op: "AssignSub" input: "sw:1" input: "d" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "rd" op: "Identity" input: "sw" attr { key: "T" value { type: DT_FLOAT } }
       attr { key: "_class" value { list { s: "loc:@gone" } } } }
node { name: "y" op: "Merge" input: "rd" input: "up" attr { key: "N" value { i: 2 } } attr { key: "T" value { type: DT_FLOAT } } }
)";

class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = ScratchFolder();
    WriteTestFile(Path("broken.pbtxt"), kBroken);
  }

  std::string Path(absl::string_view name) const { return absl::StrCat(folder_, "/", name); }

  ToolRun Doctor(const std::vector<std::string>& flags, absl::string_view file = "broken.pbtxt") {
    std::vector<std::string> args = {Path(file)};
    args.insert(args.end(), flags.begin(), flags.end());
    return RunTool("tools/doctor", args);
  }

  Model Open(absl::string_view name) {
    auto bytes = std::make_shared<const std::string>(ReadTestFile(Path(name)));
    absl::StatusOr<Model> model = ImportGraphDef(*bytes, bytes, name);
    EXPECT_OK(model);
    return model.ok() ? *std::move(model) : Model();
  }

  std::string folder_;
};

TEST_F(DoctorTest, SaysWhatIsWrongAndWritesNothing) {
  const ToolRun run = Doctor({});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("node 'sw': RefSwitch became Switch [reference]\n"
                              "  why: it takes a reference, and 'w' is a plain float"),
                    HasSubstr("node 'up': AssignSub became Identity [update]"), HasSubstr("'gone'"),
                    HasSubstr("producer version 0 became 134"), HasSubstr("4 repairs, 0 errors left")));
  EXPECT_THAT(run.err, HasSubstr("--out_graph=FILE"));
  EXPECT_EQ(ListFolder(folder_), std::vector<std::string>{"broken.pbtxt"});
}

TEST_F(DoctorTest, RepairsAndIsThenSatisfied) {
  ASSERT_EQ(Doctor({"--out_graph=" + Path("good.pb")}).exit_code, 0);
  Model model = Open("good.pb");
  EXPECT_EQ(model.graph().Find("sw").op(), "Switch");
  EXPECT_EQ(model.graph().Find("up").op(), "Identity");
  EXPECT_FALSE(model.graph().Find("rd").has_attr("_class"));
  EXPECT_EQ(model.versions().producer, 134);
  const ToolRun again = Doctor({}, "good.pb");
  EXPECT_EQ(again.exit_code, 0) << again.out << again.err;
  EXPECT_THAT(again.out, HasSubstr("0 errors before, 0 repairs, 0 errors left"));
}

TEST_F(DoctorTest, PureComputesTheFirstRun) {
  ASSERT_EQ(Doctor({"--state=pure", "--producer=21", "--out_graph=" + Path("good.pb")}).exit_code, 0);
  Model model = Open("good.pb");
  EXPECT_EQ(model.graph().Find("up").op(), "Sub");
  EXPECT_EQ(model.versions().producer, 21);
}

TEST_F(DoctorTest, JsonHasEveryRepairWithItsReason) {
  const ToolRun run = Doctor({"--json", "--report=" + Path("r.json"), "--out_graph=" + Path("good.pb")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadTestFile(Path("r.json")), run.out);
  ASSERT_OK_AND_ASSIGN(const Json json, ReadJson(Path("r.json")));
  const auto& repairs = Elements(Member(json, "repairs"));
  ASSERT_EQ(repairs.size(), 4);
  EXPECT_EQ(Text(repairs[0], "kind"), "reference");
  EXPECT_EQ(Text(repairs[0], "node"), "sw");
  EXPECT_THAT(Text(repairs[0], "why"), HasSubstr("reference"));
  EXPECT_EQ(Elements(Member(json, "left")).size(), 0);
  EXPECT_EQ(Text(json, "written"), Path("good.pb"));
}

TEST_F(DoctorTest, WhatCannotBeRepairedIsNotWritten) {
  // What remove_training_nodes makes of check_numerics: an operand is gone.
  WriteTestFile(Path("arity.pbtxt"), R"(
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "y" op: "AddV2" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "z" op: "PartitionedCall" input: "x" attr { key: "Tin" value { list { type: DT_FLOAT } } }
       attr { key: "Tout" value { list { type: DT_FLOAT } } } attr { key: "f" value { func { name: "twice" } } } }
)");
  const ToolRun run = Doctor({"--out_graph=" + Path("good.pb")}, "arity.pbtxt");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("left: error L209: node 'y'"), HasSubstr("left: error L301: node 'z'")));
  EXPECT_THAT(run.err, HasSubstr("not all could be repaired, and nothing was written"));
  EXPECT_FALSE(FileExists(Path("good.pb")));
}

TEST_F(DoctorTest, TakesMissingFunctionsFromTheOriginal) {
  const std::string call = R"(
versions { producer: 134 }
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "z" op: "PartitionedCall" input: "x" attr { key: "Tin" value { list { type: DT_FLOAT } } }
       attr { key: "Tout" value { list { type: DT_FLOAT } } } attr { key: "f" value { func { name: "twice" } } } }
)";
  WriteTestFile(Path("call.pbtxt"), call);
  WriteTestFile(Path("original.pbtxt"), absl::StrCat(call, R"(
library {
  function {
    signature { name: "twice" input_arg { name: "a" type: DT_FLOAT } output_arg { name: "r" type: DT_FLOAT } }
    node_def { name: "add" op: "AddV2" input: "a" input: "a" attr { key: "T" value { type: DT_FLOAT } } }
    ret { key: "r" value: "add:z:0" }
  }
})"));
  const ToolRun run =
      Doctor({"--library=" + Path("original.pbtxt"), "--out_graph=" + Path("good.pb")}, "call.pbtxt");
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  Model model = Open("good.pb");
  EXPECT_NE(model.FindFunction("twice"), nullptr);
}

TEST_F(DoctorTest, SwapsWeights) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(Path("m.ckpt")));
  ASSERT_OK(writer->Add("global_step", Tensor::Of<int64_t>(DT_INT64, {}, {9})));
  ASSERT_OK(writer->Add("other/d", Tensor::Of<float>(DT_FLOAT, {3}, {1, 2, 3})));
  ASSERT_OK(writer->Add("w", Tensor::Of<float>(DT_FLOAT, {2}, {30, 40})));
  ASSERT_OK(writer->Finish());
  ToolRun run = Doctor({"--swap_weights=" + Path("m.ckpt"), "--out_graph=" + Path("new.pb")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("node 'w': value of 'w' float [2]\n"), HasSubstr("swapped 1 constant, 8 B"),
                    HasSubstr("kept, since the checkpoint has no such key: d\n")));
  Model model = Open("new.pb");
  ASSERT_OK_AND_ASSIGN(const Tensor w, model.graph().Find("w").constant());
  EXPECT_EQ(w.Copy<float>(), (std::vector<float>{30, 40}));
  ASSERT_OK_AND_ASSIGN(const Tensor d, model.graph().Find("d").constant());
  EXPECT_EQ(d.Copy<float>(), (std::vector<float>{7, 8}));

  // A value of another shape is refused, and nothing is written over.
  const std::string before = ReadTestFile(Path("new.pb"));
  run = Doctor(
      {"--swap_weights=" + Path("m.ckpt"), "--variable_map=d=other/d", "--out_graph=" + Path("new.pb")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG118"), HasSubstr("'d' is float [2], and 'other/d' float [3]")));
  EXPECT_EQ(ReadTestFile(Path("new.pb")), before);
}

TEST_F(DoctorTest, ACheckpointOfAnotherModelIsRefused) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BundleWriter> writer, BundleWriter::Create(Path("m.ckpt")));
  ASSERT_OK(writer->Add("layer/kernel", Tensor::Of<float>(DT_FLOAT, {2}, {1, 2})));
  ASSERT_OK(writer->Finish());
  const ToolRun run = Doctor({"--swap_weights=" + Path("m.ckpt"), "--out_graph=" + Path("new.pb")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("CG116"), HasSubstr("keys are called layer/kernel")));
}

TEST_F(DoctorTest, WrongUsage) {
  EXPECT_EQ(RunTool("tools/doctor", {}).exit_code, 2);
  EXPECT_EQ(RunTool("tools/doctor", {Path("nosuch.pb")}).exit_code, 2);
  EXPECT_EQ(Doctor({"--swap_weights=m.ckpt"}).exit_code, 2);
  EXPECT_EQ(Doctor({"--out_graph=" + Path("broken.pbtxt")}).exit_code, 2);
  EXPECT_EQ(Doctor({"--state=maybe"}).exit_code, 2);
}

}  // namespace
}  // namespace cryograph

// reduce_graph as a process: what is left of a graph, what is printed, and what is answered to mistakes.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const char kFrozen[] = "--in_graph=tests/models/digits/frozen.pb";

ToolRun Reduce(std::vector<std::string> args) {
  args.insert(args.begin(), "reduce_graph");
  return RunTool("tools/cryograph", args);
}

// Ops of a graph as text, in the file's order: "Placeholder Relu".
std::string Ops(const std::string& text) {
  std::string ops;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "  op: \"")) continue;
    absl::StrAppend(&ops, ops.empty() ? "" : " ", line.substr(0, line.find('"')));
  }
  return ops;
}

Json Parsed(const std::string& text) {
  const std::string path = ScratchFolder() + "/parsed.json";
  WriteTestFile(path, text);
  const absl::StatusOr<Json> json = ReadJson(path);
  EXPECT_TRUE(json.ok()) << json.status() << text;
  return json.ok() ? *json : Json();
}

const char kFloat[] = "attr { key: 'T' value { type: DT_FLOAT } }";

// Ten nodes between an input and a softmax, one of them with a control input, another with a device.
std::string ChainGraph() {
  std::string text =
      "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } }\n"
      "  attr { key: 'shape' value { shape { dim { size: 2 } dim { size: 3 } } } } }\n";
  std::string before = "x";
  for (int i = 0; i < 10; ++i) {
    const std::string name = absl::StrCat("tanh", i);
    absl::StrAppend(&text, "node { name: '", name, "' op: 'Tanh' input: '", before, "' ",
                    i == 4 ? "input: '^tanh2' device: '/cpu:0' " : "", kFloat, " }\n");
    before = name;
  }
  absl::StrAppend(&text, "node { name: 'y' op: 'Softmax' input: '", before, "' ", kFloat,
                  " attr { key: '_note' value { s: 'last' } } }\n");
  return text;
}

TEST(ReduceGraphTest, FindsWhatATransformBreaks) {
  const std::string folder = ScratchFolder(), small = folder + "/small.pbtxt";
  const std::vector<std::string> args = {kFrozen, "--outputs=probabilities",
                                         "--transforms=remove_device remove_nodes(op=Relu)", "--json"};
  std::vector<std::string> to = args;
  to.push_back("--out_graph=" + small);
  const ToolRun run = Reduce(to);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("39 nodes: an output differs"), HasSubstr("  nodes to placeholders: ")));
  const Json json = Parsed(run.out);
  EXPECT_EQ(Text(json, "failure"), "an output differs");
  EXPECT_EQ(Number(json, "nodes_before"), 39);
  EXPECT_LE(Number(json, "nodes"), 4);
  const std::string text = ReadTestFile(small);
  EXPECT_THAT(Ops(text), AllOf(HasSubstr("Relu"), Not(HasSubstr("Conv2D")), Not(HasSubstr("MatMul"))));

  // What is left shows the failure by itself, with the command that is named.
  ASSERT_EQ(Elements(Member(json, "outputs")).size(), 1);
  const std::string output = Elements(Member(json, "outputs"))[0].string_value();
  EXPECT_THAT(Text(json, "again"), HasSubstr("--outputs=" + output));
  const ToolRun again =
      RunTool("tools/cryograph",
              {"transform_graph", "--in_graph=" + small, "--out_graph=" + folder + "/no.pb",
               "--outputs=" + output, "--transforms=remove_device remove_nodes(op=Relu)", "--verify"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("changed"));

  // And is the same every time.
  to.back() = "--out_graph=" + folder + "/second.pbtxt";
  EXPECT_EQ(Reduce(to).exit_code, 0);
  EXPECT_EQ(ReadTestFile(folder + "/second.pbtxt"), text);
}

TEST(ReduceGraphTest, FindsWhyARunFails) {
  const std::string folder = ScratchFolder(), in = folder + "/in.pbtxt", small = folder + "/small.pbtxt";
  WriteTestFile(
      in, absl::StrCat(ChainGraph(),
                       "node { name: 'w' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } }\n"
                       "  attr { key: 'value' value { tensor { dtype: DT_FLOAT tensor_shape { dim { "
                       "size: 4 } dim { size: 5 } } float_val: 1 } } } }\n"
                       "node { name: 'product' op: 'MatMul' input: 'tanh6' input: 'w' ",
                       kFloat, " }\n", "node { name: 'z' op: 'Tanh' input: 'product' ", kFloat, " }\n"));
  const ToolRun run = Reduce({"--in_graph=" + in, "--out_graph=" + small, "--outputs=y,z", "--run"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(StartsWith("a run fails: "), HasSubstr("3 nodes of 15")));
  const std::string text = ReadTestFile(small);
  EXPECT_THAT(Ops(text), testing::AnyOf("Placeholder Const MatMul", "Const Placeholder MatMul"));
  EXPECT_THAT(run.out,
              HasSubstr(absl::StrCat("again: verify_graph ", small, " ", small, " --outputs=product\n")));
  const ToolRun again = RunTool("tools/cryograph", {"verify_graph", small, small, "--outputs=product"});
  EXPECT_EQ(again.exit_code, 2) << again.out;
  EXPECT_THAT(again.err, HasSubstr("MatMul"));
}

TEST(ReduceGraphTest, KeepsALintFinding) {
  const std::string folder = ScratchFolder(), in = folder + "/in.pbtxt", small = folder + "/small.pbtxt";
  WriteTestFile(in, absl::StrCat(ChainGraph(), "node { name: 'broken' op: 'Identity' input: 'gone' ", kFloat,
                                 " }\nnode { name: 'reader' op: 'Tanh' input: 'broken' ", kFloat, " }\n"));
  const ToolRun run = Reduce({"--in_graph=" + in, "--out_graph=" + small, "--lint=L107"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadTestFile(small), "node {\n  name: \"broken\"\n  op: \"Identity\"\n  input: \"gone\"\n}\n");
  EXPECT_THAT(run.out, AllOf(StartsWith("lint finding L107: 1 node of 14"), HasSubstr("again: lint ")));
}

TEST(ReduceGraphTest, AsksACommand) {
  const std::string folder = ScratchFolder(), in = folder + "/in.pbtxt", small = folder + "/it's.pbtxt";
  WriteTestFile(in, ChainGraph());
  const ToolRun run = Reduce(
      {"--in_graph=" + in, "--out_graph=" + small, "--command=if grep -q Softmax {}; then exit 7; fi"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, StartsWith("the command exits with 7: 2 nodes of 12"));
  // As the shell wants it, so that it can be pasted.
  EXPECT_THAT(run.out,
              HasSubstr("again: if grep -q Softmax '" + folder + "/it'\\''s.pbtxt'; then exit 7; fi\n"));
  EXPECT_EQ(
      ReadTestFile(small),
      "node {\n  name: \"tanh9\"\n  op: \"Placeholder\"\n  attr {\n    key: \"dtype\"\n    value {\n      "
      "type: DT_FLOAT\n    }\n  }\n}\nnode {\n  name: \"y\"\n  op: \"Softmax\"\n  input: \"tanh9\"\n}\n");
  // 0 can be the failure, too.
  const ToolRun zero = Reduce({"--in_graph=" + in, "--out_graph=" + folder + "/zero.pbtxt", "--exit_code=0",
                               "--command=grep -q _note {}"});
  EXPECT_EQ(zero.exit_code, 0) << zero.err;
  EXPECT_THAT(ReadTestFile(folder + "/zero.pbtxt"), HasSubstr("_note"));
  EXPECT_EQ(Ops(ReadTestFile(folder + "/zero.pbtxt")), "Placeholder Softmax");
}

TEST(ReduceGraphTest, VariablesThatAreLeftHaveACheckpointBeside) {
  const std::string folder = ScratchFolder(), small = folder + "/small.pbtxt";
  const std::string spec = "--transforms=rename_op(old_op_name=VariableV2, new_op_name=Elsewhere)";
  const ToolRun run = Reduce({"--in_graph=tests/models/digits/saved_model", "--out_graph=" + small, spec});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, Not(HasSubstr("warning")));
  EXPECT_EQ(Ops(ReadTestFile(small)), "VariableV2");
  EXPECT_THAT(run.out, AllOf(StartsWith("the result cannot be run: "), HasSubstr("Elsewhere"),
                             HasSubstr(" --verify --verify_checkpoint=" + folder + "/small.ckpt\n")));
  EXPECT_TRUE(FileExists(folder + "/small.ckpt.index"));
  const std::string output = run.out.substr(run.out.find("--outputs="));
  const ToolRun again =
      RunTool("tools/cryograph", {"transform_graph", "--in_graph=" + small,
                                  "--out_graph=" + folder + "/no.pb", output.substr(0, output.find(' ')),
                                  spec, "--verify", "--verify_checkpoint=" + folder + "/small.ckpt"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("cannot be run any more"));
}

// x → f → y, where f is Neg(Softmax(Tanh(Tanh(x)))).
std::string CallGraph() {
  std::string body, before = "a";
  for (const char* op : {"Tanh", "Tanh", "Softmax", "Neg"}) {
    const std::string name = absl::StrCat("n", body.size());
    const std::string port = absl::string_view(op) == "Softmax" ? ":softmax:0" : ":y:0";
    absl::StrAppend(&body, "node_def { name: '", name, "' op: '", op, "' input: '", before, "' ", kFloat,
                    " }\n");
    before = name + port;
  }
  return absl::StrCat(
      "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } }\n"
      "  attr { key: 'shape' value { shape { dim { size: 2 } dim { size: 3 } } } } }\n"
      "node { name: 'y' op: 'f' input: 'x' }\n"
      "library { function { signature { name: 'f' input_arg { name: 'a' type: DT_FLOAT }\n"
      "  output_arg { name: 'b' type: DT_FLOAT } }\n",
      body, "ret { key: 'b' value: '", before, "' } } }\n");
}

TEST(ReduceGraphTest, LooksIntoFunctions) {
  const std::string folder = ScratchFolder(), in = folder + "/in.pbtxt", small = folder + "/small.pbtxt";
  WriteTestFile(in, CallGraph());
  const ToolRun run =
      Reduce({"--in_graph=" + in, "--out_graph=" + small, "--outputs=y",
              "--transforms=inline_functions rename_op(old_op_name=Softmax, new_op_name=Relu)"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("calls inlined"));
  EXPECT_EQ(Ops(ReadTestFile(small)), "Const Softmax");

  // The failure needs the function.
  const ToolRun kept = Reduce({"--in_graph=" + in, "--out_graph=" + folder + "/kept.pbtxt", "--exit_code=0",
                               "--command=grep -q library {} && grep -q Softmax {}"});
  EXPECT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_THAT(ReadTestFile(folder + "/kept.pbtxt"),
              AllOf(HasSubstr("op: \"f\""), HasSubstr("op: \"Softmax\""), Not(HasSubstr("Tanh"))));
}

TEST(ReduceGraphTest, SaysWhyItCannotTell) {
  const std::string folder = ScratchFolder(), in = folder + "/in.pbtxt";
  WriteTestFile(in,
                "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_STRING } } }\n"
                "node { name: 'y' op: 'Identity' input: 'x' attr { key: 'T' value { type: DT_STRING } } }\n");
  const ToolRun run = Reduce({"--in_graph=" + in, "--out_graph=" + folder + "/small.pbtxt", "--outputs=y",
                              "--transforms=remove_device"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("cannot be told"), HasSubstr("is of type string")));
}

TEST(ReduceGraphTest, StopsInTime) {
  const std::string folder = ScratchFolder(), in = folder + "/in.pbtxt", small = folder + "/small.pbtxt";
  WriteTestFile(in, ChainGraph());
  const ToolRun run = Reduce(
      {"--in_graph=" + in, "--out_graph=" + small, "--command=exit 1 {}", "--stop_after=0.000001", "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("\"complete\": false"));
  EXPECT_THAT(Ops(ReadTestFile(small)), HasSubstr("Softmax"));
  // A command that hangs shows nothing.
  const ToolRun hangs = Reduce({"--in_graph=" + in, "--out_graph=" + folder + "/no.pbtxt",
                                "--command=sleep 60; : {}", "--command_time_limit=0.1"});
  EXPECT_EQ(hangs.exit_code, 1);
  EXPECT_LT(hangs.ms, 30000);
}

struct Mistake {
  std::vector<std::string> args;
  int exit_code;
  std::string text;
};

TEST(ReduceGraphTest, SaysWhatIsWrong) {
  const std::string folder = ScratchFolder(), out = "--out_graph=" + folder + "/small.pb";
  for (const Mistake& each : std::vector<Mistake>{
           {{}, 2, "--in_graph must name"},
           {{kFrozen, "--run"}, 2, "--out_graph"},
           {{kFrozen, out}, 2, "no failure is named"},
           {{kFrozen, out, "--run", "--lint=L107"}, 2, "several failures are named"},
           {{kFrozen, out, "--lint=L1"}, 2, "no finding has the code 'L1'"},
           {{kFrozen, out, "--command=true"}, 2, "has no {}"},
           {{kFrozen, out, "--transforms=remove_everything"}, 2, "remove_everything"},
           {{kFrozen, out, "--message=x", "--lint=L107"}, 2, "--message is for --run"},
           {{kFrozen, out, "--run"}, 2, "--outputs"},
           {{kFrozen, out, "--run", "--outputs=probabilites"}, 2, "probabilities"},
           {{"--in_graph=none.pb", out, "--lint=L107"}, 2, "none.pb"},
           {{kFrozen, out, "--run", "--outputs=probabilities"}, 1, "does not show the failure"},
           {{kFrozen, out, "--lint=L107"}, 1, "does not show the failure"},
           {{kFrozen, out, "--outputs=probabilities", "--transforms=remove_device"}, 1, "does not show"},
       }) {
    const ToolRun run = Reduce(each.args);
    EXPECT_EQ(run.exit_code, each.exit_code) << each.text << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr(each.text)));
    EXPECT_EQ(run.out, "");
  }
  EXPECT_FALSE(FileExists(folder + "/small.pb"));
}

}  // namespace
}  // namespace cryograph

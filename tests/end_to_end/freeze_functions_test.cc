// Freezes models whose variables live in functions: SavedModels of TensorFlow 2.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_matchers.h"
#include "checkpoint/checkpoint.h"
#include "gmock/gmock.h"
#include "graph/open.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"
#include "tests/tools/run_tool.h"
#include "transforms/freeze_variables.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;

constexpr char kSavedModel[] = "tests/models/tf2_module/saved_model";

ToolRun Freeze(const std::string& out, std::vector<std::string> flags) {
  flags.insert(flags.begin(),
               {"freeze_graph", "--input_saved_model_dir=" + Runfile(kSavedModel), "--output_graph=" + out});
  return RunTool("tools/cryograph", flags);
}

std::string Bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The goldens were run by TensorFlow 2.21, which computes from them what the SavedModel does, bit for bit:
// tests/models/tf2_module/make.py check.
TEST(FreezeFunctionsTest, EachFormIsAsTensorFlowRanIt) {
  for (const std::string form : {"lower", "inline", "keep"}) {
    SCOPED_TRACE(form);
    const std::string out = absl::StrCat(ScratchFolder(), "/", form, ".pb");
    const ToolRun run = Freeze(out, {"--signature=serving_default", "--functions=" + form});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("froze 3 variables"));
    EXPECT_EQ(Bytes(out), Bytes(Runfile(absl::StrCat("tests/models/tf2_module/frozen_", form, ".pb"))));
  }
}

// Two variables are called "dup"; which is which only the restore function's arguments tell.
TEST(FreezeFunctionsTest, ValuesAreFoundByRestoreFunctionNotByName) {
  std::vector<std::string> notes;
  ASSERT_OK_AND_ASSIGN(Model model, OpenModel(Runfile(kSavedModel), {}, &notes));
  FreezeOptions options;
  options.outputs = {"StatefulPartitionedCall_1"};
  ASSERT_OK_AND_ASSIGN(options.checkpoint, Checkpoint::Open(model.variables_prefix, &notes));
  const std::shared_ptr<const Checkpoint> checkpoint = options.checkpoint;
  ASSERT_OK_AND_ASSIGN(const FreezeReport report, FreezeVariables(model, options));
  std::map<std::string, std::string> shape_of_key;
  for (const FrozenVariable& variable : report.variables) {
    EXPECT_THAT(variable.how, HasSubstr("restore op"));
    shape_of_key[variable.key] = ShapeText(variable.dims);
    ASSERT_OK_AND_ASSIGN(const auto source, checkpoint->Source(variable.key, ""));
    ASSERT_OK_AND_ASSIGN(const Tensor stored, source->Load());
    ASSERT_OK_AND_ASSIGN(const Tensor frozen, model.graph().Find(variable.node).constant());
    EXPECT_EQ(frozen.bytes, stored.bytes) << variable.node;
  }
  EXPECT_EQ(shape_of_key["kernel/.ATTRIBUTES/VARIABLE_VALUE"], "[4,3]");
  EXPECT_EQ(shape_of_key["bias/.ATTRIBUTES/VARIABLE_VALUE"], "[3]");
  EXPECT_EQ(shape_of_key.size(), 3u);
  EXPECT_TRUE(model.graph().Find("dup"));
  EXPECT_TRUE(model.graph().Find("dup_1"));
  EXPECT_TRUE(model.functions().empty());
}

TEST(FreezeFunctionsTest, UnknownSignatureNamesThoseThatThereAre) {
  const std::string out = absl::StrCat(ScratchFolder(), "/none.pb");
  const ToolRun run = Freeze(out, {"--signature=serving_defaults"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err,
              HasSubstr("has no signature 'serving_defaults'; did you mean 'serving_default'? (CG130)"));
  EXPECT_THAT(run.err, HasSubstr("its signatures are bump, serving_default"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(FreezeFunctionsTest, ACounterIsDroppedAndSaidSo) {
  const std::string out = absl::StrCat(ScratchFolder(), "/bump.pb");
  for (const std::string form : {"lower", "keep"}) {
    const ToolRun run = Freeze(out, {"--signature=bump", "--functions=" + form});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("dropped 1 update op")) << form;
  }
}

// How many nodes of each op, but for those that only forward. Tables are inputs of the real frozen functions.
std::map<std::string, int> Ops(const std::vector<std::string>& ops) {
  std::map<std::string, int> counted;
  for (const std::string& op : ops) ++counted[op];
  for (const char* other : {"Identity", "IdentityN", "NoOp", "Placeholder", "HashTableV2"})
    counted.erase(other);
  return counted;
}

// Cases of what a function body may say, with TensorFlow's own verdict: what both releases run is inlined.
TEST(FreezeFunctionsTest, InlinesEveryBodyThatTensorFlowRuns) {
  const std::string cases = SharedData("formats/function_cases.json");
  if (cases.empty()) GTEST_SKIP() << "../shared/data/formats is not there";
  ASSERT_OK_AND_ASSIGN(const Json json, ReadJson(cases));
  int inlined = 0;
  for (const Json& test : Elements(json)) {
    const std::string name = Text(test, "case");
    SCOPED_TRACE(name);
    const bool runs =
        Member(Member(test, "tf221"), "ok").bool_value() && Member(Member(test, "tf115"), "ok").bool_value();
    const std::string in = absl::StrCat(ScratchFolder(), "/case.pbtxt"),
                      out = absl::StrCat(ScratchFolder(), "/case.pb");
    std::ofstream(in) << Text(test, "text");
    const std::string fetch = Text(test, "fetch");
    const ToolRun run =
        RunTool("tools/cryograph", {"transform_graph", "--in_graph=" + in, "--out_graph=" + out,
                                    "--outputs=" + fetch.substr(0, fetch.find(':')),
                                    "--transforms=inline_functions strip_unused_nodes"});
    // Some that TensorFlow refuses for what is not needed here (a second function of a name) may pass.
    if (!runs && run.exit_code != 0) {
      EXPECT_THAT(run.err, HasSubstr("function '"));
      continue;
    }
    ASSERT_EQ(run.exit_code, 0) << run.err;
    std::vector<std::string> notes;
    ASSERT_OK_AND_ASSIGN(Model model, OpenModel(out, {}, &notes));
    EXPECT_TRUE(model.functions().empty());
    ++inlined;
  }
  EXPECT_GE(inlined, 9);
}

TEST(FreezeFunctionsTest, LeavesTheOpsThatTheRealConversionLeaves) {
  const std::string models = SharedData("models");
  if (models.empty()) GTEST_SKIP() << "../shared/data/models is not there";
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(models)) {
    const std::string folder = entry.path().string();
    std::ifstream golden(folder + "/golden/frozen_nodes_tf2.txt");
    if (!golden || entry.path().filename() == "t2_module_functions") continue;  // It has a Case.
    SCOPED_TRACE(folder);
    std::vector<std::string> expected;
    for (std::string line; std::getline(golden, line);) {
      const std::vector<std::string> parts = absl::StrSplit(line, ' ');
      if (parts.size() == 2) expected.push_back(parts[1]);
    }
    ASSERT_OK_AND_ASSIGN(const Json json, ReadJson(folder + "/case.json"));
    std::vector<std::string> notes;
    ASSERT_OK_AND_ASSIGN(Model model, OpenModel(folder + "/saved_model", {}, &notes));
    FreezeOptions options;
    for (const Json& output : Elements(Member(Member(json, "freeze"), "output_node_names"))) {
      options.outputs.push_back(output.string_value());
    }
    if (!model.variables_prefix.empty()) {
      ASSERT_OK_AND_ASSIGN(options.checkpoint, Checkpoint::Open(model.variables_prefix, &notes));
    }
    options.functions = FunctionForm::kInline;
    options.tables = TablePolicy::kLeave;  // As the real conversion does.
    EXPECT_OK(FreezeVariables(model, options));
    EXPECT_OK(FindingsStatus(Verify(model)));
    std::vector<std::string> ops;
    for (Node node : model.graph().nodes()) ops.emplace_back(node.op());
    EXPECT_EQ(Ops(ops), Ops(expected));
    ++compared;
  }
  EXPECT_GE(compared, 12);
}

}  // namespace
}  // namespace cryograph

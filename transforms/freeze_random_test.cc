// Random graphs over the ops that freezing knows, most of them senseless: freezing must refuse with a reason
// and leave the graph as it was, or give a sound graph without variables.
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_matchers.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "transforms/freeze_test_graph.h"
#include "transforms/freeze_variables.h"

namespace cryograph {
namespace {

constexpr const char* kOps[] = {"VariableV2",
                                "VarHandleOp",
                                "Variable",
                                "ReadVariableOp",
                                "ResourceGather",
                                "ResourceGatherNd",
                                "VariableShape",
                                "VarIsInitializedOp",
                                "IsVariableInitialized",
                                "Identity",
                                "Switch",
                                "Merge",
                                "Enter",
                                "Exit",
                                "NextIteration",
                                "RefIdentity",
                                "RefSwitch",
                                "RefMerge",
                                "RefEnter",
                                "RefExit",
                                "RefNextIteration",
                                "RefSelect",
                                "Assign",
                                "AssignAdd",
                                "AssignSub",
                                "AssignVariableOp",
                                "ScatterUpdate",
                                "ScatterNdAdd",
                                "ApplyAdam",
                                "CountUpTo",
                                "ResourceCountUpTo",
                                "DestroyResourceOp",
                                "DisableCopyOnRead",
                                "Const",
                                "NoOp",
                                "Add",
                                "LoopCond",
                                "Placeholder",
                                "RestoreV2",
                                "Fill",
                                "If",
                                "PyFunc",
                                "HashTableV2",
                                "IteratorGetNext",
                                "TemporaryVariable",
                                "_VarHandlesOp",
                                "_ReadVariablesOp"};

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  int Below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool OneIn(int count) { return Below(count) == 0; }
  std::string Name(int count) { return absl::StrCat("n", Below(count)); }

  std::string Lines(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      const std::string op = kOps[OneIn(2) ? Below(static_cast<int>(std::size(kOps))) : Below(25)];
      const bool source = op == "VariableV2" || op == "VarHandleOp" || op == "Variable" ||
                          op == "Placeholder" || op == "Const" || op == "_VarHandlesOp";
      std::vector<std::string> inputs;
      const int data = source ? 0 : 1 + Below(3);
      for (int k = 0; k < data; ++k) {
        // Mostly earlier nodes, so that cycles are rare; NextIteration may close a loop, rightly or not.
        const std::string from = OneIn(20) ? Name(count) : Name(std::max(i, 1));
        inputs.push_back(absl::StrCat(from, OneIn(6) ? ":1" : ""));
      }
      for (int k = Below(3); k > 0 && i > 0; --k) {
        const std::string control = absl::StrCat("^", Name(i));
        if (!absl::StrContains(absl::StrJoin(inputs, " "), control)) inputs.push_back(control);
      }
      absl::StrAppend(&lines, "n", i, " = ", op, "(", absl::StrJoin(inputs, ", "), ")");
      if (!OneIn(10)) absl::StrAppend(&lines, " dtype=t:", OneIn(8) ? "half" : "float");
      if (!OneIn(4)) absl::StrAppend(&lines, " T=t:", OneIn(3) ? "resource" : "float");
      if (OneIn(8)) {
        lines += " shape=shape:unknown";
      } else if (!OneIn(6)) {
        absl::StrAppend(&lines, " shape=shape:", Below(4), ",", OneIn(30) ? "1099511627776" : "2");
      }
      if (OneIn(4)) absl::StrAppend(&lines, " shared_name=s:", Name(count));
      // Freezing keeps what a variable is colocated with, but not the attribute that says so.
      if (OneIn(4) && !source) absl::StrAppend(&lines, " _class=l:loc:@", Name(count));
      if (OneIn(6)) absl::StrAppend(&lines, " f=f:body");
      if (op == "Const") lines += OneIn(2) ? " value=i32:2,2" : " value=f32:1";
      if (op[0] == '_') {
        std::vector<std::string> types(static_cast<size_t>(std::max(data, 1)), "float");
        absl::StrAppend(&lines, " dtypes=tl:", absl::StrJoin(types, ","),
                        " shapes=shapes:2 shared_names=l:n1");
      }
      lines += "\n";
    }
    return lines;
  }

  FreezeOptions Options(int count) {
    FreezeOptions options;
    for (int k = 1 + Below(3); k > 0; --k)
      options.outputs.push_back(absl::StrCat("n", count - 1 - Below(std::min(count, 4))));
    options.missing = OneIn(3) ? MissingPolicy::kInit : MissingPolicy::kZeros;
    options.state = static_cast<StatePolicy>(Below(3));
    options.allow_py_func = OneIn(2);
    options.allow_input_pipeline = OneIn(2);
    options.allow_frozen = OneIn(2);
    options.drop_colocation = OneIn(2);
    if (OneIn(4)) options.deny = {"n1", "n2", "n3"};
    if (OneIn(5)) options.initializer_nodes = {Name(count)};
    return options;
  }

 private:
  std::mt19937 random_;
};

TEST(FreezeRandomTest, RefusesOrFreezes) {
  int frozen = 0, refused = 0;
  for (unsigned seed = 0; seed < 10000; ++seed) {
    Maker maker(seed);
    const int count = 2 + maker.Below(24);
    const std::string lines = maker.Lines(count);
    SCOPED_TRACE(absl::StrCat("seed ", seed, "\n", lines));
    Model model = GraphOf(lines);
    FreezeOptions options = maker.Options(count);
    const std::string before = LinesOf(model.graph());
    const absl::StatusOr<FreezeReport> report = FreezeVariables(model, options);
    if (!report.ok()) {
      ++refused;
      EXPECT_FALSE(report.status().message().empty());
      EXPECT_NE(report.status().code(), absl::StatusCode::kInternal) << report.status();
      // Grouped handles may have been taken apart, which changes no meaning.
      if (!absl::StrContains(lines, "_VarHandlesOp") && !absl::StrContains(lines, "_ReadVariablesOp")) {
        EXPECT_EQ(LinesOf(model.graph()), before);
      }
      continue;
    }
    ++frozen;
    ASSERT_OK(VerifyStructure(model, /*cycles=*/false));
    for (Node node : model.graph().nodes()) {
      const absl::string_view op = node.op();
      if (options.deny.empty()) {
        EXPECT_TRUE(op != "VariableV2" && op != "VarHandleOp" && op != "Variable") << node.name();
      }
    }
    for (const std::string& output : options.outputs) EXPECT_TRUE(model.graph().Find(output)) << output;
    if (HasFailure()) return;
  }
  // Both must happen often, or the graphs are no good as tests.
  EXPECT_GT(frozen, 200);
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace cryograph

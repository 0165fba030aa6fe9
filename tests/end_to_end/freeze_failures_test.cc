// Twelve ways in which TensorFlow's freeze_graph reports success and leaves its users with a graph that does
// not load or computes something else; ours is right in each, or refuses. What theirs does is recorded in
// tests/oracle/recorded/check_freeze_failures.txt. Functions with resource variables (4, 5) are in
// freeze_functions_test.cc, a graph of more than 2 GiB (8) in tests/tools/freeze_limit_test.cc.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"
#include "transforms/freeze_test_graph.h"
#include "transforms/freeze_variables.h"
#include "transforms/pin_placeholders.h"
#include "transforms/prune_branches.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;

FreezeOptions Options(const std::vector<TestTensor>& values) {
  FreezeOptions options;
  options.outputs = {"y"};
  options.checkpoint = CheckpointOf(values);
  return options;
}

// Freezes, and expects a graph that loads: no finding of the verifier.
FreezeReport FreezeWell(Model& model, const FreezeOptions& options) {
  absl::StatusOr<FreezeReport> report = FreezeVariables(model, options);
  EXPECT_OK(report);
  EXPECT_OK(FindingsStatus(Verify(model)));
  return report.ok() ? *report : FreezeReport();
}

std::string OpOf(Model& model, absl::string_view name) {
  const Node node = model.graph().Find(name);
  return node ? std::string(node.op()) : "gone";
}

// 1: "Input 0 of node AssignMovingAvg was passed float from w:0 incompatible with expected float_ref."
TEST(FreezeFailuresTest, UpdateThatTheOutputWaitsFor) {
  Model model = GraphOf(R"(
    x = Placeholder() dtype=t:float
    w = VariableV2() dtype=t:float shape=shape:2
    d = Const() dtype=t:float value=f32:1,2
    up = AssignSub(w, d) T=t:float
    r = Identity(w) T=t:float
    y = Mul(x, r, ^up) T=t:float
  )");
  const FreezeReport report = FreezeWell(model, Options({{"w", Floats({2})}}));
  EXPECT_EQ(report.dropped_updates, 1);
  EXPECT_EQ(OpOf(model, "up"), "gone");
}

constexpr char kBranch[] = R"(
  x = Placeholder() dtype=t:float
  p = Placeholder() dtype=t:bool shape=shape:
  w = VariableV2() dtype=t:float shape=shape:2
  sw = RefSwitch(w, p) T=t:float
  d = Const() dtype=t:float value=f32:1,2
  sd = Switch(d, p) T=t:float
  up = AssignSub(sw:1, sd:1) T=t:float
  rd = Identity(sw) T=t:float
  m = Merge(rd, up) N=i:2 T=t:float
  y = Mul(x, m) T=t:float
)";

TEST(FreezeFailuresTest, UpdateInTheBranchThatTrains) {
  Model model = GraphOf(kBranch);
  const absl::StatusOr<FreezeReport> refused = FreezeVariables(model, Options({{"w", Floats({2})}}));
  EXPECT_THAT(refused.status().message(), AllOf(HasSubstr("CG132"), HasSubstr("--set=p=false")));

  // The branch that trains is taken away …
  model = GraphOf(kBranch);
  ASSERT_OK(PinPlaceholders(model.graph(), {{"p", "false"}}));
  ASSERT_OK(PruneBranches(model, {{}, {"y"}}).status());
  FreezeWell(model, Options({{"w", Floats({2})}}));
  EXPECT_EQ(OpOf(model, "up"), "gone");

  // … or its op gives the frozen value, or what its first run gives.
  FreezeOptions options = Options({{"w", Floats({2})}});
  options.state = StatePolicy::kDrop;
  model = GraphOf(kBranch);
  FreezeWell(model, options);
  EXPECT_EQ(OpOf(model, "up"), "Identity");
  EXPECT_EQ(OpOf(model, "sw"), "Switch");
  options.state = StatePolicy::kPure;
  model = GraphOf(kBranch);
  FreezeWell(model, options);
  EXPECT_EQ(OpOf(model, "up"), "Sub");
}

TEST(FreezeFailuresTest, QuestionWhetherAVariableIsInitialized) {
  Model model = GraphOf(R"(
    w = VariableV2() dtype=t:float shape=shape:2
    i = IsVariableInitialized(w) dtype=t:float
    y = Identity(i) T=t:bool
  )");
  FreezeWell(model, Options({{"w", Floats({2})}}));
  EXPECT_EQ(OpOf(model, "i"), "Const");
}

// 2: "... incompatible with expected resource."
TEST(FreezeFailuresTest, OpsOfResourceVariables) {
  Model model = GraphOf(R"(
    w = VarHandleOp() dtype=t:float shape=shape:2
    r = ReadVariableOp(w) dtype=t:float
    d = Const() dtype=t:float value=f32:1,2
    up = AssignAddVariableOp(w, d) dtype=t:float
    s = VariableShape(w) out_type=t:int32
    i = VarIsInitializedOp(w)
    c = Cast(s) SrcT=t:int32 DstT=t:float
    j = Cast(i) SrcT=t:bool DstT=t:float
    k = Mul(c, j) T=t:float
    y = Mul(r, k, ^up) T=t:float
  )");
  FreezeWell(model, Options({{"w", Floats({2})}}));
  EXPECT_EQ(OpOf(model, "s"), "Const");
  EXPECT_EQ(OpOf(model, "i"), "Const");
  EXPECT_EQ(OpOf(model, "up"), "gone");
}

// 3
TEST(FreezeFailuresTest, GatherNd) {
  Model model = GraphOf(R"(
    w = VarHandleOp() dtype=t:float shape=shape:4
    at = Const() dtype=t:int32 value=i32:[]1
    y = ResourceGatherNd(w, at) dtype=t:float Tindices=t:int32
  )");
  FreezeWell(model, Options({{"w", Floats({4})}}));
  EXPECT_EQ(OpOf(model, "y"), "GatherNd");
}

// 6: "has inputs from different frames"
TEST(FreezeFailuresTest, EmbeddingInALoop) {
  Model model = GraphOf(R"(
    w = VarHandleOp() dtype=t:float shape=shape:3,2
    zero = Const() dtype=t:int32 value=i32:0
    enter = Enter(zero) T=t:int32 frame_name=s:loop
    w/enter = Enter(w) T=t:resource frame_name=s:loop is_constant=b:true
    merge = Merge(enter, next) T=t:int32 N=i:2
    two = Const(^merge) dtype=t:int32 value=i32:2
    less = Less(merge, two) T=t:int32
    go = LoopCond(less)
    switch = Switch(merge, go) T=t:int32
    body = Identity(switch:1) T=t:int32
    gather = ResourceGather(w/enter, body) dtype=t:float Tindices=t:int32
    size = Size(gather) T=t:float out_type=t:int32
    next = NextIteration(size) T=t:int32
    exit = Exit(switch) T=t:int32
    y = Identity(exit) T=t:int32
  )");
  FreezeWell(model, Options({{"w", Floats({3, 2})}}));
  EXPECT_EQ(OpOf(model, "gather"), "GatherV2");
  const Node axis = model.graph().Find("gather/axis");
  ASSERT_TRUE(static_cast<bool>(axis));
  EXPECT_EQ(axis.control_inputs().size(), 1u);
}

// 7
TEST(FreezeFailuresTest, TheFirstVariableOp) {
  Model model = GraphOf(R"(
    w = Variable() dtype=t:float shape=shape:2
    y = Identity(w) T=t:float
  )");
  FreezeWell(model, Options({{"w", Floats({2})}}));
  EXPECT_EQ(OpOf(model, "w"), "Const");
}

// 9
TEST(FreezeFailuresTest, TheProducerVersionIsKept) {
  Model model = GraphOf(R"(
    w = VariableV2() dtype=t:float shape=shape:2
    y = Identity(w) T=t:float
  )");
  Versions versions;
  versions.producer = 27;
  model.set_versions(versions);
  FreezeWell(model, Options({{"w", Floats({2})}}));
  EXPECT_EQ(model.versions().producer, 27);
}

// 10: "Table not initialized.", "GetNext() failed because the iterator has not been initialized", "callback
// pyfunc_0 is not found"
TEST(FreezeFailuresTest, TableIteratorPythonFunction) {
  const std::string table = R"(
    keys = Const() dtype=t:int64 value=i64:0,1
    values = Const() dtype=t:float value=f32:5,6
    table = HashTableV2() key_dtype=t:int64 value_dtype=t:float
    fill = InitializeTableV2(table, keys, values) Tkey=t:int64 Tval=t:float
    q = Placeholder() dtype=t:int64
    none = Const() dtype=t:float value=f32:-1
    y = LookupTableFindV2(table, q, none) Tin=t:int64 Tout=t:float
  )";
  FreezeOptions options;
  options.outputs = {"y"};
  options.allow_frozen = true;
  Model model = GraphOf(table);
  const FreezeReport kept = FreezeWell(model, options);
  EXPECT_EQ(kept.init_node, "init_all_tables");
  EXPECT_EQ(OpOf(model, "fill"), "InitializeTableV2");
  options.tables = TablePolicy::kBake;
  model = GraphOf(table);
  const FreezeReport baked = FreezeWell(model, options);
  EXPECT_EQ(baked.init_node, "");
  EXPECT_EQ(OpOf(model, "table"), "gone");
  EXPECT_EQ(OpOf(model, "y"), "GatherV2");

  model = GraphOf(R"(
    it = IteratorV2() shared_name=s: container=s: output_types=tl:float
    next = IteratorGetNext(it) output_types=tl:float
    y = Identity(next) T=t:float
  )");
  EXPECT_THAT(FreezeVariables(model, options).status().message(),
              AllOf(HasSubstr("CG137"), HasSubstr("next:0")));
  model = GraphOf(R"(
    x = Placeholder() dtype=t:float
    f = PyFunc(x) token=s:pyfunc_0 Tin=tl:float Tout=tl:float
    y = Identity(f) T=t:float
  )");
  EXPECT_THAT(FreezeVariables(model, options).status().message(),
              AllOf(HasSubstr("CG138"), HasSubstr("'f'")));
}

// 11
TEST(FreezeFailuresTest, InitializersDoNotUntrain) {
  Model model = GraphOf(R"(
    w = VariableV2() dtype=t:float shape=shape:2
    zeros = Const() dtype=t:float value=f32:0,0
    assign = Assign(w, zeros) T=t:float
    init = NoOp(^assign)
    y = Identity(w) T=t:float
  )");
  FreezeOptions options = Options({{"w", Floats({2}, 5)}});
  options.initializer_nodes = {"init"};
  EXPECT_THAT(FreezeVariables(model, options).status().message(),
              AllOf(HasSubstr("CG127"), HasSubstr("'w'")));
}

// 12
TEST(FreezeFailuresTest, AMisspeltFlagIsNoted) {
  const ToolRun run = RunTool("tools/freeze_graph", {"--variable_names_blaklist=w"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("variable_names_blacklist"));
}

}  // namespace
}  // namespace cryograph

#include "transforms/freeze_variables.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "transforms/freeze_test_graph.h"

namespace cryograph {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

FreezeOptions Options(std::shared_ptr<const Checkpoint> checkpoint,
                      std::vector<std::string> outputs = {"y"}) {
  FreezeOptions options;
  options.checkpoint = std::move(checkpoint);
  options.outputs = std::move(outputs);
  return options;
}

// The lines of the frozen graph, or the error's message. What comes out must be a graph that can be written.
std::string Freeze(const std::string& lines, const FreezeOptions& options, FreezeReport* report = nullptr) {
  Model model = GraphOf(lines);
  const absl::StatusOr<FreezeReport> result = FreezeVariables(model, options);
  if (!result.ok()) return std::string(result.status().message());
  EXPECT_OK(VerifyStructure(model));
  if (report != nullptr) *report = *result;
  return LinesOf(model.graph());
}

std::string Lines(std::initializer_list<const char*> lines) {
  std::string text;
  for (const char* line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

constexpr char kHandle[] = "w = VarHandleOp() container=s: dtype=t:float shape=shape:2 shared_name=s:w\n";
constexpr char kRef[] = "w = VariableV2() dtype=t:float shape=shape:2\n";

// --- The op table: a test for each of its rows.

TEST(FreezeOpsTest, ReferenceVariables) {
  for (const char* op : {"Variable", "VariableV2", "AutoReloadVariable"}) {
    EXPECT_EQ(
        Freeze(absl::StrCat("w = ", op, "() dtype=t:float shape=shape:2 device=/cpu:0 _class=l:loc:@w\n",
                            "y = Identity(w) T=t:float _class=l:loc:@w device=/cpu:1\n"),
               Options(CheckpointOf({{"w", Floats({2}, 1)}}))),
        Lines({"w = Const() dtype=t:float value=f32:1,2",
               "y = Identity(w) device=/cpu:1 T=t:float _class=l:loc:@w"}))
        << op;
  }
}

TEST(FreezeOpsTest, TemporaryVariableIsRefused) {
  EXPECT_THAT(Freeze("t = TemporaryVariable() dtype=t:float shape=shape:2\n"
                     "a = Assign(t, x) T=t:float\n"
                     "x = Placeholder() dtype=t:float\n"
                     "y = DestroyTemporaryVariable(a) T=t:float var_name=s:t\n" +
                         std::string(kRef),
                     Options(CheckpointOf({{"w", Floats({2})}}))),
              HasSubstr("node 't' (TemporaryVariable) is a temporary variable"));
}

TEST(FreezeOpsTest, ResourceVariable) {
  EXPECT_EQ(
      Freeze(
          kHandle +
              Lines(
                  {"x = Placeholder() dtype=t:float",
                   "r = ReadVariableOp(w, ^x) dtype=t:float _class=l:loc:@w _output_shapes=l:a device=/cpu:0",
                   "y = Add(r, x) T=t:float"}),
          Options(CheckpointOf({{"w", Floats({2})}}))),
      Lines({"w = Const() dtype=t:float value=f32:0,1", "x = Placeholder() dtype=t:float",
             "r = Identity(w, ^x) T=t:float _class=l:loc:@w", "y = Add(r, x) T=t:float"}));
}

TEST(FreezeOpsTest, GroupedHandles) {
  EXPECT_EQ(Freeze(Lines({"h = _VarHandlesOp() dtypes=tl:float,float containers=l:, shared_names=l:a,b "
                          "shapes=shapes:2;2",
                          "r = _ReadVariablesOp(h, h:1) dtypes=tl:float,float", "y = Add(r:1, r) T=t:float"}),
                   Options(CheckpointOf({{"a", Floats({2})}, {"b", Floats({2}, 5)}}))),
            Lines({"h/0 = Const() dtype=t:float value=f32:0,1", "h/1 = Const() dtype=t:float value=f32:5,6",
                   "r/0 = Identity(h/0) T=t:float", "r/1 = Identity(h/1) T=t:float",
                   "y = Add(r/1, r/0) T=t:float"}));
}

TEST(FreezeOpsTest, ResourceGather) {
  EXPECT_EQ(Freeze(kHandle + Lines({"i = Placeholder() dtype=t:int64",
                                    "y = ResourceGather(w, i) dtype=t:float Tindices=t:int64 "
                                    "validate_indices=b:true batch_dims=i:0"}),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "i = Placeholder() dtype=t:int64",
                   "y/axis = Const() dtype=t:int64 value=i64:0",
                   "y = GatherV2(w, i, y/axis) Taxis=t:int64 Tindices=t:int64 Tparams=t:float"}));
}

TEST(FreezeOpsTest, ResourceGatherWithBatchDims) {
  EXPECT_EQ(
      Freeze(Lines({"w = VarHandleOp() dtype=t:float shape=shape:2,2 shared_name=s:w",
                    "i = Placeholder() dtype=t:int32",
                    "y = ResourceGather(w, i) dtype=t:float Tindices=t:int32 batch_dims=i:1"}),
             Options(CheckpointOf({{"w", Floats({2, 2})}}))),
      Lines({"w = Const() dtype=t:float value=f32:0,1,2,3", "i = Placeholder() dtype=t:int32",
             "y/axis = Const() dtype=t:int32 value=i32:1",
             "y = GatherV2(w, i, y/axis) Taxis=t:int32 Tindices=t:int32 Tparams=t:float batch_dims=i:1"}));
}

TEST(FreezeOpsTest, ResourceGatherNd) {
  EXPECT_EQ(Freeze(kHandle + Lines({"i = Placeholder() dtype=t:int32",
                                    "y = ResourceGatherNd(w, i) dtype=t:float Tindices=t:int32"}),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "i = Placeholder() dtype=t:int32",
                   "y = GatherNd(w, i) Tindices=t:int32 Tparams=t:float"}));
}

TEST(FreezeOpsTest, VariableShapeIsAConstant) {
  EXPECT_EQ(Freeze(Lines({"w = VarHandleOp() dtype=t:float shape=shape:unknown shared_name=s:w",
                          "y = VariableShape(w) out_type=t:int64"}),
                   Options(CheckpointOf({{"w", Floats({2, 3})}}))),
            Lines({"y = Const() dtype=t:int64 value=i64:2,3"}));
}

TEST(FreezeOpsTest, VariableShapeInABranchStaysThere) {
  EXPECT_EQ(Freeze(kHandle + Lines({"p = Placeholder() dtype=t:bool", "s = Switch(w, p) T=t:resource",
                                    "y = VariableShape(s:1) out_type=t:int32"}),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "p = Placeholder() dtype=t:bool",
                   "s = Switch(w, p) T=t:float", "y = Shape(s:1) T=t:float out_type=t:int32"}));
}

TEST(FreezeOpsTest, InitializedIsTrue) {
  EXPECT_EQ(Freeze(kHandle + std::string("y = VarIsInitializedOp(w)\n"),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"y = Const() dtype=t:bool value=bool:1"}));
  EXPECT_EQ(Freeze(kRef + std::string("y = IsVariableInitialized(w, ^w) dtype=t:float\n"),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "y = Const(^w) dtype=t:bool value=bool:1"}));
}

TEST(FreezeOpsTest, InitializedInABranchIsDeadWhereTheVariableIs) {
  EXPECT_EQ(Freeze(kHandle + Lines({"p = Placeholder() dtype=t:bool", "s = Switch(w, p) T=t:resource",
                                    "y = VarIsInitializedOp(s)"}),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "p = Placeholder() dtype=t:bool",
                   "s = Switch(w, p) T=t:float", "y/alive = Identity(s) T=t:float",
                   "y = Const(^y/alive) dtype=t:bool value=bool:1"}));
}

TEST(FreezeOpsTest, ResourcesThroughLoopsAndBranches) {
  EXPECT_EQ(
      Freeze(kHandle + Lines({"p = Placeholder() dtype=t:bool", "e = Enter(w) T=t:resource frame_name=s:f",
                              "m = Merge(e, n) N=i:2 T=t:resource", "s = Switch(m, l) T=t:resource",
                              "l = LoopCond(q)", "q = Placeholder(^m) dtype=t:bool",
                              "i = Identity(s:1) T=t:resource _output_shapes=l:a",
                              "n = NextIteration(i) T=t:resource", "x = Exit(s) T=t:resource",
                              "y = ReadVariableOp(x) dtype=t:float"}),
             Options(CheckpointOf({{"w", Floats({2})}}))),
      Lines({"w = Const() dtype=t:float value=f32:0,1", "e = Enter(w) T=t:float frame_name=s:f",
             "m = Merge(e, n) N=i:2 T=t:float", "s = Switch(m, l) T=t:float", "l = LoopCond(q)",
             "q = Placeholder(^m) dtype=t:bool", "i = Identity(s:1) T=t:float",
             "n = NextIteration(i) T=t:float", "x = Exit(s) T=t:float", "y = Identity(x) T=t:float"}));
}

TEST(FreezeOpsTest, ReferencesThroughLoopsAndBranches) {
  EXPECT_EQ(Freeze(kRef + Lines({"e = RefEnter(w) T=t:float frame_name=s:f",
                                 "m = RefMerge(e, n) N=i:2 T=t:float", "s = RefSwitch(m, l) T=t:float",
                                 "l = LoopCond(q)", "q = Placeholder(^m) dtype=t:bool",
                                 "i = RefIdentity(s:1) T=t:float", "n = RefNextIteration(i) T=t:float",
                                 "x = RefExit(s) T=t:float", "y = Neg(x) T=t:float"}),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "e = Enter(w) T=t:float frame_name=s:f",
                   "m = Merge(e, n) N=i:2 T=t:float", "s = Switch(m, l) T=t:float", "l = LoopCond(q)",
                   "q = Placeholder(^m) dtype=t:bool", "i = Identity(s:1) T=t:float",
                   "n = NextIteration(i) T=t:float", "x = Exit(s) T=t:float", "y = Neg(x) T=t:float"}));
}

TEST(FreezeOpsTest, RefSelectGathersFromAPack) {
  EXPECT_EQ(
      Freeze(kRef + Lines({"v = VariableV2() dtype=t:float shape=shape:2", "i = Placeholder() dtype=t:int32",
                           "y = RefSelect(i, w, v) N=i:2 T=t:float"}),
             Options(CheckpointOf({{"v", Floats({2}, 7)}, {"w", Floats({2})}}))),
      Lines({"w = Const() dtype=t:float value=f32:0,1", "v = Const() dtype=t:float value=f32:7,8",
             "i = Placeholder() dtype=t:int32", "y/values = Pack(w, v) N=i:2 T=t:float axis=i:0",
             "y/axis = Const() dtype=t:int32 value=i32:0",
             "y = GatherV2(y/values, i, y/axis) Taxis=t:int32 Tindices=t:int32 Tparams=t:float"}));
  EXPECT_THAT(
      Freeze(kRef + Lines({"v = VariableV2() dtype=t:float shape=shape:3", "i = Placeholder() dtype=t:int32",
                           "y = RefSelect(i, w, v) N=i:2 T=t:float"}),
             Options(CheckpointOf({{"v", Floats({3}, 7)}, {"w", Floats({2})}}))),
      HasSubstr("node 'y' (RefSelect) chooses between variables of different shapes"));
}

TEST(FreezeOpsTest, ReleasingHasNothingToDo) {
  EXPECT_EQ(Freeze(kHandle + Lines({"d = DisableCopyOnRead(w)", "r = ReadVariableOp(w, ^d) dtype=t:float",
                                    "gone = DestroyResourceOp(w)", "y = Neg(r, ^gone) T=t:float"}),
                   Options(CheckpointOf({{"w", Floats({2})}}), {"y"})),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "r = Identity(w) T=t:float",
                   "y = Neg(r) T=t:float"}));
  EXPECT_EQ(Freeze(kHandle + std::string("y = DestroyResourceOp(w) ignore_lookup_error=b:true\n"),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"y = NoOp()"}));
}

TEST(FreezeOpsTest, MissingFunctionsAreNamed) {
  EXPECT_THAT(
      Freeze(kHandle + std::string("y = StatefulPartitionedCall(w) f=f:body Tin=tl:resource\n"),
             Options(CheckpointOf({{"w", Floats({2})}}))),
      HasSubstr("node 'y' (StatefulPartitionedCall) runs function 'body', which the library does not have"));
}

TEST(FreezeOpsTest, TablesStayWithANote) {
  FreezeReport report;
  EXPECT_THAT(
      Freeze(kRef + Lines({"t = HashTableV2() key_dtype=t:string value_dtype=t:int64",
                           "k = Placeholder() dtype=t:string", "d = Const() dtype=t:int64 value=i64:-1",
                           "f = LookupTableFindV2(t, k, d) Tin=t:string Tout=t:int64",
                           "y = Add(f, w) T=t:float"}),
             Options(CheckpointOf({{"w", Floats({2})}})), &report),
      HasSubstr("t = HashTableV2()"));
  EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("lookup table 't'"), HasSubstr("(CG136)"))));
}

TEST(FreezeOpsTest, InputPipelinesAreRefusedWithThePorts) {
  const std::string lines = kRef + Lines({"it = IteratorV2() shared_name=s:it", "next = IteratorGetNext(it)",
                                          "y = Add(next:1, w) T=t:float"});
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  EXPECT_THAT(Freeze(lines, options),
              AllOf(HasSubstr("node 'next' (IteratorGetNext) takes data from an input pipeline"),
                    HasSubstr("(CG137)\n"), HasSubstr("--inputs=next:0,next:1")));
  options.allow_input_pipeline = true;
  EXPECT_THAT(Freeze(lines, options), HasSubstr("next = IteratorGetNext(it)"));
  options.allow_input_pipeline = false;
  options.inputs = {"next:1"};  // It will be fed, so it need not run.
  EXPECT_THAT(Freeze(lines, options), HasSubstr("next = IteratorGetNext(it)"));
}

TEST(FreezeOpsTest, PythonFunctionsAreRefused) {
  const std::string lines = kRef + Lines({"x = Placeholder() dtype=t:float",
                                          "py = PyFunc(x) token=s:pyfunc_0", "y = Add(py, w) T=t:float"});
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  EXPECT_THAT(Freeze(lines, options),
              AllOf(HasSubstr("node 'py' (PyFunc)"), HasSubstr("(CG138)\n"), HasSubstr("'x:0'"),
                    HasSubstr("read by 'y'"), HasSubstr("why: 'y' (Add) <- 'py' (PyFunc)")));
  options.allow_py_func = true;
  FreezeReport report;
  EXPECT_THAT(Freeze(lines, options, &report), HasSubstr("py = PyFunc(x) token=s:pyfunc_0"));
  EXPECT_THAT(report.notes, Contains(HasSubstr("(CG138)")));
}

TEST(FreezeOpsTest, UnknownOpsStay) {
  EXPECT_EQ(Freeze(kRef + std::string("y = Zork(w, w:0, ^w) attr=s:x\n"),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "y = Zork(w, w, ^w) attr=s:x"}));
}

// --- Ops that change a variable.

TEST(FreezeStateTest, UpdatesBehindControlEdgesAreDropped) {
  FreezeReport report;
  EXPECT_EQ(Freeze(kRef + Lines({"x = Placeholder() dtype=t:float", "up = AssignSub(w, x) T=t:float",
                                 "done = Identity(up) T=t:float", "group = NoOp(^done, ^x)",
                                 "r = Identity(w) T=t:float", "y = Mul(x, r, ^group, ^up) T=t:float"}),
                   Options(CheckpointOf({{"w", Floats({2})}})), &report),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "x = Placeholder() dtype=t:float",
                   "group = NoOp(^x)", "r = Identity(w) T=t:float", "y = Mul(x, r, ^group) T=t:float"}));
  EXPECT_EQ(report.dropped_updates, 1);
  EXPECT_THAT(report.notes, Contains(HasSubstr("dropped 1 update ops")));
  EXPECT_EQ(Freeze(kHandle + Lines({"one = Const() dtype=t:float value=f32:1,1",
                                    "up = AssignAddVariableOp(w, one) dtype=t:float",
                                    "y = ReadVariableOp(w, ^up) dtype=t:float"}),
                   Options(CheckpointOf({{"w", Floats({2})}}))),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "y = Identity(w) T=t:float"}));
}

TEST(FreezeStateTest, WhatADroppedUpdateHeldInItsLoopStaysThere) {
  EXPECT_EQ(
      Freeze(kRef + Lines({"zero = Const() dtype=t:float value=f32:0",
                           "e = Enter(zero) T=t:float frame_name=s:f",
                           "we = RefEnter(w) T=t:float frame_name=s:f is_constant=b:true",
                           "m = Merge(e, n) N=i:2 T=t:float", "q = IsFinite(m) T=t:float", "l = LoopCond(q)",
                           "s = Switch(m, l) T=t:float", "b = Identity(s:1) T=t:float",
                           "up = AssignAdd(we, b) T=t:float", "c = Const(^up) dtype=t:float value=f32:1",
                           "n = NextIteration(c) T=t:float", "y = Exit(s) T=t:float"}),
             Options(CheckpointOf({{"w", Floats({2})}}))),
      Lines({"zero = Const() dtype=t:float value=f32:0", "e = Enter(zero) T=t:float frame_name=s:f",
             "m = Merge(e, n) N=i:2 T=t:float", "q = IsFinite(m) T=t:float", "l = LoopCond(q)",
             "s = Switch(m, l) T=t:float", "b = Identity(s:1) T=t:float",
             "c = Const(^b) dtype=t:float value=f32:1", "n = NextIteration(c) T=t:float",
             "y = Exit(s) T=t:float"}));
}

TEST(FreezeStateTest, ANeededValueIsAnErrorWithThePath) {
  const std::string lines =
      kRef + Lines({"x = Placeholder() dtype=t:float", "bn/AssignMovingAvg = AssignSub(w, x) T=t:float",
                    "mid = Neg(bn/AssignMovingAvg) T=t:float", "y = Neg(mid) T=t:float"});
  const std::string message = Freeze(lines, Options(CheckpointOf({{"w", Floats({2})}})));
  EXPECT_THAT(message,
              HasSubstr("'bn/AssignMovingAvg' (AssignSub), which changes the variable 'w' (CG132)\n"));
  EXPECT_THAT(message, HasSubstr("why: 'y' (Neg) <- 'mid' (Neg) <- 'bn/AssignMovingAvg' (AssignSub)"));
  EXPECT_THAT(message, HasSubstr("batch norm"));
  EXPECT_THAT(message, HasSubstr("try: --state=drop"));
}

TEST(FreezeStateTest, DropTakesTheFrozenValue) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.state = StatePolicy::kDrop;
  EXPECT_EQ(
      Freeze(kRef + Lines({"x = Placeholder() dtype=t:float",
                           "up = AssignSub(w, x) T=t:float use_locking=b:true", "y = Neg(up) T=t:float"}),
             options),
      Lines({"w = Const() dtype=t:float value=f32:0,1", "up = Identity(w) T=t:float",
             "y = Neg(up) T=t:float"}));
}

TEST(FreezeStateTest, PureComputesTheFirstRun) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.state = StatePolicy::kPure;
  const auto frozen = [&](const std::string& update) {
    return Freeze(
        kRef + Lines({"x = Placeholder() dtype=t:float", "i = Placeholder() dtype=t:int32"}) + update,
        options);
  };
  const std::string w = "w = Const() dtype=t:float value=f32:0,1\n", x = "x = Placeholder() dtype=t:float\n",
                    i = "i = Placeholder() dtype=t:int32\n";
  EXPECT_EQ(frozen("y = Assign(w, x) T=t:float validate_shape=b:true\n"), x + "y = Identity(x) T=t:float\n");
  EXPECT_EQ(frozen("y = AssignAdd(w, x) T=t:float\n"), w + x + "y = Add(w, x) T=t:float\n");
  EXPECT_EQ(frozen("y = AssignSub(w, x) T=t:float\n"), w + x + "y = Sub(w, x) T=t:float\n");
  EXPECT_EQ(frozen("y = CountUpTo(w) T=t:float limit=i:9\n"), w + "y = Identity(w) T=t:float\n");
  EXPECT_EQ(frozen("y = ScatterNdSub(w, i, x) T=t:float Tindices=t:int32\n"),
            w + x + i + "y = TensorScatterSub(w, i, x) T=t:float Tindices=t:int32\n");
  EXPECT_EQ(frozen("y = ScatterUpdate(w, i, x) T=t:float Tindices=t:int32\n"),
            w + x + i +
                Lines({"y/dim = Const() dtype=t:int32 value=i32:-1",
                       "y/coordinates = ExpandDims(i, y/dim) T=t:int32 Tdim=t:int32",
                       "y = TensorScatterUpdate(w, y/coordinates, x) T=t:float Tindices=t:int32"}));
  EXPECT_THAT(frozen("y = ScatterMul(w, i, x) T=t:float Tindices=t:int32\n"),
              AllOf(HasSubstr("has no form without state (CG132)"), HasSubstr("try: state=drop")));
  EXPECT_THAT(frozen("y = ApplyGradientDescent(w, x, x) T=t:float\n"), HasSubstr("(CG132)"));
}

TEST(FreezeStateTest, ChainsOfUpdates) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.state = StatePolicy::kPure;
  EXPECT_EQ(
      Freeze(kRef + Lines({"x = Placeholder() dtype=t:float", "a = Assign(w, x) T=t:float",
                           "y = AssignAdd(a, x) T=t:float"}),
             options),
      Lines({"x = Placeholder() dtype=t:float", "a = Identity(x) T=t:float", "y = Add(a, x) T=t:float"}));
}

TEST(FreezeStateTest, UpdatesInACondOfReferences) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  const std::string lines = kRef + Lines({"p = Placeholder() dtype=t:bool", "x = Placeholder() dtype=t:float",
                                          "rs = RefSwitch(w, p) T=t:float",
                                          "up = AssignSub(rs:1, x) T=t:float", "s = Switch(w, p) T=t:float",
                                          "m = Merge(s, up) N=i:2 T=t:float", "y = Neg(m) T=t:float"});
  EXPECT_THAT(Freeze(lines, options), HasSubstr("(CG132)"));
  options.state = StatePolicy::kDrop;
  EXPECT_EQ(Freeze(lines, options), Lines({"w = Const() dtype=t:float value=f32:0,1",
                                           "p = Placeholder() dtype=t:bool", "rs = Switch(w, p) T=t:float",
                                           "up = Identity(rs:1) T=t:float", "s = Switch(w, p) T=t:float",
                                           "m = Merge(s, up) N=i:2 T=t:float", "y = Neg(m) T=t:float"}));
}

TEST(FreezeStateTest, AnUpdateThatDecidesAboutABranchIsNeeded) {
  EXPECT_THAT(Freeze(kRef + Lines({"x = Placeholder() dtype=t:float", "up = AssignAdd(w, x) T=t:float",
                                   "big = Greater(up, x) T=t:float", "s = Switch(big, big) T=t:bool",
                                   "t = Identity(s:1) T=t:bool", "c = Const(^t) dtype=t:float value=f32:1",
                                   "f = Identity(s) T=t:bool", "d = Const(^f) dtype=t:float value=f32:2",
                                   "y = Merge(c, d) N=i:2 T=t:float"}),
                     Options(CheckpointOf({{"w", Floats({2})}}))),
              HasSubstr("(CG132)"));
}

TEST(FreezeStateTest, AHandleThatAnUnknownOpTakesIsRefusedUnderEveryPolicy) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.state = StatePolicy::kDrop;
  EXPECT_THAT(Freeze(kHandle + std::string("z = ZorkHandle(w)\ny = Neg(z) T=t:float\n"), options),
              HasSubstr("which takes the variable 'w' itself (CG132)"));
}

TEST(FreezeStateTest, AnUpdateOfAVariableThatStaysCannotLoseItsSlot) {
  FreezeOptions options = Options(CheckpointOf({{"slot", Floats({2})}}));
  options.state = StatePolicy::kDrop;
  options.deny = {"w"};
  EXPECT_THAT(
      Freeze(
          kRef + Lines({"slot = VariableV2() dtype=t:float shape=shape:2", "x = Placeholder() dtype=t:float",
                        "up = ApplyMomentum(w, slot, x, x, x) T=t:float", "y = Neg(up) T=t:float"}),
          options),
      HasSubstr("(CG132)"));
}

TEST(FreezeStateTest, SignsOfTraining) {
  FreezeReport report;
  Freeze(kRef + Lines({"x = Placeholder() dtype=t:float", "n = FusedBatchNorm(x, w, w, w, w) T=t:float",
                       "r = RandomUniform(w) dtype=t:float", "y = Add(n, r) T=t:float"}),
         Options(CheckpointOf({{"w", Floats({2})}})), &report);
  EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("1 random ops are alive ('r')"), HasSubstr("(CG134)"))));
  EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("1 batch norms"), HasSubstr("(CG135)"))));
  Freeze(kRef + Lines({"phase = Placeholder() dtype=t:bool", "s = Switch(w, phase) T=t:float",
                       "y = Neg(s) T=t:float"}),
         Options(CheckpointOf({{"w", Floats({2})}})), &report);
  EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("'phase'"), HasSubstr("(CG133)"))));
}

// --- What is kept.

TEST(FreezeGraphTest, UnreachedVariablesNeedNoValue) {
  FreezeReport report;
  EXPECT_EQ(Freeze(kRef + Lines({"lost = VariableV2() dtype=t:float shape=shape:9", "y = Neg(w) T=t:float"}),
                   Options(CheckpointOf({{"other", Floats({1})}, {"w", Floats({2})}})), &report),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "y = Neg(w) T=t:float"}));
  EXPECT_THAT(report.unused_keys, ElementsAre("other"));
  EXPECT_EQ(report.nodes_total, 3);
  EXPECT_EQ(report.nodes_kept, 2);
  EXPECT_EQ(report.bytes, 8u);
  EXPECT_EQ(report.Summary(), "froze 1 variable (8 bytes); 2 of 3 nodes kept");
}

TEST(FreezeGraphTest, ColocationKeepsNodesUnlessAskedNotTo) {
  const std::string lines =
      kRef + Lines({"near = Const() dtype=t:float value=f32:1", "y = Neg(w) T=t:float _class=l:loc:@near"});
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  EXPECT_EQ(Freeze(lines, options),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "near = Const() dtype=t:float value=f32:1",
                   "y = Neg(w) T=t:float _class=l:loc:@near"}));
  options.drop_colocation = true;
  EXPECT_EQ(Freeze(lines, options),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "y = Neg(w) T=t:float"}));
}

TEST(FreezeGraphTest, ColocationWithNothingIsRemoved) {
  FreezeReport report;
  EXPECT_EQ(Freeze(kRef + std::string("y = Neg(w) T=t:float _class=l:loc:@gone,loc:@w\n"),
                   Options(CheckpointOf({{"w", Floats({2})}})), &report),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "y = Neg(w) T=t:float _class=l:loc:@w"}));
  EXPECT_THAT(report.notes, Contains(HasSubstr("(CG144)")));
}

TEST(FreezeGraphTest, OutputNames) {
  FreezeReport report;
  EXPECT_THAT(Freeze(kRef + Lines({"x = Placeholder() dtype=t:float", "y = Neg(w) T=t:float",
                                   "z = Neg(x) T=t:float"}),
                     Options(CheckpointOf({{"w", Floats({2})}}), {" y:0 ", "", "z", "y"}), &report),
              HasSubstr("z = Neg(x)"));
  EXPECT_THAT(report.notes, Contains(HasSubstr("(CG102)")));
  EXPECT_THAT(report.notes, Contains(HasSubstr("(CG103)")));
  EXPECT_THAT(report.inputs, ElementsAre("x:0"));
}

TEST(FreezeGraphTest, TheVariableItselfCanBeTheOutput) {
  EXPECT_EQ(Freeze(kRef, Options(CheckpointOf({{"w", Floats({2})}}), {"w"})),
            "w = Const() dtype=t:float value=f32:0,1\n");
}

TEST(FreezeGraphTest, DevicesStayUnlessClearedButNotOnConvertedNodes) {
  const std::string lines =
      "w = VarHandleOp() dtype=t:float shape=shape:2 device=/gpu:0\n"
      "r = ReadVariableOp(w) dtype=t:float device=/gpu:0\ny = Neg(r) T=t:float device=/gpu:0\n";
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  EXPECT_EQ(Freeze(lines, options),
            Lines({"w = Const() dtype=t:float value=f32:0,1", "r = Identity(w) T=t:float",
                   "y = Neg(r) device=/gpu:0 T=t:float"}));
  options.clear_devices = true;
  EXPECT_THAT(Freeze(lines, options), Not(HasSubstr("gpu")));
}

TEST(FreezeGraphTest, VersionsStay) {
  Model model = GraphOf(std::string(kRef) + "y = Neg(w) T=t:float\n");
  Versions versions;
  versions.producer = 27;
  model.set_versions(versions);
  ASSERT_OK(FreezeVariables(model, Options(CheckpointOf({{"w", Floats({2})}}))));
  EXPECT_EQ(model.versions().producer, 27);
}

TEST(FreezeGraphTest, AnErrorLeavesTheGraphAsItWas) {
  const std::string lines = kRef + Lines({"x = Placeholder() dtype=t:float", "up = AssignSub(w, x) T=t:float",
                                          "y = Neg(up) T=t:float"});
  Model model = GraphOf(lines);
  const std::string before = LinesOf(model.graph());
  EXPECT_THAT(FreezeVariables(model, Options(CheckpointOf({{"w", Floats({2})}}))).status(), Not(IsOk()));
  EXPECT_EQ(LinesOf(model.graph()), before);
}

// --- Allow and deny.

TEST(FreezeListsTest, DeniedVariablesStayWithTheirReads) {
  const std::string lines =
      kHandle + Lines({"slot = VarHandleOp() dtype=t:float shape=shape:2 shared_name=s:v",
                       "rw = ReadVariableOp(w) dtype=t:float", "rv = ReadVariableOp(slot) dtype=t:float",
                       "y = Add(rw, rv) T=t:float"});
  const std::string expected =
      Lines({"w = Const() dtype=t:float value=f32:0,1",
             "slot = VarHandleOp() dtype=t:float shape=shape:2 shared_name=s:v", "rw = Identity(w) T=t:float",
             "rv = ReadVariableOp(slot) dtype=t:float", "y = Add(rw, rv) T=t:float"});
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.deny = {"slot"};
  FreezeReport report;
  EXPECT_EQ(Freeze(lines, options, &report), expected);
  EXPECT_THAT(report.left, ElementsAre("slot"));
  EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("'slot'"), HasSubstr("(CG143)"))));
  options.deny = {};
  options.allow = {"w", "slots"};
  EXPECT_EQ(Freeze(lines, options, &report), expected);
  EXPECT_THAT(report.notes, Contains(AllOf(HasSubstr("the allow list names 'slots'"),
                                           HasSubstr("did you mean 'slot'"), HasSubstr("(CG142)"))));
}

TEST(FreezeListsTest, DeniedReferenceVariableKeepsItsUpdates) {
  FreezeOptions options = Options(CheckpointOf({{"v", Floats({2})}}));
  options.deny = {"w"};
  EXPECT_EQ(Freeze(kRef + Lines({"v = VariableV2() dtype=t:float shape=shape:2",
                                 "up = AssignAdd(w, v) T=t:float", "y = Neg(up) T=t:float"}),
                   options),
            Lines({"w = VariableV2() dtype=t:float shape=shape:2", "v = Const() dtype=t:float value=f32:0,1",
                   "up = AssignAdd(w, v) T=t:float", "y = Neg(up) T=t:float"}));
}

TEST(FreezeListsTest, NothingLeftIsAnError) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.allow = {"nothing"};
  EXPECT_THAT(Freeze(kRef + std::string("y = Neg(w) T=t:float\n"), options),
              HasSubstr("0 of 1 variables selected: the allow and deny lists leave none to freeze (CG142)"));
}

TEST(FreezeListsTest, AMergeOfFrozenAndUnfrozenIsRefused) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.deny = {"v"};
  EXPECT_THAT(
      Freeze(kHandle + Lines({"v = VarHandleOp() dtype=t:float shape=shape:2 shared_name=s:v",
                              "p = Placeholder() dtype=t:bool", "sw = Switch(w, p) T=t:resource",
                              "sv = Switch(v, p) T=t:resource", "m = Merge(sw, sv:1) N=i:2 T=t:resource",
                              "y = ReadVariableOp(m) dtype=t:float"}),
             options),
      HasSubstr("node 'm' (Merge) chooses between the variable 'v' and 'w', of which only one is frozen"));
}

// --- Errors about graph and checkpoint.

TEST(FreezeErrorsTest, UnknownOutput) {
  const std::string message =
      Freeze(kRef + Lines({"dense/MatMul = Neg(w) T=t:float", "dense/Softmax = Neg(w) T=t:float"}),
             Options(CheckpointOf({{"w", Floats({2})}}), {"dense"}));
  EXPECT_THAT(message, HasSubstr("test.pb: the graph has no node 'dense' (CG101)\n"));
  EXPECT_THAT(message, HasSubstr("'dense' is a scope; its last node is 'dense/Softmax'"));
  EXPECT_THAT(message, HasSubstr("nodes that nothing reads: 'dense/MatMul', 'dense/Softmax'"));
  EXPECT_THAT(
      Freeze(kRef + std::string("logits = Neg(w)\n"), Options(CheckpointOf({{"w", Floats({2})}}), {"logit"})),
      HasSubstr("the nearest names: 'logits'"));
}

TEST(FreezeErrorsTest, NoOutput) {
  EXPECT_THAT(
      Freeze(kRef + std::string("logits = Neg(w)\n"), Options(CheckpointOf({{"w", Floats({2})}}), {})),
      AllOf(HasSubstr("(CG104)\n"), HasSubstr("'logits'")));
}

TEST(FreezeErrorsTest, AlreadyFrozen) {
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  const std::string lines =
      "c = Const() dtype=t:float value=f32:1\ny = Neg(c) T=t:float\nz = Neg(c) T=t:float\n";
  EXPECT_THAT(Freeze(lines, options),
              HasSubstr("holds 1 constants and no variable; it is frozen already (CG124)\n"));
  options.allow_frozen = true;
  EXPECT_EQ(Freeze(lines, options), Lines({"c = Const() dtype=t:float value=f32:1", "y = Neg(c) T=t:float"}));
}

TEST(FreezeErrorsTest, CheckpointOfAnotherModel) {
  EXPECT_THAT(
      Freeze(kRef + Lines({"v = VariableV2() dtype=t:float shape=shape:2", "y = Add(w, v) T=t:float"}),
             Options(CheckpointOf({{"conv/kernel", Floats({2})}, {"conv/bias", Floats({2})}}))),
      AllOf(HasSubstr("0 of 2 variables matched: the checkpoint is of another model (CG116)\n"),
            HasSubstr("variable 'w'   key 'conv/bias'")));
}

TEST(FreezeErrorsTest, AllMissingVariablesAreListed) {
  const std::string message = Freeze(
      kRef + Lines({"layer/bias = VariableV2() dtype=t:float shape=shape:2,?",
                    "init = Const() dtype=t:float value=f32:1,1",
                    "layer/bias/Assign = Assign(layer/bias, init) T=t:float",
                    "v = VarHandleOp() dtype=t:half shape=shape:", "rv = ReadVariableOp(v) dtype=t:half",
                    "y = AddN(w, layer/bias, rv) T=t:float"}),
      Options(CheckpointOf({{"layer/biases", Floats({2})}, {"w", Floats({2})}})));
  EXPECT_THAT(message,
              HasSubstr("2 of 3 variables that the outputs need are not in the checkpoint (CG117)\n"));
  EXPECT_THAT(message, HasSubstr("why: variable 'layer/bias' (float [2,?]); did you mean 'layer/biases'"));
  EXPECT_THAT(message, HasSubstr("why: variable 'v' (half [])"));
  EXPECT_THAT(message, HasSubstr("try: --missing=init"));
}

TEST(FreezeErrorsTest, AllShapeMismatchesAreListed) {
  const std::string message =
      Freeze(kRef + Lines({"v = VariableV2() dtype=t:float shape=shape:3,2", "y = Add(w, v) T=t:float"}),
             Options(CheckpointOf({{"v", Floats({2, 3})}, {"w", Floats({4})}})));
  EXPECT_THAT(message, HasSubstr("2 variables have another shape than their values (CG118)\n"));
  EXPECT_THAT(message, HasSubstr("variable 'w' is float [2], but 'w' is float [4]"));
  EXPECT_THAT(message, HasSubstr("variable 'v' is float [3,2], but 'v' is float [2,3]"));
}

TEST(FreezeErrorsTest, DtypeMismatch) {
  EXPECT_THAT(Freeze(kRef + std::string("y = Neg(w) T=t:float\n"),
                     Options(CheckpointOf({{"w", Tensor::Of<double>(DT_DOUBLE, {2}, {1.0, 2.0})}}))),
              AllOf(HasSubstr("1 variables have another type than the checkpoint (CG119)\n"),
                    HasSubstr("variable 'w' is float [2], but 'w' is double [2]")));
}

TEST(FreezeErrorsTest, NoCheckpoint) {
  EXPECT_THAT(
      Freeze(kRef + std::string("y = Neg(w) T=t:float\n"), Options(nullptr)),
      AllOf(HasSubstr("no checkpoint is given, and 1 variables need a value"), HasSubstr("variable 'w'")));
}

TEST(FreezeErrorsTest, DamagedGraphs) {
  const auto checkpoint = CheckpointOf({{"w", Floats({2})}});
  EXPECT_THAT(
      Freeze(kRef + std::string("slot = Neg(w)\ny = Add(w, slto) T=t:float\n"), Options(checkpoint)),
      HasSubstr("node 'y' (Add) reads 'slto', but the graph has no node of that name; did you mean 'slot'?"));
  EXPECT_THAT(
      Freeze(kRef + std::string("y = Add(w, z) T=t:float\nz = Neg(y) T=t:float\n"), Options(checkpoint)),
      HasSubstr("2 nodes of the graph form a cycle: "));
  EXPECT_THAT(Freeze(kRef + std::string(kRef) + "y = Neg(w) T=t:float\n", Options(checkpoint)),
              HasSubstr("node 'w' stands twice in the graph"));
  EXPECT_EQ(
      Freeze(kRef + std::string("y = Neg(w) T=t:float\nz = Neg(nothing) T=t:float\n"), Options(checkpoint)),
      Lines({"w = Const() dtype=t:float value=f32:0,1", "y = Neg(w) T=t:float"}));
}

// --- Values that are not in the checkpoint.

TEST(FreezeMissingTest, InitialValuesAndZeros) {
  const std::string lines =
      Lines({"w = VariableV2() dtype=t:float shape=shape:2,2", "dims = Const() dtype=t:int32 value=i32:2,2",
             "v = Const() dtype=t:float value=f32:3", "fill = Fill(dims, v) T=t:float",
             "w/Assign = Assign(w, fill) T=t:float", "y = Neg(w) T=t:float"});
  FreezeOptions options = Options(CheckpointOf({{"other", Floats({2})}}));
  options.missing = MissingPolicy::kInit;
  FreezeReport report;
  EXPECT_EQ(Freeze(lines, options, &report),
            Lines({"w = Const() dtype=t:float value=f32:3,3,3,3", "y = Neg(w) T=t:float"}));
  EXPECT_EQ(report.variables[0].how, "initial value");
  options.missing = MissingPolicy::kZeros;
  EXPECT_EQ(Freeze(lines, options),
            Lines({"w = Const() dtype=t:float value=f32:0,0,0,0", "y = Neg(w) T=t:float"}));
}

TEST(FreezeMissingTest, RandomInitialValuesAreRefused) {
  FreezeOptions options = Options(CheckpointOf({{"other", Floats({2})}}));
  options.missing = MissingPolicy::kInit;
  EXPECT_THAT(
      Freeze(kRef + Lines({"n = RandomUniform(w) dtype=t:float", "w/Assign = Assign(w, n) T=t:float",
                           "y = Neg(w) T=t:float"}),
             options),
      HasSubstr("its initial value is computed by 'n' (RandomUniform), which would have to be run (CG117)"));
}

TEST(FreezeMissingTest, InitializerNodes) {
  const std::string lines =
      kRef +
      Lines({"local = VariableV2() dtype=t:float shape=shape:2", "one = Const() dtype=t:float value=f32:8,9",
             "local/Assign = Assign(local, one) T=t:float", "w/Assign = Assign(w, one) T=t:float",
             "local_init = NoOp(^local/Assign)", "init = NoOp(^local/Assign, ^w/Assign)",
             "y = Add(w, local) T=t:float"});
  FreezeOptions options = Options(CheckpointOf({{"w", Floats({2})}}));
  options.initializer_nodes = {"local_init"};
  const std::string frozen =
      Lines({"local = Const() dtype=t:float value=f32:8,9", "y = Add(w, local) T=t:float"});
  EXPECT_EQ(Freeze(lines, options), "w = Const() dtype=t:float value=f32:0,1\n" + frozen);
  options.initializer_nodes = {"local_int"};
  EXPECT_THAT(Freeze(lines, options),
              HasSubstr("the initializer node 'local_int' is not in the graph; did you mean "
                        "'local_init'"));
  options.initializer_nodes = {"init"};
  EXPECT_THAT(Freeze(lines, options),
              AllOf(HasSubstr("would overwrite 1 variables that the checkpoint restores (CG127)"),
                    HasSubstr("why: 'w'")));
  options.allow_initializer_overwrite = true;
  EXPECT_EQ(Freeze(lines, options), "w = Const() dtype=t:float value=f32:8,9\n" + frozen);
}

}  // namespace
}  // namespace cryograph

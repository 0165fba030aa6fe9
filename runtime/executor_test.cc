#include "runtime/executor.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Code = absl::StatusCode;

// Two kernels of int32 scalars, enough to count with; the real ones are not linked.
absl::Status Add(KernelContext& context) {
  return context.SetScalarOutput<int32_t>(
      0, context.input(0).scalar<int32_t>() + context.input(1).scalar<int32_t>());
}
CRYOGRAPH_KERNEL_FUNCTION(Add, "Add");
absl::Status Less(KernelContext& context) {
  return context.SetScalarOutput<bool>(
      0, context.input(0).scalar<int32_t>() < context.input(1).scalar<int32_t>());
}
CRYOGRAPH_KERNEL_FUNCTION(Less, "Less");

const char kInt[] = "attr { key: 'T' value { type: DT_INT32 } }";

// "node { … }". `inputs` are separated by blanks.
std::string N(const std::string& name, const std::string& op, const std::string& inputs,
              const std::string& attrs) {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "' ");
  size_t begin = 0;
  while (begin < inputs.size()) {
    const size_t end = std::min(inputs.find(' ', begin), inputs.size());
    absl::StrAppend(&text, "input: '", inputs.substr(begin, end - begin), "' ");
    begin = end + 1;
  }
  return absl::StrCat(text, attrs, " }\n");
}
std::string Placeholder(const std::string& name, const std::string& type) {
  return N(name, "Placeholder", "", absl::StrCat("attr { key: 'dtype' value { type: ", type, " } }"));
}
std::string Const(const std::string& name, int value, const std::string& inputs = "") {
  return N(name, "Const", inputs,
           absl::StrCat(
               "attr { key: 'dtype' value { type: DT_INT32 } } attr { key: 'value' value { tensor { dtype: "
               "DT_INT32 tensor_shape {} int_val: ",
               value, " } } }"));
}
std::string Enter(const std::string& name, const std::string& input, const std::string& frame,
                  bool constant = false) {
  return N(name, "Enter", input,
           absl::StrCat(kInt, "attr { key: 'frame_name' value { s: '", frame,
                        "' } } attr { key: 'is_constant' value { b: ", constant ? "true" : "false", " } }"));
}
std::string Merge(const std::string& name, const std::string& inputs) {
  return N(name, "Merge", inputs, absl::StrCat(kInt, "attr { key: 'N' value { i: 2 } }"));
}

absl::StatusOr<std::unique_ptr<Executor>> TryLoad(const std::string& text,
                                                  const ExecutorOptions& options = ExecutorOptions()) {
  ASSIGN_OR_RETURN(std::string bytes, GraphDefFromText(text, "graph"));
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  ASSIGN_OR_RETURN(Model model, ImportGraphDef(*owner, owner, "graph"));
  return Executor::Create(std::move(model), options);
}

std::unique_ptr<Executor> Load(const std::string& text, const ExecutorOptions& options = ExecutorOptions()) {
  auto executor = TryLoad(text, options);
  EXPECT_OK(executor);
  return executor.ok() ? *std::move(executor) : nullptr;
}

template <typename T>
Value Scalar(Executor& executor, DataType dtype, T scalar) {
  auto value = Value::Allocate(dtype, {}, executor.pool());
  EXPECT_OK(value);
  *value->mutable_data<T>() = scalar;
  return *std::move(value);
}

using Feeds = std::vector<std::pair<std::string, Value>>;

// The int32 scalars that are fetched.
absl::StatusOr<std::vector<int>> Ints(Executor& executor, const Feeds& feeds,
                                      const std::vector<std::string>& fetches,
                                      const RunOptions& options = RunOptions()) {
  auto values = executor.RunOnce(feeds, fetches, {}, options);
  if (!values.ok()) return values.status();
  std::vector<int> ints;
  for (const Value& value : *values) ints.push_back(value.scalar<int32_t>());
  return ints;
}

Feeds IntFeed(Executor& executor, const std::string& name, int value) {
  return {{name, Scalar<int32_t>(executor, DT_INT32, value)}};
}
Feeds BoolFeed(Executor& executor, const std::string& name, bool value) {
  return {{name, Scalar<bool>(executor, DT_BOOL, value)}};
}

MATCHER_P(Gives, values, "") {
  if (!arg.ok()) {
    *result_listener << arg.status().ToString();
    return false;
  }
  return testing::ExplainMatchResult(testing::ContainerEq(std::vector<int>(values)), *arg, result_listener);
}
auto Gives1(int value) { return Gives(std::vector<int>{value}); }

// --- Feeds and fetches.

TEST(ExecutorTest, RunsOnlyWhatIsNeededAndAnyTensorCanBeFed) {
  auto executor = Load(Placeholder("x", "DT_INT32") + N("broken", "NoSuchOp", "missing", "") +
                       N("y", "Add", "x x", kInt) + N("z", "Add", "y y", kInt));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 3), {"z", "y:0", "x"}),
              Gives(std::vector<int>{12, 6, 3}));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "y:0", 5), {"z"}), Gives1(10));
}

TEST(ExecutorTest, SaysWhatIsWrongWithFeeds) {
  auto executor =
      Load(N("x", "Placeholder", "",
             "attr { key: 'dtype' value { type: DT_INT32 } } attr { key: 'shape' value { shape { dim { "
             "size: 2 } } } }") +
           N("y", "Identity", "x", kInt));
  EXPECT_THAT(executor->RunOnce({}, {"y"}),
              StatusIs(Code::kInvalidArgument, AllOf(HasSubstr("'x'"), HasSubstr("must be fed"))));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 3), {"y"}),
              StatusIs(Code::kInvalidArgument, "feed 'x' is int32 [], but its shape must be [2]"));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "x", true), {"y"}),
              StatusIs(Code::kInvalidArgument, "feed 'x' is bool [], but must be int32"));
  EXPECT_THAT(executor->RunOnce({}, {"Y"}), StatusIs(Code::kNotFound, HasSubstr("did you mean 'y'?")));
  EXPECT_THAT(executor->RunOnce({}, {"y:1"}), StatusIs(Code::kNotFound, HasSubstr("has 1 outputs")));
}

TEST(ExecutorTest, NamesEveryMissingKernelThatIsNeeded) {
  auto executor = Load(Placeholder("x", "DT_INT32") + N("a", "Bincountless", "x", "") +
                       N("b", "BitwiseAnd", "x a", kInt) + N("c", "BitwiseOr", "b x", kInt) +
                       N("d", "BitwiseXor", "x x", kInt) + N("e", "BitwiseOr", "b c", kInt));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 3), {"e"}),
              StatusIs(Code::kUnimplemented,
                       "not implemented: op Bincountless, node 'a': no op of that name is known\n"
                       "missing as well: BitwiseAnd (int32), 1 node; BitwiseOr (int32), 2 nodes"));
}

TEST(ExecutorTest, RefusesWhatTensorFlowRefuses) {
  auto executor = Load(Placeholder("x", "DT_INT32") + N("cycle", "Add", "x cycle", kInt) +
                       N("dangling", "Add", "x nothing", kInt) + N("few", "Add", "x", kInt) +
                       N("type", "Add", "x x", "attr { key: 'T' value { type: DT_RESOURCE } }") +
                       N("other", "Add", "x x", "attr { key: 'T' value { type: DT_INT64 } }"));
  const Feeds feeds = IntFeed(*executor, "x", 3);
  EXPECT_THAT(Ints(*executor, feeds, {"cycle"}),
              StatusIs(Code::kInvalidArgument, HasSubstr("cycle that is no loop")));
  EXPECT_THAT(Ints(*executor, feeds, {"dangling"}),
              StatusIs(Code::kInvalidArgument, "node 'dangling' (Add): the graph has no node 'nothing'"));
  EXPECT_THAT(Ints(*executor, feeds, {"few"}),
              StatusIs(Code::kInvalidArgument, "node 'few' (Add): it has 1 inputs instead of 2"));
  EXPECT_THAT(Ints(*executor, feeds, {"type"}),
              StatusIs(Code::kInvalidArgument, "node 'type' (Add): attribute 'T' cannot be resource"));
  EXPECT_THAT(
      Ints(*executor, feeds, {"other"}),
      StatusIs(Code::kInvalidArgument, "node 'other' (Add): input 0, 'x', is int32, but must be int64"));
}

TEST(ExecutorTest, RefusesGraphsThatSayTwoThings) {
  const std::string x = Placeholder("x", "DT_INT32");
  EXPECT_THAT(TryLoad(x + Const("a", 1) + Placeholder("x", "DT_INT64")).status(),
              StatusIs(Code::kInvalidArgument,
                       HasSubstr("node 'x' (Placeholder): an earlier node has the same name")));
  EXPECT_THAT(TryLoad(x + N("a", "Add", "^x x x", kInt)).status(),
              StatusIs(Code::kInvalidArgument, HasSubstr("node 'a' (Add): a control input stands before")));
}

// TensorFlow refuses them when it imports the graph, by the shapes that are declared.
TEST(ExecutorTest, RefusesWhatDeclaredShapesForbid) {
  const auto shape = [](absl::string_view dims) {
    return absl::StrCat("attr { key: 'shape' value { shape { ", dims, " } } } ");
  };
  const std::string type = "attr { key: 'dtype' value { type: DT_INT32 } } ";
  const std::string blocks =
      "attr { key: 'T' value { type: DT_INT32 } } attr { key: 'Tblock_shape' value { type: DT_INT32 } } "
      "attr { key: 'Tpaddings' value { type: DT_INT32 } } ";
  auto executor =
      Load("versions { producer: 27 } " + N("x", "Placeholder", "", type + shape("unknown_rank: true")) +
           N("sized", "Placeholder", "", type + shape("dim { size: 2 }")) +
           N("unsized", "Placeholder", "", type + shape("dim { size: -1 }")) +
           N("pads", "Placeholder", "", type + shape("dim { size: 2 } dim { size: 2 }")) +
           N("known", "SpaceToBatchND", "x sized pads", blocks) +
           N("unknown", "SpaceToBatchND", "x unsized pads", blocks) + Const("one", 1) +
           N("wrong", "PlaceholderWithDefault", "one", type + shape("dim { size: 2 }")) +
           N("read", "Identity", "wrong", kInt) +
           N("any", "PlaceholderWithDefault", "x", type + shape("dim { size: 2 }")));
  EXPECT_OK(executor->MakePlan({{"x", "sized", "pads"}, {"known"}, {}}).status());
  EXPECT_OK(executor->MakePlan({{"x"}, {"any"}, {}}).status());
  EXPECT_THAT(executor->MakePlan({{"x", "unsized", "pads"}, {"unknown"}, {}}),
              StatusIs(Code::kInvalidArgument,
                       HasSubstr("node 'unknown' (SpaceToBatchND): block_shape must be declared as a vector "
                                 "of known size, not as [?]")));
  const auto refused = StatusIs(
      Code::kInvalidArgument,
      HasSubstr("node 'wrong' (PlaceholderWithDefault): its default has shape [], but is declared as [2]"));
  EXPECT_THAT(executor->MakePlan({{}, {"wrong"}, {}}), refused);
  EXPECT_THAT(executor->MakePlan({{"wrong"}, {"read"}, {}}), refused);
}

// --- Switch and Merge.

std::string Conditional() {
  return Placeholder("p", "DT_BOOL") + Const("one", 1) + N("s", "Switch", "one p", kInt) +
         N("then", "Add", "s:1 s:1", kInt) + N("else", "Identity", "s", kInt) + Merge("m", "else then") +
         Const("guarded", 7, "^then") + Merge("g", "guarded else");
}

TEST(ExecutorTest, TakesOneBranch) {
  auto executor = Load(Conditional());
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", true), {"m", "m:1", "then"}),
              Gives(std::vector<int>{2, 1, 2}));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", false), {"m", "m:1", "else"}),
              Gives(std::vector<int>{1, 0, 1}));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", false), {"then"}),
              StatusIs(Code::kInvalidArgument, HasSubstr("fetch 'then' is dead")));
}

TEST(ExecutorTest, DeadnessTravelsAlongControlEdges) {
  auto executor = Load(Conditional());
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", true), {"g", "guarded"}),
              Gives(std::vector<int>{7, 7}));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", false), {"g"}), Gives1(1));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", false), {"guarded"}),
              StatusIs(Code::kInvalidArgument, HasSubstr("dead")));
}

// --- Loops of version 1. `prefix` and `input` make copies for nesting.

// i = 0, sum = 0; while (i < n) { sum += i; ++i; }. Exits are "i_exit" and "sum_exit".
std::string Loop(const std::string& n) {
  return Const("zero", 0) + Enter("i_enter", "zero", "loop") + Enter("sum_enter", "zero", "loop") +
         Enter("n_enter", n, "loop", true) + Merge("i", "i_enter i_next") +
         Merge("sum", "sum_enter sum_next") + N("less", "Less", "i n_enter", kInt) +
         N("cond", "LoopCond", "less", "") + N("i_switch", "Switch", "i cond", kInt) +
         N("sum_switch", "Switch", "sum cond", kInt) + N("i_body", "Identity", "i_switch:1", kInt) +
         Const("one", 1, "^i_body") + N("inc", "Add", "i_body one", kInt) +
         N("acc", "Add", "sum_switch:1 i_body", kInt) + N("i_next", "NextIteration", "inc", kInt) +
         N("sum_next", "NextIteration", "acc", kInt) + N("i_exit", "Exit", "i_switch", kInt) +
         N("sum_exit", "Exit", "sum_switch", kInt);
}

TEST(ExecutorTest, Loops) {
  auto executor = Load(Placeholder("n", "DT_INT32") + Loop("n"));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "n", 5), {"sum_exit", "i_exit"}),
              Gives(std::vector<int>{10, 5}));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "n", 0), {"sum_exit", "i_exit"}),
              Gives(std::vector<int>{0, 0}));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "n", 1000), {"sum_exit"}), Gives1(499500));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "n", 5), {"acc"}),
              StatusIs(Code::kInvalidArgument, HasSubstr("inside of loop 'loop'")));
}

// A loop on a branch: what comes out of it is dead when the branch is.
TEST(ExecutorTest, LoopOnABranch) {
  auto executor = Load(Placeholder("p", "DT_BOOL") + Const("four", 4) + N("s", "Switch", "four p", kInt) +
                       N("bound", "Identity", "s:1", kInt) + Loop("bound") + Merge("m", "sum_exit s"));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", true), {"m"}), Gives1(6));
  // Constants outside of the branch enter all the same, but the bound never comes.
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", false), {"m"}), Gives1(4));
}

// for (i = 0; i < n; ++i) for (j = 0; j < i; ++j) ++count.
TEST(ExecutorTest, NestedLoops) {
  auto executor = Load(
      Placeholder("n", "DT_INT32") + Const("zero", 0) + Enter("i_enter", "zero", "outer") +
      Enter("c_enter", "zero", "outer") + Enter("n_enter", "n", "outer", true) +
      Merge("i", "i_enter i_next") + Merge("c", "c_enter c_next") + N("less", "Less", "i n_enter", kInt) +
      N("cond", "LoopCond", "less", "") + N("i_switch", "Switch", "i cond", kInt) +
      N("c_switch", "Switch", "c cond", kInt) + N("i_body", "Identity", "i_switch:1", kInt) +
      Const("one", 1, "^i_body") + Const("start", 0, "^i_body") + N("inc", "Add", "i_body one", kInt) +
      // The inner loop.
      Enter("j_enter", "start", "inner") + Enter("d_enter", "c_switch:1", "inner") +
      Enter("m_enter", "i_body", "inner", true) + Merge("j", "j_enter j_next") +
      Merge("d", "d_enter d_next") + N("j_less", "Less", "j m_enter", kInt) +
      N("j_cond", "LoopCond", "j_less", "") + N("j_switch", "Switch", "j j_cond", kInt) +
      N("d_switch", "Switch", "d j_cond", kInt) + N("j_body", "Identity", "j_switch:1", kInt) +
      Const("j_one", 1, "^j_body") + N("j_inc", "Add", "j_body j_one", kInt) +
      N("d_inc", "Add", "d_switch:1 j_one", kInt) + N("j_next", "NextIteration", "j_inc", kInt) +
      N("d_next", "NextIteration", "d_inc", kInt) + N("d_exit", "Exit", "d_switch", kInt) +
      //
      N("i_next", "NextIteration", "inc", kInt) + N("c_next", "NextIteration", "d_exit", kInt) +
      N("c_exit", "Exit", "c_switch", kInt));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "n", 6), {"c_exit"}), Gives1(15));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "n", 1), {"c_exit"}), Gives1(0));
}

TEST(ExecutorTest, RefusesInputsOfDifferentFrames) {
  auto executor = Load(Placeholder("n", "DT_INT32") + Loop("n") + N("mixed", "Add", "i_body zero", kInt));
  EXPECT_THAT(
      Ints(*executor, IntFeed(*executor, "n", 1), {"mixed"}),
      StatusIs(Code::kInvalidArgument, AllOf(HasSubstr("node 'mixed' (Add)"), HasSubstr("loop 'loop'"))));
}

// --- Limits.

TEST(ExecutorTest, EndlessLoopsEndWithTheTimeLimitOrWhenCancelled) {
  auto executor =
      Load(Const("zero", 0) + Enter("enter", "zero", "loop") + Merge("i", "enter next") +
           N("s", "Switch", "i cond", kInt) + Enter("true_enter", "zero", "loop", true) +
           Const("minus", -1, "^i") + N("less", "Less", "minus i", kInt) + N("cond", "LoopCond", "less", "") +
           N("next", "NextIteration", "s:1", kInt) + N("exit", "Exit", "s", kInt));
  RunOptions options;
  options.time_limit = absl::Milliseconds(50);
  EXPECT_THAT(Ints(*executor, {}, {"exit"}, options), StatusIs(Code::kDeadlineExceeded));
  const std::atomic<bool> cancelled{true};
  RunOptions cancelling;
  cancelling.cancelled = &cancelled;
  EXPECT_THAT(Ints(*executor, {}, {"exit"}, cancelling), StatusIs(Code::kCancelled));
}

TEST(ExecutorTest, MemoryLimit) {
  ExecutorOptions options;
  options.memory_limit = 1000;
  auto executor = Load(Placeholder("x", "DT_INT32") + N("y", "Add", "x x", kInt), options);
  EXPECT_THAT(Value::Allocate(DT_INT32, {1000}, executor->pool()),
              StatusIs(Code::kResourceExhausted, HasSubstr("memory limit is 1000 bytes")));
  EXPECT_THAT(Value::Allocate(DT_INT32, {int64_t{1} << 40, int64_t{1} << 40}, executor->pool()),
              StatusIs(Code::kInvalidArgument));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 2), {"y"}), Gives1(4));
}

// --- Functions.

// `body` are node_defs; arguments and results are int32.
std::string Function(const std::string& name, const std::string& args, const std::string& outs,
                     const std::string& nodes, const std::string& ret) {
  return absl::StrCat("function { signature { name: '", name, "' ", args, outs, " } ", nodes, " ", ret,
                      " }\n");
}
std::string Library(const std::string& functions) { return absl::StrCat("library { ", functions, " }\n"); }
const char kArgX[] = "input_arg { name: 'x' type: DT_INT32 } ";
const char kOutY[] = "output_arg { name: 'y' type: DT_INT32 } ";

std::string Def(const std::string& name, const std::string& op, const std::string& inputs,
                const std::string& attrs) {
  return absl::StrCat("node_def", N(name, op, inputs, attrs).substr(4));
}
std::string FuncAttr(const std::string& key, const std::string& name) {
  return absl::StrCat("attr { key: '", key, "' value { func { name: '", name, "' } } }");
}
const char kIntLists[] =
    "attr { key: 'Tin' value { list { type: DT_INT32 } } } attr { key: 'Tout' value { list { type: DT_INT32 "
    "} } }";

std::string Doubler() {
  return Function("Double", kArgX, kOutY, Def("d", "Add", "x x", kInt), "ret { key: 'y' value: 'd:z:0' }");
}

TEST(ExecutorTest, CallsFunctions) {
  auto executor =
      Load(Placeholder("x", "DT_INT32") + N("call", "Double", "x", "") +
           N("partitioned", "PartitionedCall", "call", absl::StrCat(kIntLists, FuncAttr("f", "Double"))) +
           Library(Doubler()));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 3), {"call", "partitioned"}),
              Gives(std::vector<int>{6, 12}));
}

TEST(ExecutorTest, FunctionAttributesBindThoseOfTheBody) {
  auto executor = Load(Placeholder("x", "DT_INT32") + N("call", "Twice", "x", kInt) +
                       "library { function { signature { name: 'Twice' input_arg { name: 'a' type_attr: 'T' "
                       "} output_arg { name: 'b' "
                       "type_attr: 'T' } attr { name: 'T' type: 'type' } } " +
                       Def("sum", "Add", "a a", "attr { key: 'T' value { placeholder: 'T' } }") +
                       "ret { key: 'b' value: 'sum:z:0' } } }");
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 4), {"call"}), Gives1(8));
}

TEST(ExecutorTest, IfAndWhile) {
  auto executor = Load(Placeholder("p", "DT_BOOL") + Const("three", 3) +
                       N("if", "If", "p three",
                         absl::StrCat(kIntLists, "attr { key: 'Tcond' value { type: DT_BOOL } } ",
                                      FuncAttr("then_branch", "Double"), FuncAttr("else_branch", "Same"))) +
                       N("while", "While", "if",
                         absl::StrCat("attr { key: 'T' value { list { type: DT_INT32 } } }",
                                      FuncAttr("cond", "Small"), FuncAttr("body", "Double"))) +
                       Library(Doubler() + Function("Same", kArgX, kOutY, "", "ret { key: 'y' value: 'x' }") +
                               Function("Small", kArgX, "output_arg { name: 'y' type: DT_BOOL } ",
                                        absl::StrCat("node_def", Const("hundred", 100).substr(4),
                                                     Def("l", "Less", "x hundred:output:0", kInt)),
                                        "ret { key: 'y' value: 'l:z:0' }")));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", true), {"if", "while"}),
              Gives(std::vector<int>{6, 192}));
  EXPECT_THAT(Ints(*executor, BoolFeed(*executor, "p", false), {"if", "while"}),
              Gives(std::vector<int>{3, 192}));
}

TEST(ExecutorTest, RecursionEnds) {
  auto executor = Load(Placeholder("x", "DT_INT32") + N("call", "Forever", "x", "") +
                       Library(Function("Forever", kArgX, kOutY, Def("again", "Forever", "x", ""),
                                        "ret { key: 'y' value: 'again:y:0' }")));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 3), {"call"}),
              StatusIs(Code::kResourceExhausted, HasSubstr("at a depth of more than 64 calls")));
}

TEST(ExecutorTest, FunctionsWithEverNewAttributesEnd) {
  // f calls itself with all permutations of its ten attributes.
  const std::string names = "abcdefghij";
  const auto attrs = [&](const std::string& order, bool bound) {
    std::string text;
    for (size_t i = 0; i < order.size(); ++i) {
      absl::StrAppend(
          &text, "attr { key: '", names.substr(i, 1), "' value { ",
          bound ? absl::StrCat("placeholder: '", order.substr(i, 1), "'") : absl::StrCat("i: ", i), " } }");
    }
    return text;
  };
  std::string declared;
  for (const char name : names) {
    absl::StrAppend(&declared, "attr { name: '", std::string(1, name), "' type: 'int' }");
  }
  auto executor = Load(absl::StrCat(
      "library { function { signature { name: 'f' input_arg { name: 'x' type: DT_INT32 } output_arg { name: "
      "'y' "
      "type: DT_INT32 } ",
      declared, " } node_def { name: 'p' op: 'f' input: 'x' ", attrs("bacdefghij", true),
      " } node_def { name: 'q' op: 'f' input: 'p:y:0' ", attrs("bcdefghija", true),
      " } ret { key: 'y' value: 'q:y:0' } } }\n", Const("x", 1), N("c", "f", "x", attrs(names, false))));
  EXPECT_THAT(
      Ints(*executor, {}, {"c"}),
      StatusIs(Code::kResourceExhausted, HasSubstr("function 'f' is called with ever new attributes")));
}

TEST(ExecutorTest, MissingKernelsOfFunctionsAreReportedBeforeTheyRun) {
  auto executor = Load(Placeholder("x", "DT_INT32") + N("call", "F", "x", "") +
                       Library(Function("F", kArgX, kOutY, Def("b", "BitwiseAnd", "x x", kInt),
                                        "ret { key: 'y' value: 'b:z:0' }")));
  EXPECT_THAT(executor->MakePlan({{"x"}, {"call"}, {}}),
              StatusIs(Code::kUnimplemented,
                       HasSubstr("op BitwiseAnd (int32), node 'b': no kernel (in function 'F')")));
}

// --- Variables.

TEST(ExecutorTest, VariablesLiveAsLongAsTheSession) {
  const std::string type = "attr { key: 'dtype' value { type: DT_INT32 } } ";
  auto executor =
      Load(N("v", "VarHandleOp", "", absl::StrCat(type, "attr { key: 'shape' value { shape {} } }")) +
           Placeholder("x", "DT_INT32") + N("assign", "AssignVariableOp", "v x", type) +
           N("add", "AssignAddVariableOp", "v x", type) + N("read", "ReadVariableOp", "v", type) +
           N("r", "VariableV2", "", absl::StrCat(type, "attr { key: 'shape' value { shape {} } }")) +
           N("r_assign", "Assign", "r x", kInt) + N("r_read", "Identity", "r", kInt));
  EXPECT_THAT(
      Ints(*executor, {}, {"read"}),
      StatusIs(Code::kFailedPrecondition, "node 'read' (ReadVariableOp): variable 'v' is not initialized"));
  EXPECT_OK(executor->RunOnce(IntFeed(*executor, "x", 5), {}, {"assign"}));
  EXPECT_THAT(Ints(*executor, {}, {"read"}), Gives1(5));
  EXPECT_OK(executor->RunOnce(IntFeed(*executor, "x", 2), {}, {"add"}));
  EXPECT_THAT(Ints(*executor, {}, {"read"}), Gives1(7));
  EXPECT_THAT(Ints(*executor, {}, {"r_read"}),
              StatusIs(Code::kFailedPrecondition, HasSubstr("'r' is not initialized")));
  EXPECT_THAT(Ints(*executor, IntFeed(*executor, "x", 9), {"r_assign"}), Gives1(9));
  EXPECT_THAT(Ints(*executor, {}, {"r_read", "r"}), Gives(std::vector<int>{9, 9}));
}

// --- Threads.

TEST(ExecutorTest, OnePlanRunsOnManyThreads) {
  ExecutorOptions options;
  options.threads = 2;
  auto executor = Load(Placeholder("n", "DT_INT32") + Loop("n"), options);
  ASSERT_OK_AND_ASSIGN(const auto plan, executor->MakePlan({{"n"}, {"sum_exit"}, {}}));
  std::vector<std::thread> threads;
  std::vector<int> sums(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) {
        const auto results = executor->Run(*plan, {Scalar<int32_t>(*executor, DT_INT32, 10 * i)});
        sums[i] = results.ok() ? (*results)[0].scalar<int32_t>() : -1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(sums, ElementsAre(0, 45, 190, 435));
}

}  // namespace
}  // namespace cryograph

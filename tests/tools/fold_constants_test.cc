// The pass fold_constants, with the runtime that transform_graph links for it: graphs in short notation go
// in, and what comes out is compared in the same.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string Attr(const std::string& key, const std::string& value) {
  return absl::StrCat(" attr { key: \"", key, "\" value { ", value, " } }");
}
std::string Type(const std::string& key, const std::string& type) { return Attr(key, "type: DT_" + type); }

// "name = Op(a, b:1, ^c)", with attributes.
std::string N(const std::string& text, const std::string& attrs) {
  const size_t equals = text.find(" = "), open = text.find('(');
  std::string node = absl::StrCat("node { name: \"", text.substr(0, equals), "\" op: \"",
                                  text.substr(equals + 3, open - equals - 3), "\"");
  const std::string inputs = text.substr(open + 1, text.size() - open - 2);
  for (absl::string_view input : absl::StrSplit(inputs, ", ", absl::SkipEmpty())) {
    absl::StrAppend(&node, " input: \"", input, "\"");
  }
  return absl::StrCat(node, attrs, " }\n");
}
std::string T(const std::string& text) { return N(text, Type("T", "FLOAT")); }
std::string Float(const std::string& text, const std::string& value, const std::string& dims = "") {
  return N(text,
           Type("dtype", "FLOAT") + Attr("value", absl::StrCat("tensor { dtype: DT_FLOAT tensor_shape { ",
                                                               dims, " } float_val: ", value, " }")));
}
std::string Int(const std::string& text, const std::string& value) {
  return N(text, Type("dtype", "INT32") + Attr("value", absl::StrCat("tensor { dtype: DT_INT32 tensor_shape "
                                                                     "{ } int_val: ",
                                                                     value, " }")));
}
std::string Placeholder(const std::string& text, const std::string& shape = "unknown_rank: true") {
  return N(text, Type("dtype", "FLOAT") + Attr("shape", "shape { " + shape + " }"));
}
const char kTwoThree[] = "dim { size: 2 } dim { size: 3 }";

class FoldConstantsTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = ScratchFolder(); }

  // The nodes that come out, as N() has them; the tool's exit code instead if it fails.
  std::vector<std::string> Fold(const std::string& graph, const std::string& inputs,
                                const std::string& outputs, const std::string& params = "",
                                const std::vector<std::string>& flags = {}) {
    WriteTestFile(folder_ + "/in.pbtxt", graph);
    std::vector<std::string> args = {"--in_graph=" + folder_ + "/in.pbtxt",
                                     "--out_graph=" + folder_ + "/out.pbtxt",
                                     "--inputs=" + inputs,
                                     "--outputs=" + outputs,
                                     "--output_as_text",
                                     "--transforms=fold_constants(" + params + ")"};
    args.insert(args.end(), flags.begin(), flags.end());
    const ToolRun run = RunTool("tools/transform_graph", args);
    err_ = run.err;
    if (run.exit_code != 0) return {absl::StrCat("exit ", run.exit_code)};
    text_ = ReadTestFile(folder_ + "/out.pbtxt");
    std::vector<std::string> nodes;
    std::string name, op;
    std::vector<std::string> ins;
    for (absl::string_view line : absl::StrSplit(text_, '\n')) {
      const std::vector<std::string> quoted = absl::StrSplit(line, '"');
      if (absl::StartsWith(line, "  name: ")) name = quoted[1];
      if (absl::StartsWith(line, "  op: ")) op = quoted[1];
      if (absl::StartsWith(line, "  input: ")) ins.push_back(quoted[1]);
      if (line != "}" || name.empty()) continue;
      nodes.push_back(absl::StrCat(name, " = ", op, "(", absl::StrJoin(ins, ", "), ")"));
      name.clear();
      ins.clear();
    }
    return nodes;
  }

  const std::string add_ = Float("a = Const()", "1.5", "dim { size: 100 }") +
                           Float("b = Const()", "2", "dim { size: 100 }") + T("add = Add(a, b)") +
                           Placeholder("p = Placeholder()") + T("mul = Mul(add, p)");
  std::string folder_, err_, text_;
};

TEST_F(FoldConstantsTest, ConstantTakesTheProducersPlace) {
  EXPECT_THAT(Fold(add_, "p", "mul"),
              ElementsAre("add/_0__cf__0 = Const()", "p = Placeholder()", "mul = Mul(add/_0__cf__0, p)"))
      << err_;
  EXPECT_THAT(Fold(add_, "p:0", "mul:0"),
              ElementsAre("add/_0__cf__0 = Const()", "p = Placeholder()", "mul = Mul(add/_0__cf__0, p)"))
      << err_;
  // A placeholder that is not listed is none of its business.
  EXPECT_EQ(Fold(add_, "", "mul").size(), 3u) << err_;
}

TEST_F(FoldConstantsTest, ValuesAreThoseOfTheOps) {
  const std::string graph = Float("a = Const()", "1.5") + Float("b = Const()", "2.25") +
                            T("add = Add(a, b)") + Placeholder("p = Placeholder()") + T("mul = Mul(add, p)");
  EXPECT_EQ(Fold(graph, "p", "mul").size(), 3u) << err_;
  EXPECT_THAT(text_, HasSubstr("float_val: 3.75"));
}

TEST_F(FoldConstantsTest, ExcludedOpsAndNodesStay) {
  EXPECT_EQ(Fold(add_, "p", "mul", "exclude_op=Add").size(), 5u) << err_;
  EXPECT_EQ(Fold(add_, "p", "mul", "exclude_node=add").size(), 5u) << err_;
  EXPECT_EQ(Fold(add_, "p", "mul", "exclude_node=mul").size(), 3u) << err_;
}

TEST_F(FoldConstantsTest, LargeValuesStay) {
  EXPECT_EQ(Fold(add_, "p", "mul", "max_constant_size_in_bytes=399").size(), 5u) << err_;
  EXPECT_EQ(Fold(add_, "p", "mul", "max_constant_size_in_bytes=400").size(), 3u) << err_;
  EXPECT_EQ(Fold(add_, "p", "mul", "max_constant_size_in_bytes=-1").size(), 3u) << err_;
}

TEST_F(FoldConstantsTest, StaticShapesAreConstants) {
  const auto graph = [](const std::string& shape) {
    return Placeholder("x = Placeholder()", shape) + T("shape = Shape(x)") +
           N("n = ShapeN(x, x)", Type("T", "FLOAT") + Attr("N", "i: 2")) + T("rank = Rank(x)") +
           T("size = Size(x)") + N("out = AddN(rank, size)", Type("T", "INT32") + Attr("N", "i: 2")) +
           N("vectors = AddN(shape, n, n:1)", Type("T", "INT32") + Attr("N", "i: 3")) +
           N("y = Neg(p)", Type("T", "INT32")) + N("p = Placeholder()", Type("dtype", "INT32")) +
           N("q = Add(y, out)", Type("T", "INT32")) + N("a = Add(q, vectors)", Type("T", "INT32"));
  };
  EXPECT_THAT(Fold(graph(kTwoThree), "x,p", "a"),
              ElementsAre("x = Placeholder()", "out/_0__cf__5 = Const(^x)", "vectors/_1__cf__6 = Const(^x)",
                          "y = Neg(p)", "p = Placeholder()", "q = Add(y, out/_0__cf__5)",
                          "a = Add(q, vectors/_1__cf__6)"))
      << err_;
  EXPECT_THAT(text_, HasSubstr("int_val: 8"));
  EXPECT_EQ(Fold(graph("dim { size: 2 } dim { size: -1 }"), "x,p", "a").size(), 11u) << err_;
  EXPECT_THAT(text_, HasSubstr("rank/_0__cf__1"));
  EXPECT_EQ(Fold(graph("unknown_rank: true"), "x,p", "a").size(), 11u) << err_;
  EXPECT_THAT(text_, Not(HasSubstr("__cf__")));
}

TEST_F(FoldConstantsTest, OutputShapesCountOnlyIfAsked) {
  const auto graph = [](const std::string& shape, const std::string& told) {
    return N("x = Placeholder()",
             Type("dtype", "FLOAT") + Attr("shape", "shape { " + shape + " }") +
                 Attr("_output_shapes", "list { shape { dim { size: 1 } dim { size: " + told + " } } }")) +
           T("s = Shape(x)") + N("c = Cast(s)", Type("SrcT", "INT32") + Type("DstT", "FLOAT")) +
           T("m = Mul(c, x)");
  };
  EXPECT_EQ(Fold(graph("unknown_rank: true", "7"), "x", "m").size(), 4u) << err_;
  EXPECT_THAT(Fold(graph("unknown_rank: true", "7"), "x", "m", "clear_output_shapes=false"),
              ElementsAre("x = Placeholder()", "c/_0__cf__1 = Const(^x)", "m = Mul(c/_0__cf__1, x)"))
      << err_;
  EXPECT_EQ(Fold(graph(kTwoThree, "7"), "x", "m", "", {"--verify=off"}).size(), 3u) << err_;
  EXPECT_THAT(Fold(graph(kTwoThree, "7"), "x", "m", "clear_output_shapes=false"), ElementsAre("exit 1"));
  EXPECT_THAT(err_,
              HasSubstr("node 'x' (Placeholder): _output_shapes says [1,7], but the graph makes [2,3]"));
}

TEST_F(FoldConstantsTest, EachOutputOfANodeIsAConstant) {
  const std::string graph = Int("axis = Const()", "0") + Float("v = Const()", "2", "dim { size: 4 }") +
                            N("sp = Split(axis, v)", Type("T", "FLOAT") + Attr("num_split", "i: 2")) +
                            Placeholder("p = Placeholder()") + T("m = Mul(sp, p)") + T("out = Mul(m, sp:1)");
  EXPECT_THAT(Fold(graph, "p", "out"),
              ElementsAre("sp/_0__cf__0 = Const()", "sp/_1__cf__1 = Const()", "p = Placeholder()",
                          "m = Mul(sp/_0__cf__0, p)", "out = Mul(m, sp/_1__cf__1)"))
      << err_;
}

TEST_F(FoldConstantsTest, ConstantOutputKeepsItsName) {
  EXPECT_THAT(Fold(add_, "", "add"), ElementsAre("add = Const()")) << err_;
  EXPECT_EQ(Fold(add_, "", "add", "", {"--compat"}).size(), 3u) << err_;
}

TEST_F(FoldConstantsTest, InputsMustBePlaceholders) {
  EXPECT_THAT(Fold(add_, "add", "mul"), ElementsAre("exit 1"));
  EXPECT_THAT(err_, HasSubstr("input 'add' is no Placeholder but Add; run strip_unused_nodes before"));
  const std::string graph =
      Float("one = Const()", "1") +
      N("d = PlaceholderWithDefault(one)", Type("dtype", "FLOAT") + Attr("shape", "shape { }")) +
      Placeholder("p = Placeholder()") + T("m = Mul(d, p)");
  EXPECT_THAT(Fold(graph, "p,d", "m"), ElementsAre("d = Placeholder()", "p = Placeholder()", "m = Mul(d, p)"))
      << err_;
  EXPECT_THAT(Fold(graph, "p", "m"),
              ElementsAre("d/_0__cf__0 = Const()", "p = Placeholder()", "m = Mul(d/_0__cf__0, p)"))
      << err_;
  EXPECT_THAT(err_, HasSubstr("default of a PlaceholderWithDefault"));
}

TEST_F(FoldConstantsTest, LoopsKeepTheirFrames) {
  const std::string enter = Attr("frame_name", "s: \"f\"") + Type("T", "FLOAT");
  const std::string graph = Placeholder("p = Placeholder()", "") + N("e = Enter(p)", enter) +
                            N("merge = Merge(e, next)", Type("T", "FLOAT") + Attr("N", "i: 2")) +
                            Float("limit = Const(^merge)", "10") + T("less = Less(merge, limit)") +
                            N("cond = LoopCond(less)", "") + T("switch = Switch(merge, cond)") +
                            T("body = Identity(switch:1)") + Float("one = Const(^body)", "1") +
                            T("neg = Neg(one)") + T("negneg = Neg(neg)") + T("sum = Add(body, negneg)") +
                            T("next = NextIteration(sum)") + T("exit = Exit(switch)");
  const std::vector<std::string> nodes = Fold(graph, "p", "exit");
  EXPECT_EQ(nodes.size(), 12u) << err_;
  EXPECT_THAT(nodes, testing::Contains("negneg/_0__cf__0 = Const(^body)"));
  EXPECT_THAT(nodes, testing::Contains("sum = Add(body, negneg/_0__cf__0)"));
}

TEST_F(FoldConstantsTest, WhatHasStateOrIsUnknownStays) {
  const std::string c = Float("c = Const()", "1"),
                    tail = Placeholder("p = Placeholder()") + T("m = Mul(n, p)");
  EXPECT_EQ(
      Fold(c + N("n = CheckNumerics(c)", Type("T", "FLOAT") + Attr("message", "s: \"\"")) + tail, "p", "m")
          .size(),
      4u)
      << err_;
  EXPECT_EQ(Fold(c + N("n = MyOwnOp(c)", "") + tail, "p", "m", "", {"--verify=off"}).size(), 4u) << err_;
  const std::string shape =
      N("c = Const()", Type("dtype", "INT32") + Attr("value",
                                                     "tensor { dtype: DT_INT32 tensor_shape { dim "
                                                     "{ size: 1 } } int_val: 2 }"));
  EXPECT_EQ(
      Fold(shape + N("n = RandomUniform(c)", Type("T", "INT32") + Type("dtype", "FLOAT")) + tail, "p", "m")
          .size(),
      4u)
      << err_;
}

TEST_F(FoldConstantsTest, StringsAreFolded) {
  const auto text = [](const std::string& node, const std::string& value) {
    return N(node,
             Type("dtype", "STRING") +
                 Attr("value", "tensor { dtype: DT_STRING tensor_shape { } string_val: \"" + value + "\" }"));
  };
  const std::string graph = text("a = Const()", "snow") + text("b = Const()", "man") +
                            N("j = StringJoin(a, b)", Attr("N", "i: 2")) +
                            N("p = Placeholder()", Type("dtype", "STRING")) +
                            N("k = StringJoin(j, p)", Attr("N", "i: 2"));
  EXPECT_EQ(Fold(graph, "p", "k").size(), 3u) << err_;
  EXPECT_THAT(text_, HasSubstr("snowman"));
}

TEST_F(FoldConstantsTest, WhatCannotBeComputedStays) {
  const std::string graph =
      Int("a = Const()", "6") + Int("zero = Const()", "0") + N("aa = Add(a, a)", Type("T", "INT32")) +
      N("div = FloorDiv(aa, zero)", Type("T", "INT32")) + N("after = Neg(div)", Type("T", "INT32")) +
      N("p = Placeholder()", Type("dtype", "INT32")) + N("m = Mul(after, p)", Type("T", "INT32"));
  EXPECT_THAT(Fold(graph, "p", "m"),
              ElementsAre("zero = Const()", "aa/_0__cf__0 = Const()", "div = FloorDiv(aa/_0__cf__0, zero)",
                          "after = Neg(div)", "p = Placeholder()", "m = Mul(after, p)"))
      << err_;
  EXPECT_THAT(err_, HasSubstr("node 'div' (FloorDiv) is not folded, because it cannot be computed: "));
  EXPECT_THAT(Fold(graph, "p", "m", "", {"--compat"}), ElementsAre("exit 1"));
  EXPECT_EQ(Fold(graph, "p", "m", "ignore_errors=true", {"--compat"}).size(), 7u) << err_;
}

TEST_F(FoldConstantsTest, OnlyWhatIsNeededIsLookedAt) {
  EXPECT_EQ(Fold(add_ + T("unused = Neg(gone)") + Placeholder("q = Placeholder()"), "p,q", "mul").size(), 4u)
      << err_;
  EXPECT_THAT(Fold(T("m = Neg(gone)"), "", "m"), ElementsAre("exit 1"));
  EXPECT_THAT(err_, HasSubstr("reads 'gone', but the graph has no node of that name"));
}

TEST_F(FoldConstantsTest, TakenNamesAreLeftAlone) {
  EXPECT_THAT(Fold(add_ + T("add/_0__cf__0 = Neg(mul)"), "p", "add/_0__cf__0"),
              ElementsAre("add/_0__cf__1 = Const()", "p = Placeholder()", "mul = Mul(add/_0__cf__1, p)",
                          "add/_0__cf__0 = Neg(mul)"))
      << err_;
}

}  // namespace
}  // namespace cryograph

// Graphs whose functions and loops are put together as nobody would: they end in a result or an error, soon.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Code = absl::StatusCode;

// The real one is not linked.
absl::Status Fail(KernelContext&) { return absl::DataLossError("no number"); }
CRYOGRAPH_KERNEL_FUNCTION(Fail, "CheckNumerics");

const char kFloat[] = "attr { key: 'T' value { type: DT_FLOAT } } ";
const char kTwo[] =
    "node { name: 'x' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { "
    "tensor { dtype: DT_FLOAT tensor_shape { } float_val: 2 } } } }\n";

// Of one argument 'a' and one result, output 0 of node 'n'.
std::string Function(const std::string& name, const std::string& nodes, const std::string& result) {
  return absl::StrCat("function { signature { name: '", name,
                      "' input_arg { name: 'a' type: DT_FLOAT } output_arg { name: 'r' type: DT_FLOAT } } ",
                      nodes, " ret { key: 'r' value: '", result, "' } }\n");
}

// What is fetched of the graph: "y".
absl::StatusOr<std::vector<Value>> Outcome(const std::string& text) {
  ASSIGN_OR_RETURN(std::string bytes, GraphDefFromText(text, "graph"));
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  ASSIGN_OR_RETURN(Model model, ImportGraphDef(*owner, owner, "graph"));
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                   Executor::Create(std::move(model), ExecutorOptions()));
  return executor->RunOnce({}, {"y"}, {}, RunOptions());
}

// Nodes of constant inputs are computed while the graph is planned, where there are no functions to call.
TEST(HostileGraphTest, BranchesOfConstantsAreCalled) {
  const auto result = Outcome(absl::StrCat(
      kTwo,
      "node { name: 'i' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } } attr { key: 'value' value "
      "{ tensor { dtype: DT_INT32 tensor_shape { } int_val: 0 } } } }\n"
      "node { name: 'y' op: 'StatelessCase' input: 'i' input: 'x' attr { key: 'Tin' value { list { type: "
      "DT_FLOAT } } } attr { key: 'Tout' value { list { type: DT_FLOAT } } } attr { key: 'branches' value { "
      "list { func { name: 'f' } } } } attr { key: 'output_shapes' value { list { } } } }\n",
      "library { ",
      Function("f", absl::StrCat("node_def { name: 'n' op: 'Identity' input: 'a' ", kFloat, "}"),
               "n:output:0"),
      "}"));
  ASSERT_OK(result);
  EXPECT_EQ((*result)[0].scalar<float>(), 2.0f);
}

// Each of 40 functions calls the next one twice; the last one has a node without a kernel.
TEST(HostileGraphTest, AMissingKernelIsNamedOnceAndNotForEachWayToIt) {
  constexpr int kFunctions = 40;
  std::string text = absl::StrCat(kTwo, "node { name: 'y' op: 'f0' input: 'x' }\nlibrary { ");
  for (int i = 0; i < kFunctions; ++i) {
    const std::string next = absl::StrCat("f", i + 1);
    absl::StrAppend(
        &text, Function(absl::StrCat("f", i),
                        absl::StrCat("node_def { name: 'm' op: '", next,
                                     "' input: 'a' } node_def { name: 'n' op: '", next, "' input: 'm:r:0' }"),
                        "n:r:0"));
  }
  absl::StrAppend(&text,
                  Function(absl::StrCat("f", kFunctions),
                           absl::StrCat("node_def { name: 'n' op: 'Neg' input: 'a' ", kFloat, "}"), "n:y:0"),
                  "}");
  EXPECT_THAT(Outcome(text),
              StatusIs(Code::kUnimplemented,
                       AllOf(HasSubstr("op Neg (float), node 'n': no kernel (in function 'f40')"),
                             Not(HasSubstr("missing as well")))));
}

// 40000 loops, each in the one before, and a node that fails in the innermost.
TEST(HostileGraphTest, LoopsMayNestAsDeepAsTheGraphLikes) {
  constexpr int kLoops = 40000;
  std::string text = kTwo;
  std::string input = "x";
  for (int i = 0; i < kLoops; ++i) {
    const std::string name = absl::StrCat("e", i);
    absl::StrAppend(&text, "node { name: '", name, "' op: 'Enter' input: '", input, "' ", kFloat,
                    "attr { key: 'frame_name' value { s: '", name, "' } } }\n");
    input = name;
  }
  absl::StrAppend(&text, "node { name: 'fails' op: 'CheckNumerics' input: '", input, "' ", kFloat,
                  "attr { key: 'message' value { s: 'm' } } }\n");
  input = "fails";
  for (int i = 0; i < kLoops; ++i) {
    const std::string name = i + 1 == kLoops ? "y" : absl::StrCat("q", i);
    absl::StrAppend(&text, "node { name: '", name, "' op: 'Exit' input: '", input, "' ", kFloat, "}\n");
    input = name;
  }
  EXPECT_THAT(Outcome(text), StatusIs(Code::kDataLoss, HasSubstr("node 'fails'")));
}

}  // namespace
}  // namespace cryograph

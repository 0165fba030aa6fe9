// What SymbolicGradient does beyond the cases of single ops: calls in calls, gradients that the library
// declares, what has no gradient.
#include "runtime/gradients/function_gradient.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const char kFloat[] = "attr { key: 'T' value { type: DT_FLOAT } }";

std::string N(const std::string& field, const std::string& name, const std::string& op,
              const std::vector<std::string>& inputs, const std::string& attrs) {
  std::string text = absl::StrCat(field, " { name: '", name, "' op: '", op, "' ");
  for (const std::string& input : inputs) absl::StrAppend(&text, "input: '", input, "' ");
  return absl::StrCat(text, attrs, " }\n");
}

// One float argument 'x', one float result 'y'.
std::string Function(const std::string& name, const std::string& nodes, const std::string& result) {
  return absl::StrCat("function { signature { name: '", name,
                      "' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' type: DT_FLOAT } }\n",
                      nodes, "ret { key: 'y' value: '", result, "' } }\n");
}

// The gradient of `function` at x = 3, dy = 1.
absl::StatusOr<float> GradientAtThree(const std::string& function, const std::string& library) {
  std::string text;
  for (const auto& [name, value] : {std::pair("x", 3), std::pair("dy", 1)}) {
    text +=
        N("node", name, "Const", {},
          absl::StrCat("attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { tensor { "
                       "dtype: DT_FLOAT tensor_shape {} float_val: ",
                       value, " } } }"));
  }
  text +=
      N("node", "dx", "SymbolicGradient", {"x", "dy"},
        absl::StrCat("attr { key: 'Tin' value { list { type: [DT_FLOAT, DT_FLOAT] } } } attr { key: 'Tout' "
                     "value { list { type: DT_FLOAT } } } attr { key: 'f' value { func { name: '",
                     function, "' } } }"));
  ASSIGN_OR_RETURN(std::string bytes,
                   GraphDefFromText(absl::StrCat(text, "library { ", library, " }"), "graph"));
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  ASSIGN_OR_RETURN(Model model, ImportGraphDef(*owner, owner, "graph"));
  ASSIGN_OR_RETURN(const auto executor, Executor::Create(std::move(model)));
  ASSIGN_OR_RETURN(const std::vector<Value> results, executor->RunOnce({}, {"dx"}));
  return results[0].scalar<float>();
}

std::string Square(const std::string& name) {
  return Function(name, N("node_def", "m", "Mul", {"x", "x"}, kFloat), "m:z:0");
}

TEST(FunctionGradientTest, OfCallsInCalls) {
  // y = (x^2)^2, by name and by attribute.
  const std::string fourth = Function(
      "fourth",
      N("node_def", "a", "square", {"x"}, "") + N("node_def", "b", "PartitionedCall", {"a:y:0"},
                                                  "attr { key: 'f' value { func { name: 'square' } } } attr "
                                                  "{ key: 'Tin' value { list { type: DT_FLOAT } } } "
                                                  "attr { key: 'Tout' value { list { type: DT_FLOAT } } }"),
      "b:output:0");
  ASSERT_OK_AND_ASSIGN(const float slope, GradientAtThree("fourth", Square("square") + fourth));
  EXPECT_EQ(slope, 4 * 27);
}

TEST(FunctionGradientTest, OfAnArgumentThatIsTheResult) {
  ASSERT_OK_AND_ASSIGN(const float slope, GradientAtThree("same", Function("same", "", "x")));
  EXPECT_EQ(slope, 1);
}

TEST(FunctionGradientTest, IsTheOneThatTheLibraryDeclares) {
  const std::string own =
      "function { signature { name: 'own' input_arg { name: 'x' type: DT_FLOAT } input_arg { name: 'dy' "
      "type: "
      "DT_FLOAT } output_arg { name: 'dx' type: DT_FLOAT } } " +
      N("node_def", "s", "Sub", {"dy", "x"}, kFloat) + "ret { key: 'dx' value: 's:z:0' } }\n";
  const std::string declared = "gradient { function_name: 'square' gradient_func: 'own' }";
  ASSERT_OK_AND_ASSIGN(const float slope, GradientAtThree("square", Square("square") + own + declared));
  EXPECT_EQ(slope, -2);
  // One that leads back to SymbolicGradient itself is none.
  EXPECT_THAT(
      GradientAtThree("square", Square("square") +
                                    "gradient { function_name: 'square' gradient_func: 'SymbolicGradient' }")
          .status()
          .message(),
      HasSubstr("the library has no function 'SymbolicGradient'"));
}

TEST(FunctionGradientTest, NamesWhatHasNone) {
  const std::string no_rule = Function("f", N("node_def", "i", "Betainc", {"x", "x", "x"}, kFloat), "i:z:0");
  EXPECT_THAT(GradientAtThree("f", no_rule).status().message(),
              AllOf(HasSubstr("SymbolicGradient"), HasSubstr("node 'i' (Betainc): no gradient of Betainc")));
  EXPECT_THAT(GradientAtThree("g", no_rule).status().message(), HasSubstr("the library has no function 'g'"));
  const std::string cycle = Function(
      "f",
      N("node_def", "a", "Mul", {"x", "b:z:0"}, kFloat) + N("node_def", "b", "Mul", {"x", "a:z:0"}, kFloat),
      "a:z:0");
  EXPECT_THAT(GradientAtThree("f", cycle).status().message(), HasSubstr("the gradient of a loop"));
  const std::string half = Function("f", N("node_def", "m", "Mul", {"x"}, kFloat), "m:z:0");
  EXPECT_THAT(GradientAtThree("f", half).status().message(),
              HasSubstr("node 'm' (Mul): it has 1 inputs instead of 2"));
  // Not on the way from the argument to the result: it does not matter.
  const std::string beside = Function(
      "f",
      N("node_def", "c", "Const", {},
        "attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { tensor { dtype: DT_FLOAT "
        "tensor_shape {} float_val: 0.5 } } }") +
          N("node_def", "i", "Betainc", {"c:output:0", "c:output:0", "c:output:0"}, kFloat) +
          N("node_def", "m", "Mul", {"x", "i:z:0"}, kFloat),
      "m:z:0");
  ASSERT_OK_AND_ASSIGN(const float slope, GradientAtThree("f", beside));
  EXPECT_NEAR(slope, 0.5f, 1e-6);
}

TEST(FunctionGradientTest, OfAFunctionThatCallsItselfEnds) {
  const std::string forever = Function("f", N("node_def", "a", "f", {"x"}, ""), "a:y:0");
  EXPECT_THAT(GradientAtThree("f", forever).status().message(), HasSubstr("depth"));
}

}  // namespace
}  // namespace cryograph

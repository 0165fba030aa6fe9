#include "tools/array_expression.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Code = absl::StatusCode;

class ArrayExpressionTest : public testing::Test {
 protected:
  absl::StatusOr<Value> Evaluate(absl::string_view text, DataType dtype = DT_FLOAT) {
    return EvaluateArray(text, dtype, *pool_);
  }
  // Elements, with the shape in front: "[2] 1 2".
  template <typename T = float>
  std::string Text(absl::string_view text, DataType dtype = DT_FLOAT) {
    const absl::StatusOr<Value> value = Evaluate(text, dtype);
    if (!value.ok()) return std::string(value.status().message());
    std::string result = ShapeText(value->shape());
    for (const T& element : value->span<T>()) absl::StrAppend(&result, " ", element);
    return result;
  }

  std::shared_ptr<MemoryPool> pool_ = MemoryPool::Create(1 << 20);
};

TEST_F(ArrayExpressionTest, Literals) {
  EXPECT_EQ(Text("3"), "[] 3");
  EXPECT_EQ(Text(" [ 1, -2.5e1, +.5, ] "), "[3] 1 -25 0.5");
  EXPECT_EQ(Text("[[1,2],[3,4]]"), "[2,2] 1 2 3 4");
  EXPECT_EQ(Text("((1,2),(3,4),)"), "[2,2] 1 2 3 4");
  EXPECT_EQ(Text("[]"), "[0]");
  EXPECT_EQ(Text("[[],[]]"), "[2,0]");
  EXPECT_EQ(Text("[True, false]"), "[2] 1 0");
  EXPECT_EQ(Text("[inf, -inf]"), "[2] inf -inf");
  EXPECT_EQ((Text<int32_t>("[0x1F, 0b11, 0o17, 1_000, -7]", DT_INT32)), "[5] 31 3 15 1000 -7");
  EXPECT_EQ((Text<int64_t>("[9223372036854775807, -9223372036854775808]", DT_INT64)),
            "[2] 9223372036854775807 -9223372036854775808");
  EXPECT_EQ((Text<int32_t>("[1.9, -1.9]", DT_INT32)), "[2] 1 -1");  // As numpy casts.
}

TEST_F(ArrayExpressionTest, Strings) {
  EXPECT_EQ((Text<std::string>("['a', \"b'c\", r'\\n', '''d''']", DT_STRING)), "[4] a b'c \\n d");
  const absl::StatusOr<Value> value = Evaluate(R"([b'\x00\xff\101', 'é\u00e9\n', u'\\'])", DT_STRING);
  ASSERT_OK(value);
  EXPECT_THAT(value->span<std::string>(), ElementsAre(std::string("\0\xff"
                                                                  "A",
                                                                  3),
                                                      "\xc3\xa9\xc3\xa9\n", "\\"));
}

TEST_F(ArrayExpressionTest, Functions) {
  EXPECT_EQ(Text("zeros(2)"), "[2] 0 0");
  EXPECT_EQ(Text("full(2.5,1,2)"), "[1,2] 2.5 2.5");
  EXPECT_EQ(Text("arange(2,3)"), "[2,3] 0 1 2 3 4 5");
  EXPECT_EQ(Text("ones()"), "[] 1");
  EXPECT_EQ(Text("rand(3, seed=7)"), Text("np.random.rand(3, seed=7)"));
  EXPECT_NE(Text("rand(3, seed=7)"), Text("rand(3, seed=8)"));
  const absl::StatusOr<Value> random = Evaluate("rand(100, min=-2, max=-1)");
  ASSERT_OK(random);
  EXPECT_THAT(random->span<float>(), testing::Each(testing::AllOf(testing::Ge(-2), testing::Lt(-1))));
}

TEST_F(ArrayExpressionTest, NumpysFunctions) {
  EXPECT_EQ(Text("np.zeros((1,2))"), "[1,2] 0 0");
  EXPECT_EQ(Text("numpy.ones(2)"), "[2] 1 1");
  EXPECT_EQ(Text("np.ones([])"), "[] 1");
  EXPECT_EQ(Text("np.full((2,), 7)"), "[2] 7 7");
  EXPECT_EQ(Text("np.arange(3)"), "[3] 0 1 2");
  EXPECT_EQ(Text("np.arange(1, 2, 0.5)"), "[2] 1 1.5");
  EXPECT_EQ(Text("np.arange(3, 0, -1)"), "[3] 3 2 1");
  EXPECT_EQ(Text("np.arange(3, 0)"), "[0]");
  EXPECT_EQ(Text("np.linspace(0, 1, 3)"), "[3] 0 0.5 1");
  EXPECT_EQ(Text("np.linspace(2, 4, num=2)"), "[2] 2 4");
  EXPECT_EQ(Text("np.array([[1],[2]])"), "[2,1] 1 2");
  EXPECT_EQ(Text("np.arange(6).reshape(2, -1)"), "[2,3] 0 1 2 3 4 5");
  EXPECT_EQ(Text("np.arange(6).reshape((3, 2))"), "[3,2] 0 1 2 3 4 5");
  const absl::StatusOr<Value> cast = Evaluate("np.ones((1,2)).astype(np.uint8)");
  ASSERT_OK(cast);
  EXPECT_EQ(cast->dtype(), DT_UINT8);
  const absl::StatusOr<Value> typed = Evaluate("zeros(2, dtype=int64)");
  ASSERT_OK(typed);
  EXPECT_EQ(typed->dtype(), DT_INT64);
}

struct Mistake {
  const char* text;
  const char* message;
  DataType dtype = DT_FLOAT;
};

TEST_F(ArrayExpressionTest, SaysWhatIsWrong) {
  for (const Mistake& each : {
           Mistake{"", "expected a value at character 1"},
           Mistake{"[1,2", "expected ',' or ']' at character 5"},
           Mistake{"[1 2]", "expected ',' or ']' at character 4"},
           Mistake{"1 2", "expected nothing more at character 3"},
           Mistake{"[1,[2]]", "a list stands where other rows have a number"},
           Mistake{"[[1],2]", "a number stands where other rows have a list"},
           Mistake{"[[1,2],[3]]", "a list of 1 elements stands beside one of 2"},
           Mistake{"['a']", "a str is no element of a tensor of type float"},
           Mistake{"[1]", "a int is no element of a tensor of type string", DT_STRING},
           Mistake{"[300]", "300 does not fit uint8", DT_UINT8},
           Mistake{"[-1]", "-1 does not fit uint8", DT_UINT8},
           Mistake{"[1e30]", "1e+30 does not fit int32", DT_INT32},
           Mistake{"[nan]", "nan does not fit int32", DT_INT32},
           Mistake{"99999999999999999999", "at most 64 bits"},
           Mistake{"'abc", "a string that ends"},
           Mistake{"__import__('os')", "is not known here"},
           Mistake{"os.system('x')", "is not known here"},
           Mistake{"np.load('x')", "is not known here"},
           Mistake{"[1].append(2)", "is not known here"},
           Mistake{"zeros(-1)", "a dimension must be a number from 0 on"},
           Mistake{"zeros(1.5)", "a dimension must be a number from 0 on"},
           Mistake{"zeros(2, seed=1)", "takes no 'seed'"},
           Mistake{"zeros(2, dtype=string8)", "'string8' is no type"},
           Mistake{"np.arange(6).reshape(4)", "6 elements cannot be reshaped to [4]"},
           Mistake{"np.arange(0, 1, 0)", "would have no end"},
       }) {
    EXPECT_THAT(Evaluate(each.text, each.dtype), StatusIs(Code::kInvalidArgument, HasSubstr(each.message)))
        << each.text;
  }
}

TEST_F(ArrayExpressionTest, HostileTextIsRefused) {
  EXPECT_THAT(Evaluate("zeros(100000,100000)"), StatusIs(Code::kResourceExhausted));
  EXPECT_THAT(Evaluate("zeros(4000000000,4000000000,4000000000)"), StatusIs(Code::kInvalidArgument));
  EXPECT_THAT(Evaluate(std::string(100000, '[')), StatusIs(Code::kInvalidArgument, HasSubstr("fewer")));
  std::string methods = "[1]";
  for (int i = 0; i < 10000; ++i) methods += ".reshape(1)";
  EXPECT_THAT(Evaluate(methods), StatusIs(Code::kInvalidArgument, HasSubstr("fewer methods")));
}

}  // namespace
}  // namespace cryograph

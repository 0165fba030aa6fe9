#include "transforms/spec.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr SpecOptions kStrict{true};

// "a(k=v,k=w) b" as "a{k=v;k=w;} b{}", so that tests compare what was understood.
std::string Shape(const std::vector<SpecItem>& items) {
  std::string text;
  for (const SpecItem& item : items) {
    absl::StrAppend(&text, text.empty() ? "" : " ");
    if (item.is_repeat) {
      absl::StrAppend(&text, "repeat", item.max, "[", Shape(item.body), "]");
      continue;
    }
    absl::StrAppend(&text, item.name, "{");
    for (const SpecParam& param : item.params) absl::StrAppend(&text, param.key, "=", param.value, ";");
    text += "}";
  }
  return text;
}

std::string Parsed(absl::string_view text, const SpecOptions& options = {}) {
  const absl::StatusOr<Spec> spec = ParseSpec(text, options);
  return spec.ok() ? Shape(spec->items) : "error";
}

// What transform_graph accepts, with what it understands; checked against TensorFlow 1.15.5.
TEST(SpecTest, AcceptsWhatTransformGraphAccepts) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {" \t\n\v\f\r", ""},
      {"T", "T{}"},
      {"T()", "T{}"},
      {"T T", "T{} T{}"},
      {"T\n\tT", "T{} T{}"},
      {"T()T()", "T{} T{}"},
      {"T(a=1,b=2)", "T{a=1;b=2;}"},
      {"T(a=1, b=2)", "T{a=1;b=2;}"},
      {"T(a=1 b=2)", "T{a=1;b=2;}"},
      {"T(a=1,\nb=2)", "T{a=1;b=2;}"},
      {"T( a=1)", "T{a=1;}"},
      {"T(,a=1)", "T{a=1;}"},
      {"T(a=1')", "T{a=1;}"},
      {"T(a=1\")", "T{a=1;}"},
      {"T(a=1\"')", "T{a=1;}"},
      {"T(a=1\"b=2)", "T{a=1;b=2;}"},
      {"T(a=\"\")", "T{a=;}"},
      {"T(a=\"x y,(z)\")", "T{a=x y,(z);}"},
      {"T(a=\"x\"b=2)", "T{a=x;b=2;}"},
      {"T(a=\"x\"\")", "T{a=x;}"},
      {"T(a=\"\"\")", "T{a=;}"},
      {"T(a=\"x\"',b=1)", "T{a=x;b=1;}"},
      {"T(a=\"a\\\"b\")", "T{a=a\\\"b;}"},
      {"T(a=\"two\nlines\")", "T{a=two\nlines;}"},
      {"T(a=1,a=2,A=3)", "T{a=1;a=2;A=3;}"},
      {"T(a=-)", "T{a=-;}"},
      {"T(a=/x/y-z.1_)", "T{a=/x/y-z.1_;}"},
      {"9abc", "9abc{}"},
      {"repeat", "repeat{}"},
  };
  for (const auto& [text, understood] : cases) {
    EXPECT_EQ(Parsed(text, kStrict), understood) << text;
    if (text != "repeat") {  // Ours: the group.
      EXPECT_EQ(Parsed(text), understood) << text;
    }
  }
}

TEST(SpecTest, RefusesWhatTransformGraphRefusesIfStrict) {
  for (const char* text : {"T( )",        "T(a=1,)",  "T(a=1, )", "T(a=\"1\" )", "T(a=1 )",
                           "T(a=1 ,b=2)", "T(a = 1)", "T(a= 1)",  "T (a=1)",     "T(a=1)(b=2)",
                           "()",          "T)",       "T-x",      "T(a='1')",    "T(a=\"1\",\"2\")",
                           "T(a=*)",      "T(a=x:0)", "T(a=)",    "T(a=\"open",  "T(a=\"\"\",\"b=1)",
                           "T(a",         "T( ",      "T(a=1,",   "T(a=1 ",      "T(,",
                           "T(a=\"",      "# x",      "T\\\nT",   "T(,)",        "T(a=1,,b=2)",
                           "T,T",         "T;T",      "T(a==1)",  "T(a=\"\\\")", "T(a=1'\")",
                           "repeat{T}",   "T }",      "T(a=1)\\"}) {
    EXPECT_THAT(ParseSpec(text, kStrict),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pass spec 1:")))
        << text;
  }
}

TEST(SpecTest, AcceptsMoreThanTransformGraph) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"T( )", "T{}"},
      {"T(a=1,)", "T{a=1;}"},
      {"T(a=1, )", "T{a=1;}"},
      {"T(a=\"1\" )", "T{a=1;}"},
      {"T(a=1 ,b=2)", "T{a=1;b=2;}"},
      {"T(a = 1)", "T{a=1;}"},
      {"T(a= 1)", "T{a=1;}"},
      {"T (a=1)", "T{a=1;}"},
      {"T(a='1')", "T{a=1;}"},
      {"T(a='x \"y\" z')", "T{a=x \"y\" z;}"},
      {"T(a=*)", "T{a=*;}"},
      {"T(a=x:0)", "T{a=x:0;}"},
      {"T(a=1e+5)", "T{a=1e+5;}"},
      {"# x", ""},
      {"T # one\n# two (\nU(a=1 # three )\n)", "T{} U{a=1;}"},
      {"T(a=\"# no comment\")", "T{a=# no comment;}"},
      {"T\\\nT", "T{} T{}"},
      {"T(a=1,\\\r\n  b=2) \\\n", "T{a=1;b=2;}"},
      {"repeat { T }", "repeat100[T{}]"},
      {"repeat(max=3){T U(a=1)} V", "repeat3[T{} U{a=1;}] V{}"},
      {"repeat{repeat(max=2){T}}", "repeat100[repeat2[T{}]]"},
      {"repeat{}", "repeat100[]"},
  };
  for (const auto& [text, understood] : cases) EXPECT_EQ(Parsed(text), understood) << text;
}

TEST(SpecTest, RefusesWhatMakesNoSense) {
  for (const char* text : {"T(a=1)(b=2)",
                           "()",
                           "T)",
                           "T-x",
                           "T(a=\"1\",\"2\")",
                           "T(a=)",
                           "T(a=\"open",
                           "T(a='open",
                           "T(a",
                           "T(",
                           "T(a=",
                           "T(a=1",
                           "T(,)",
                           "T(a=1,,b=2)",
                           "T,T",
                           "T;T",
                           "T(a==1)",
                           "T\\T",
                           "T(a=#x\n)",
                           "repeat{T",
                           "T }",
                           "}",
                           "repeat(max=0){T}",
                           "repeat(max=x){T}",
                           "repeat(min=1){T}",
                           "repeat(max=1,max=2){T}",
                           "repeat",
                           "repeat T"}) {
    EXPECT_THAT(ParseSpec(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pass spec ")))
        << text;
  }
}

TEST(SpecTest, StrictDropsAnOpenTransformAndWarns) {
  for (const char* text : {"U T(", "U T(a=", "U T(a=1", "U T(a=\"\"", "U T(a=1\""}) {
    ASSERT_OK_AND_ASSIGN(const Spec spec, ParseSpec(text, kStrict));
    EXPECT_EQ(Shape(spec.items), "U{}") << text;
    EXPECT_THAT(spec.warnings, ElementsAre(HasSubstr("'T' is dropped"))) << text;
  }
  ASSERT_OK_AND_ASSIGN(const Spec whole, ParseSpec("U T(a=1)", kStrict));
  EXPECT_THAT(whole.warnings, IsEmpty());
}

TEST(SpecTest, ErrorsShowThePlace) {
  EXPECT_EQ(ParseSpec("one(a=1)\n  two(b=*,=3)").status().message(),
            "pass spec 2:11: expected a parameter name or ')', but found '='\n"
            "    two(b=*,=3)\n"
            "            ^");
  EXPECT_EQ(ParseSpec("f(a=1").status().message(),
            "pass spec 1:2: the parenthesis of 'f' is never closed: ')' is missing\n"
            "  f(a=1\n"
            "   ^");
  EXPECT_EQ(ParseSpec("\t# ü\n\"ü\" ü").status().message(),
            "pass spec 2:1: expected a pass name, but found '\\\"'\n"
            "  \"ü\" ü\n"
            "  ^");
  EXPECT_THAT(ParseSpec("T(a=\"ü\", ü=1)"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1:10: ")));
  EXPECT_THAT(ParseSpec("T(a"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the end of the spec")));
}

TEST(SpecTest, ErrorsInLongLinesShowTheNeighbourhood) {
  const std::string text = std::string(5000, ' ') + "first(x=\"\") ! " + std::string(5000, 'z');
  const std::string message(ParseSpec(text).status().message());
  EXPECT_THAT(message, HasSubstr("pass spec 1:5013: "));
  EXPECT_LT(message.size(), 400u);
  const size_t line = message.find('\n') + 1, caret = message.rfind('^');
  // "…" is one character of three bytes.
  EXPECT_EQ(message[line + (caret - message.rfind('\n') - 1) + 2], '!');
}

TEST(SpecTest, TextReadsBackAsTheSame) {
  for (const char* text :
       {"", "a", "a b(x=1,y=\"2 3\") repeat{c}", "a(x=\"\", x='q\"q')", "a(x=\"it's\")", "a(x=\"\\\"'\")",
        "a(x='\\'\"')", "repeat(max=7) { a repeat { b(c=/d:0) } } e(f=*)", "a(x=\"trailing\\\\\")",
        "a(x=\"new\nline\")", "a(x=1e+5)"}) {
    ASSERT_OK_AND_ASSIGN(const Spec spec, ParseSpec(text));
    ASSERT_OK_AND_ASSIGN(const Spec again, ParseSpec(spec.ToText()));
    EXPECT_EQ(Shape(again.items), Shape(spec.items)) << text;
    EXPECT_EQ(again.ToText(), spec.ToText()) << text;
  }
  ASSERT_OK_AND_ASSIGN(const Spec spec, ParseSpec("a ( x = 'y z' )\nrepeat{b}# end"));
  EXPECT_EQ(spec.ToText(), "a(x=\"y z\") repeat { b }");
}

TEST(SpecTest, NestingIsBounded) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "repeat{";
  EXPECT_THAT(ParseSpec(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nested 16 deep")));
}

}  // namespace
}  // namespace cryograph

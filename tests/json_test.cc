#include "tests/json.h"

#include <fstream>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;

TEST(JsonTest, ReadsEveryKind) {
  const std::string path = testing::TempDir() + "/sample.json";
  std::ofstream(path)
      << R"([{"b": "text \u00e9", "a": -1.5e3, "hex": "00ff", "flag": true, "none": null}, [1, 2]])";
  ASSERT_OK_AND_ASSIGN(const Json json, ReadJson(path));
  ASSERT_EQ(Elements(json).size(), 2);
  const Json& object = Elements(json)[0];
  EXPECT_THAT(Keys(object), ElementsAre("a", "b", "flag", "hex", "none"));
  EXPECT_EQ(Text(object, "b"), "text \xc3\xa9");
  EXPECT_EQ(Number(object, "a"), -1500);
  EXPECT_TRUE(Member(object, "flag").bool_value());
  EXPECT_TRUE(HasMember(object, "none"));
  EXPECT_FALSE(HasMember(object, "other"));
  EXPECT_EQ(Text(object, "other"), "");
  EXPECT_EQ(Elements(Elements(json)[1])[1].number_value(), 2);
  ASSERT_OK_AND_ASSIGN(const std::string bytes, FromHex(Text(object, "hex")));
  EXPECT_EQ(bytes, std::string("\0\xff", 2));
}

TEST(JsonTest, Errors) {
  EXPECT_THAT(ReadJson("/nonexistent.json"), StatusIs(absl::StatusCode::kNotFound));
  const std::string path = testing::TempDir() + "/bad.json";
  std::ofstream(path) << "[1,";
  EXPECT_THAT(ReadJson(path), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FromHex("0"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FromHex("0g"), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace cryograph

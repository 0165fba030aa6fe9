#include "base/wire_field.h"

#include <utility>

#include "gtest/gtest.h"

namespace cryograph {
namespace {

TEST(WireFieldTest, TheLastOneCounts) {
  EXPECT_EQ(BytesField(absl::string_view("\x0a\x01"
                                         "a"
                                         "\x12\x01"
                                         "b"
                                         "\x0a\x02"
                                         "cd",
                                         10),
                       1),
            "cd");
  EXPECT_EQ(BytesField(absl::string_view("\x0a\x01"
                                         "a"
                                         "\x12\x01"
                                         "b",
                                         6),
                       2),
            "b");
}

TEST(WireFieldTest, EmptyWhereThereIsNone) {
  EXPECT_EQ(BytesField("", 1), "");
  EXPECT_EQ(BytesField(absl::string_view("\x08\x05", 2), 1), "");  // A varint.
  EXPECT_EQ(BytesField(absl::string_view("\x0a\x05"
                                         "ab",
                                         4),
                       1),
            "");  // Cut off.
}

TEST(WireFieldTest, MapEntryInAnyOrder) {
  EXPECT_EQ(MapEntry("\x0a\x01k\x12\x02vw"), std::make_pair(absl::string_view("k"), absl::string_view("vw")));
  EXPECT_EQ(MapEntry("\x12\x02vw\x1a\x01x\x0a\x01k"),
            std::make_pair(absl::string_view("k"), absl::string_view("vw")));
}

TEST(WireFieldTest, MapEntryThatLacksAPartOrIsCutOff) {
  EXPECT_EQ(MapEntry("\x0a\x01k"), std::make_pair(absl::string_view("k"), absl::string_view()));
  EXPECT_EQ(MapEntry("\x0a\x01k\x12\x05vw"), std::make_pair(absl::string_view("k"), absl::string_view()));
  EXPECT_EQ(MapEntry(""), std::make_pair(absl::string_view(), absl::string_view()));
}

}  // namespace
}  // namespace cryograph

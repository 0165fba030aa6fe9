#include "base/wire.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

std::string Varint(uint64_t value) {
  std::string bytes;
  AppendVarint(value, &bytes);
  return bytes;
}

// Number of fields read; -1 - offset for a defect.
int Walk(absl::string_view bytes) {
  WireReader reader(bytes);
  WireField field;
  int count = 0;
  while (reader.Next(&field)) ++count;
  return reader.ok() ? count : -1 - static_cast<int>(reader.position());
}

TEST(VarintTest, KnownBytes) {
  EXPECT_EQ(Varint(0), std::string("\0", 1));
  EXPECT_EQ(Varint(127), "\x7f");
  EXPECT_EQ(Varint(300), "\xac\x02");  // The encoding guide's own example.
  EXPECT_EQ(Varint(~uint64_t{0}), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(VarintTest, RoundTripAndSizeAtEveryBoundary) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const uint64_t value :
         {(uint64_t{1} << shift) - 1, uint64_t{1} << shift, (uint64_t{1} << shift) + 1}) {
      const std::string bytes = Varint(value);
      EXPECT_EQ(bytes.size(), static_cast<size_t>(VarintSize(value)));
      absl::string_view rest = bytes;
      uint64_t read = 0;
      ASSERT_TRUE(ReadVarint(&rest, &read));
      EXPECT_EQ(read, value);
      EXPECT_TRUE(rest.empty());
      for (size_t cut = 0; cut < bytes.size(); ++cut) {
        rest = absl::string_view(bytes).substr(0, cut);
        EXPECT_FALSE(ReadVarint(&rest, &read));
        EXPECT_EQ(rest.size(), cut);
      }
    }
  }
}

TEST(VarintTest, NonMinimalIsFineAndElevenBytesAreNot) {
  absl::string_view padded("\x81\x80\x80\x00", 4);
  uint64_t value = 0;
  EXPECT_TRUE(ReadVarint(&padded, &value));
  EXPECT_EQ(value, 1u);
  const std::string eleven = std::string(10, '\x80') + '\x00';
  absl::string_view rest = eleven;
  EXPECT_FALSE(ReadVarint(&rest, &value));
}

TEST(WireReaderTest, EveryWireType) {
  std::string bytes;
  AppendVarintField(1, 300, &bytes);
  AppendFixed32Field(2, 0x3f800000u, &bytes);
  AppendVarint(WireTag(3, WireType::kFixed64), &bytes);
  AppendFixed64(0x0102030405060708u, &bytes);
  AppendBytesField(4, "text", &bytes);
  const std::string group = "\x2b\x08\x01\x2c";  // Group 5 { 1: 1 }
  bytes += group;
  WireReader reader(bytes);
  WireField field;
  ASSERT_TRUE(reader.Next(&field));
  EXPECT_EQ(field.number, 1u);
  EXPECT_EQ(field.varint, 300u);
  EXPECT_EQ(field.raw, "\x08\xac\x02");
  ASSERT_TRUE(reader.Next(&field));
  EXPECT_EQ(field.type, WireType::kFixed32);
  EXPECT_EQ(field.varint, 0x3f800000u);
  ASSERT_TRUE(reader.Next(&field));
  EXPECT_EQ(field.type, WireType::kFixed64);
  EXPECT_EQ(field.varint, 0x0102030405060708u);
  ASSERT_TRUE(reader.Next(&field));
  EXPECT_EQ(field.bytes, "text");
  EXPECT_EQ(field.raw.size(), BytesFieldSize(4, 4));
  ASSERT_TRUE(reader.Next(&field));
  EXPECT_EQ(field.type, WireType::kStartGroup);
  EXPECT_EQ(field.number, 5u);
  EXPECT_EQ(field.bytes, "\x08\x01");
  EXPECT_EQ(field.raw, group);
  EXPECT_FALSE(reader.Next(&field));
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.position(), bytes.size());
}

TEST(WireReaderTest, DefectsStopAtTheFieldThatHasThem) {
  const std::string good("\x08\x01", 2);
  const std::vector<std::string> bad = {
      std::string("\x00", 1),                          // Tag 0.
      std::string("\x07\x01", 2),                      // Field number 0.
      "\x0e",                                          // Wire type 6.
      "\x0f",                                          // Wire type 7.
      "\x80",                                          // Cut tag.
      "\x08",                                          // No value.
      "\x08\x80",                                      // Cut value.
      "\x0d\x01\x02\x03",                              // Three bytes of four.
      "\x09\x01\x02\x03\x04\x05\x06\x07",              // Seven of eight.
      "\x0a\x02x",                                     // One byte of two.
      "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  // A length of 2^64 - 1.
      "\x0b",                                          // A group without an end.
      "\x0c",                                          // An end without a group.
      "\x0b\x14",                                      // The end of another group.
      "\x80\x80\x80\x80\x80\x01\x01",                  // A field number of 2^32.
  };
  for (const std::string& defect : bad) {
    EXPECT_EQ(Walk(defect), -1) << testing::PrintToString(defect);
    EXPECT_EQ(Walk(good + defect), -3) << testing::PrintToString(defect);
  }
}

TEST(WireReaderTest, GroupsNestOneHundredDeep) {
  EXPECT_EQ(Walk(std::string(100, '\x0b') + std::string(100, '\x0c')), 1);
  EXPECT_EQ(Walk(std::string(101, '\x0b') + std::string(101, '\x0c')), -1);
  EXPECT_EQ(Walk(std::string(1000000, '\x0b')), -1);
}

TEST(IsUtf8Test, Borders) {
  for (const char* good :
       {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "long enough for words \xc3\xa9"}) {
    EXPECT_TRUE(IsUtf8(good)) << testing::PrintToString(good);
  }
  for (const char* bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x9f\xbf", "\xe0\xa0",
                          "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xff", "\xfe", "12345678\xff", "1234567\xf0\x9f\x98"}) {
    EXPECT_FALSE(IsUtf8(bad)) << testing::PrintToString(bad);
  }
  EXPECT_TRUE(IsUtf8(absl::string_view("a\0b", 3)));
}

TEST(IsUtf8Test, EveryCodePoint) {
  int accepted = 0;
  for (uint32_t code = 0x10000; code < 0x110000; ++code) {
    const char bytes[4] = {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
                           static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
    accepted += IsUtf8(absl::string_view(bytes, 4));
  }
  EXPECT_EQ(accepted, 0x100000);
  accepted = 0;
  for (uint32_t code = 0; code < 0x10000; ++code) {
    const char bytes[3] = {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)),
                           static_cast<char>(0x80 | (code & 63))};
    accepted += IsUtf8(absl::string_view(bytes, 3));
  }
  EXPECT_EQ(accepted, 0x10000 - 0x800 - 0x800);  // Neither overlong forms nor surrogates.
}

}  // namespace
}  // namespace cryograph

// The oracle is libleveldb's table builder, which is given TensorFlow's options and its rule for long
// entries.
#include "checkpoint/table_writer.h"

#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;

std::string Written(const TableEntries& entries) {
  StringSink sink;
  TableWriter writer(&sink);
  for (const auto& [key, value] : entries) EXPECT_OK(writer.Add(key, value));
  EXPECT_OK(writer.Finish());
  EXPECT_EQ(writer.size(), sink.bytes().size());
  return sink.bytes();
}

TEST(TableWriterTest, EmptyTable) { EXPECT_TRUE(Written({}) == BuildTable({})); }

TEST(TableWriterTest, RandomEntriesAsLevelDbWritesThem) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    std::map<std::string, std::string> sorted;
    const unsigned count = random() % 300;
    for (unsigned i = 0; i < count; ++i) {
      std::string key;
      const unsigned size = random() % 12;
      // Few different bytes, among them the one that has no next, so that keys share prefixes.
      for (unsigned j = 0; j < size; ++j) key.push_back("\xff\xfe/ab\0c\x7f"[random() % 8]);
      sorted[key] = std::string(random() % 5 == 0 ? random() % 300000 : random() % 40, static_cast<char>(i));
    }
    if (seed % 3 == 0) sorted["b"] = std::string(524287 + seed % 2, 'b');
    const TableEntries entries(sorted.begin(), sorted.end());
    EXPECT_TRUE(Written(entries) == BuildTable(entries, TableOptions())) << seed;
  }
}

TEST(TableWriterTest, RefusesDisorderAndWhatNoEntryCanSay) {
  StringSink sink;
  TableWriter writer(&sink);
  ASSERT_OK(writer.Add("b", "1"));
  EXPECT_THAT(writer.Add("b", "1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'b' of a table is not above 'b'")));
  EXPECT_THAT(writer.Add("a", "1"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'a'")));
  const auto nothing = [](ByteSink&) { return absl::OkStatus(); };
  EXPECT_THAT(writer.Add("c", uint64_t{1} << 32, nothing),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4294967296 bytes")));
  EXPECT_THAT(writer.Add("d", 5, nothing),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("0 bytes instead of 5")));
}

}  // namespace
}  // namespace cryograph

#include "checkpoint/table_reader.h"

#include <snappy.h>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

absl::StatusOr<TableEntries> ReadTable(const std::string& bytes) {
  const absl::StatusOr<std::unique_ptr<TableReader>> table =
      TableReader::Open(MappedFile::FromString("t", bytes));
  if (!table.ok()) return table.status();
  TableEntries entries;
  const absl::Status walked = (*table)->ForEach([&](absl::string_view key, const TableReader::Value& value) {
    entries.emplace_back(std::string(key), std::string(value.bytes));
    return absl::OkStatus();
  });
  if (!walked.ok()) return walked;
  return entries;
}

TableEntries SomeEntries(int count) {
  TableEntries entries = {{"", "header"}};
  for (int i = 0; i < count; ++i) {
    entries.emplace_back(absl::StrCat("layer_", 1000 + i, i % 3 == 0 ? "/kernel" : "/bias"),
                         std::string(i % 40, 'v'));
  }
  entries.emplace_back("\xff\xff", std::string("\0\x01", 2));
  return entries;
}

TEST(TableReaderTest, ReadsWhatLevelDbWrites) {
  for (const int count : {0, 1, 17, 500}) {
    const TableEntries entries = SomeEntries(count);
    for (const size_t block_bytes : {64, 1000, 262144}) {
      for (const int restart_interval : {1, 3, 16}) {
        for (const bool snappy : {false, true}) {
          const std::string bytes = BuildTable(entries, {block_bytes, restart_interval, snappy, snappy});
          ASSERT_OK_AND_ASSIGN(const TableEntries read, ReadTable(bytes));
          EXPECT_EQ(read, entries);
          ASSERT_OK_AND_ASSIGN(const std::unique_ptr<TableReader> table,
                               TableReader::Open(MappedFile::FromString("t", bytes)));
          for (const auto& [key, value] : entries) {
            ASSERT_OK_AND_ASSIGN(const absl::optional<TableReader::Value> found, table->Find(key));
            ASSERT_TRUE(found.has_value());
            EXPECT_EQ(found->bytes, value);
            ASSERT_OK_AND_ASSIGN(const absl::optional<TableReader::Value> missing, table->Find(key + "\x01"));
            EXPECT_FALSE(missing.has_value());
          }
        }
      }
    }
  }
}

TEST(TableReaderTest, AnEmptyTableIsFine) {
  ASSERT_OK_AND_ASSIGN(const TableEntries read, ReadTable(BuildTable({})));
  EXPECT_TRUE(read.empty());
}

TEST(TableReaderTest, ValuesOutliveTheReader) {
  absl::optional<TableReader::Value> value;
  {
    ASSERT_OK_AND_ASSIGN(
        const std::unique_ptr<TableReader> table,
        TableReader::Open(MappedFile::FromString("t", BuildTable(SomeEntries(20), {64, 4, true}))));
    ASSERT_OK_AND_ASSIGN(value, table->Find("layer_1019/bias"));
  }
  EXPECT_EQ(value->bytes, std::string(19, 'v'));
}

TEST(TableReaderTest, AgreesWithLevelDbOnTheSamples) {
  const std::string root = SharedData("formats");
  if (root.empty()) GTEST_SKIP() << "the sample files are not there";
  int compared = 0;
  for (const char* sample :
       {"v2_all_dtypes_tf115/ckpt.index", "v2_dtypes_tf221/ckpt.index", "v2_saver_tf115/model.ckpt-7.index",
        "v2_snappy_leveldb/ckpt.index", "v2_filter_leveldb/ckpt.index", "v2_small_blocks_own/ckpt.index",
        "v2_slice_keys_tf221/ckpt.index", "v2_merged_tf115/ckpt.index", "v1_all_dtypes_tf115/all",
        "v1_saver_tf115/model.ckpt-7", "v1_slices_tf115/string"}) {
    const std::string bytes = FileBytes(absl::StrCat(root, "/", sample));
    TableEntries expected;
    ASSERT_TRUE(ReadTableWithLevelDb(bytes, &expected)) << sample;
    ASSERT_OK_AND_ASSIGN(const TableEntries read, ReadTable(bytes));
    EXPECT_EQ(read, expected) << sample;
    ++compared;
  }
  EXPECT_EQ(compared, 11);
}

TEST(TableReaderTest, EveryCutAndEveryFlippedBitIsFound) {
  for (const bool snappy : {false, true}) {
    const TableEntries entries = SomeEntries(12);
    const std::string good = BuildTable(entries, {100, 4, snappy});
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_THAT(ReadTable(good.substr(0, size)), StatusIs(StatusCode::kDataLoss)) << size;
    }
    for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      const absl::StatusOr<TableEntries> read = ReadTable(bad);
      // The metaindex block and the padding of the footer mean nothing.
      if (read.ok()) {
        EXPECT_EQ(*read, entries) << bit;
      } else {
        EXPECT_THAT(read, StatusIs(StatusCode::kDataLoss)) << bit;
      }
    }
  }
}

// Wraps block contents as a table with that one data block, with checksums that fit.
std::string TableOf(const std::string& contents, char type = 0) {
  std::string bytes;
  const auto add_block = [&bytes](const std::string& block, char block_type) {
    const uint64_t offset = bytes.size();
    std::string stored = block + block_type;
    bytes += stored;
    AppendFixed32(MaskCrc(Crc32c(stored)), &bytes);
    std::string handle;
    AppendVarint(offset, &handle);
    AppendVarint(block.size(), &handle);
    return handle;
  };
  const std::string data = add_block(contents, type);
  const std::string empty("\0\0\0\0\x01\0\0\0", 8);
  const std::string metaindex = add_block(empty, 0);
  std::string index_block("\0\x01", 2);
  index_block += static_cast<char>(data.size());
  index_block += "z" + data + empty;
  const std::string index = add_block(index_block, 0);
  std::string footer = metaindex + index;
  footer.resize(40);
  AppendFixed64(kTableMagic, &footer);
  return bytes + footer;
}

std::string Entry(int shared, const std::string& suffix, const std::string& value) {
  return std::string(
             {static_cast<char>(shared), static_cast<char>(suffix.size()), static_cast<char>(value.size())}) +
         suffix + value;
}

std::string Restarts(const std::vector<uint32_t>& restarts) {
  std::string bytes;
  for (const uint32_t restart : restarts) AppendFixed32(restart, &bytes);
  AppendFixed32(static_cast<uint32_t>(restarts.size()), &bytes);
  return bytes;
}

TEST(TableReaderTest, BlocksWithGoodChecksumsAndBadContents) {
  const std::string ab = Entry(0, "a", "1") + Entry(1, "b", "2");  // 5 + 5 bytes: keys "a", "ab".
  ASSERT_OK_AND_ASSIGN(const TableEntries good, ReadTable(TableOf(ab + Restarts({0}))));
  EXPECT_EQ(good, (TableEntries{{"a", "1"}, {"ab", "2"}}));

  const std::string long_varint = std::string(10, '\x80') + '\0';
  const std::string wraps = std::string("\0\xff\xff\xff\xff\x0f\x02", 7) + "a1";
  const struct {
    std::string contents;
    const char* why;
  } cases[] = {
      {"", "too short"},
      {"\1\0\0", "too short"},
      {std::string(4, '\0'), "cannot have 0 restarts"},
      {ab + Restarts({0}).substr(0, 4) + "\xff\xff\xff\xff", "restarts"},
      {ab + Restarts({5}), "first restart"},
      {ab + Restarts({0, 4}), "not at an entry"},
      {ab + Restarts({0, 10}), "not at an entry"},
      {ab + Restarts({0, 5}), "shares"},
      {ab + Restarts({0, 0}), "not at an entry"},
      {Restarts({0, 0}), "empty block"},
      {Entry(1, "a", "1") + Restarts({0}), "runs over"},
      {Entry(0, "a", "1") + Entry(2, "b", "2") + Restarts({0}), "runs over"},
      {Entry(0, "a", "1").substr(0, 4) + Restarts({0}), "runs over"},
      {wraps + Restarts({0}), "runs over"},
      {long_varint + Restarts({0}), "is cut"},
      {std::string("\0", 1) + Restarts({0}), "is cut"},
      {Entry(0, "b", "1") + Entry(0, "a", "2") + Restarts({0}), "not above"},
      {Entry(0, "a", "1") + Entry(0, "a", "2") + Restarts({0}), "not above"},
      {Entry(0, "ab", "1") + Entry(1, "", "2") + Restarts({0}), "not above"},
      {Entry(0, "zz", "1") + Restarts({0}), "not in the range"},
  };
  for (const auto& each : cases) {
    EXPECT_THAT(ReadTable(TableOf(each.contents)), StatusIs(StatusCode::kDataLoss, HasSubstr(each.why)))
        << each.why << " " << each.contents.size();
  }
  EXPECT_THAT(ReadTable(TableOf(ab + Restarts({0}), 7)),
              StatusIs(StatusCode::kDataLoss, HasSubstr("unknown type 7")));
}

TEST(TableReaderTest, CompressedBlocksAreBounded) {
  const std::string plain = Entry(0, "a", std::string(100, 'x')) + Restarts({0});
  std::string packed;
  snappy::Compress(plain.data(), plain.size(), &packed);
  EXPECT_OK(ReadTable(TableOf(packed, 1)));
  // A length of 2^31 that no 20 bytes can have.
  EXPECT_THAT(ReadTable(TableOf("\xff\xff\xff\xff\x07" + packed.substr(0, 15), 1)),
              StatusIs(StatusCode::kDataLoss, HasSubstr("cannot hold")));
  EXPECT_THAT(ReadTable(TableOf(packed.substr(0, packed.size() - 1), 1)),
              StatusIs(StatusCode::kDataLoss, HasSubstr("decompressed")));
  EXPECT_THAT(ReadTable(TableOf("", 1)), StatusIs(StatusCode::kDataLoss, HasSubstr("length")));
}

TEST(TableReaderTest, MessagesNameFileAndOffset) {
  std::string bytes = BuildTable(SomeEntries(3));
  bytes[3] ^= 1;
  EXPECT_THAT(ReadTable(bytes),
              StatusIs(StatusCode::kDataLoss,
                       testing::MatchesRegex("t: damaged at offset 0: the checksum of a block of .* "
                                             "bytes is .* instead of .*")));
  EXPECT_THAT(ReadTable("short"), StatusIs(StatusCode::kDataLoss, HasSubstr("48 bytes")));
}

}  // namespace
}  // namespace cryograph

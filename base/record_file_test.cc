// Record files, read and written.
#include "base/record_file.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/highway_hash.h"
#include "base/mapped_file.h"
#include "base/record_file_reader.h"
#include "base/record_file_writer.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Test vectors of the hash's authors: the key is bytes 0 … 31, the input of size n is bytes 0 … n - 1.
TEST(HighwayHash64Test, VectorsOfItsAuthors) {
  const HighwayHash64::Key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908, 0x1716151413121110,
                                  0x1f1e1d1c1b1a1918};
  const std::vector<uint64_t> expected = {0x907A56DE22C26E53, 0x7EAB43AAC7CDDD78, 0xB8D0569AB0B53D62,
                                          0x5C6BEFAB8A463D80, 0xF205A46893007EDA};
  for (size_t size = 0; size < expected.size(); ++size) {
    HighwayHash64 hash(key);
    for (size_t i = 0; i < size; ++i) hash.Append(std::string(1, static_cast<char>(i)));
    EXPECT_EQ(hash.Finish(), expected[size]) << size;
  }
}

std::string Written(const std::vector<std::string>& records, RecordFileWriter::Compression compression,
                    std::vector<uint64_t>* positions) {
  StringSink sink;
  RecordFileWriter writer(&sink, compression);
  for (const std::string& record : records) {
    const absl::StatusOr<uint64_t> position = writer.Append(record);
    EXPECT_OK(position.status());
    positions->push_back(*position);
  }
  return sink.bytes();
}

TEST(RecordFileTest, WhatIsWrittenIsReadBack) {
  std::vector<std::string> records = {"", "a", std::string(200000, 'x')};
  // Sizes around those where a chunk meets the header of a block.
  for (size_t size = 65536 - 24 - 40 - 80; size < 65536 - 24 - 40; ++size) records.emplace_back(size, '\x7f');
  std::string noise;
  for (uint32_t i = 0; noise.size() < 300000; i = i * 1664525 + 1013904223)
    noise.push_back(static_cast<char>(i >> 24));
  records.push_back(noise);
  for (const auto compression :
       {RecordFileWriter::Compression::kNone, RecordFileWriter::Compression::kBrotli}) {
    std::vector<uint64_t> positions;
    const std::string file = Written(records, compression, &positions);
    absl::StatusOr<RecordFileReader> reader = RecordFileReader::Open(file, "x.cpb");
    ASSERT_OK(reader.status());
    EXPECT_EQ(*reader->LastRecord(), positions.back());
    for (size_t i = 0; i < records.size(); ++i) {
      const absl::StatusOr<std::string> record = reader->Record(positions[i]);
      ASSERT_OK(record.status());
      EXPECT_TRUE(*record == records[i]) << i;
    }
  }
}

TEST(RecordFileTest, BeginsAsEveryRecordFileDoes) {
  std::vector<uint64_t> positions;
  const std::string file = Written({"a"}, RecordFileWriter::Compression::kNone, &positions);
  EXPECT_EQ(file.substr(0, 8), "\x83\xaf\x70\xd1\x0d\x88\x4a\x3f");
  EXPECT_EQ(positions[0], 64u);
  const std::string sample = SharedData("formats/savedmodel_chunked_own/saved_model.cpb");
  if (sample.empty()) GTEST_SKIP() << "no shared data";
  EXPECT_EQ(file.substr(0, 64), (*MappedFile::Open(sample))->bytes().substr(0, 64));
}

TEST(RecordFileTest, EveryFlippedByteAndEveryCutIsNoticed) {
  std::vector<uint64_t> positions;
  const std::vector<std::string> records = {"first record", "second record"};
  for (const auto compression :
       {RecordFileWriter::Compression::kNone, RecordFileWriter::Compression::kBrotli}) {
    positions.clear();
    const std::string good = Written(records, compression, &positions);
    const auto readable = [&](const std::string& file) {
      absl::StatusOr<RecordFileReader> reader = RecordFileReader::Open(file, "x.cpb");
      if (!reader.ok()) return false;
      for (size_t i = 0; i < records.size(); ++i) {
        const absl::StatusOr<std::string> record = reader->Record(positions[i]);
        if (!record.ok()) return false;
        EXPECT_EQ(*record, records[i]);
      }
      return true;
    };
    EXPECT_TRUE(readable(good));
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 0x10);
      EXPECT_FALSE(readable(bad)) << i;
      EXPECT_FALSE(readable(good.substr(0, i))) << i;
    }
  }
}

TEST(RecordFileTest, ErrorsSayWhere) {
  std::vector<uint64_t> positions;
  std::string file =
      Written({std::string(100000, 'a'), "b"}, RecordFileWriter::Compression::kNone, &positions);
  EXPECT_THAT(
      RecordFileReader::Open(file.substr(0, 70000), "x.cpb").status(),
      StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr("x.cpb: at byte 64: "), HasSubstr("70000"))));
  file[65536] = static_cast<char>(file[65536] ^ 1);
  absl::StatusOr<RecordFileReader> reader = RecordFileReader::Open(file, "x.cpb");
  ASSERT_OK(reader.status());
  EXPECT_THAT(
      reader->Record(positions[0]).status(),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("x.cpb: at byte 65536: the header of a block")));
  EXPECT_OK(reader->Record(positions[1]).status());
  EXPECT_THAT(reader->Record(positions[1] + 1).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("there is no record of that position")));
}

// A chunk whose hashes are right and whose words are lies.
std::string Forged(const std::string& data, uint64_t num_records, uint64_t decoded_size) {
  std::vector<uint64_t> positions;
  std::string file = Written({""}, RecordFileWriter::Compression::kNone, &positions).substr(0, 64);
  std::string fields;
  AppendFixed64(data.size(), &fields);
  AppendFixed64(record_file::Hash(data), &fields);
  AppendFixed64(num_records << 8 | 'r', &fields);
  AppendFixed64(decoded_size, &fields);
  AppendFixed64(record_file::Hash(fields), &file);
  return file + fields + data;
}

TEST(RecordFileTest, LiesWithRightHashes) {
  const auto read = [](const std::string& file) {
    absl::StatusOr<RecordFileReader> reader = RecordFileReader::Open(file, "x.cpb");
    return reader.ok() ? reader->Record(64).status() : reader.status();
  };
  EXPECT_OK(read(Forged(std::string("\0\1\1a", 4), 1, 1)));
  EXPECT_THAT(read(Forged(std::string("\0\1\2a", 4), 1, 1)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(read(Forged(std::string("\0\1\1a", 4), 1, 2)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(read(Forged(std::string("\0\1\1a", 4), uint64_t{1} << 50, 1)),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(read(Forged(std::string("\0\x7f\1a", 4), 1, 1)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(read(Forged("b", 1, 1)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(read(Forged("", 1, 0)), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(read(Forged(std::string("z\1\1a", 4), 1, 1)), StatusIs(absl::StatusCode::kUnimplemented));
  // A terabyte in six bytes of brotli.
  std::string bomb("b\7", 2);
  AppendVarint(uint64_t{1} << 40, &bomb);
  bomb.push_back('\x3b');
  EXPECT_THAT(read(Forged(bomb, 1, uint64_t{1} << 40)), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace cryograph

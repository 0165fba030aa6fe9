#include "checkpoint/summed_stream.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "checkpoint/crc32c.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

std::string Noise(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

// Checks that each piece comes with its own sum.
class PairSink final : public SummedSink {
 public:
  absl::Status Append(absl::string_view) override { return absl::InternalError("without a checksum"); }
  uint32_t OwnSum(absl::string_view bytes) const override { return static_cast<uint32_t>(bytes.size()); }
  absl::Status AppendSummed(absl::string_view bytes, const PieceSums& sums) override {
    EXPECT_EQ(sums.crc32c, Crc32c(bytes));
    EXPECT_EQ(sums.own, bytes.size());
    all.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  std::string all;
};

class FullSink final : public ByteSink {
 public:
  absl::Status Append(absl::string_view) override { return absl::ResourceExhaustedError("full"); }
};

TEST(StreamSummedTest, GivesThePartAndTheSumOfAll) {
  const std::shared_ptr<const MappedFile> file = MappedFile::FromString("noise", Noise(6 << 20));
  const absl::string_view all = file->bytes();
  const struct {
    size_t begin, size, wanted_begin, wanted_size;
  } cases[] = {{0, 0, 0, 0},
               {5, 1, 0, 1},
               {5, 1000, 10, 0},
               {3, 100, 50, 50},
               {1, 6 << 19, 0, 6 << 19},
               {0, 6 << 20, 12345, 5 << 20},
               {7, 5 << 20, 5 << 20, 0},
               {0, 6 << 20, 1 << 20, 77}};
  for (const auto& each : cases) {
    const absl::string_view summed = all.substr(each.begin, each.size);
    const absl::string_view wanted = summed.substr(each.wanted_begin, each.wanted_size);
    StringSink plain;
    uint32_t crc = 1;
    ASSERT_OK(StreamSummed(*file, summed, wanted, plain, &crc));
    EXPECT_EQ(crc, Crc32c(summed));
    EXPECT_TRUE(plain.bytes() == wanted) << each.size;
    PairSink pairs;
    ASSERT_OK(StreamSummed(*file, summed, wanted, pairs, &crc));
    EXPECT_EQ(crc, Crc32c(summed));
    EXPECT_TRUE(pairs.all == wanted) << each.size;
  }
}

TEST(StreamSummedTest, ErrorsOfTheSinkEndIt) {
  const std::shared_ptr<const MappedFile> file = MappedFile::FromString("noise", Noise(6 << 20));
  FullSink full;
  uint32_t crc;
  EXPECT_EQ(StreamSummed(*file, file->bytes(), file->bytes(), full, &crc),
            absl::ResourceExhaustedError("full"));
}

TEST(StreamSummedTest, SeveralThreadsAtOnce) {
  const std::shared_ptr<const MappedFile> file = MappedFile::FromString("noise", Noise(6 << 20));
  const uint32_t expected = Crc32c(file->bytes());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 5; ++turn) {
        PairSink sink;
        uint32_t crc = 0;
        EXPECT_OK(StreamSummed(*file, file->bytes(), file->bytes().substr(100), sink, &crc));
        EXPECT_EQ(crc, expected);
        EXPECT_TRUE(sink.all == file->bytes().substr(100));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace cryograph

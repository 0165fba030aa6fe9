#include "checkpoint/summed_stream.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "base/status_macros.h"
#include "checkpoint/crc32c.h"

namespace cryograph {
namespace {

// Small enough to be in a processor's cache still when they are written.
constexpr size_t kChunkBytes = 512 << 10;
// How far the second thread may be ahead.
constexpr size_t kChunksAhead = 6;
// Pages are released by so many bytes: each time all processors that saw them are interrupted.
constexpr size_t kReleaseBytes = 4 << 20;

// `bytes` in pieces that end where pages do, so that all of them can be released.
void Cut(absl::string_view bytes, std::vector<absl::string_view>* chunks) {
  while (!bytes.empty()) {
    const size_t size = kChunkBytes - reinterpret_cast<uintptr_t>(bytes.data()) % kChunkBytes;
    chunks->push_back(bytes.substr(0, size));
    bytes.remove_prefix(chunks->back().size());
  }
}

// Sums of chunks. Whoever comes first to a chunk sums it up: the helper, which runs ahead, or who needs it:
// nobody waits for a thread that is not running.
struct ChunkSums {
  ChunkSums(const std::vector<absl::string_view>& all, const SummedSink* to, size_t first, size_t end)
      : chunks(all), sink(to), first_wanted(first), end_wanted(end), sums(all.size()), done(all.size()) {}

  bool is_wanted(size_t i) const { return i >= first_wanted && i < end_wanted; }

  bool has_work() const { return next < chunks.size() && next <= needed + kChunksAhead; }

  PieceSums Sum(size_t i) const {
    return {Crc32c(chunks[i]), sink != nullptr && is_wanted(i) ? sink->OwnSum(chunks[i]) : 0};
  }

  const std::vector<absl::string_view>& chunks;
  const SummedSink* const sink;  // Null if it needs no sums.
  const size_t first_wanted, end_wanted;
  std::vector<PieceSums> sums;
  std::vector<bool> done;
  size_t next = 0;    // The first that nobody sums up yet.
  size_t needed = 0;  // The one that is waited for, or being written.
};

// The second thread. It serves one stream at a time: where several run, the processors are busy without.
class Helper {
 public:
  // Null where there is one processor alone. Lives as long as the process.
  static Helper* Get() {
    static Helper* const helper = std::thread::hardware_concurrency() < 2 ? nullptr : new Helper;
    return helper;
  }

  // False if another stream has it.
  bool Attach(ChunkSums* job) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (job_ != nullptr) return false;
    job_ = job;
    changed_.notify_all();
    return true;
  }

  // The helper does not touch the job any more.
  void Detach(ChunkSums* job) {
    std::unique_lock<std::mutex> lock(mutex_);
    job_ = nullptr;
    changed_.wait(lock, [&] { return summing_ != job; });
  }

  // The sums of chunk `i` of the job that is attached; all before it are no longer needed.
  PieceSums SumsOf(size_t i) {
    std::unique_lock<std::mutex> lock(mutex_);
    job_->needed = i;
    changed_.notify_all();
    if (job_->next > i) {
      changed_.wait(lock, [&] { return job_->done[i]; });
    } else {
      SumNext(job_, lock);
    }
    return job_->sums[i];
  }

 private:
  Helper() {
    std::thread([this] { Run(); }).detach();
  }

  void SumNext(ChunkSums* job, std::unique_lock<std::mutex>& lock) {
    const size_t i = job->next++;
    lock.unlock();
    const PieceSums sums = job->Sum(i);
    lock.lock();
    job->sums[i] = sums;
    job->done[i] = true;
  }

  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return job_ != nullptr && job_->has_work(); });
      summing_ = job_;
      SumNext(job_, lock);
      summing_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_, as is what they point to.
  ChunkSums* job_ = nullptr;
  const ChunkSums* summing_ = nullptr;  // The job of which the thread is summing up a chunk just now.
};

}  // namespace

uint32_t SummedSink::OwnSum(absl::string_view) const { return 0; }

absl::Status StreamSummed(const MappedFile& file, absl::string_view summed, absl::string_view wanted,
                          ByteSink& sink, uint32_t* crc) {
  const size_t before = static_cast<size_t>(wanted.data() - summed.data());
  std::vector<absl::string_view> chunks;
  Cut(summed.substr(0, before), &chunks);
  const size_t first_wanted = chunks.size();
  Cut(wanted, &chunks);
  const size_t end_wanted = chunks.size();
  Cut(summed.substr(before + wanted.size()), &chunks);

  auto* const summed_sink = dynamic_cast<SummedSink*>(&sink);
  ChunkSums sums(chunks, summed_sink, first_wanted, end_wanted);
  Helper* helper = chunks.size() > 2 ? Helper::Get() : nullptr;
  if (helper != nullptr && !helper->Attach(&sums)) helper = nullptr;
  const auto detach = absl::MakeCleanup([&] {
    if (helper != nullptr) helper->Detach(&sums);
  });
  uint32_t total = 0;
  size_t released = 0, passed = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const PieceSums piece = helper != nullptr ? helper->SumsOf(i) : sums.Sum(i);
    total = CombineCrc32c(total, piece.crc32c, chunks[i].size());
    if (sums.is_wanted(i)) {
      RETURN_IF_ERROR(summed_sink != nullptr ? summed_sink->AppendSummed(chunks[i], piece)
                                             : sink.Append(chunks[i]));
    }
    passed += chunks[i].size();
    if (passed - released < kReleaseBytes && i + 1 != chunks.size()) continue;
    file.Release(summed.substr(released, passed - released));
    released = passed;
  }
  *crc = total;
  return absl::OkStatus();
}

}  // namespace cryograph

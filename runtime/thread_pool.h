// The one pool of threads that kernels split their loops over.
#ifndef CRYOGRAPH_RUNTIME_THREAD_POOL_H_
#define CRYOGRAPH_RUNTIME_THREAD_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace cryograph {

// Threads that wait for loops. Whoever calls ParallelFor works along, so a pool of one thread starts none.
// Any thread may call ParallelFor at any time: a second caller, and a loop inside a loop, run where they are,
// since the threads are taken. Destroy it only when no call is left.
class ThreadPool {
 public:
  // `threads` counts the caller; less than 1 is taken as 1. When the system has no more threads to give, the
  // pool has fewer.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // How many threads can work at the same time, the caller included.
  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(begin, end) for consecutive ranges that cover [0, count) once, one at most for each thread,
  // none shorter than `grain` unless count is (grain: how many items are worth waking a thread for, some 20
  // us of work), and returns when all have returned. Where ranges begin depends on the number of threads: for
  // results that do not, what body computes for an item must not depend on the range that the item is in.
  void ParallelFor(int64_t count, int64_t grain, absl::FunctionRef<void(int64_t begin, int64_t end)> body);

 private:
  struct Loop {
    absl::FunctionRef<void(int64_t, int64_t)> body;
    int64_t count;
    int parts;
  };

  static void RunPart(const Loop& loop, int part);
  void Work(int worker);

  std::vector<std::thread> workers_;
  std::mutex caller_;  // Held by the caller whose loop the workers run.
  std::mutex mutex_;   // Guards what follows.
  std::condition_variable loop_came_;
  std::condition_variable loop_done_;
  const Loop* loop_ = nullptr;
  int pending_ = 0;  // Workers that have not finished loop_.
  bool stop_ = false;
  std::atomic<uint64_t> round_{0};  // Grows with every loop; read without the mutex by a worker that spins.
  std::atomic<int> finished_{0};    // pending_ from the other side, for the caller that spins.
  bool spin_ = false;               // Set before the workers start.
};

// The same for a pool that may be null: then the caller does it all.
inline void ParallelFor(ThreadPool* pool, int64_t count, int64_t grain,
                        absl::FunctionRef<void(int64_t begin, int64_t end)> body) {
  if (pool != nullptr) {
    pool->ParallelFor(count, grain, body);
  } else if (count > 0) {
    body(0, count);
  }
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_THREAD_POOL_H_

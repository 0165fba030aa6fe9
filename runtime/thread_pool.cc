#include "runtime/thread_pool.h"

#include <algorithm>
#include <system_error>

namespace cryograph {
namespace {

// About 20 us: longer than the gap between two loops of a network, shorter than what waking a thread costs.
constexpr int kSpins = 600;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits a moment for `condition`; false when it did not come true.
template <typename Condition>
bool SpinUntil(Condition condition) {
  for (int i = 0; i < kSpins; ++i) {
    if (condition()) return true;
    Pause();
  }
  return false;
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : spin_(threads <= static_cast<int>(std::thread::hardware_concurrency())) {
  for (int worker = 1; worker < threads; ++worker) {
    try {
      workers_.emplace_back([this, worker] { Work(worker); });
    } catch (const std::system_error&) {
      break;  // std::thread has no other way to say that the system has no more.
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    round_.fetch_add(1);
  }
  loop_came_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::RunPart(const Loop& loop, int part) {
  // The first count % parts ranges are longer by one.
  const int64_t length = loop.count / loop.parts, longer = loop.count % loop.parts;
  const int64_t begin = part * length + std::min<int64_t>(part, longer);
  loop.body(begin, begin + length + (part < longer ? 1 : 0));
}

void ThreadPool::Work(int worker) {
  uint64_t seen = 0;
  while (true) {
    if (spin_) SpinUntil([&] { return round_.load(std::memory_order_acquire) != seen; });
    const Loop* loop;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      loop_came_.wait(lock, [&] { return round_.load() != seen; });
      seen = round_.load();
      if (stop_) return;
      loop = loop_;
    }
    if (worker < loop->parts) RunPart(*loop, worker);
    bool last;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      last = --pending_ == 0;
      finished_.fetch_add(1, std::memory_order_release);
    }
    if (last) loop_done_.notify_one();
  }
}

void ThreadPool::ParallelFor(int64_t count, int64_t grain,
                             absl::FunctionRef<void(int64_t begin, int64_t end)> body) {
  if (count <= 0) return;
  const int64_t parts = std::min<int64_t>(threads(), count / std::max<int64_t>(grain, 1));
  std::unique_lock<std::mutex> caller(caller_, std::defer_lock);
  // try_lock by the thread that holds the mutex is not allowed, so a loop inside a loop is told by this.
  static thread_local bool inside = false;
  if (parts <= 1 || inside || !caller.try_lock()) {
    body(0, count);
    return;
  }
  const Loop loop = {body, count, static_cast<int>(parts)};
  const int workers = static_cast<int>(workers_.size());
  {
    std::lock_guard<std::mutex> lock(mutex_);
    loop_ = &loop;
    pending_ = workers;
    finished_.store(0, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
  }
  loop_came_.notify_all();
  inside = true;
  RunPart(loop, 0);
  inside = false;
  if (spin_) SpinUntil([&] { return finished_.load(std::memory_order_acquire) == workers; });
  std::unique_lock<std::mutex> lock(mutex_);
  loop_done_.wait(lock, [&] { return pending_ == 0; });
}

}  // namespace cryograph

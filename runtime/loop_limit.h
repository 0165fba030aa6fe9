// Long loops of a kernel end when the run that it belongs to shall stop.
#ifndef CRYOGRAPH_RUNTIME_LOOP_LIMIT_H_
#define CRYOGRAPH_RUNTIME_LOOP_LIMIT_H_

#include <atomic>

#include "absl/functional/function_ref.h"

namespace cryograph {

// While one is alive, loops that the thread starts may ask whether they are still wanted. They find the limit
// with Current(), in the thread that starts the loop, and may use it in all threads that work on it. What a
// loop has not computed has unspecified elements: whoever made the limit looks at stopped(), and gives up.
class LoopLimit {
 public:
  // `expired` must outlive it, and is called from many threads at a time.
  explicit LoopLimit(absl::FunctionRef<bool()> expired);
  ~LoopLimit();
  LoopLimit(const LoopLimit&) = delete;
  LoopLimit& operator=(const LoopLimit&) = delete;

  // The latest one of this thread that is alive; null if there is none.
  static LoopLimit* Current();

  // True once `expired` was: then the loop shall return without what is left to do. Takes some 50 ns.
  bool Expired();
  // A loop was told so.
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

 private:
  const absl::FunctionRef<bool()> expired_;
  LoopLimit* const outer_;
  std::atomic<bool> stopped_{false};
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_LOOP_LIMIT_H_

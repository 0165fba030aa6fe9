#include "runtime/loop_limit.h"

namespace cryograph {
namespace {

thread_local LoopLimit* current = nullptr;

}  // namespace

LoopLimit::LoopLimit(absl::FunctionRef<bool()> expired) : expired_(expired), outer_(current) {
  current = this;
}

LoopLimit::~LoopLimit() { current = outer_; }

LoopLimit* LoopLimit::Current() { return current; }

bool LoopLimit::Expired() {
  if (stopped()) return true;
  if (!expired_()) return false;
  stopped_.store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace cryograph

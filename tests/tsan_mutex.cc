// absl::Mutex for --config=tsan, linked into every program. Debian's library is compiled without the
// sanitizer, which does not see that its locks order anything; so they say it here, in front of the library's
// own.
#include <dlfcn.h>

#include <string>

#include "absl/base/options.h"
#include "absl/synchronization/mutex.h"

extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

#define CG_TEXT_OF(name) #name
#define CG_TEXT(name) CG_TEXT_OF(name)

namespace absl {
ABSL_NAMESPACE_BEGIN
namespace {

// The library's absl::Mutex::METHOD(), which takes nothing. `method` is mangled: "4LockEv".
template <typename Result>
auto Library(const char* method) {
  const std::string space = CG_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  const std::string symbol = "_ZN4absl" + std::to_string(space.size()) + space + "5Mutex" + method;
  return reinterpret_cast<Result (*)(Mutex*)>(dlsym(RTLD_NEXT, symbol.c_str()));
}

}  // namespace

void Mutex::Lock() {
  static const auto library = Library<void>("4LockEv");
  library(this);
  __tsan_acquire(this);
}

bool Mutex::TryLock() {
  static const auto library = Library<bool>("7TryLockEv");
  const bool locked = library(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::Unlock() {
  static const auto library = Library<void>("6UnlockEv");
  __tsan_release(this);
  library(this);
}

void Mutex::ReaderLock() {
  static const auto library = Library<void>("10ReaderLockEv");
  library(this);
  __tsan_acquire(this);
}

void Mutex::ReaderUnlock() {
  static const auto library = Library<void>("12ReaderUnlockEv");
  __tsan_release(this);
  library(this);
}

ABSL_NAMESPACE_END
}  // namespace absl

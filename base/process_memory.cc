#include "base/process_memory.h"

#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace cryograph {
namespace {

// Of proc(5), status: "VmHWM:	    9376 kB".
uint64_t StatusBytes(absl::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    absl::string_view text = line;
    if (!absl::ConsumePrefix(&text, key) || !absl::ConsumePrefix(&text, ":")) continue;
    uint64_t kilobytes = 0;
    return absl::ConsumeSuffix(&text, "kB") && absl::SimpleAtoi(text, &kilobytes) ? kilobytes * 1024 : 0;
  }
  return 0;
}

}  // namespace

uint64_t PeakResidentBytes() { return StatusBytes("VmHWM"); }

uint64_t ResidentFileBytes() { return StatusBytes("RssFile"); }

}  // namespace cryograph

// Telling what a file is must bear any file.
#include <cstdint>
#include <cstdlib>

#include "graph/sniff.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const cryograph::Sniffed sniffed =
      cryograph::Sniff(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (cryograph::Describe(sniffed).empty()) std::abort();
  return 0;
}

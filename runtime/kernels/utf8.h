// Characters of UTF-8 text.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_UTF8_H_
#define CRYOGRAPH_RUNTIME_KERNELS_UTF8_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace cryograph {

// Where each character begins: every byte that continues none. What is not UTF-8 counts the same way.
inline std::vector<size_t> Utf8CharStarts(absl::string_view text) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) starts.push_back(i);
  }
  return starts;
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_UTF8_H_

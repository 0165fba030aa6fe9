// Characters of UTF-8 text.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_UTF8_H_
#define CRYOGRAPH_RUNTIME_KERNELS_UTF8_H_

#include <cstddef>
#include <cstdint>
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

inline constexpr int64_t kMalformed = -1;

// The character that begins at text[*at], which is moved behind it. kMalformed: what stands there is none,
// and *at goes behind the longest part of it that could have begun one.
inline int64_t NextUtf8(absl::string_view text, size_t* at) {
  const auto byte = [](absl::string_view bytes, size_t i) -> uint32_t {
    return static_cast<unsigned char>(bytes[i]);
  };
  const uint32_t first = byte(text, (*at)++);
  if (first < 0x80) return first;
  const int more = first >= 0xc2 && first <= 0xdf   ? 1
                   : first >= 0xe0 && first <= 0xef ? 2
                   : first >= 0xf0 && first <= 0xf4 ? 3
                                                    : 0;
  if (more == 0) return kMalformed;
  // The second byte has narrower bounds after some first bytes: no overlong forms, no surrogates.
  uint32_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  uint32_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  uint32_t code = first & (0x3fu >> more);
  for (int i = 0; i < more; ++i) {
    if (*at >= text.size() || byte(text, *at) < low || byte(text, *at) > high) return kMalformed;
    code = code << 6 | (byte(text, (*at)++) & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return code;
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_UTF8_H_

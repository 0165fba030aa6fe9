#include "tools/status_line.h"

#include <unistd.h>

#include <cstdio>

namespace cryograph::cli {

StatusLine::StatusLine(absl::string_view text) : is_shown_(isatty(STDERR_FILENO) != 0) {
  if (!is_shown_) return;
  std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(text.size()), text.data());
  std::fflush(stderr);
}

StatusLine::~StatusLine() {
  if (!is_shown_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace cryograph::cli

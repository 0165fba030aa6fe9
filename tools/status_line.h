// A line on the terminal that says what a tool is at.
#ifndef CRYOGRAPH_TOOLS_STATUS_LINE_H_
#define CRYOGRAPH_TOOLS_STATUS_LINE_H_

#include "absl/strings/string_view.h"

namespace cryograph::cli {

// While it lives, `text` stands on stderr if that is a terminal.
class StatusLine {
 public:
  explicit StatusLine(absl::string_view text);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

 private:
  const bool is_shown_;
};

}  // namespace cryograph::cli

#endif  // CRYOGRAPH_TOOLS_STATUS_LINE_H_

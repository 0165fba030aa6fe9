// How tools talk: errors, notes, progress, and the small formats of tables.
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "tools/cli.h"

namespace cryograph::cli {
namespace {

constexpr char kUsagePayload[] = "cryograph.usage";

// `prefix`, the first line, then the others, all indented alike so that a caret stays below what it points
// at.
std::string Message(absl::string_view prefix, absl::string_view message) {
  while (absl::EndsWith(message, "\n")) message.remove_suffix(1);
  return absl::StrCat(prefix, absl::StrReplaceAll(message, {{"\n", "\n  "}}), "\n");
}

void Print(absl::string_view prefix, absl::string_view message) {
  const std::string text = Message(prefix, message);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) { return status.GetPayload(kUsagePayload).has_value(); }

std::string ErrorText(const absl::Status& status) {
  std::string text = Message("error: ", status.message());
  if (status.code() == absl::StatusCode::kInternal) {
    absl::StrAppend(&text, "  why: this is a defect of cryograph, not of the model\n",
                    "  try: report it with the command and its files (transform_graph --reproducer_dir makes "
                    "them small)\n");
  }
  return text;
}

void PrintError(const absl::Status& status) {
  const std::string text = ErrorText(status);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void PrintNote(absl::string_view message) { Print("note: ", message); }
void PrintWarning(absl::string_view message) { Print("warning: ", message); }

int Finish(const absl::Status& status) {
  if (!status.ok()) {
    std::fflush(stdout);
    PrintError(status);
    return IsUsageError(status) ? kUsage : kFailure;
  }
  // A reader that has seen enough (`… | head`) is no failure; a full disk is.
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
    if (errno == EPIPE) return kSuccess;
    PrintError(absl::UnavailableError("<stdout>: cannot write"));
    return kFailure;
  }
  return kSuccess;
}

void (*Progress())(uint64_t done, uint64_t total) {
  if (isatty(STDERR_FILENO) == 0) return nullptr;
  return [](uint64_t done, uint64_t total) {
    static int shown = -1;
    const int percent = total == 0 ? 100 : static_cast<int>(static_cast<double>(done) / total * 100);
    if (percent == shown) return;
    shown = percent;
    std::fprintf(stderr, percent >= 100 ? "\r\033[K" : "\rwriting %d%%", percent);
    std::fflush(stderr);
  };
}

std::string BytesText(uint64_t bytes) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  // 999.95 would be printed as 1000.0.
  for (; value >= 999.95 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string Counted(uint64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string JsonString(absl::string_view text) {
  std::string result = "\"";
  for (size_t i = 0; i < text.size();) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      if (byte == '"' || byte == '\\') {
        absl::StrAppend(&result, "\\", text.substr(i, 1));
      } else if (byte == '\n') {
        result += "\\n";
      } else if (byte < 0x20 || byte == 0x7f) {
        absl::StrAppendFormat(&result, "\\u%04x", byte);
      } else {
        result += text[i];
      }
      ++i;
      continue;
    }
    // The longest well-formed sequence that starts here, or a replacement for one byte.
    const size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    uint32_t code = byte & (0xff >> (length + 1));
    bool valid = byte >= 0xc2 && byte <= 0xf4 && i + length <= text.size();
    for (size_t k = 1; valid && k < length; ++k) {
      const unsigned char next = static_cast<unsigned char>(text[i + k]);
      valid = (next & 0xc0) == 0x80;
      code = code << 6 | (next & 0x3f);
    }
    valid = valid && !(length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) &&
            !(length == 4 && (code < 0x10000 || code > 0x10ffff));
    absl::StrAppend(&result, valid ? text.substr(i, length) : absl::string_view("\xef\xbf\xbd"));
    i += valid ? length : 1;
  }
  return result + "\"";
}

std::string ExpandHome(absl::string_view path) {
  if (path.empty() || path[0] != '~') return std::string(path);
  const size_t slash = path.find('/');
  const std::string user(path.substr(1, slash == absl::string_view::npos ? slash : slash - 1));
  const absl::string_view rest = slash == absl::string_view::npos ? absl::string_view() : path.substr(slash);
  const char* home = user.empty() ? std::getenv("HOME") : nullptr;
  if (home == nullptr) {
    const passwd* const entry = user.empty() ? getpwuid(getuid()) : getpwnam(user.c_str());
    if (entry == nullptr) return std::string(path);
    home = entry->pw_dir;
  }
  return absl::StrCat(home, rest);
}

}  // namespace cryograph::cli

#include "checkpoint/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "checkpoint/table_reader.h"

namespace cryograph {
namespace {

constexpr int kMaxFiles = 10000;

// True if the file ends as a table does. Only regular files are opened: others may never answer.
bool EndsAsTable(const std::string& path, int64_t size) {
  if (size < static_cast<int64_t>(kTableFooterBytes)) return false;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  char footer[kTableFooterBytes];
  const ssize_t got = pread(fd, footer, sizeof(footer), size - static_cast<int64_t>(sizeof(footer)));
  close(fd);
  return got == static_cast<ssize_t>(sizeof(footer)) &&
         LooksLikeTable(absl::string_view(footer, sizeof(footer)));
}

// The name under which the checkpoint with a file of this name is opened; empty if it has none.
std::string NameOf(absl::string_view file, const std::string& path, int64_t size) {
  if (absl::StrContains(file, ".tempstate")) return "";
  if (absl::ConsumeSuffix(&file, ".index")) return std::string(file);
  absl::string_view stem = file;
  int num_shards;
  const bool is_shard = StripShardSuffix(&stem, &num_shards);
  if ((is_shard && absl::EndsWith(stem, ".data")) || !EndsAsTable(path, size)) return "";
  return is_shard ? ShardPattern(stem, num_shards) : std::string(file);
}

}  // namespace

bool IsRegularFile(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool IsDirectory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string DirectoryOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

std::string BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == absl::string_view::npos ? path : path.substr(slash + 1));
}

std::string JoinPath(absl::string_view directory, absl::string_view name) {
  if (directory == "." || directory.empty() || absl::StartsWith(name, "/")) return std::string(name);
  return absl::StrCat(absl::StripSuffix(directory, "/"), "/", name);
}

bool StripShardSuffix(absl::string_view* path, int* num_shards) {
  const size_t of = path->rfind("-of-");
  if (of == absl::string_view::npos || of == 0) return false;
  const absl::string_view total = path->substr(of + 4);
  const size_t dash = path->rfind('-', of - 1);
  if (dash == absl::string_view::npos || dash + 1 == of) return false;
  const auto all_in = [](absl::string_view text, absl::string_view allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == absl::string_view::npos;
  };
  if (!all_in(path->substr(dash + 1, of - dash - 1), "0123456789?") || !all_in(total, "0123456789") ||
      !absl::SimpleAtoi(total, num_shards)) {
    return false;
  }
  *path = path->substr(0, dash);
  return true;
}

std::string ShardPattern(absl::string_view stem, int num_shards) {
  const std::string any(5, '?');  // Written out, it would begin a trigraph.
  return absl::StrCat(stem, "-", any, "-of-", num_shards == 0 ? any : absl::StrFormat("%05d", num_shards));
}

std::string EscapePattern(absl::string_view path) {
  std::string pattern;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern;
}

std::vector<std::string> CheckpointsIn(const std::string& directory) {
  struct Found {
    int64_t seconds;
    int64_t nanoseconds;
    std::string name;
  };
  std::vector<Found> found;
  DIR* const dir = opendir(directory.c_str());
  if (dir == nullptr) return {};
  int seen = 0;
  for (const dirent* entry = readdir(dir); entry != nullptr && seen < kMaxFiles;
       entry = readdir(dir), ++seen) {
    const std::string path = JoinPath(directory, entry->d_name);
    struct stat info;
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    std::string name = NameOf(entry->d_name, path, info.st_size);
    if (name.empty()) continue;
    found.push_back({info.st_mtim.tv_sec, info.st_mtim.tv_nsec, std::move(name)});
  }
  closedir(dir);
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    if (a.seconds != b.seconds) return a.seconds > b.seconds;
    if (a.nanoseconds != b.nanoseconds) return a.nanoseconds > b.nanoseconds;
    return a.name < b.name;
  });
  std::vector<std::string> names;
  for (Found& each : found) {
    if (std::find(names.begin(), names.end(), each.name) == names.end())
      names.push_back(std::move(each.name));
  }
  return names;
}

std::vector<std::string> MatchingFiles(const std::string& pattern) {
  glob_t matches;
  std::vector<std::string> files;
  if (glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    for (size_t i = 0; i < matches.gl_pathc; ++i) {
      if (IsRegularFile(matches.gl_pathv[i])) files.push_back(matches.gl_pathv[i]);
    }
    globfree(&matches);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace cryograph

// What a directory holds that a checkpoint could be, and small questions to the file system.
#ifndef CRYOGRAPH_CHECKPOINT_DIRECTORY_H_
#define CRYOGRAPH_CHECKPOINT_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cryograph {

bool IsRegularFile(const std::string& path);  // Through symbolic links.
bool IsDirectory(const std::string& path);

// "a/b" of "a/b/c", "." of "c"; "c" of "a/b/c".
std::string DirectoryOf(absl::string_view path);
std::string BaseName(absl::string_view path);
// `name` itself if it is absolute.
std::string JoinPath(absl::string_view directory, absl::string_view name);

// Removes "-00001-of-00002" from the end; the last number goes to *num_shards. Digits of the first number may
// be "?".
bool StripShardSuffix(absl::string_view* path, int* num_shards);

// The pattern of the shards "STEM-00000-of-00002" …: "STEM-?????-of-00002", or with any count if `num_shards`
// is 0.
std::string ShardPattern(absl::string_view stem, int num_shards);

// A pattern that matches `path` alone.
std::string EscapePattern(absl::string_view path);

// Names by which the checkpoints of a directory can be opened, without the directory, newest first: prefixes
// of V2, files and patterns of V1. Unfinished files of writers are left out. Looks at no more than 10000
// files.
std::vector<std::string> CheckpointsIn(const std::string& directory);

// Files that match a pattern with "*", "?" or "[…]", sorted.
std::vector<std::string> MatchingFiles(const std::string& pattern);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_DIRECTORY_H_

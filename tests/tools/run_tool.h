// Runs one of our programs as a user does, and holds what it said; scratch folders and files for such tests.
#ifndef CRYOGRAPH_TESTS_TOOLS_RUN_TOOL_H_
#define CRYOGRAPH_TESTS_TOOLS_RUN_TOOL_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace cryograph {

struct ToolOptions {
  std::string input;      // What stdin gives.
  std::string directory;  // Where the program stands; empty: where the test stands.
  // Set in the program's environment, beside what it inherits; "NAME" alone unsets.
  std::vector<std::string> environment;
  std::string output_file;       // Stdout goes to this file ("/dev/full") instead of into ToolRun::out.
  uint64_t file_size_limit = 0;  // RLIMIT_FSIZE in bytes: writing past it fails as on a full disk.
  int64_t kill_after_us = -1;    // SIGKILL that many microseconds after the start.
};

struct ToolRun {
  int exit_code = -1;  // -1: ended by a signal.
  int signal = 0;
  double ms = 0;  // Wall time.
  std::string out, err;
};

// `program` is a path below the workspace ("tools/cryograph"), which the test lists in its data.
ToolRun RunTool(const std::string& program, const std::vector<std::string>& args,
                const ToolOptions& options = {});

// A fresh empty folder, which the test framework removes.
std::string ScratchFolder();

void WriteTestFile(const std::string& path, absl::string_view bytes);
std::string ReadTestFile(const std::string& path);  // Empty if there is none.
bool FileExists(const std::string& path);
// Names in a folder, sorted.
std::vector<std::string> ListFolder(const std::string& path);
// Files and folders below.
void CopyFolder(const std::string& from, const std::string& to);

// Absolute path of a runfile of this workspace: "tests/models/digits/graph.pb".
std::string Runfile(absl::string_view path);

}  // namespace cryograph

#endif  // CRYOGRAPH_TESTS_TOOLS_RUN_TOOL_H_

#include "tests/tools/run_tool.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

// What the child does between fork and exec; everything it needs was made before.
[[noreturn]] void BecomeTool(const std::string& program, char** argv, char** environment,
                             const ToolOptions& options, int in, int out, int err) {
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) _exit(126);
  if (options.file_size_limit > 0) {
    const rlimit limit = {options.file_size_limit, options.file_size_limit};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  execve(program.c_str(), argv, environment);
  _exit(127);
}

}  // namespace

ToolRun RunTool(const std::string& program, const std::vector<std::string>& args,
                const ToolOptions& options) {
  const std::string path = Runfile(program);
  const std::string folder = ScratchFolder();
  WriteTestFile(folder + "/in", options.input);
  const std::string out_path = options.output_file.empty() ? folder + "/out" : options.output_file;
  const int in = open((folder + "/in").c_str(), O_RDONLY | O_CLOEXEC);
  const int out = open(out_path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  // A pipe, since a limit on the size of files would cut the words short, too.
  int err[2];
  EXPECT_EQ(pipe2(err, O_CLOEXEC), 0);

  std::vector<std::string> words = args, environment;
  words.insert(words.begin(), path);
  const auto name_of = [](const std::string& variable) { return variable.substr(0, variable.find('=')); };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool replaced = name_of(*entry) == "BUILD_WORKING_DIRECTORY";
    for (const std::string& variable : options.environment) replaced |= name_of(variable) == name_of(*entry);
    if (!replaced) environment.emplace_back(*entry);
  }
  for (const std::string& variable : options.environment) {
    if (variable.find('=') != std::string::npos) environment.push_back(variable);
  }
  std::vector<char*> argv, env;
  for (std::string& word : words) argv.push_back(word.data());
  for (std::string& variable : environment) env.push_back(variable.data());
  argv.push_back(nullptr);
  env.push_back(nullptr);

  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) BecomeTool(path, argv.data(), env.data(), options, in, out, err[1]);
  close(err[1]);
  ToolRun run;
  std::thread listener([&run, &err] {
    char chunk[4096];
    for (ssize_t got; (got = read(err[0], chunk, sizeof(chunk))) > 0;)
      run.err.append(chunk, static_cast<size_t>(got));
  });
  if (options.kill_after_us >= 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(options.kill_after_us));
    kill(child, SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  listener.join();
  run.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  for (int fd : {in, out, err[0]}) close(fd);
  if (WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) run.signal = WTERMSIG(status);
  EXPECT_NE(run.exit_code, 127) << "cannot run " << path;
  if (options.output_file.empty()) run.out = ReadTestFile(folder + "/out");
  return run;
}

std::string ScratchFolder() {
  std::string folder = testing::TempDir() + "/run-XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr) << folder;
  return folder;
}

void WriteTestFile(const std::string& path, absl::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(file.good()) << path;
}

std::string ReadTestFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

bool FileExists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

std::vector<std::string> ListFolder(const std::string& path) {
  std::vector<std::string> names;
  DIR* const folder = opendir(path.c_str());
  EXPECT_NE(folder, nullptr) << path;
  if (folder == nullptr) return names;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

void CopyFolder(const std::string& from, const std::string& to) {
  mkdir(to.c_str(), 0700);
  for (const std::string& name : ListFolder(from)) {
    const std::string source = absl::StrCat(from, "/", name), target = absl::StrCat(to, "/", name);
    struct stat info;
    if (stat(source.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      CopyFolder(source, target);
    } else {
      WriteTestFile(target, ReadTestFile(source));
    }
  }
}

std::string Runfile(absl::string_view path) {
  const char* const root = std::getenv("TEST_SRCDIR");
  const char* const workspace = std::getenv("TEST_WORKSPACE");
  if (root == nullptr || workspace == nullptr) return std::string(path);
  return absl::StrCat(root, "/", workspace, "/", path);
}

}  // namespace cryograph

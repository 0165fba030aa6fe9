// Freezes the models of the shared corpus in every way that their files allow, and holds the nodes that are
// left against what TensorFlow's freeze_graph left (golden/frozen_nodes.txt, one "name op" a line).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "checkpoint/checkpoint.h"
#include "gmock/gmock.h"
#include "graph/export.h"
#include "graph/open.h"
#include "graph/verify.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"
#include "transforms/freeze_variables.h"

namespace cryograph {
namespace {

struct CountingSink final : ByteSink {
  absl::Status Append(absl::string_view bytes) override {
    count += bytes.size();
    return absl::OkStatus();
  }
  uint64_t count = 0;
};

struct Way {
  std::string name, graph, checkpoint, saver, tags;
};

std::vector<Way> WaysOf(const std::string& folder, const Json& files, const std::string& tags) {
  std::vector<Way> ways;
  const auto path = [&](const char* key) { return absl::StrCat(folder, "/", Text(files, key)); };
  if (HasMember(files, "saved_model")) ways.push_back({"SavedModel", path("saved_model"), "", "", tags});
  const char* checkpoint_key = HasMember(files, "checkpoint_pattern") ? "checkpoint_pattern" : "checkpoint";
  if (!HasMember(files, checkpoint_key)) return ways;
  const std::string checkpoint = path(checkpoint_key);
  for (const char* key : {"graph", "graph_pbtxt", "meta"}) {
    if (HasMember(files, key)) ways.push_back({key, path(key), checkpoint, "", ""});
  }
  if (HasMember(files, "saver")) ways.push_back({"saver", path("graph"), checkpoint, path("saver"), ""});
  return ways;
}

// Freezes and writes, so that every value is read and checked. The lines "name op" of what is left.
absl::StatusOr<std::vector<std::string>> Freeze(const Way& way, const Json& outputs) {
  OpenOptions open;
  open.tags = way.tags;
  std::vector<std::string> notes;
  ASSIGN_OR_RETURN(Model model, OpenModel(way.graph, open, &notes));
  FreezeOptions options;
  for (const Json& output : Elements(outputs)) options.outputs.push_back(output.string_value());
  options.allow_py_func = options.allow_input_pipeline = true;
  options.tables = TablePolicy::kLeave;  // As TensorFlow does.
  options.allow_frozen = !way.tags.empty();
  const std::string checkpoint = way.checkpoint.empty() ? model.variables_prefix : way.checkpoint;
  if (!checkpoint.empty()) {
    ASSIGN_OR_RETURN(options.checkpoint, Checkpoint::Open(checkpoint, &notes));
  }
  if (!way.saver.empty()) {
    ASSIGN_OR_RETURN(const auto saver, MappedFile::Open(way.saver));
    options.saver = std::string(saver->bytes());
  }
  ASSIGN_OR_RETURN(const FreezeReport report, FreezeVariables(model, options));
  RETURN_IF_ERROR(FindingsStatus(Verify(model)));
  CountingSink sink;
  RETURN_IF_ERROR(ExportGraphDef(model, sink));
  EXPECT_GE(sink.count, report.bytes);
  std::vector<std::string> lines;
  for (Node node : model.graph().nodes()) lines.push_back(absl::StrCat(node.name(), " ", node.op()));
  return lines;
}

std::vector<std::string> CaseFolders() {
  std::vector<std::string> folders;
  const std::string models = SharedData("models");
  if (models.empty()) return folders;
  for (const auto& entry : std::filesystem::directory_iterator(models)) {
    if (std::filesystem::exists(entry.path() / "case.json")) folders.push_back(entry.path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

TEST(FreezeModelsTest, LeavesTheNodesThatTensorFlowLeaves) {
  const std::vector<std::string> folders = CaseFolders();
  if (folders.empty()) GTEST_SKIP() << "../shared/data/models is not there";
  int compared = 0;
  for (const std::string& folder : folders) {
    std::ifstream golden(folder + "/golden/frozen_nodes.txt");
    if (!golden) continue;
    std::vector<std::string> expected;
    for (std::string line; std::getline(golden, line);) {
      if (!line.empty()) expected.push_back(line);
    }
    ASSERT_OK_AND_ASSIGN(const Json json, ReadJson(folder + "/case.json"));
    if (!HasMember(json, "freeze")) continue;
    const Json& freeze = Member(json, "freeze");
    for (const Way& way : WaysOf(folder, Member(json, "files"), Text(freeze, "tags"))) {
      SCOPED_TRACE(absl::StrCat(folder, " (", way.name, ")"));
      const absl::StatusOr<std::vector<std::string>> lines = Freeze(way, Member(freeze, "output_node_names"));
      if (std::find_if(expected.begin(), expected.end(), [](const std::string& line) {
            return line.find(" Assign") != std::string::npos;
          }) != expected.end()) {
        // TensorFlow leaves its update ops with constants for variables, which it then refuses to load.
        EXPECT_THAT(lines, StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("(CG132)")));
        continue;
      }
      EXPECT_OK(lines);
      if (lines.ok()) {
        EXPECT_EQ(absl::StrJoin(*lines, "\n"), absl::StrJoin(expected, "\n"));
      }
      ++compared;
    }
  }
  EXPECT_GE(compared, 60);
}

TEST(FreezeModelsTest, DamagedModelsAreRefused) {
  const std::vector<std::string> folders = CaseFolders();
  if (folders.empty()) GTEST_SKIP() << "../shared/data/models is not there";
  int refused = 0;
  for (const std::string& folder : folders) {
    ASSERT_OK_AND_ASSIGN(const Json json, ReadJson(folder + "/case.json"));
    if (Text(json, "kind") != "error_case") continue;
    for (const Way& way : WaysOf(folder, Member(json, "files"), "")) {
      SCOPED_TRACE(absl::StrCat(folder, " (", way.name, ")"));
      const auto lines = Freeze(way, Member(Member(json, "freeze"), "output_node_names"));
      EXPECT_THAT(lines, testing::Not(IsOk()));
      ++refused;
    }
  }
  EXPECT_GE(refused, 12);
}

}  // namespace
}  // namespace cryograph

// run_graph as a process: what it prints, writes and answers to mistakes.
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const char kFrozen[] = "tests/models/digits/frozen.pb";
const char kImage[] = "image=tests/models/digits/sample_image.npy";

ToolRun RunGraph(std::vector<std::string> args) { return RunTool("tools/run_graph", args); }

TEST(RunGraphTest, ShowsASummary) {
  const ToolRun run =
      RunGraph({absl::StrCat("--in_graph=", kFrozen), "--feed", kImage, "--fetch=probabilities"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(StartsWith("probabilities: float ["), HasSubstr("max ")));
}

TEST(RunGraphTest, WritesTensorProtosAndNumpyFilesAndReadsThemAgain) {
  const std::string folder = ScratchFolder();
  const ToolRun run = RunGraph({absl::StrCat("--in_graph=", kFrozen), "--feed", kImage, "--fetch=image:0",
                                "--fetch=probabilities", absl::StrCat("--out_dir=", folder)});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ListFolder(folder),
              ElementsAre("image_0.npy", "image_0.pb", "probabilities.npy", "probabilities.pb"));
  const auto fetch = [&](const std::string& file) {
    return RunGraph({absl::StrCat("--in_graph=", kFrozen), absl::StrCat("--feed=image=", folder, "/", file),
                     "--fetch=probabilities", "--json", "--max_elements=100"});
  };
  const ToolRun again = fetch("image_0.pb");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("\"name\": \"probabilities\""));
  EXPECT_EQ(fetch("image_0.npy").out, again.out);
}

// The lines of --top_k: a value and the class it belongs to.
std::vector<std::pair<double, int>> TopLines(const std::string& out) {
  std::vector<std::pair<double, int>> lines;
  std::istringstream text(out.substr(out.find('\n') + 1));
  double value;
  for (int index; text >> value >> index;) lines.emplace_back(value, index);
  return lines;
}

// Weights that are known beforehand are computed with in another order, so the last digits differ.
TEST(RunGraphTest, RunsAGraphWithItsCheckpoint) {
  const auto top = [](const std::vector<std::string>& model) {
    std::vector<std::string> args = {"--feed", kImage, "--fetch=probabilities", "--top_k=3"};
    args.insert(args.end(), model.begin(), model.end());
    const ToolRun run = RunGraph(args);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return TopLines(run.out);
  };
  const auto frozen = top({absl::StrCat("--in_graph=", kFrozen)});
  ASSERT_EQ(frozen.size(), 9u);
  for (const std::vector<std::string>& model : std::vector<std::vector<std::string>>{
           {"--in_graph=tests/models/digits/graph.pb", "--checkpoint=tests/models/digits/model.ckpt"},
           {"--in_graph=tests/models/digits/saved_model"}}) {
    const auto lines = top(model);
    ASSERT_EQ(lines.size(), frozen.size());
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i].second, frozen[i].second) << i;
      EXPECT_NEAR(lines[i].first, frozen[i].first, 1e-5 * frozen[i].first + 1e-12) << i;
    }
  }
}

TEST(RunGraphTest, ExpressionsAreSeeded) {
  const auto random = [](const std::string& seed) {
    return RunGraph({absl::StrCat("--in_graph=", kFrozen),
                     absl::StrCat("--feed=image=rand(1, 12, 12, 1, seed=", seed, ")"), "--fetch=image",
                     "--json"})
        .out;
  };
  EXPECT_EQ(random("1"), random("1"));
  EXPECT_NE(random("1"), random("2"));
}

struct Mistake {
  std::vector<std::string> args;
  int exit_code;
  std::string text;
};

TEST(RunGraphTest, SaysWhatIsWrong) {
  const std::string graph = absl::StrCat("--in_graph=", kFrozen);
  const std::vector<Mistake> mistakes = {
      {{}, 2, "--in_graph is missing"},
      {{graph}, 2, "nothing to run"},
      {{"--in_graph=nothing.pb", "--fetch=x"}, 2, "nothing.pb"},
      {{graph, "--fetch=probabilites"}, 2, "did you mean 'probabilities'"},
      {{graph, "--fetch=probabilities:3"}, 2, "has 1 outputs"},
      {{graph, "--fetch=probabilities"}, 1, "node 'image' (Placeholder): a value of type float must be fed"},
      {{graph, "--fetch=probabilities", "--feed=image=zeros(2,12,12,1,1)"}, 1, "its shape must be"},
      {{graph, "--fetch=probabilities", "--feed=image=zeros(2,"}, 2, "is no expression"},
      {{graph, "--fetch=probabilities", "--feed=image"}, 2, "expected NAME=VALUE"},
      {{graph, "--fetch=probabilities", "--feed=image=nothing.npy"}, 2, "nothing.npy"},
      {{graph, "--fetch=probabilities", "--feed=image=tests/models/digits/model.ckpt.index"},
       2,
       "is no expression"},
      {{graph, "--fetch=probabilities", "--feed=image=tests/models/digits/frozen.pb"}, 2, "frozen.pb"},
      {{"--cases=tests/models/digits/frozen.pb"}, 2, "--cases needs --out_dir"},
      {{"--cases=tests/models/digits/sample_image.npy", "--out_dir=nowhere"}, 2, "not a file of op cases"},
  };
  for (const Mistake& mistake : mistakes) {
    const ToolRun run = RunGraph(mistake.args);
    EXPECT_EQ(run.exit_code, mistake.exit_code) << mistake.text << run.err;
    EXPECT_THAT(run.err, AllOf(StartsWith("error: "), HasSubstr(mistake.text)));
    EXPECT_EQ(run.out, "");
  }
}

}  // namespace
}  // namespace cryograph

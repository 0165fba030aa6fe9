// run_graph as a process: what it prints, writes and answers to mistakes.
#include <cstdint>
#include <cstring>
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

// A graph that gives back what its input "image" is fed.
std::string EchoGraph(const std::string& dtype, const std::vector<int>& dims) {
  std::string shape;
  for (const int dim : dims) absl::StrAppend(&shape, " dim { size: ", dim, " }");
  const std::string path = ScratchFolder() + "/echo.pbtxt";
  WriteTestFile(path, absl::StrCat("node { name: 'image' op: 'Placeholder'\n"
                                   "  attr { key: 'dtype' value { type: ",
                                   dtype, " } } attr { key: 'shape' value { shape {", shape,
                                   " } } } }\n"
                                   "node { name: 'y' op: 'Identity' input: 'image'\n"
                                   "  attr { key: 'T' value { type: ",
                                   dtype, " } } }\n"));
  return path;
}

std::string Image(const std::string& name) { return Runfile("tests/models/images/" + name); }

// What the input "image" of such a graph gets of an image; the bytes of the .npy file behind its header.
std::string FedImage(const std::string& graph, const std::string& image,
                     const std::vector<std::string>& options = {}) {
  const std::string folder = ScratchFolder();
  std::vector<std::string> args = {absl::StrCat("--in_graph=", graph), absl::StrCat("--feed=image=", image),
                                   "--fetch=y", absl::StrCat("--out_dir=", folder)};
  args.insert(args.end(), options.begin(), options.end());
  const ToolRun run = RunGraph(args);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string bytes = ReadTestFile(folder + "/y.npy");
  constexpr size_t kHeaderBytes = 128;
  return bytes.size() > kHeaderBytes ? bytes.substr(kHeaderBytes) : "";
}

template <typename T>
std::vector<T> Numbers(const std::string& bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

// Goldens by TensorFlow: tests/oracle/make_image_goldens.py.
TEST(RunGraphTest, ImagesAreWhatLabelImageMakesOfThem) {
  const std::string graph = EchoGraph("DT_FLOAT", {-1, 24, 20, 3});
  for (const std::string name : {"scene.jpg", "scene.png", "scene.bmp", "scene.gif"}) {
    const std::vector<float> golden = Numbers<float>(ReadTestFile(Image(name + ".npy")).substr(128));
    ASSERT_EQ(golden.size(), 24u * 20 * 3);
    EXPECT_THAT(Numbers<float>(FedImage(graph, Image(name), {"--input_mean=127.5", "--input_std=127.5"})),
                testing::Pointwise(testing::FloatNear(1e-6F), golden))
        << name;
  }
}

TEST(RunGraphTest, FeedsAreGivenOnceAndFiguresAreFinite) {
  const std::string graph = "--in_graph=" + EchoGraph("DT_FLOAT", {-1});
  const ToolRun twice = RunGraph({graph, "--feed=image=[1]", "--feed=image=[2]", "--fetch=y"});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("--feed=image is given twice"));
  const ToolRun none = RunGraph({graph, "--feed=image=full(nan, 3)", "--fetch=y"});
  EXPECT_EQ(none.exit_code, 0) << none.err;
  EXPECT_THAT(none.out, HasSubstr("y: float [3]  none is finite\n"));

  // Labels alone ask for the five best, and are read before anything runs.
  const std::string labels = ScratchFolder() + "/labels.txt";
  WriteTestFile(labels, "a\nb\n");
  const ToolRun best = RunGraph({graph, "--feed=image=[1,6,5,4,3,2]", "--fetch=y", "--labels=" + labels});
  EXPECT_EQ(best.exit_code, 0) << best.err;
  EXPECT_THAT(best.out, testing::EndsWith("\n  6              1  b\n  5              2\n  4              3\n"
                                          "  3              4\n  2              5\n"));
  const ToolRun missing = RunGraph({graph, "--fetch=y", "--labels=" + labels + "x"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("labels.txtx"));
}

TEST(RunGraphTest, ImagesFitTheInput) {
  const std::string png = Image("scene.png");
  const std::vector<float> rgb = Numbers<float>(FedImage(EchoGraph("DT_FLOAT", {24, 20, 3}), png));
  ASSERT_EQ(rgb.size(), 24u * 20 * 3);  // In [0, 1]: the default of floating-point inputs.
  EXPECT_THAT(rgb, testing::Each(AllOf(testing::Ge(0), testing::Le(1))));
  const std::vector<uint8_t> bytes = Numbers<uint8_t>(FedImage(EchoGraph("DT_UINT8", {1, 24, 20, 3}), png));
  ASSERT_EQ(bytes.size(), rgb.size());
  for (size_t i = 0; i < rgb.size(); ++i) EXPECT_NEAR(bytes[i], rgb[i] * 255, 0.51) << i;

  const std::vector<float> bgr =
      Numbers<float>(FedImage(EchoGraph("DT_FLOAT", {1, 24, 20, 3}), png, {"--channel_order=bgr"}));
  const std::vector<float> planes = Numbers<float>(FedImage(EchoGraph("DT_FLOAT", {1, 3, 24, 20}), png));
  const std::vector<float> shifted = Numbers<float>(
      FedImage(EchoGraph("DT_FLOAT", {1, 24, 20, 3}), png, {"--mean=10,20,30", "--std=1,2,4"}));
  ASSERT_EQ(bgr.size(), rgb.size());
  ASSERT_EQ(planes.size(), rgb.size());
  ASSERT_EQ(shifted.size(), rgb.size());
  for (size_t i = 0; i < rgb.size(); ++i) {
    const size_t place = i / 3, channel = i % 3;
    EXPECT_EQ(bgr[3 * place + 2 - channel], rgb[i]) << i;
    EXPECT_EQ(planes[channel * 24 * 20 + place], rgb[i]) << i;
    const float mean = 10.0F * static_cast<float>(channel + 1), deviation = static_cast<float>(1 << channel);
    EXPECT_NEAR(shifted[i], (rgb[i] * 255 - mean) / deviation, 1e-4) << i;
  }
  // No size is asked for: the image has its own, 40 x 56.
  const std::string any = EchoGraph("DT_UINT8", {-1, -1, -1, -1});
  EXPECT_EQ(FedImage(any, png).size(), 40u * 56 * 3);
  EXPECT_EQ(FedImage(any, png, {"--input_width=28"}).size(), 40u * 28 * 3);
  EXPECT_EQ(FedImage(EchoGraph("DT_UINT8", {-1, -1, -1, 1}), png).size(), 40u * 56);
  // An input of strings decodes by itself.
  const ToolRun run = RunGraph({absl::StrCat("--in_graph=", EchoGraph("DT_STRING", {})),
                                absl::StrCat("--feed=image=", png), "--fetch=y"});
  EXPECT_THAT(run.out, HasSubstr("PNG"));
}

TEST(RunGraphTest, LabelsNameTheClassesOfAnImage) {
  const std::string folder = ScratchFolder();
  std::string labels;
  for (int i = 0; i < 8; ++i) absl::StrAppend(&labels, "class ", i, "\n");
  WriteTestFile(folder + "/labels.txt", labels);
  const ToolRun run =
      RunGraph({absl::StrCat("--in_graph=", kFrozen), absl::StrCat("--feed=image=", Image("scene.jpg")),
                "--fetch=probabilities", "--top_k=10", absl::StrCat("--labels=", folder, "/labels.txt")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  for (const auto& [score, index] : TopLines(run.out)) {
    EXPECT_THAT(run.out,
                HasSubstr(absl::StrCat(index, index < 8 ? absl::StrCat("  class ", index, "\n") : "\n")));
  }
  EXPECT_THAT(run.out, StartsWith("probabilities: float [1,10]"));
}

TEST(RunGraphTest, SaysWhatIsWrongWithAnImage) {
  const std::string folder = ScratchFolder(), png = Image("scene.png");
  const std::string cut = folder + "/cut.png";
  WriteTestFile(cut, ReadTestFile(png).substr(0, 80));
  const auto error = [](const std::string& graph, const std::string& image,
                        const std::vector<std::string>& options = {}) {
    std::vector<std::string> args = {absl::StrCat("--in_graph=", graph), absl::StrCat("--feed=image=", image),
                                     "--fetch=y"};
    args.insert(args.end(), options.begin(), options.end());
    const ToolRun run = RunGraph(args);
    EXPECT_EQ(run.exit_code, 2) << run.out;
    return run.err;
  };
  const std::string echo = EchoGraph("DT_FLOAT", {1, 8, 8, 3});
  EXPECT_THAT(error(echo, cut), AllOf(HasSubstr("--feed=image: "), HasSubstr("cut.png: the image cannot")));
  EXPECT_THAT(error(echo, folder + "/none.jpg"), HasSubstr("none.jpg"));
  EXPECT_THAT(error(EchoGraph("DT_FLOAT", {2, 8, 8, 3}), png), HasSubstr("one image gives"));
  EXPECT_THAT(error(EchoGraph("DT_FLOAT", {1, 8, 8, 5}), png), HasSubstr("1, 3 or 4 channels, not 5"));
  EXPECT_THAT(error(EchoGraph("DT_BOOL", {1, 8, 8, 3}), png), HasSubstr("an input of type bool"));
  EXPECT_THAT(error(echo, png, {"--input_mean=1,2"}), HasSubstr("--input_mean has 2 numbers"));
  EXPECT_THAT(error(echo, png, {"--input_std=0"}), HasSubstr("--input_std is 0"));
  EXPECT_THAT(error(echo, png, {"--input_mean=much"}), HasSubstr("'much' is no number"));
}

TEST(RunGraphTest, ReadsWhatNumpyWrites) {
  const std::string graph = EchoGraph("DT_FLOAT", {2, 2});
  const std::string folder = ScratchFolder();
  // numpy.save() of [[1, 2], [3, 4]] as float32 in the other byte order and in Fortran order.
  const auto npy = [](const std::string& descr, const std::string& fortran, const std::string& elements) {
    std::string header =
        absl::StrCat("{'descr': '", descr, "', 'fortran_order': ", fortran, ", 'shape': (2, 2), }");
    header.append(117 - header.size(), ' ');
    return absl::StrCat(absl::string_view("\x93NUMPY\1\0\x76\0", 10), header, "\n", elements);
  };
  const std::string one = "\x3f\x80", two = "\x40", three = "\x40\x40", four = "\x40\x80";
  const auto padded = [](std::string bytes) { return bytes + std::string(4 - bytes.size(), '\0'); };
  WriteTestFile(folder + "/big.npy",
                npy(">f4", "False", padded(one) + padded(two) + padded(three) + padded(four)));
  WriteTestFile(folder + "/fortran.npy",
                npy(">f4", "True", padded(one) + padded(three) + padded(two) + padded(four)));
  for (const std::string file : {"/big.npy", "/fortran.npy"}) {
    EXPECT_THAT(Numbers<float>(FedImage(graph, folder + file)), ElementsAre(1, 2, 3, 4)) << file;
  }
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
      {{graph, "--fetch=probabilities", "--feed=image=full(300, 2, dtype=uint8)"},
       2,
       "300 does not fit uint8"},
      {{graph, "--fetch=probabilities", "--feed=image=rand(2, seed=nan)"}, 2, "expected a seed below 2^53"},
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

// cryograph checkpoint as a process: every verb, what it writes, and what it says when it cannot.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr char kDigits[] = "tests/models/digits/model.ckpt";
constexpr char kTypes[] = "tests/models/variants/dtypes/model.ckpt";
constexpr char kPartitioned[] = "tests/models/variants/partitioned/model.ckpt";

ToolRun Tool(std::vector<std::string> args) {
  args.insert(args.begin(), "checkpoint");
  return RunTool("tools/cryograph", args);
}

// Runs, and expects it to do what it shall.
ToolRun Good(const std::vector<std::string>& args) {
  ToolRun run = Tool(args);
  EXPECT_EQ(run.exit_code, 0) << run.err << run.out;
  return run;
}

void ExpectSame(const std::string& a, const std::string& b) {
  const ToolRun diff = Tool({"diff", a, b});
  EXPECT_EQ(diff.exit_code, 0) << diff.out << diff.err;
}

TEST(CheckpointTest, VerbsAndHelp) {
  EXPECT_THAT(Good({"--help"}).out, AllOf(HasSubstr("usage: checkpoint VERB"), HasSubstr("reshard")));
  for (const char* verb :
       {"list", "show", "verify", "diff", "copy", "merge", "convert", "reshard", "export", "import"}) {
    const ToolRun help = Good({verb, "--help"});
    EXPECT_THAT(help.out,
                AllOf(StartsWith(absl::StrCat("checkpoint ", verb, ": ")), HasSubstr("Exit status")));
    EXPECT_EQ(Good({"help", verb}).out, help.out);
    const ToolRun none = Tool({verb});
    EXPECT_EQ(none.exit_code, 2);
    EXPECT_THAT(none.err, HasSubstr("there is no path"));
    EXPECT_EQ(Tool({verb, "--no_such_flag"}).exit_code, 2);
  }
  const ToolRun wrong = Tool({"lst", "x"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("no verb 'lst'; did you mean 'list'"));
}

TEST(CheckpointTest, ListAndShow) {
  const ToolRun list = Good({"list", kDigits, "--match=^fc/"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("fc/kernel           float32  [108,10]  4.3 kB\n"),
                              HasSubstr("V2 checkpoint, 4 tensors, 2180 elements, 8.7 kB\n")));
  EXPECT_THAT(Good({"list", kPartitioned, "--slices"}).out,
              AllOf(HasSubstr(" slices\n"), HasSubstr("\n    0,")));
  EXPECT_THAT(Good({"list", kDigits, "--json", "--tensors=global_step"}).out,
              HasSubstr("\"name\": \"global_step\", \"dtype\": \"int64\", \"shape\": [], \"bytes\": 8"));
  const ToolRun show = Good({"show", kDigits});
  EXPECT_THAT(show.out, AllOf(HasSubstr("optimizer    8 tensors"), HasSubstr("model.ckpt.index ("),
                              HasSubstr("latest is model.ckpt (this one)")));
  EXPECT_THAT(Good({"show", kDigits, "--json"}).out, HasSubstr("\"optimizer\": {\"tensors\": 8"));
  EXPECT_THAT(Good({"show", kTypes, "--tensors=v_bool"}).out, "v_bool  bool [3]\n[ True False  True]\n");
  const ToolRun missing = Tool({"list", kDigits, "--tensors=fc/kernal"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("did you mean 'fc/kernel'"));
}

TEST(CheckpointTest, ExportAndImport) {
  const std::string folder = ScratchFolder();
  for (const char* name : {"/w.npz", "/w.safetensors", "/npy/"}) {
    SCOPED_TRACE(name);
    const std::string exported = folder + name;
    Good({"export", kDigits, "--out=" + exported});
    ExpectSame(kDigits, exported);
    Good({"verify", exported});
    Good({"import", exported, "--out=" + folder + "/back/ckpt"});
    ExpectSame(kDigits, folder + "/back/ckpt");
  }
  // Strings, and types that numpy does not know.
  const ToolRun types = Good({"export", kTypes, "--out=" + folder + "/types.npz"});
  EXPECT_THAT(types.err, HasSubstr("1 tensor of types that numpy does not know"));
  ExpectSame(kTypes, folder + "/types.npz");
  const ToolRun strings = Tool({"export", kTypes, "--out=" + folder + "/types.safetensors"});
  EXPECT_EQ(strings.exit_code, 1);
  EXPECT_THAT(strings.err, AllOf(HasSubstr("'v_string'"), HasSubstr("try: --strings=skip")));
  EXPECT_FALSE(FileExists(folder + "/types.safetensors"));
  Good({"export", kTypes, "--out=" + folder + "/types.safetensors", "--strings=skip"});
  Good({"export", kDigits, "--out=" + folder + "/one.npy", "--tensors=fc/bias"});
  EXPECT_EQ(Tool({"export", kDigits, "--out=" + folder + "/all.npy"}).exit_code, 1);
  EXPECT_EQ(Tool({"export", kDigits, "--out=" + folder + "/all"}).exit_code, 2);
  EXPECT_EQ(Tool({"export", kDigits, "--out=" + folder + "/npy/"}).exit_code, 1);  // Is there already.
}

TEST(CheckpointTest, CopySelectsStripsAndRenames) {
  const std::string folder = ScratchFolder(), lean = folder + "/lean.ckpt";
  const ToolRun copy = Good({"copy", kDigits, lean, "--strip_optimizer",
                             "--rename=fc/*=dense/*,global_step=step", "--write_state"});
  EXPECT_THAT(copy.err, AllOf(HasSubstr("8 tensors of optimizers left out"), HasSubstr("wrote 13 tensors")));
  EXPECT_THAT(ListFolder(folder),
              ElementsAre("checkpoint", "lean.ckpt.data-00000-of-00001", "lean.ckpt.index"));
  EXPECT_THAT(Good({"list", folder}).out,
              AllOf(HasSubstr("dense/kernel "), HasSubstr("\nstep "), Not(HasSubstr("Momentum"))));
  const ToolRun diff =
      Tool({"diff", kDigits, lean, "--strip_optimizer", "--rename=fc/*=dense/*,global_step=step"});
  EXPECT_EQ(diff.exit_code, 0) << diff.out;
  const ToolRun clash = Tool({"copy", kDigits, folder + "/x", "--substitute=s/.*/same/"});
  EXPECT_EQ(clash.exit_code, 1);
  EXPECT_THAT(clash.err, HasSubstr("would both be 'same'"));
  EXPECT_FALSE(FileExists(folder + "/x.index"));
  const ToolRun itself = Tool({"copy", kDigits, kDigits});
  EXPECT_EQ(itself.exit_code, 1);
  EXPECT_THAT(itself.err, HasSubstr("CG145"));
}

TEST(CheckpointTest, ConvertReshardMerge) {
  const std::string folder = ScratchFolder();
  Good({"convert", kDigits, folder + "/v1", "--to=V1"});
  EXPECT_THAT(Good({"list", folder + "/v1"}).out, HasSubstr("V1 checkpoint, 21 tensors"));
  ExpectSame(kDigits, folder + "/v1");
  Good({"convert", folder + "/v1", folder + "/v2"});
  EXPECT_EQ(ReadTestFile(folder + "/v2.index"), ReadTestFile(Runfile(std::string(kDigits) + ".index")));
  const ToolRun types = Tool({"convert", kTypes, folder + "/t1", "--to=V1"});
  EXPECT_EQ(types.exit_code, 1);
  EXPECT_THAT(types.err, HasSubstr("v_bfloat16"));
  Good({"reshard", kDigits, folder + "/wide", "--num_shards=3"});
  EXPECT_TRUE(FileExists(folder + "/wide.data-00002-of-00003"));
  ExpectSame(kDigits, folder + "/wide");
  Good({"reshard", kPartitioned, folder + "/sliced", "--num_shards=2"});
  EXPECT_THAT(Good({"list", folder + "/sliced"}).out, HasSubstr(" slices\n"));
  ExpectSame(kPartitioned, folder + "/sliced");
  Good({"copy", kPartitioned, folder + "/joined", "--join_slices"});
  EXPECT_THAT(Good({"list", folder + "/joined"}).out, Not(HasSubstr(" slices\n")));
  ExpectSame(kPartitioned, folder + "/joined");
  Good({"merge", kTypes, folder + "/v1", "--out=" + folder + "/all"});
  EXPECT_THAT(Good({"list", folder + "/all"}).out, HasSubstr("36 tensors"));
  const ToolRun twice = Tool({"merge", kDigits, folder + "/v1", "--out=" + folder + "/twice"});
  EXPECT_EQ(twice.exit_code, 1);
  EXPECT_THAT(twice.err, AllOf(HasSubstr("in two of the inputs"), HasSubstr("--on_conflict")));
  Good({"merge", kDigits, folder + "/v1", "--out=" + folder + "/twice", "--on_conflict=last"});
  ExpectSame(kDigits, folder + "/twice");
}

// Samples beside the project: checkpoints of TensorFlow 2, of version 1, of every type.
TEST(CheckpointTest, SamplesOfEveryKind) {
  const std::string root = SharedData("formats");
  if (root.empty()) GTEST_SKIP() << "the sample files are not there";
  const std::string folder = ScratchFolder();
  for (const char* name :
       {"v1_all_dtypes_tf115/all", "v1_saver_sharded_tf115/model.ckpt-7", "v2_all_dtypes_tf115/ckpt",
        "v2_big_endian_own/ckpt", "v2_dtypes_tf221/ckpt", "v2_object_slots_tf221/ckpt",
        "v2_slices_tf221/ckpt", "v2_variant_tf221/ckpt", "savedmodel_tf115", "savedmodel_tf221"}) {
    SCOPED_TRACE(name);
    const std::string sample = root + "/" + name;
    Good({"show", sample, "--objects"});
    Good({"verify", sample});
    Good({"copy", sample, folder + "/copy", "--to=V2"});
    ExpectSame(sample, folder + "/copy");
  }
  // What belongs to an optimizer, and the object graph without it.
  const std::string slots = root + "/v2_object_slots_tf221/ckpt";
  const ToolRun copy = Good({"copy", slots, folder + "/slots", "--strip_optimizer"});
  EXPECT_THAT(copy.err,
              AllOf(HasSubstr("of optimizers left out"), HasSubstr("object graph is stored without")));
  const ToolRun show = Good({"show", folder + "/slots", "--objects"});
  EXPECT_THAT(show.out, AllOf(HasSubstr("0 slots of optimizers"), Not(HasSubstr("without a tensor"))));
}

// TensorFlow's way: the files of the inputs are those of the result.
TEST(CheckpointTest, MergeMoves) {
  const std::string folder = ScratchFolder();
  Good({"copy", kDigits, folder + "/a", "--match=^block"});
  Good({"copy", kDigits, folder + "/b", "--exclude=^block"});
  for (const char* flag :
       {"--num_shards=2", "--to=V1", "--exclude=x", "--rename=a=b", "--on_conflict=first"}) {
    const ToolRun run =
        Tool({"merge", folder + "/a", folder + "/b", "--out=" + folder + "/all", "--move", flag});
    EXPECT_EQ(run.exit_code, 2) << flag;
    EXPECT_THAT(run.err, HasSubstr("--move renames data files"));
  }
  const ToolRun twice = Tool({"merge", folder + "/a", kDigits, "--out=" + folder + "/all", "--move"});
  EXPECT_EQ(twice.exit_code, 1);
  EXPECT_THAT(twice.err, HasSubstr("Duplicate tensor keyed by 'block1/bn/beta'"));
  Good({"merge", folder + "/a.index", folder + "/b.index", "--out=" + folder + "/all", "--move",
        "--write_state"});
  EXPECT_THAT(ListFolder(folder), testing::ElementsAre("all.data-00000-of-00002", "all.data-00001-of-00002",
                                                       "all.index", "checkpoint"));
  ExpectSame(kDigits, folder);
  Good({"convert", kDigits, folder + "/old", "--to=V1"});
  const ToolRun refused = Tool({"merge", folder + "/old", "--out=" + folder + "/x", "--move"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("a V1 checkpoint cannot be moved"));
}

// Large values have blocks of their own, which are checked while they are written.
TEST(CheckpointTest, DamageOfAV1FileIsFound) {
  const std::string folder = ScratchFolder();
  std::string array = absl::StrCat(std::string("\x93NUMPY\x01\0v\0", 10),
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (600000,), }");
  array.resize(127, ' ');
  array += '\n';
  for (int i = 0; i < 2400000; ++i) array.push_back(static_cast<char>(i % 251));
  WriteTestFile(folder + "/a.npy", array);
  WriteTestFile(folder + "/w.npy", array);
  Good({"import", folder + "/a.npy", folder + "/w.npy", "--out=" + folder + "/old", "--to=V1",
        "--num_shards=1"});
  Good({"convert", folder + "/old", folder + "/new"});
  ExpectSame(folder + "/old", folder + "/new");
  std::string bytes = ReadTestFile(folder + "/old");
  bytes[bytes.size() - 1000000] ^= 1;
  WriteTestFile(folder + "/old", bytes);
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"verify", folder + "/old"},
        {"convert", folder + "/old", folder + "/x"},
        {"export", folder + "/old", "--out=" + folder + "/x.safetensors"}}) {
    const std::vector<std::string> before = ListFolder(folder);
    const ToolRun run = Tool(args);
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err,
                AllOf(HasSubstr("/old: tensor 'w': slice '-'"), HasSubstr("the checksum of a block of "),
                      HasSubstr("damaged at offset "), HasSubstr("CG113")));
    EXPECT_EQ(ListFolder(folder), before);
  }
}

// A slice that is lost is told, and not copied around.
TEST(CheckpointTest, PartitionedTensorsAreWhole) {
  const std::string root = SharedData("formats/hostile");
  if (root.empty()) GTEST_SKIP() << "the sample files are not there";
  const std::string folder = ScratchFolder();
  for (const char* name : {"v2/83_sl_gap", "v2/86_sl_missing", "v1/20_gap"}) {
    for (const char* verb : {"copy", "convert", "reshard"}) {
      const ToolRun run = Tool({verb, root + "/" + name, folder + "/x"});
      EXPECT_EQ(run.exit_code, 1) << name;
      EXPECT_THAT(run.err, AllOf(HasSubstr(name), HasSubstr("tensor 'w'"), HasSubstr("offset"))) << name;
    }
    EXPECT_EQ(Tool({"merge", root + "/" + name, "--out=" + folder + "/x"}).exit_code, 1);
  }
  EXPECT_THAT(ListFolder(folder), testing::IsEmpty());
}

TEST(CheckpointTest, DamageIsFound) {
  const std::string folder = ScratchFolder();
  CopyFolder(Runfile("tests/models/digits"), folder);
  const std::string data = folder + "/model.ckpt.data-00000-of-00001";
  std::string bytes = ReadTestFile(data);
  bytes[8000] ^= 1;
  WriteTestFile(data, bytes);
  const ToolRun verify = Tool({"verify", folder + "/model.ckpt"});
  EXPECT_EQ(verify.exit_code, 1);
  EXPECT_THAT(verify.err, AllOf(HasSubstr("tensor 'fc/kernel' at offset"), HasSubstr("CG113")));
  EXPECT_THAT(verify.out, HasSubstr(": 1 defect\n"));
  EXPECT_THAT(Tool({"verify", "--json", folder + "/model.ckpt"}).out,
              AllOf(HasSubstr("\"good\": false"), HasSubstr("\"tensor\": \"fc/kernel\"")));
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"export", folder + "/model.ckpt", "--out=" + folder + "/x.npz"},
        {"export", folder + "/model.ckpt", "--out=" + folder + "/x/"},
        {"copy", folder + "/model.ckpt", folder + "/x"},
        {"convert", folder + "/model.ckpt", folder + "/x", "--to=V1"}}) {
    const std::vector<std::string> before = ListFolder(folder);
    const ToolRun run = Tool(args);
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("fc/kernel"));
    EXPECT_EQ(ListFolder(folder), before);
  }
  // What is not damaged can be saved.
  Good({"copy", folder + "/model.ckpt", folder + "/rest", "--exclude=^fc/kernel$"});
  WriteTestFile(data, bytes.substr(0, 9000));
  EXPECT_EQ(Tool({"verify", folder + "/model.ckpt"}).exit_code, 1);
  EXPECT_EQ(Tool({"verify", folder + "/nothing"}).exit_code, 1);
}

}  // namespace
}  // namespace cryograph

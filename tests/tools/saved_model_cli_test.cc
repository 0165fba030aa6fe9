// saved_model_cli, word for word. The goldens are what TensorFlow 1.15.5 and 2.21.0 print for the same
// models, with the names in {…} sorted: TensorFlow has them in random order.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"
#include "tests/tools/run_tool.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

ToolRun Cli(const std::vector<std::string>& args) { return RunTool("tools/saved_model_cli", args); }

std::string Golden(const std::string& name) {
  const std::string text = ReadTestFile(Runfile("tests/tools/testdata/saved_model_cli/" + name + ".txt"));
  EXPECT_FALSE(text.empty()) << name;
  return text;
}

Json Parsed(const std::string& text) {
  const std::string path = ScratchFolder() + "/out.json";
  WriteTestFile(path, text);
  const absl::StatusOr<Json> json = ReadJson(path);
  EXPECT_TRUE(json.ok()) << json.status() << text;
  return json.ok() ? *json : Json();
}

TEST(SavedModelCliTest, ShowsWhatTensorFlowShows) {
  const std::string dir = Runfile("tests/models/digits/saved_model");
  for (const std::string format : {"tf15", "tf221"}) {
    const auto show = [&](std::vector<std::string> args) {
      args.insert(args.begin(), {"show", "--dir", dir, "--format=" + format});
      const ToolRun run = Cli(args);
      EXPECT_EQ(run.exit_code, 0) << run.err;
      return run.out;
    };
    EXPECT_EQ(show({}), Golden("digits." + format + ".tags"));
    EXPECT_EQ(show({"--tag_set", "serve"}), Golden("digits." + format + ".keys"));
    EXPECT_EQ(show({"--tag_set", "serve", "--signature_def", "serving_default"}),
              Golden("digits." + format + ".signature"));
    EXPECT_EQ(show({"--all"}), Golden("digits." + format + ".all"));
  }
}

TEST(SavedModelCliTest, ShowsEveryKindOfModel) {
  struct Case {
    const char *name, *folder;
    bool tf15;
  };
  for (const Case& each : {Case{"savedmodel_tf115", "formats/savedmodel_tf115", true},
                           Case{"savedmodel_tf115", "formats/savedmodel_tf115_text", true},
                           Case{"savedmodel_tf221", "formats/savedmodel_tf221", false},
                           Case{"savedmodel_tf221", "formats/savedmodel_chunked_own", false},
                           Case{"savedmodel_tf221", "formats/savedmodel_chunked_brotli_own", false},
                           Case{"half_plus_two_tf2", "models/real_half_plus_two_tf2/saved_model", false},
                           Case{"multi_signatures", "models/real_tfjs_multi_signatures/saved_model", true},
                           Case{"lookup_text", "models/t2_lookup_text/saved_model", false},
                           Case{"keras3_rnn", "models/t2_keras3_rnn_export/saved_model", false},
                           Case{"two_tagsets", "models/t1_sm_two_tagsets/saved_model", true},
                           Case{"wide_deep", "models/t1_estimator_wide_deep/saved_model", true}}) {
    const std::string dir = SharedData(each.folder);
    if (dir.empty()) GTEST_SKIP() << "no shared data";
    for (const std::string format : {"tf15", "tf221"}) {
      if (format == "tf15" && !each.tf15) continue;  // TensorFlow 1.15 cannot show it.
      const ToolRun run = Cli({"show", "--all", "--dir", dir, "--format", format});
      EXPECT_EQ(run.exit_code, 0) << run.err;
      EXPECT_EQ(run.out, Golden(absl::StrCat(each.name, ".", format, ".all"))) << each.folder;
    }
  }
}

TEST(SavedModelCliTest, Json) {
  const ToolRun run =
      Cli({"show", "--dir", Runfile("tests/models/digits/saved_model"), "--all", "--format=json"});
  const Json json = Parsed(run.out);
  const Json& meta_graph = Elements(Member(json, "meta_graphs"))[0];
  const Json& signature = Member(Member(meta_graph, "signatures"), "serving_default");
  EXPECT_EQ(Text(signature, "method"), "tensorflow/serving/predict");
  EXPECT_EQ(Text(Member(Member(signature, "inputs"), "image"), "tensor"), "image:0");
  EXPECT_EQ(Text(Member(Member(signature, "inputs"), "image"), "shape"), "[?,12,12,1]");
  EXPECT_EQ(Elements(Member(meta_graph, "ops")).size(), 32);
}

TEST(SavedModelCliTest, WrongUsageAndWrongNames) {
  const std::string dir = Runfile("tests/models/digits/saved_model");
  EXPECT_EQ(Cli({}).exit_code, 2);
  EXPECT_THAT(Cli({"shwo"}).err, HasSubstr("has no verb 'shwo'\n  try: show"));
  EXPECT_EQ(Cli({"show"}).exit_code, 2);
  EXPECT_EQ(Cli({"show", "--dir", dir, "--list_ops"}).exit_code, 2);
  EXPECT_EQ(Cli({"show", "--dir", dir, "--no_such_flag"}).exit_code, 2);
  EXPECT_THAT(Cli({"--help"}).out, AllOf(HasSubstr("show"), HasSubstr("scan")));
  EXPECT_EQ(Cli({"--version"}).out, "0.1.0\n");

  ToolRun run = Cli({"show", "--dir", dir, "--tag_set", "serve", "--signature_def", "nope"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("Could not find signature \"nope\". Please choose from: serving_default"));
  run = Cli({"show", "--dir", dir, "--tag_set", "train"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("(CG129)"), HasSubstr("its tag-sets are 'serve'")));
  run = Cli({"show", "--dir", Runfile("tests/models/digits/graph.pb")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("not a SavedModel (CG108)"));
  // What is not there says so, and does not pretend.
  for (const std::string verb : {"convert", "aot_compile_cpu"}) {
    run = Cli({verb, "--dir", dir});
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err,
                AllOf(HasSubstr(verb + " is not supported"), HasSubstr("why: "), HasSubstr("try: ")));
  }
}

TEST(SavedModelCliTest, FreezesASignature) {
  const std::string folder = ScratchFolder();
  const std::string dir = Runfile("tests/models/digits/saved_model");
  ToolRun run = Cli({"freeze", "--dir", dir, "--output_graph", folder + "/frozen.pb"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("froze 12 variables"), HasSubstr("inputs: image:0")));
  EXPECT_TRUE(FileExists(folder + "/frozen.pb"));
  run = Cli({"freeze", "--dir", dir, "--output_graph", folder + "/b.pb", "--signature_def", "nope"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("Could not find signature"));
  EXPECT_EQ(Cli({"freeze", "--dir", dir}).exit_code, 2);
  EXPECT_FALSE(FileExists(folder + "/b.pb"));
}

// The golden is what TensorFlow 2.21 writes for this model, feeds and fetches sorted by key (there they are
// in random order).
TEST(SavedModelCliTest, FreezesForTheCompiler) {
  const std::string folder = ScratchFolder(),
                    dir = Runfile("tests/tools/testdata/saved_model_cli/fixed_shapes");
  const auto freeze = [&](std::vector<std::string> args) {
    args.insert(args.begin(),
                {"freeze_model", "--dir", dir, "--tag_set", "serve", "--output_prefix", folder + "/aot"});
    return Cli(args);
  };
  ToolRun run = freeze({});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadTestFile(folder + "/aot/config.pbtxt"), Golden("fixed_shapes.config"));
  EXPECT_THAT(run.err, AllOf(HasSubstr("froze 3 variables"), HasSubstr("input key 'unused'"),
                             HasSubstr("is left out")));
  for (const char* name : {"original_graph.pb", "prefrozen_graph.pb", "frozen_graph.pb"}) {
    EXPECT_TRUE(FileExists(folder + "/aot/" + name)) << name;
  }
  run = freeze({"--variables_to_feed=w"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(ReadTestFile(folder + "/aot/config.pbtxt"), Golden("fixed_shapes.config_w"));
  // With all of them fed nothing is frozen.
  run = freeze({"--variables_to_feed=ALL"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(folder + "/aot/config.pbtxt"),
              AllOf(HasSubstr("param_b"), HasSubstr("param_n"), HasSubstr("param_w")));

  const std::string frozen = ReadTestFile(folder + "/aot/frozen_graph.pb");
  run = freeze({"--signature_def_key=dyn"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("input 'x'"), HasSubstr("[?,3]"), HasSubstr("--input_shapes=x=")));
  run = freeze({"--signature_def_key=dyn", "--input_shapes=x=4,3"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(ReadTestFile(folder + "/aot/config.pbtxt"), HasSubstr("size: 4"));
  EXPECT_EQ(freeze({"--signature_def_key=dyn", "--input_shapes=x:4,3"}).exit_code, 2);
  EXPECT_EQ(freeze({"--signature_def_key=dyn", "--input_shapes=z=4,3"}).exit_code, 1);
  run = freeze({"--variables_to_feed=w,q"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("'q' is no resource variable"), HasSubstr("n, b, w")));
  run = freeze({"--signature_def_key=nope"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("'nope'"), HasSubstr("count, dyn, serving_default")));
  // TensorFlow keeps the update of a constant here, and the graph does not load.
  run = freeze({"--signature_def_key=count"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, HasSubstr("dropped 1 update"));
  EXPECT_EQ(Cli({"freeze_model", "--dir", dir, "--tag_set", "serve"}).exit_code, 2);
  EXPECT_EQ(Cli({"freeze_model", "--dir", dir, "--output_prefix", folder}).exit_code, 2);
  EXPECT_FALSE(frozen.empty());
}

// An If whose branch writes a file: TensorFlow's scan does not look there.
TEST(SavedModelCliTest, ScanEntersEveryFunction) {
  const std::string folder = ScratchFolder();
  WriteTestFile(folder + "/saved_model.pbtxt", R"(
saved_model_schema_version: 1
meta_graphs {
  meta_info_def { tags: "serve" }
  graph_def {
    node { name: "p" op: "Placeholder" attr { key: "dtype" value { type: DT_BOOL } } }
    node { name: "r" op: "RandomUniform" input: "p" }
    node {
      name: "if" op: "If" input: "p"
      attr { key: "then_branch" value { func { name: "writes" } } }
      attr { key: "else_branch" value { func { name: "rests" } } }
    }
    library {
      function {
        signature { name: "writes" }
        node_def { name: "w" op: "WriteFile" }
      }
      function { signature { name: "rests" } }
      function {
        signature { name: "unused" }
        node_def { name: "w" op: "ReadFile" }
      }
    }
  }
}
)");
  ToolRun run = Cli({"scan", "--dir", folder});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "MetaGraph with tag set ['serve'] contains the following denylisted ops: {'WriteFile'}\n");
  EXPECT_EQ(Cli({"scan", "--dir", folder, "--format=tf15"}).out,
            "MetaGraph with tag set ['serve'] contains the following blacklisted ops: {'WriteFile'}\n");
  EXPECT_EQ(Cli({"scan", "--dir", folder, "--fail_on_found"}).exit_code, 3);
  EXPECT_EQ(Cli({"scan", "--dir", folder, "--op_denylist=ReadFile", "--fail_on_found"}).exit_code, 0);
  EXPECT_EQ(
      Cli({"scan", "--dir", Runfile("tests/models/digits/saved_model")}).out,
      "MetaGraph with tag set ['serve'] does not contain the default denylisted ops: {'PrintV2', 'ReadFile', "
      "'WriteFile'}\n");

  const Json json = Parsed(Cli({"scan", "--dir", folder, "--format=json"}).out);
  const auto& reaching = Elements(Member(Elements(Member(json, "meta_graphs"))[0], "reaching"));
  ASSERT_EQ(reaching.size(), 2);
  EXPECT_EQ(Text(reaching[0], "op"), "RandomUniform");
  EXPECT_EQ(Text(reaching[0], "reaches"), "randomness");
  EXPECT_EQ(Text(reaching[1], "reaches"), "files");
  EXPECT_EQ(Text(reaching[1], "first"), "node 'w' of function 'writes'");
}

// --- run. The goldens are of the same commands.

const char kRunModel[] = "tests/tools/testdata/saved_model_run/model";

std::string RunGolden(const std::string& name) {
  const std::string text = ReadTestFile(Runfile("tests/tools/testdata/saved_model_run/" + name + ".txt"));
  EXPECT_FALSE(text.empty()) << name;
  return text;
}

ToolRun RunSignature(std::vector<std::string> args, const std::string& folder = "") {
  args.insert(args.begin(), {"run", "--dir", Runfile(kRunModel), "--tag_set", "serve"});
  ToolOptions options;
  options.directory = folder;
  return RunTool("tools/saved_model_cli", args, options);
}

TEST(SavedModelCliTest, RunPrintsWhatTensorFlowPrints) {
  for (const std::string format : {"tf15", "tf221"}) {
    const std::string folder = ScratchFolder();
    CopyFolder(Runfile("tests/tools/testdata/saved_model_run/arrays"), folder + "/arrays");
    const auto run = [&](std::vector<std::string> args) {
      args.insert(args.begin(), {"--signature_def", "serving_default", "--format=" + format});
      const ToolRun result = RunSignature(args, folder + "/arrays");
      EXPECT_EQ(result.exit_code, 0) << result.err;
      return result.out;
    };
    EXPECT_EQ(run({"--input_exprs", "x=[[1.0,2.5],[-3,4]];times=6", "--input_examples",
                   "examples=[{\"id\":[26,-1]},{\"w\":[0.5,2]}]", "--outdir", "o"}),
              RunGolden("literals." + format));
    EXPECT_THAT(ListFolder(folder + "/arrays/o"), testing::ElementsAre("halves.npy", "more.npy", "same.npy"));
    EXPECT_EQ(run({"--inputs", "x=one.npz;", "--input_exprs", "examples=[\"a\",\"b\\x00\"];times=-2"}),
              RunGolden("npz." + format));
    EXPECT_EQ(run({"--inputs", "x=x.npy", "--input_exprs", "examples=[];times=3"}),
              RunGolden("summary." + format));
  }
}

TEST(SavedModelCliTest, RunTakesWhatHasADefaultAndNoInputs) {
  ToolRun run = RunSignature({"--input_exprs", "x=np.ones((1,2));examples=['']"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("Result for output key more:\n2\n"));
  run = RunSignature({"--signature_def=constant"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "Result for output key one:\n1\n");
  run = RunSignature({"--signature_def=constant", "--format=json"});
  const Json json = Parsed(run.out);
  ASSERT_EQ(Elements(Member(json, "outputs")).size(), 1);
  EXPECT_EQ(Text(Elements(Member(json, "outputs"))[0], "name"), "one");
}

TEST(SavedModelCliTest, RunCastsAndSaysSo) {
  const std::string folder = ScratchFolder();
  CopyFolder(Runfile("tests/tools/testdata/saved_model_run/arrays"), folder + "/arrays");
  ToolRun run = RunSignature(
      {"--inputs=x=x.npy[y]", "--input_exprs=examples=['a'];x=[[2,2]]", "--input_examples=examples=[]"},
      folder + "/arrays");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("its name 'y' is ignored"), HasSubstr("'x' is cast from double to float"),
                    HasSubstr("'x' is given by --inputs and by --input_exprs; the latter counts"),
                    HasSubstr("'examples' is given by --input_exprs and by --input_examples")));
  EXPECT_THAT(run.out, AllOf(HasSubstr("[[1. 1.]]"), HasSubstr("key same:\n[]")));
}

TEST(SavedModelCliTest, RunOverwritesOnlyWhenTold) {
  const std::string folder = ScratchFolder();
  const auto run = [&](std::vector<std::string> args) {
    args.insert(args.end(), {"--signature_def=constant", "--outdir", folder + "/new/folder"});
    return RunSignature(args);
  };
  const std::string file = folder + "/new/folder/one.npy";
  EXPECT_EQ(run({}).out, "Result for output key one:\n1\nOutput one is saved to " + file + "\n");
  const ToolRun again = run({});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_EQ(again.out, "");
  EXPECT_THAT(again.err,
              HasSubstr("Output file " + file +
                        " already exists. Add \"--overwrite\" to overwrite the existing output files."));
  EXPECT_EQ(run({"--overwrite"}).exit_code, 0);
}

TEST(SavedModelCliTest, RunSaysWhatIsWrong) {
  const std::string folder = ScratchFolder();
  CopyFolder(Runfile("tests/tools/testdata/saved_model_run/arrays"), folder + "/arrays");
  WriteTestFile(folder + "/arrays/f.pkl", "\x80\x03]q.");
  struct Mistake {
    std::vector<std::string> args;
    int exit_code;
    std::string text;
  };
  for (const Mistake& each : std::vector<Mistake>{
           {{}, 2, "At least one of --inputs, --input_exprs or --input_examples must be required"},
           {{"--inputs=x:f"},
            2,
            "--inputs \"x:f\" format is incorrect. Please follow\"<input_key>=<filename>\""},
           {{"--input_exprs=x"}, 2, "--input_exprs \"x\" format is incorrect."},
           {{"--input_exprs=y=1"},
            2,
            "\"y\" is not a valid input key. Please choose from \"examples\", \"times\", \"x\", or use "
            "--show"},
           {{"--input_exprs=x=[[1,2]]"}, 2, "no value is given for input examples"},
           {{"--inputs=x=two.npz"}, 1, "Input file two.npz contains more than one ndarrays."},
           {{"--inputs=x=two.npz[k]"}, 1, "Input file two.npz does not contain variable with name \"k\"."},
           {{"--inputs=x=f.pkl"}, 1, "it is a Python pickle"},
           {{"--inputs=x=none.npy"}, 1, "none.npy"},
           {{"--input_exprs=x=open('f')"}, 1, "'open()' is not known here"},
           {{"--input_exprs=x=[1,2];examples=['']"}, 1, "its shape must be [?,2]"},
           {{"--input_exprs=x=['a']"}, 1, "--input_exprs: x: "},
           {{"--input_examples=examples={}"}, 1, "must be a list of dictionaries"},
           {{"--input_examples=examples=[{'a':1}]"}, 1, "feature value must be a list, but a"},
           {{"--input_examples=examples=[{'a':[]}]"}, 1, "the list is empty"},
           {{"--input_examples=examples=[{'a':[1,'b']}]"}, 1, "in a list of another type"},
           {{"--input_examples=x=[{'a':[1]}]"}, 1, "x is of type string, and the signature wants float"},
           {{"--signature_def=serving_defaul", "--input_exprs=x=1"},
            1,
            "Could not find signature \"serving_defaul\". Please choose from: constant, serving_default"},
           {{"--tag_set=gpu", "--input_exprs=x=1"}, 1, "serve"},
           {{"--worker=grpc://host", "--input_exprs=x=1"}, 1, "--worker"},
       }) {
    const ToolRun run = RunSignature(each.args, folder + "/arrays");
    EXPECT_EQ(run.exit_code, each.exit_code) << each.text << run.err;
    EXPECT_THAT(run.err, AllOf(testing::StartsWith("error: "), HasSubstr(each.text)));
    EXPECT_EQ(run.out, "");
  }
}

}  // namespace
}  // namespace cryograph

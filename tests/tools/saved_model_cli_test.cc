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
  for (const std::string verb : {"run", "convert", "freeze_model", "aot_compile_cpu"}) {
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

}  // namespace
}  // namespace cryograph

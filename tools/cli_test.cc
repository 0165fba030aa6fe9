#include "tools/cli.h"

#include <pwd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"

namespace cryograph::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Line {
  explicit Line(Family family) : command("demo", family, "Shows what a command line is.") {
    command.Section("Input");
    command.Add(&input_graph, "input_graph", "The graph.").Value("FILE").Path();
    command.Add(&input_binary, "input_binary", "Binary or text.");
    command.Add(&clear_devices, "clear_devices", "Forget devices.");
    command.Add(&names, "output_node_names", "Names.").Value("NAME,NAME…");
    command.Add(&version, "checkpoint_version", "1 or 2.").AtLeast(1);
    command.Add(&denylist, "variable_names_denylist", "Not these.").Alias("variable_names_blacklist");
    command.Add(&tolerance, "tolerance", "How far.");
    command.Add(&format, "output_format", "Form of the output.").Choices({"pb", "pbtxt"}).Extension();
  }

  absl::Status Parse(const std::vector<std::string>& args) {
    notes.clear();
    help.clear();
    return command.Parse(args, &notes, &help).status();
  }

  std::string input_graph, denylist, format = "pb";
  bool input_binary = false, clear_devices = true;
  std::vector<std::string> names;
  int64_t version = 2;
  double tolerance = 0.5;
  Command command;
  std::vector<std::string> notes;
  std::string help;
};

TEST(CommandTest, RepeatedFlagsAddUp) {
  std::vector<std::string> feeds, fetches;
  Command command("demo", Family::kCpp, "Shows what a command line is.");
  command.Add(&feeds, "feed", "Values.").Repeated();
  command.Add(&fetches, "fetch", "Names.").Repeated(/*split=*/true);
  std::vector<std::string> notes;
  std::string help;
  ASSERT_OK(
      command.Parse({"--feed=x=rand(1, 3)", "--fetch=a,b", "--feed", "y=1", "--fetch=c"}, &notes, &help));
  EXPECT_THAT(feeds, ElementsAre("x=rand(1, 3)", "y=1"));
  EXPECT_THAT(fetches, ElementsAre("a", "b", "c"));
}

TEST(CommandTest, TakesEverySpellingOfAValueInBothFamilies) {
  for (Family family : {Family::kPython, Family::kCpp}) {
    Line line(family);
    ASSERT_OK(
        line.Parse({"--input_graph=a=b.pb", "--input_binary", "--noclear_devices", "--checkpoint_version",
                    "1", "-tolerance=-2.5e-1", "--output_node_names", "x,y:0"}));
    EXPECT_EQ(line.input_graph, "a=b.pb");
    EXPECT_TRUE(line.input_binary);
    EXPECT_FALSE(line.clear_devices);
    EXPECT_EQ(line.version, 1);
    EXPECT_EQ(line.tolerance, -0.25);
    EXPECT_THAT(line.names, ElementsAre("x", "y:0"));
    EXPECT_THAT(line.notes, ElementsAre());
  }
}

TEST(CommandTest, LastOneWins) {
  Line line(Family::kCpp);
  ASSERT_OK(
      line.Parse({"--input_graph=a", "--input_graph=b", "--output_node_names=p,q", "--output_node_names=r"}));
  EXPECT_EQ(line.input_graph, "b");
  EXPECT_THAT(line.names, ElementsAre("r"));
}

TEST(CommandTest, PythonReadsOneAsTrueAndSaysSo) {
  Line line(Family::kPython);
  ASSERT_OK(line.Parse({"--input_binary=1"}));
  EXPECT_TRUE(line.input_binary);
  EXPECT_THAT(line.notes, ElementsAre(HasSubstr("every word but 'true' as false (CG146)")));
  ASSERT_OK(line.Parse({"--input_binary=TRUE", "--clear_devices", "no"}));
  EXPECT_TRUE(line.input_binary);
  EXPECT_FALSE(line.clear_devices);
  EXPECT_THAT(line.notes, ElementsAre());
  EXPECT_THAT(line.Parse({"--input_binary", "model.pb"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'model.pb' is no boolean; write true or false")));
}

TEST(CommandTest, CppTakesNoWordAfterABooleanButTrueAndFalse) {
  Line line(Family::kCpp);
  ASSERT_OK(line.Parse({"--clear_devices", "false", "--input_binary=yes"}));
  EXPECT_FALSE(line.clear_devices);
  EXPECT_TRUE(line.input_binary);
  EXPECT_THAT(line.notes, ElementsAre());
}

TEST(CommandTest, PrefixesInThePythonFamilyOnly) {
  Line python(Family::kPython);
  ASSERT_OK(python.Parse({"--input_g=x", "--output=y", "--variable_names_b=v"}));
  EXPECT_EQ(python.input_graph, "x");
  EXPECT_THAT(python.names, ElementsAre("y"));  // output_format is ours and does not make it ambiguous.
  EXPECT_EQ(python.denylist, "v");
  EXPECT_THAT(python.Parse({"--input=x"}), StatusIs(absl::StatusCode::kInvalidArgument,
                                                    "--input may mean --input_graph or --input_binary"));
  ASSERT_OK(python.Parse({"--output_f=pbtxt"}));
  EXPECT_EQ(python.format, "pbtxt");

  Line cpp(Family::kCpp);
  EXPECT_THAT(cpp.Parse({"--input_g=x"}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("CG147")));
}

TEST(CommandTest, UnknownFlagNamesTheNearest) {
  Line line(Family::kPython);
  const absl::Status status = line.Parse({"--input_grpah=x"});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("demo has no flag --input_grpah; did you mean '--input_graph'")));
  EXPECT_TRUE(IsUsageError(status));
}

TEST(CommandTest, WrongValuesAreUsageErrors) {
  Line line(Family::kPython);
  for (const auto& [args, text] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--checkpoint_version=two"}, "'two' is no whole number"},
           {{"--checkpoint_version=2x"}, "'2x' is no whole number"},
           {{"--checkpoint_version=99999999999999999999"}, "is no whole number"},
           {{"--checkpoint_version=0"}, "the least value is 1"},
           {{"--tolerance="}, "is no number"},
           {{"--output_format=text"}, "'text' is none of pb, pbtxt"},
           {{"--input_graph"}, "--input_graph needs a value: --input_graph=FILE"},
           {{"--input_graph", "--input_binary"}, "needs a value"},
           {{"--noclear_devices=true"}, "takes no value"},
       }) {
    const absl::Status status = line.Parse(args);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text)));
    EXPECT_TRUE(IsUsageError(status)) << args[0];
  }
}

TEST(CommandTest, TwoSpellingsOfOneFlagMustAgree) {
  Line agree(Family::kPython);
  ASSERT_OK(agree.Parse({"--variable_names_blacklist=a", "--variable_names_denylist=a"}));
  EXPECT_EQ(agree.denylist, "a");
  Line disagree(Family::kPython);
  EXPECT_THAT(disagree.Parse({"--variable_names_blacklist=a", "--variable_names_denylist=b"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("CG148")));
}

TEST(CommandTest, EmptyNamesAreIgnoredWithANote) {
  Line line(Family::kPython);
  ASSERT_OK(line.Parse({"--output_node_names= out , y,"}));
  EXPECT_THAT(line.names, ElementsAre("out", "y"));
  EXPECT_THAT(line.notes, ElementsAre(HasSubstr("the empty names are ignored (CG103)")));
  ASSERT_OK(line.Parse({"--output_node_names="}));
  EXPECT_THAT(line.names, ElementsAre());
}

TEST(CommandTest, LogFlagsAreIgnored) {
  Line line(Family::kCpp);
  ASSERT_OK(line.Parse({"--logtostderr", "--v=1", "--minloglevel", "2", "--stderrthreshold=0",
                        "--log_dir=/tmp", "--alsologtostderr=true", "--verbosity=3", "--input_graph=x"}));
  EXPECT_EQ(line.input_graph, "x");
  EXPECT_THAT(line.notes, ElementsAre());
}

TEST(CommandTest, StrayWords) {
  Line python(Family::kPython);
  ASSERT_OK(python.Parse({"--input_graph=x", "stray", "--", "--input_graph=y"}));
  EXPECT_EQ(python.input_graph, "x");
  EXPECT_THAT(python.notes, ElementsAre("'stray' is no flag and is ignored",
                                        "'--input_graph=y' is no flag and is ignored"));
  Line cpp(Family::kCpp);
  EXPECT_THAT(cpp.Parse({"stray"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'stray' is no flag")));

  std::vector<std::string> files;
  Line lint(Family::kCpp);
  lint.command.Positionals(&files, "FILE…");
  ASSERT_OK(lint.Parse({"a.pb", "--input_binary", "-", "--", "--odd"}));
  EXPECT_THAT(files, ElementsAre("a.pb", "-", "--odd"));
  EXPECT_TRUE(lint.input_binary);
}

TEST(CommandTest, HelpHasTypeDefaultAndMeaningOfEveryFlag) {
  Line line(Family::kPython);
  line.command.Usage("--input_graph=FILE");
  line.command.Example("demo --input_graph=a.pb", "Shows a graph.");
  ASSERT_OK(line.Parse({"--input_graph=x", "-h"}));
  EXPECT_THAT(line.help, HasSubstr("demo: Shows what a command line is.\n"));
  EXPECT_THAT(line.help, HasSubstr("usage: demo --input_graph=FILE\n\nInput\n"));
  EXPECT_THAT(line.help, HasSubstr("  --clear_devices   (bool, default true)\n      Forget devices.\n"));
  EXPECT_THAT(line.help, HasSubstr("  --checkpoint_version=VALUE   (int, default 2)\n"));
  EXPECT_THAT(line.help,
              HasSubstr("  --output_node_names=NAME,NAME…   (comma-separated list, default \"\")\n"));
  EXPECT_THAT(line.help, HasSubstr("  --output_format=VALUE   (one of pb, pbtxt, default \"pb\")\n"));
  EXPECT_THAT(line.help, HasSubstr("      Also written --variable_names_blacklist.\n"));
  EXPECT_THAT(line.help, HasSubstr("Examples\n  Shows a graph.\n    demo --input_graph=a.pb\n"));
  ASSERT_OK(line.Parse({"--version"}));
  EXPECT_THAT(line.help, HasSubstr("cryograph "));
}

TEST(CommandTest, PathsMayStartAtHome) {
  setenv("HOME", "/home/somebody", 1);
  EXPECT_EQ(ExpandHome("~"), "/home/somebody");
  EXPECT_EQ(ExpandHome("~/m.pb"), "/home/somebody/m.pb");
  EXPECT_EQ(ExpandHome("~root/m.pb"), absl::StrCat(getpwnam("root")->pw_dir, "/m.pb"));
  EXPECT_EQ(ExpandHome("~no such user/m.pb"), "~no such user/m.pb");
  EXPECT_EQ(ExpandHome("a~/b"), "a~/b");
  Line line(Family::kCpp);
  ASSERT_OK(line.Parse({"--input_graph=~/x", "--variable_names_denylist=~/x"}));
  EXPECT_EQ(line.input_graph, "/home/somebody/x");
  EXPECT_EQ(line.denylist, "~/x");
}

TEST(OutputTest, FurtherLinesOfAnErrorAreIndented) {
  EXPECT_EQ(ErrorText(absl::NotFoundError("no node 'x' (CG101)\nwhy: it is gone\n  detail\ntry: another\n")),
            "error: no node 'x' (CG101)\n  why: it is gone\n    detail\n  try: another\n");
  EXPECT_THAT(ErrorText(absl::InternalError("broken")), HasSubstr("reproducer"));
  EXPECT_THAT(ErrorText(absl::NotFoundError("x")), Not(HasSubstr("reproducer")));
}

TEST(OutputTest, SmallFormats) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(999), "999 B");
  EXPECT_EQ(BytesText(1000), "1.0 kB");
  EXPECT_EQ(BytesText(999960), "1.0 MB");
  EXPECT_EQ(BytesText(3400000000), "3.4 GB");
  EXPECT_EQ(Counted(1, "node"), "1 node");
  EXPECT_EQ(Counted(0, "node"), "0 nodes");
  EXPECT_EQ(JsonString("a\"\\\n\x01\xc3\xa4"), "\"a\\\"\\\\\\n\\u0001\xc3\xa4\"");
  EXPECT_EQ(JsonString("\xff\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(JsonString("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // A surrogate.
  EXPECT_EQ(JsonString("\xf0\x9f\x92\xa1"), "\"\xf0\x9f\x92\xa1\"");
}

}  // namespace
}  // namespace cryograph::cli

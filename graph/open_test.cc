#include "graph/open.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/meta_graph.pb.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class OpenTest : public testing::Test {
 protected:
  OpenTest() {
    std::string directory = testing::TempDir() + "/open-XXXXXX";
    EXPECT_NE(mkdtemp(directory.data()), nullptr);
    root_ = directory;
  }

  std::string Put(const std::string& name, const std::string& bytes) {
    const std::string path = root_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  static tensorflow::GraphDef Graph(const std::string& name) {
    tensorflow::GraphDef graph;
    graph.add_node()->set_name(name);
    graph.mutable_node(0)->set_op("NoOp");
    graph.mutable_versions()->set_producer(27);
    return graph;
  }

  static tensorflow::SavedModel SavedModel(const std::vector<std::vector<std::string>>& tag_sets) {
    tensorflow::SavedModel model;
    model.set_saved_model_schema_version(1);
    for (const std::vector<std::string>& tags : tag_sets) {
      tensorflow::MetaGraphDef* meta = model.add_meta_graphs();
      std::string name = "of";
      for (const std::string& tag : tags) {
        meta->mutable_meta_info_def()->add_tags(tag);
        name += "_" + tag;
      }
      *meta->mutable_graph_def() = Graph(name);
    }
    return model;
  }

  template <typename Message>
  static std::string Text(const Message& message) {
    std::string text;
    google::protobuf::TextFormat::PrintToString(message, &text);
    return text;
  }

  // The name of the first node, or the status.
  std::string FirstNode(const std::string& path, const OpenOptions& options = {}) {
    notes_.clear();
    absl::StatusOr<Model> model = OpenModel(path, options, &notes_);
    if (!model.ok()) return model.status().ToString();
    model_ = *std::move(model);
    for (const Node node : model_.graph().nodes()) return std::string(node.name());
    return "no node";
  }

  absl::Status Error(const std::string& path, const OpenOptions& options = {}) {
    return OpenModel(path, options, &notes_).status();
  }

  std::string root_;
  std::vector<std::string> notes_;
  Model model_;
};

TEST_F(OpenTest, GraphsInBothForms) {
  EXPECT_EQ(FirstNode(Put("g.pb", Graph("a").SerializeAsString())), "a");
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_FALSE(model_.was_text);
  EXPECT_EQ(model_.path, root_ + "/g.pb");
  EXPECT_EQ(FirstNode(Put("g.pbtxt", Text(Graph("b")))), "b");
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_TRUE(model_.was_text);
  EXPECT_EQ(FirstNode(Put("text.pb", Text(Graph("c")))), "c");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("text.pb is read as text (CG106)")));
  EXPECT_EQ(FirstNode(Put("binary.pbtxt", Graph("d").SerializeAsString())), "d");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("binary.pbtxt is read as binary (CG107)")));
}

TEST_F(OpenTest, TheFlagIsAHint) {
  OpenOptions options;
  options.text = false;
  EXPECT_EQ(FirstNode(Put("g.pb", Text(Graph("a"))), options), "a");
  EXPECT_THAT(notes_,
              ElementsAre(HasSubstr("read as text (CG106), which it is, though the flag says otherwise")));
  options.text = true;
  EXPECT_EQ(FirstNode(root_ + "/g.pb", options), "a");
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(OpenTest, AnyContainer) {
  tensorflow::MetaGraphDef meta;
  meta.mutable_meta_info_def()->add_tags("x");
  *meta.mutable_graph_def() = Graph("m");
  const std::string path = Put("model.meta", meta.SerializeAsString());
  EXPECT_EQ(FirstNode(path), "m");
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_FALSE(model_.MetaField(1).empty());
  OpenOptions options;
  options.expect = OpenOptions::Expect::kGraphDef;
  EXPECT_EQ(FirstNode(path, options), "m");
  EXPECT_THAT(notes_,
              ElementsAre(HasSubstr("model.meta is a MetaGraphDef (binary) and is read as that (CG108)")));
  EXPECT_EQ(FirstNode(Put("meta.pbtxt", Text(meta))), "m");
}

TEST_F(OpenTest, SavedModelDirectories) {
  Put("model/saved_model.pb", SavedModel({{"serve"}}).SerializeAsString());
  EXPECT_EQ(FirstNode(root_ + "/model"), "of_serve");
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_EQ(model_.variables_prefix, "");
  Put("model/variables/variables.index", "");
  EXPECT_EQ(FirstNode(root_ + "/model/"), "of_serve");
  EXPECT_EQ(model_.variables_prefix, root_ + "/model/variables/variables");
  EXPECT_EQ(FirstNode(root_ + "/model/saved_model.pb"), "of_serve");
  EXPECT_EQ(model_.variables_prefix, root_ + "/model/variables/variables");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("its directory is used (CG128)")));
  Put("text/saved_model.pbtxt", Text(SavedModel({{"train", "gpu"}})));
  EXPECT_EQ(FirstNode(root_ + "/text"), "of_train_gpu");
  EXPECT_TRUE(model_.was_text);
}

TEST_F(OpenTest, TagSets) {
  Put("model/saved_model.pb", SavedModel({{"train", "gpu"}, {"serve"}}).SerializeAsString());
  EXPECT_EQ(FirstNode(root_ + "/model"), "of_serve");
  EXPECT_THAT(notes_,
              ElementsAre(HasSubstr("holds 2 MetaGraphs: the one with the tag-set 'serve' is taken")));
  OpenOptions options;
  options.tags = " gpu , train";
  EXPECT_EQ(FirstNode(root_ + "/model", options), "of_train_gpu");
  EXPECT_THAT(notes_, IsEmpty());
  options.tags = "tpu";
  EXPECT_THAT(Error(root_ + "/model", options),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("(CG129)\n")));
}

TEST_F(OpenTest, DirectoriesWithoutASavedModel) {
  Put("exports/1/saved_model.pb", "");
  Put("exports/9/saved_model.pb", "");
  Put("exports/10/saved_model.pb", "");
  EXPECT_THAT(Error(root_ + "/exports"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("is a directory without a SavedModel (CG128)\n"),
                             HasSubstr(absl::StrCat("why: ", root_, "/exports/10 contains one\ntry: ")))));
  Put("train/model.ckpt.meta", "");
  Put("train/checkpoint", "");
  EXPECT_THAT(Error(root_ + "/train"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("try: " + root_ + "/train/model.ckpt.meta")));
  Put("values/model.index", "");
  EXPECT_THAT(Error(root_ + "/values"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("it holds a checkpoint")));
  Put("chunked/saved_model.cpb", "\x83\xaf\x70\xd1\x0d\x88\x4a\x3f");
  EXPECT_THAT(Error(root_ + "/chunked"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("chunked/saved_model.cpb: at byte 0: ")));
}

TEST_F(OpenTest, MissingFilesNameTheNearest) {
  Put("models/resnet50.pb", "");
  Put("models/readme", "");
  EXPECT_THAT(
      Error(root_ + "/models/resnet_50.pb"),
      StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("/models/resnet_50.pb' does not exist (CG105)"),
                                                  HasSubstr("\ntry: " + root_ + "/models/resnet50.pb"))));
  EXPECT_THAT(Error(root_ + "/model/resnet50.pb"),
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("why: there is no '" + root_ + "/model'"),
                                                          HasSubstr("try: " + root_ + "/models"))));
  EXPECT_THAT(Error(root_ + "/models/zzzzzzzzzzz"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("holds readme, resnet50.pb")));
  EXPECT_THAT(Error("no_such_file.pb"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("why: it would be /")));
  EXPECT_THAT(Error(""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(OpenTest, OtherFilesAreNamed) {
  const struct {
    std::string name, bytes;
    absl::StatusCode code;
    std::string message;
  } kCases[] = {
      {"lfs.pb", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
       absl::StatusCode::kInvalidArgument, "is a Git LFS pointer of 64 bytes; fetch the real file (CG109)"},
      {"page.pb", "<!DOCTYPE html>", absl::StatusCode::kInvalidArgument, "an HTML or XML page"},
      {"empty.pb", "", absl::StatusCode::kInvalidArgument,
       "is an empty file where a graph is expected (CG109)"},
      {"junk.pb", "\xff\xfe\xfd", absl::StatusCode::kInvalidArgument,
       "(CG109)\nwhy: it begins with \"\\xff\\xfe\\xfd\""},
      {"keras.h5", "\x89HDF\r\n\x1a\n", absl::StatusCode::kInvalidArgument, "an HDF5 file"},
      {"lite.pb", "\x1c...TFL3", absl::StatusCode::kInvalidArgument, "(CG114)\nwhy: "},
      {"model.data-00000-of-00001", "\x7f\x7f", absl::StatusCode::kInvalidArgument,
       "a data file of a checkpoint, not a graph (CG108)"},
      {"checkpoint", "model_checkpoint_path: 'a'", absl::StatusCode::kInvalidArgument,
       "is the state file of a checkpoint directory (CheckpointState), not a graph (CG108)\n"},
      {"saver.pbtxt", "restore_op_name: 'a'", absl::StatusCode::kInvalidArgument, "try: --input_saver="},
      {"slip.pbtxt", "nodee { }", absl::StatusCode::kInvalidArgument, "has no field named \"nodee\""},
      {"slip2.pbtxt", "node { }\nnode { nam: 'a' }", absl::StatusCode::kInvalidArgument,
       "slip2.pbtxt:2:11: "},
      {"cut.pb", Graph("some_name").SerializeAsString().substr(0, 16), absl::StatusCode::kDataLoss,
       "(CG109)\nwhy: the file is cut or damaged"},
  };
  for (const auto& each : kCases) {
    EXPECT_THAT(Error(Put(each.name, each.bytes)), StatusIs(each.code, HasSubstr(each.message))) << each.name;
  }
}

TEST_F(OpenTest, ACheckpointNamesItsMetaGraph) {
  Put("model.ckpt.meta", "");
  const std::string index =
      Put("model.ckpt.index", std::string("\0\0\x06\x08\x01\x1a\x02\x08\x01", 9) + std::string(40, '\0') +
                                  "\x57\xfb\x80\x8b\x24\x75\x47\xdb");
  EXPECT_THAT(Error(index),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("is the index of a V2 checkpoint, not a graph (CG108)"),
                             HasSubstr(absl::StrCat("try: --input_checkpoint=", root_, "/model.ckpt with ",
                                                    "--input_meta_graph=", root_, "/model.ckpt.meta")))));
}

TEST_F(OpenTest, EverySampleModelOpens) {
  const std::string models = SharedData("models");
  if (models.empty()) GTEST_SKIP() << "no sample files beside the project";
  int opened = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(models)) {
    const std::string name = entry.path().filename().string(), path = entry.path().string();
    const bool directory = entry.is_directory() && name == "saved_model";
    const bool graph = entry.is_regular_file() && (name == "graph.pb" || name == "graph.pbtxt" ||
                                                   name == "frozen.pb" || absl::EndsWith(name, ".meta"));
    if (!directory && !graph) continue;
    EXPECT_EQ(FirstNode(path).find("INVALID"), std::string::npos) << path << ": " << FirstNode(path);
    EXPECT_EQ(FirstNode(path).find("DATA_LOSS"), std::string::npos) << path << ": " << FirstNode(path);
    ++opened;
  }
  EXPECT_GT(opened, 120);
}

}  // namespace
}  // namespace cryograph

#include "graph/sniff.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "graph/proto/graph.pb.h"
#include "graph/proto/meta_graph.pb.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

std::string What(absl::string_view bytes) { return Describe(Sniff(bytes)); }

tensorflow::GraphDef SmallGraph() {
  tensorflow::GraphDef graph;
  graph.add_node()->set_name("input");
  graph.mutable_node(0)->set_op("Placeholder");
  (*graph.mutable_node(0)->mutable_attr())["dtype"].set_type(tensorflow::DT_FLOAT);
  graph.mutable_versions()->set_producer(27);
  return graph;
}

tensorflow::MetaGraphDef SmallMetaGraph() {
  tensorflow::MetaGraphDef meta;
  meta.mutable_meta_info_def()->add_tags("serve");
  meta.mutable_meta_info_def()->set_tensorflow_version("1.15.5");
  meta.mutable_meta_info_def()->mutable_stripped_op_list()->add_op()->set_name("Placeholder");
  *meta.mutable_graph_def() = SmallGraph();
  meta.mutable_saver_def()->set_filename_tensor_name("save/Const:0");
  meta.mutable_saver_def()->set_restore_op_name("save/restore_all");
  return meta;
}

TEST(SniffTest, BinaryMessages) {
  tensorflow::GraphDef graph = SmallGraph();
  EXPECT_EQ(What(graph.SerializeAsString()), "a GraphDef (binary)");
  graph.clear_node();
  EXPECT_EQ(What(graph.SerializeAsString()), "a GraphDef (binary)");  // Versions alone.
  tensorflow::FunctionDef* function = graph.mutable_library()->add_function();
  function->mutable_signature()->set_name("F");
  function->mutable_signature()->add_output_arg()->set_name("y");
  function->add_node_def()->set_name("n");
  (*function->mutable_ret())["y"] = "n:z:0";
  EXPECT_EQ(What(graph.SerializeAsString()), "a GraphDef (binary)");
  graph.clear_versions();
  EXPECT_EQ(What(graph.SerializeAsString()), "a GraphDef (binary)");  // A library alone.
  graph.Clear();
  graph.add_node();
  EXPECT_EQ(What(graph.SerializeAsString()), "a GraphDef (binary)");  // A nameless node.

  tensorflow::MetaGraphDef meta = SmallMetaGraph();
  EXPECT_EQ(What(meta.SerializeAsString()), "a MetaGraphDef (binary)");
  tensorflow::SavedModel model;
  *model.add_meta_graphs() = meta;
  EXPECT_EQ(What(model.SerializeAsString()), "a SavedModel (binary)");  // Its schema version is 0.
  model.set_saved_model_schema_version(1);
  EXPECT_EQ(What(model.SerializeAsString()), "a SavedModel (binary)");
  EXPECT_EQ(What(meta.saver_def().SerializeAsString()), "a SaverDef (binary)");
  meta.clear_meta_info_def();
  EXPECT_EQ(What(meta.SerializeAsString()), "a MetaGraphDef (binary)");
  meta.clear_saver_def();
  EXPECT_EQ(What(meta.SerializeAsString()), "a MetaGraphDef (binary)");  // The graph alone.
  meta.clear_graph_def();
  (*meta.mutable_collection_def())["variables"].mutable_bytes_list()->add_value("x");
  EXPECT_EQ(What(meta.SerializeAsString()), "a MetaGraphDef (binary)");
}

TEST(SniffTest, CutMessagesAreWhatTheirBeginningSays) {
  const std::string graph = SmallGraph().SerializeAsString();
  for (size_t size = 24; size < graph.size(); ++size) {
    EXPECT_EQ(Sniff(graph.substr(0, size)).kind, FileKind::kGraphDef) << size;
  }
  const std::string meta = SmallMetaGraph().SerializeAsString();
  for (size_t size = 50; size < meta.size(); ++size) {
    EXPECT_EQ(Sniff(meta.substr(0, size)).kind, FileKind::kMetaGraphDef) << size;
  }
}

TEST(SniffTest, TextMessages) {
  for (const auto& [text, what] : std::map<std::string, std::string>{
           {"node { name: 'a' }", "a GraphDef (text)"},
           {"\xef\xbb\xbf# comment node {\n\n  node: < >", "a GraphDef (text)"},
           {"version: 5 node {}", "a GraphDef (text)"},
           {"version: 5;", "a GraphDef (text)"},
           {"version: V2 sharded: true", "a SaverDef (text)"},
           {"version: 2 sharded: true", "a SaverDef (text)"},
           {"filename_tensor_name: 'x:0'", "a SaverDef (text)"},
           {"versions {", "a GraphDef (text)"},
           {"library{", "a GraphDef (text)"},
           {"meta_info_def {", "a MetaGraphDef (text)"},
           {"saved_model_schema_version: 1", "a SavedModel (text)"},
           {"meta_graphs {", "a SavedModel (text)"},
           {"model_checkpoint_path: \"a\"", "the state file of a checkpoint directory (CheckpointState)"},
           {"nodee { }", "a text that is no graph: it begins with 'nodee'"},
           {"# nothing\n", "an empty file (only blanks and comments)"},
           {" \r\n", "an empty file (only blanks and comments)"},
       }) {
    EXPECT_EQ(What(text), what) << text;
  }
}

TEST(SniffTest, OtherFormats) {
  using std::string;
  const string zeros(300, '\0');
  for (const auto& [bytes, what] : std::map<string, string>{
           {"", "an empty file"},
           {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
            "a Git LFS pointer of 64 bytes; fetch the real file"},
           {"\n<!DOCTYPE html><html>", "an HTML or XML page, perhaps a failed download; fetch the real file"},
           {"{\"modelTopology\": 1}", "a JSON text"},
           {"\x1f\x8b\x08", "a file compressed with gzip; unpack it"},
           {"BZh91", "a file compressed with bzip2; unpack it"},
           {"\x89HDF\r\n\x1a\n" + zeros,
            "an HDF5 file, as Keras writes them (.h5); convert it with Keras to a SavedModel"},
           {string("\x1c\0\0\0TFL3", 8), "a TensorFlow Lite model (.tflite)"},
           {"\x93NUMPY\x01", "a NumPy array (.npy)"},
           {"PK\x03\x04....w.npyPK", "a NumPy archive (.npz)"},
           {"PK\x03\x04....archive/data.pkl", "a PyTorch model"},
           {"PK\x03\x04....m/saved_model.pb", "a zip archive with a SavedModel in it; unpack it"},
           {"PK\x03\x04....readme", "a zip archive; unpack it"},
           {"\x80\x02}q.", "a Python pickle"},
           {string("\x08\x07\x12\x07pytorch\x3a\x02\x0a\x00\x42\x02\x10\x0b", 19), "an ONNX model"},
           {"\x83\xaf\x70\xd1\x0d\x88\x4a\x3f", "a chunked SavedModel (.cpb)"},
           {string(257, '\0') + "ustar", "a tar archive; unpack it"},
           {zeros, "no format that is known here"},
           {"plain words", "no format that is known here"},
           {"\xff\xfe\xfd", "no format that is known here"},
       }) {
    EXPECT_EQ(What(bytes), what) << testing::PrintToString(bytes);
  }
}

TEST(SniffTest, MemoryMappedPackage) {
  std::string element, directory;
  AppendVarintField(1, 0, &element);
  AppendBytesField(2, "memmapped_package://.", &element);
  AppendBytesField(1, element, &directory);
  std::string file(4096, '\1');
  file += directory;
  AppendFixed64(4096, &file);
  EXPECT_EQ(What(file), "a memory-mapped package of mobile TensorFlow");
}

// The expected kinds of all sample files: by name where the name is right, by hand where it is not.
TEST(SniffTest, EverySampleFile) {
  const std::string root = SharedData("models");
  if (root.empty()) GTEST_SKIP() << "no sample files beside the project";
  int files = 0;
  for (const char* folder : {"models", "formats"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SharedData(folder))) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path().string(), name = entry.path().filename().string();
      const bool hostile = absl::StrContains(path, "/hostile/");
      ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
      const Sniffed sniffed = Sniff(file->bytes());
      std::vector<FileKind> expected;
      bool text = false;
      if (absl::EndsWith(name, ".json")) {
        expected = {FileKind::kJson};
      } else if (file->bytes().empty()) {
        expected = {FileKind::kEmpty};
      } else if (absl::EndsWith(name, ".npz")) {
        expected = {FileKind::kNpz};
      } else if (name == "checkpoint") {
        expected = {FileKind::kCheckpointState};
        text = true;
      } else if (name == "saved_model.pb" || name == "saved_model.pbtxt") {
        expected = {FileKind::kSavedModel};
        text = absl::EndsWith(name, "txt");
      } else if (absl::EndsWith(name, ".cpb")) {
        expected = {FileKind::kChunkedSavedModel};
      } else if (absl::EndsWith(name, ".meta")) {
        expected = {FileKind::kMetaGraphDef};
      } else if (absl::EndsWith(name, ".index")) {
        expected = {FileKind::kBundleIndex};
        if (hostile) expected.insert(expected.end(), {FileKind::kTable, FileKind::kUnknown});
      } else if (name == "saver.pb") {
        expected = {FileKind::kSaverDef};
      } else if (name == "fingerprint.pb" || name == "keras_metadata.pb" ||
                 absl::StrContains(name, ".data-") || absl::EndsWith(name, ".md") ||
                 absl::EndsWith(name, ".txt")) {
        expected = {FileKind::kUnknown};
      } else if (absl::EndsWith(name, ".pb") || absl::EndsWith(name, ".pbtxt")) {
        expected = {FileKind::kGraphDef};
        text = absl::EndsWith(name, "txt");
      } else {
        expected = {FileKind::kCheckpointV1};
        if (hostile) expected.push_back(FileKind::kTable);
      }
      EXPECT_THAT(expected, testing::Contains(sniffed.kind)) << path << ": " << Describe(sniffed);
      EXPECT_EQ(sniffed.text, text) << path;
      ++files;
    }
  }
  EXPECT_GT(files, 800);
}

}  // namespace
}  // namespace cryograph

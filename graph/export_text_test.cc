#include "graph/export_text.h"

#include <filesystem>
#include <string>

#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/proto/graph.pb.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::HasSubstr;

Model Import(const std::string& bytes) {
  const auto file = MappedFile::FromString("test.pb", bytes);
  absl::StatusOr<Model> model = ImportGraphDef(file->bytes(), file, "test.pb");
  EXPECT_OK(model);
  return model.ok() ? *std::move(model) : Model();
}

std::string Printed(const google::protobuf::Message& message) {
  std::string text;
  EXPECT_TRUE(google::protobuf::TextFormat::PrintToString(message, &text));
  return text;
}

std::string Exported(Model& model) {
  StringSink sink;
  ExportOptions as_it_is;
  as_it_is.allow_defects = true;
  EXPECT_OK(ExportGraphDefText(model, sink, false, as_it_is));
  return sink.bytes();
}

TEST(ExportTextTest, PrintsAsProtobufDoes) {
  tensorflow::GraphDef graph;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(R"pb(
                                                      node {
                                                        name: "x"
                                                        op: "Const"
                                                        attr {
                                                          key: "value"
                                                          value { s: "\377\"\n" }
                                                        }
                                                        attr {
                                                          key: "a"
                                                          value { f: 0.1 }
                                                        }
                                                      }
                                                      node { name: "y" op: "f" input: "x" input: "^x" }
                                                      library {
                                                        function {
                                                          signature { name: "f" }
                                                          node_def { name: "n" op: "NoOp" }
                                                          ret { key: "o" value: "n:z:0" }
                                                        }
                                                      }
                                                      versions { producer: 134 })pb",
                                                    &graph));
  Model model = Import(graph.SerializeAsString());
  EXPECT_EQ(Exported(model), Printed(graph));
}

TEST(ExportTextTest, UnknownFieldsAreRefusedUnlessDropped) {
  Model model = Import("\x0a\x0c\x0a\x01x\x12\x04NoOp\x98\x06\x01");  // Node field 99.
  StringSink refused, dropped;
  EXPECT_THAT(ExportGraphDefText(model, refused),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("fields that are not known")));
  ASSERT_OK(ExportGraphDefText(model, dropped, true));
  EXPECT_EQ(dropped.bytes(), "node {\n  name: \"x\"\n  op: \"NoOp\"\n}\n");
}

TEST(ExportTextTest, RealGraphs) {
  const std::string root = SharedData("models");
  if (root.empty()) GTEST_SKIP() << "../shared/data is not there";
  int graphs = 0;
  for (const auto& folder : std::filesystem::directory_iterator(root)) {
    const std::string path = (folder.path() / "graph.pb").string();
    if (!std::filesystem::exists(path)) continue;
    SCOPED_TRACE(path);
    ASSERT_OK_AND_ASSIGN(const auto file, MappedFile::Open(path));
    tensorflow::GraphDef graph;
    ASSERT_TRUE(graph.ParseFromString(std::string(file->bytes())));
    if (graph.has_library() && graph.library().ByteSizeLong() == 0) graph.clear_library();
    ASSERT_OK_AND_ASSIGN(Model model, ImportGraphDef(file->bytes(), file, path));
    EXPECT_TRUE(Exported(model) == Printed(graph));
    ++graphs;
  }
  EXPECT_GT(graphs, 20);
}

}  // namespace
}  // namespace cryograph

// Graphs that save and restore, as tf.train.Saver makes them.
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"
#include "runtime/file_permission.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string N(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
              const std::string& attrs = "") {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "' ");
  for (const std::string& input : inputs) absl::StrAppend(&text, "input: '", input, "' ");
  return absl::StrCat(text, attrs, " }\n");
}

// `dims`: "dim { size: 2 }". `values`: "string_val: ['a', 'b']".
std::string Const(const std::string& name, const std::string& type, const std::string& dims,
                  const std::string& values) {
  return N(name, "Const", {},
           absl::StrCat("attr { key: 'dtype' value { type: ", type,
                        " } } attr { key: 'value' value { tensor { dtype: ", type, " tensor_shape { ", dims,
                        " } ", values, " } } }"));
}
std::string Text(const std::string& name, const std::string& value) {
  return Const(name, "DT_STRING", "", absl::StrCat("string_val: '", value, "'"));
}
std::string Texts(const std::string& name, const std::vector<std::string>& values) {
  return Const(name, "DT_STRING", absl::StrCat("dim { size: ", values.size(), " }"),
               absl::StrCat("string_val: ['", absl::StrJoin(values, "', '"), "']"));
}
std::string Types(const std::string& types) {
  return absl::StrCat("attr { key: 'dtypes' value { list { type: [", types, "] } } }");
}

absl::StatusOr<std::vector<Value>> RunGraph(const std::string& text, const std::vector<std::string>& fetches,
                                            const std::vector<std::string>& targets = {},
                                            bool may_write = true) {
  ASSIGN_OR_RETURN(std::string bytes, GraphDefFromText(text, "graph"));
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  ASSIGN_OR_RETURN(Model model, ImportGraphDef(*owner, owner, "graph"));
  ASSIGN_OR_RETURN(const auto executor, Executor::Create(std::move(model)));
  if (may_write) AllowFileWrites(executor->resources());
  return executor->RunOnce({}, fetches, targets);
}

std::string Folder() {
  static int number = 0;
  return absl::StrCat(testing::TempDir(), "/saved_", ++number);
}

const char kTwoFloats[] = "dim { size: 2 }";

TEST(CheckpointKernelsTest, SaveV2AndBack) {
  const std::string prefix = Folder() + "/model.ckpt";
  ASSERT_OK(
      RunGraph(Text("prefix", prefix) + Texts("names", {"a", "b"}) + Texts("slices", {"", ""}) +
                   Const("a", "DT_FLOAT", kTwoFloats, "float_val: [1.5, -2]") + Text("b", "words") +
                   N("save", "SaveV2", {"prefix", "names", "slices", "a", "b"}, Types("DT_FLOAT, DT_STRING")),
               {}, {"save"}));
  // Also one part of a tensor.
  ASSERT_OK_AND_ASSIGN(
      const auto values,
      RunGraph(Text("prefix", prefix) + Texts("names", {"b", "a"}) + Texts("slices", {"", "2 1,1"}) +
                   N("restore", "RestoreV2", {"prefix", "names", "slices"}, Types("DT_STRING, DT_FLOAT")),
               {"restore:0", "restore:1"}));
  EXPECT_EQ(values[0].scalar<std::string>(), "words");
  EXPECT_THAT(values[1].span<float>(), ElementsAre(-2));
}

TEST(CheckpointKernelsTest, ShardsAreMerged) {
  const std::string folder = Folder(), prefix = folder + "/model.ckpt";
  const auto part = [&](int shard) {
    const std::string s = absl::StrCat(shard);
    return Const("shard" + s, "DT_INT32", "", "int_val: " + s) +
           N("file" + s, "ShardedFilename", {"base", "shard" + s, "num"}) + Texts("names" + s, {"v"}) +
           Texts("slices" + s, {absl::StrCat("2 ", shard, ",1")}) +
           Const("v" + s, "DT_FLOAT", "dim { size: 1 }", absl::StrCat("float_val: ", 5 + shard)) +
           N("save" + s, "SaveV2", {"file" + s, "names" + s, "slices" + s, "v" + s}, Types("DT_FLOAT"));
  };
  ASSERT_OK(RunGraph(Text("base", prefix + "_temp/part") + Text("prefix", prefix) +
                         Const("num", "DT_INT32", "", "int_val: 2") + part(0) + part(1) +
                         N("files", "Pack", {"file0", "file1", "^save0", "^save1"},
                           "attr { key: 'N' value { i: 2 } } attr { key: 'T' value { type: DT_STRING } }") +
                         N("merge", "MergeV2Checkpoints", {"files", "prefix"}),
                     {}, {"merge"}));
  ASSERT_OK_AND_ASSIGN(
      const auto values,
      RunGraph(Text("prefix", prefix) + Texts("names", {"v"}) + Texts("slices", {""}) +
                   N("restore", "RestoreV2", {"prefix", "names", "slices"}, Types("DT_FLOAT")),
               {"restore"}));
  EXPECT_THAT(values[0].span<float>(), ElementsAre(5, 6));
}

TEST(CheckpointKernelsTest, OldSaveAndRestore) {
  const std::string file = Folder() + "/old.ckpt";
  ASSERT_OK(RunGraph(
      Text("file", file) + Texts("names", {"a"}) + Const("a", "DT_FLOAT", kTwoFloats, "float_val: [1, 2]") +
          N("save", "Save", {"file", "names", "a"}, "attr { key: 'T' value { list { type: DT_FLOAT } } }"),
      {}, {"save"}));
  ASSERT_OK_AND_ASSIGN(
      const auto values,
      RunGraph(Text("file", file) + Text("name", "a") + Text("slice", "2 0,1") +
                   N("restore", "Restore", {"file", "name"}, "attr { key: 'dt' value { type: DT_FLOAT } }") +
                   N("part", "RestoreSlice", {"file", "name", "slice"},
                     "attr { key: 'dt' value { type: DT_FLOAT } }"),
               {"restore", "part"}));
  EXPECT_THAT(values[0].span<float>(), ElementsAre(1, 2));
  EXPECT_THAT(values[1].span<float>(), ElementsAre(1));
}

TEST(CheckpointKernelsTest, SayWhatIsWrong) {
  const std::string prefix = Folder() + "/model.ckpt";
  ASSERT_OK(RunGraph(Text("prefix", prefix) + Texts("names", {"weights"}) + Texts("slices", {""}) +
                         Const("a", "DT_FLOAT", kTwoFloats, "float_val: [1, 2]") +
                         N("save", "SaveV2", {"prefix", "names", "slices", "a"}, Types("DT_FLOAT")),
                     {}, {"save"}));
  const auto restore = [&](const std::string& path, const std::vector<std::string>& names,
                           const std::string& type) {
    return std::string(RunGraph(Text("prefix", path) + Texts("names", names) + Texts("slices", {""}) +
                                    N("restore", "RestoreV2", {"prefix", "names", "slices"}, Types(type)),
                                {"restore"})
                           .status()
                           .message());
  };
  EXPECT_THAT(restore(prefix, {"weight"}, "DT_FLOAT"),
              AllOf(HasSubstr("node 'restore' (RestoreV2)"), HasSubstr("'weight'"), HasSubstr("'weights'")));
  EXPECT_THAT(restore(prefix, {"weights"}, "DT_INT32"), HasSubstr("tensor 'weights'"));
  EXPECT_THAT(restore(prefix, {"weights"}, "DT_INT32"), HasSubstr("is float, not int32"));
  EXPECT_THAT(restore(prefix + "-none", {"weights"}, "DT_FLOAT"), HasSubstr("CG110"));
  EXPECT_THAT(restore(prefix, {"weights", "more"}, "DT_FLOAT"),
              HasSubstr("tensor_names has 2 elements for 1"));
}

TEST(FileKernelsTest, NothingIsWrittenUnlessItIsAllowed) {
  const std::string path = Folder() + "/file";
  const std::string graphs[] = {
      Text("file", path) + Text("text", "line") + N("write", "WriteFile", {"file", "text"}),
      Text("file", path) + Texts("names", {"a"}) + Texts("slices", {""}) + Text("a", "words") +
          N("write", "SaveV2", {"file", "names", "slices", "a"}, Types("DT_STRING")),
      Text("file", path) + Texts("names", {"a"}) + Text("a", "words") +
          N("write", "Save", {"file", "names", "a"}, "attr { key: 'T' value { list { type: DT_STRING } } }"),
      Text("file", path) + Texts("from", {path}) + N("write", "MergeV2Checkpoints", {"from", "file"})};
  for (const std::string& graph : graphs) {
    EXPECT_THAT(
        RunGraph(graph, {}, {"write"}, /*may_write=*/false),
        StatusIs(absl::StatusCode::kPermissionDenied,
                 AllOf(HasSubstr("node 'write'"), HasSubstr(path), HasSubstr("--allow_file_writes"))));
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_NE(access((path + ".index").c_str(), F_OK), 0);
}

TEST(FileKernelsTest, WriteAndRead) {
  const std::string file = Folder() + "/new/text";
  ASSERT_OK(RunGraph(Text("file", file) + Text("text", "line") + N("write", "WriteFile", {"file", "text"}),
                     {}, {"write"}));
  ASSERT_OK_AND_ASSIGN(
      const auto values,
      RunGraph(Text("file", file) + Const("num", "DT_INT32", "", "int_val: 12") +
                   N("read", "ReadFile", {"file"}) + N("pattern", "ShardedFilespec", {"file", "num"}),
               {"read", "pattern"}));
  EXPECT_EQ(values[0].scalar<std::string>(), "line");
  EXPECT_EQ(values[1].scalar<std::string>(), file + "-" + std::string(5, '?') + "-of-00012");
}

}  // namespace
}  // namespace cryograph

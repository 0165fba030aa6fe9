#include "transforms/signatures.h"

#include <memory>
#include <string>
#include <utility>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// bytes of the VariableDefs: fields 1 to 3 name nodes.
constexpr char kMeta[] = R"(
graph_def {
  node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
  node { name: "v" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape {} } } }
  node { name: "v/read" op: "Identity" input: "v" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "y" op: "Relu" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "z" op: "Neg" input: "y" attr { key: "T" value { type: DT_FLOAT } } }
}
saver_def { filename_tensor_name: "save/Const:0" save_tensor_name: "save/control:0" restore_op_name: "save/restore" }
collection_def { key: "losses" value { node_list { value: "y:0" value: "gone:0" value: "^x" } } }
collection_def { key: "steps" value { int64_list { value: 7 } } }
collection_def { key: "variables" value { bytes_list {
  value: "\n\003v:0\022\001v\032\010v/read:0" value: "\n\003w:0\022\001v\032\010v/read:0" } } }
signature_def { key: "first" value { inputs { key: "a" value { name: "x:0" dtype: DT_FLOAT } }
                                     outputs { key: "b" value { name: "y:0" dtype: DT_FLOAT } } } }
signature_def { key: "sparse" value { outputs { key: "b" value { coo_sparse {
  values_tensor_name: "z:0" indices_tensor_name: "x:0" dense_shape_tensor_name: "nowhere:0" } } } } }
)";

Model Load() {
  absl::StatusOr<std::string> bytes = MessageFromText(MessageKind::kMetaGraphDef, kMeta, "test");
  EXPECT_OK(bytes);
  auto owner = std::make_shared<const std::string>(*std::move(bytes));
  absl::StatusOr<Model> model = ImportMetaGraphDef(*owner, owner, "test");
  EXPECT_OK(model);
  return *std::move(model);
}

TEST(SignaturesTest, NamesOfNodesWithoutPorts) {
  const Model model = Load();
  const std::vector<ContainerReference> signatures = Signatures(model);
  ASSERT_EQ(signatures.size(), 2u);
  EXPECT_EQ(signatures[0].what, "signature 'first'");
  EXPECT_THAT(signatures[0].nodes, ElementsAre("x", "y"));
  EXPECT_THAT(signatures[1].nodes, ElementsAre("z", "x", "nowhere"));
}

TEST(SignaturesTest, WhatNamesAMissingNodeGoes) {
  Model model = Load();
  EXPECT_THAT(DropDanglingReferences(model),
              ElementsAre("the saver", "entries of collection 'losses'", "entries of collection 'variables'",
                          "signature 'sparse'"));
  ASSERT_EQ(Signatures(model).size(), 1u);
  EXPECT_THAT(model.MetaField(3), IsEmpty());
  EXPECT_THAT(std::string(model.Collection("losses")), HasSubstr("y:0"));
  EXPECT_THAT(std::string(model.Collection("losses")), HasSubstr("^x"));
  EXPECT_THAT(std::string(model.Collection("losses")), Not(HasSubstr("gone")));
  EXPECT_THAT(std::string(model.Collection("steps")), Not(IsEmpty()));
  EXPECT_THAT(std::string(model.Collection("variables")), HasSubstr("v:0"));
  EXPECT_THAT(std::string(model.Collection("variables")), Not(HasSubstr("w:0")));
  // What is left names nothing that is missing.
  EXPECT_THAT(DropDanglingReferences(model), IsEmpty());
}

}  // namespace
}  // namespace cryograph

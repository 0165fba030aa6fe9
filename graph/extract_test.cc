#include "graph/extract.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Model ModelOf(absl::string_view text) {
  absl::StatusOr<std::string> bytes = GraphDefFromText(text, "test");
  EXPECT_OK(bytes);
  if (!bytes.ok()) return Model();
  const auto file = MappedFile::FromString("test", *std::move(bytes));
  absl::StatusOr<Model> model = ImportGraphDef(file->bytes(), file, "test");
  EXPECT_OK(model);
  return model.ok() ? *std::move(model) : Model();
}

std::vector<std::string> Names(Model& model) {
  std::vector<std::string> names;
  for (Node node : model.graph().nodes()) names.emplace_back(node.name());
  return names;
}

// c is out of order and waits for w; c wants to be with slot, which needs init.
constexpr char kGraph[] = R"(
node { name: "c" op: "Identity" input: "b:0" input: "^w" attr { key: "_class" value { list { s: "loc:@slot" } } } }
node { name: "a" op: "NoOp" }
node { name: "b" op: "Identity" input: "x" }
node { name: "init" op: "NoOp" }
node { name: "slot" op: "Identity" input: "x" input: "^init" }
node { name: "unused" op: "Identity" input: "c" }
node { name: "w" op: "NoOp" }
node { name: "x" op: "Placeholder" }
)";

TEST(ExtractTest, FollowsInputsAndColocationInTheOrderOfTheFile) {
  for (const char* output : {"c", "c:0", " c "}) {
    Model model = ModelOf(kGraph);
    ASSERT_OK_AND_ASSIGN(const ExtractResult result, ExtractSubGraph(model, {output}));
    EXPECT_THAT(Names(model), ElementsAre("c", "b", "init", "slot", "w", "x"));
    EXPECT_EQ(result.kept, 6);
    EXPECT_EQ(result.removed, 2);
  }
}

TEST(ExtractTest, ColocationCanBeDropped) {
  Model model = ModelOf(kGraph);
  ExtractOptions options;
  options.drop_colocation = true;
  ASSERT_OK_AND_ASSIGN(const ExtractResult result, ExtractSubGraph(model, {"c"}, options));
  EXPECT_THAT(Names(model), ElementsAre("c", "b", "w", "x"));
  EXPECT_EQ(result.dropped_colocations, 1);
  EXPECT_FALSE(model.graph().Find("c").has_attr("_class"));
}

TEST(ExtractTest, NoOutputsLeaveAnEmptyGraph) {
  Model model = ModelOf(kGraph);
  ASSERT_OK(ExtractSubGraph(model, {}));
  EXPECT_EQ(model.graph().num_nodes(), 0);
}

TEST(ExtractTest, ErrorsNameBothNodesAndChangeNothing) {
  Model model = ModelOf(absl::StrCat(
      kGraph,
      "node { name: 'd' op: 'Identity' input: 'gone' } node { name: 'e' op: 'NoOp' input: '^lost' }\n"
      "node { name: 'f' op: 'NoOp' attr { key: '_class' value { list { s: 'loc:@away' } } } }"));
  const int nodes = model.graph().num_nodes();
  EXPECT_THAT(ExtractSubGraph(model, {"slto"}).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no node 'slto'; did you mean 'slot'?")));
  EXPECT_THAT(ExtractSubGraph(model, {"d"}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node 'd' (Identity), which the outputs need, reads 'gone'")));
  EXPECT_THAT(ExtractSubGraph(model, {"e"}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("waits for 'lost'")));
  EXPECT_THAT(ExtractSubGraph(model, {"f"}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("wants to be placed with 'away'")));
  EXPECT_EQ(model.graph().num_nodes(), nodes);
  ExtractOptions options;
  options.drop_colocation = true;
  EXPECT_OK(ExtractSubGraph(model, {"f"}, options));
}

}  // namespace
}  // namespace cryograph

#include "checkpoint/object_graph.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "checkpoint/checkpoint.h"
#include "gmock/gmock.h"
#include "graph/proto/trackable_object_graph.pb.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Opens a sample and its object graph.
class SampleTest : public testing::Test {
 protected:
  void Open(const std::string& sample) {
    const std::string index = SharedData(absl::StrCat(sample, ".index"));
    if (index.empty()) GTEST_SKIP() << "the sample files are not there";
    absl::StatusOr<std::unique_ptr<Checkpoint>> checkpoint =
        Checkpoint::Open(index.substr(0, index.size() - 6));
    ASSERT_OK(checkpoint);
    checkpoint_ = *std::move(checkpoint);
    ASSERT_OK_AND_ASSIGN(const std::string bytes, checkpoint_->ObjectGraph());
    ASSERT_OK_AND_ASSIGN(graph_, ParseObjectGraph(bytes));
  }

  std::unique_ptr<Checkpoint> checkpoint_;
  ObjectGraph graph_;
};

TEST_F(SampleTest, KeysOfTensorFlowAreThePathsOfObjects) {
  for (const char* sample : {"formats/v2_object_tf221/ckpt-1", "formats/v2_object_slots_tf221/ckpt",
                             "formats/savedmodel_tf221/variables/variables"}) {
    SCOPED_TRACE(sample);
    Open(sample);
    if (checkpoint_ == nullptr) return;
    const ObjectKeys keys = CompareObjectKeys(graph_, checkpoint_->entries());
    EXPECT_THAT(keys.missing, IsEmpty());
    EXPECT_THAT(keys.unnamed, IsEmpty());
    EXPECT_THAT(keys.moved, IsEmpty());
    EXPECT_TRUE(keys.complete());
  }
}

TEST_F(SampleTest, TwoVariablesOfOneName) {
  Open("formats/savedmodel_tf221/variables/variables");
  if (checkpoint_ == nullptr) return;
  EXPECT_THAT(KeysByFullName(graph_)["dup"],
              ElementsAre("a/.ATTRIBUTES/VARIABLE_VALUE", "b/.ATTRIBUTES/VARIABLE_VALUE"));
  EXPECT_THAT(ObjectGraphText(graph_, checkpoint_->entries()),
              HasSubstr("VARIABLE_VALUE 'dup': b/.ATTRIBUTES/VARIABLE_VALUE float[2]\n"));
}

TEST_F(SampleTest, SlotsHaveAKeywordThatNamesCannotHave) {
  Open("formats/v2_object_slots_tf221/ckpt");
  if (checkpoint_ == nullptr) return;
  int slots = 0;
  const std::vector<absl::optional<std::string>> paths = ObjectPaths(graph_);
  for (const ObjectGraph::Object& object : graph_.objects) {
    for (const ObjectGraph::Slot& slot : object.slots) {
      ++slots;
      const std::string path = paths[static_cast<size_t>(slot.slot_variable)].value_or("");
      EXPECT_THAT(path, HasSubstr("/.OPTIMIZER_SLOT/"));
      EXPECT_NE(checkpoint_->Find(path + "/.ATTRIBUTES/VARIABLE_VALUE"), nullptr) << path;
    }
  }
  EXPECT_GT(slots, 0);
}

TEST(ObjectGraphTest, NamesAreEscaped) {
  EXPECT_EQ(ObjectPath({"model", "d", "x/y"}), "model/d/x.Sy");
  EXPECT_EQ(ObjectPath({"p.q"}), "p..q");
  EXPECT_EQ(ObjectPath({".OPTIMIZER_SLOT"}), "..OPTIMIZER_SLOT");
  EXPECT_EQ(ObjectPath({}), "");
}

// Root 0 has a child "t" (1, a table), "v" (2, a variable) and itself as "self"; 3 hangs on nothing.
tensorflow::TrackableObjectGraph Small() {
  tensorflow::TrackableObjectGraph graph;
  for (int i = 0; i < 4; ++i) graph.add_nodes();
  const auto child = [&](int from, int to, const char* name) {
    auto* const edge = graph.mutable_nodes(from)->add_children();
    edge->set_node_id(to);
    edge->set_local_name(name);
  };
  const auto attribute = [&](int node, const char* name, const char* full_name, const char* key) {
    auto* const value = graph.mutable_nodes(node)->add_attributes();
    value->set_name(name);
    value->set_full_name(full_name);
    value->set_checkpoint_key(key);
  };
  child(0, 1, "t");
  child(0, 2, "v");
  child(0, 0, "self");
  attribute(1, "table", "", "t/.ATTRIBUTES/table");
  attribute(2, "VARIABLE_VALUE", "w", "v/.ATTRIBUTES/VARIABLE_VALUE");
  attribute(3, "VARIABLE_VALUE", "lost", "lost/.ATTRIBUTES/VARIABLE_VALUE");
  return graph;
}

TEST(ObjectGraphTest, ComparesWithTheKeys) {
  ASSERT_OK_AND_ASSIGN(const ObjectGraph graph, ParseObjectGraph(Small().SerializeAsString()));
  // A key of the attribute "table" is the beginning of two keys of the checkpoint.
  const std::vector<CheckpointEntry> entries = {
      {std::string(kObjectGraphKey), DT_STRING, {}, false},
      {"stray", DT_INT64, {}, false},
      {"t/.ATTRIBUTES/table-keys", DT_STRING, {3}, false},
      {"t/.ATTRIBUTES/table-values", DT_INT64, {3}, false},
      {"t/.ATTRIBUTES/tablet", DT_INT64, {}, false},
      {"v/.ATTRIBUTES/VARIABLE_VALUE", DT_FLOAT, {2, 3}, false},
  };
  const ObjectKeys keys = CompareObjectKeys(graph, entries);
  EXPECT_THAT(keys.missing, ElementsAre("lost/.ATTRIBUTES/VARIABLE_VALUE"));
  EXPECT_THAT(keys.unnamed, ElementsAre("stray", "t/.ATTRIBUTES/tablet"));
  EXPECT_THAT(keys.moved, IsEmpty());
  EXPECT_EQ(ObjectGraphText(graph, entries),
            "(root)\n"
            "  t\n"
            "    table: t/.ATTRIBUTES/table -keys string[3] -values int64[3]\n"
            "  v\n"
            "    VARIABLE_VALUE 'w': v/.ATTRIBUTES/VARIABLE_VALUE float[2,3]\n"
            "  self -> (root)\n"
            "(object 3, not reached from the root)\n"
            "  VARIABLE_VALUE 'lost': lost/.ATTRIBUTES/VARIABLE_VALUE (missing)\n");
}

TEST(ObjectGraphTest, RefusesEdgesToNowhere) {
  EXPECT_THAT(ParseObjectGraph("\x0a").status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cannot be read")));
  tensorflow::TrackableObjectGraph graph = Small();
  graph.mutable_nodes(0)->mutable_children(1)->set_node_id(4);
  EXPECT_THAT(
      ParseObjectGraph(graph.SerializeAsString()).status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("object 0 of the object graph: child 'v' leads to object 4, but there are 4")));
  graph = Small();
  auto* const slot = graph.mutable_nodes(1)->add_slot_variables();
  slot->set_slot_name("m");
  slot->set_slot_variable_node_id(-1);
  EXPECT_THAT(ParseObjectGraph(graph.SerializeAsString()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("slot 'm' leads to object -1")));
}

// A chain of objects: no recursion, and no memory that grows with the square of its length.
TEST(ObjectGraphTest, LongChains) {
  tensorflow::TrackableObjectGraph graph;
  constexpr int kLength = 100000;
  for (int i = 0; i < kLength; ++i) {
    auto* const edge = graph.add_nodes()->add_children();
    edge->set_node_id((i + 1) % kLength);
    edge->set_local_name("next");
  }
  ASSERT_OK_AND_ASSIGN(const ObjectGraph parsed, ParseObjectGraph(graph.SerializeAsString()));
  const std::string text = ObjectGraphText(parsed, {});
  EXPECT_LT(text.size(), size_t{10} << 20);
}

}  // namespace
}  // namespace cryograph

// Selecting and renaming tensors, and telling those of optimizers.
#include "checkpoint/key_edit.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "checkpoint/object_graph_edit.h"
#include "checkpoint/optimizer_keys.h"
#include "checkpoint/substitution.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

CheckpointEntry Entry(std::string name, std::vector<int64_t> dims = {2}) {
  return {std::move(name), DT_FLOAT, std::move(dims), false};
}

// "old→new" of all that is kept.
std::vector<std::string> Edited(const std::vector<CheckpointEntry>& entries, const KeyEdit& edit) {
  const absl::StatusOr<EditedKeys> keys = EditKeys(entries, "", edit);
  if (!keys.ok()) return {std::string(keys.status().message())};
  std::vector<std::string> names;
  for (const EditedKey& key : keys->keys) {
    names.push_back(key.name == key.entry->name ? key.name : absl::StrCat(key.entry->name, "→", key.name));
  }
  return names;
}

const std::vector<CheckpointEntry>& Sample() {
  static const auto* const entries = new std::vector<CheckpointEntry>{
      Entry("beta1_power", {}), Entry("global_step", {}), Entry("net/b"),
      Entry("net/b/Adam"),      Entry("net/b/Adam_1"),    Entry("net/w"),
      Entry("net/w/Adam"),      Entry("net/w/Adam_1"),    Entry("net/w/ExponentialMovingAverage")};
  return *entries;
}

TEST(KeyEditTest, Selects) {
  KeyEdit edit;
  edit.tensors = {"net/w", "global_step"};
  EXPECT_THAT(Edited(Sample(), edit), ElementsAre("global_step", "net/w"));
  edit.tensors = {"net/*"};
  edit.exclude = "Adam|Exponential";
  EXPECT_THAT(Edited(Sample(), edit), ElementsAre("net/b", "net/w"));
  edit = {};
  edit.match = "/w$";
  EXPECT_THAT(Edited(Sample(), edit), ElementsAre("net/w"));
}

TEST(KeyEditTest, StripsOptimizers) {
  KeyEdit edit;
  edit.strip_optimizer = true;
  EXPECT_THAT(Edited(Sample(), edit),
              ElementsAre("global_step", "net/b", "net/w", "net/w/ExponentialMovingAverage"));
}

TEST(KeyEditTest, Averages) {
  KeyEdit edit;
  edit.strip_optimizer = true;
  edit.ema = EmaUse::kReplace;
  EXPECT_THAT(Edited(Sample(), edit),
              ElementsAre("global_step", "net/b", "net/w/ExponentialMovingAverage→net/w"));
  edit.ema = EmaUse::kStrip;
  EXPECT_THAT(Edited(Sample(), edit), ElementsAre("global_step", "net/b", "net/w"));
  const std::vector<CheckpointEntry> other = {Entry("w", {3}), Entry("w/ExponentialMovingAverage", {4})};
  edit.ema = EmaUse::kReplace;
  EXPECT_THAT(EditKeys(other, "", edit), StatusIs(StatusCode::kInvalidArgument, HasSubstr("[4]")));
}

TEST(KeyEditTest, Renames) {
  KeyEdit edit;
  edit.match = "step|/w$|/b$";
  edit.rename = {{"global_step", "step"}, {"net/*", "encoder/net/*"}};
  EXPECT_THAT(Edited(Sample(), edit),
              ElementsAre("net/b→encoder/net/b", "net/w→encoder/net/w", "global_step→step"));
  edit.rename = {{"net/*", "*"}};
  edit.substitute = R"(s/^(.)$/v_\1/; s,_step,STEP,)";
  EXPECT_THAT(Edited(Sample(), edit), ElementsAre("global_step→globalSTEP", "net/b→v_b", "net/w→v_w"));
}

TEST(KeyEditTest, WhatIsWrongIsTold) {
  KeyEdit edit;
  edit.tensors = {"net/ww"};
  EXPECT_THAT(EditKeys(Sample(), "", edit),
              StatusIs(StatusCode::kNotFound, HasSubstr("'net/ww'; did you mean 'net/w'")));
  edit = {};
  edit.rename = {{"nett/*", "x/*"}};
  EXPECT_THAT(EditKeys(Sample(), "", edit), StatusIs(StatusCode::kNotFound, HasSubstr("scope 'nett/*'")));
  edit.rename = {{"net/*", "x"}};
  EXPECT_THAT(EditKeys(Sample(), "", edit),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("both or none")));
  edit.rename = {{"net/b", "net/w"}};
  EXPECT_THAT(EditKeys(Sample(), "", edit),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("would both be 'net/w'")));
  edit = {};
  edit.match = "(";
  EXPECT_THAT(EditKeys(Sample(), "", edit), StatusIs(StatusCode::kInvalidArgument, HasSubstr("RE2")));
  edit.match = "nothing";
  EXPECT_THAT(EditKeys(Sample(), "", edit),
              StatusIs(StatusCode::kNotFound, HasSubstr("none of the 9 tensors")));
  for (const char* text : {"y/a/b/", "s/a/b", "s/a/b/x", "s//b/", "s/(/b/", "s/a/\\3/", "sxaxbx"}) {
    EXPECT_THAT(Substitution::Parse(text), StatusIs(StatusCode::kInvalidArgument)) << text;
  }
}

TEST(OptimizerKeysTest, NamesOfEveryAge) {
  const std::vector<std::pair<CheckpointEntry, bool>> cases = {
      {Entry("dense/kernel", {3, 2}), false},
      {Entry("dense/kernel/Momentum", {3, 2}), true},
      {Entry("dense/kernel/RMSProp_2", {3, 2}), true},
      {Entry("train/dense/kernel/Adagrad", {3, 2}), true},
      {Entry("dense/kernel/adam_m", {3, 2}), true},
      {Entry("other/Adam", {3, 2}), false},  // No such variable.
      {Entry("train/beta2_power_1", {}), true},
      {Entry("training/Adam/dense/kernel/m", {3, 2}), true},
      {Entry("Adam/iter", {}), true},
      {Entry("Adam/weights", {2}), false},
      {Entry("model/k/.ATTRIBUTES/VARIABLE_VALUE"), false},
      {Entry("model/k/.OPTIMIZER_SLOT/opt/momentum/.ATTRIBUTES/VARIABLE_VALUE"), true},
      {Entry("optimizer/_variables/2/.ATTRIBUTES/VARIABLE_VALUE"), true},
      {Entry("optimizer/_trainable_variables/0/.ATTRIBUTES/VARIABLE_VALUE"), false},
      {Entry("my_optimizer_net/w/.ATTRIBUTES/VARIABLE_VALUE"), false},
      {Entry("global_step", {}), false},
  };
  std::vector<CheckpointEntry> entries;
  for (const auto& each : cases) entries.push_back(each.first);
  const std::vector<bool> found = FindOptimizerKeys(entries, "");
  for (size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(found[i], cases[i].second) << cases[i].first.name;
}

// A TrackableObject: children "name=object", attributes' keys, slots' variables.
std::string Object(const std::vector<std::pair<std::string, int>>& children,
                   const std::vector<std::string>& keys, const std::vector<int>& slots = {}) {
  std::string object, part;
  for (const auto& [name, node] : children) {
    part.clear();
    AppendVarintField(1, static_cast<uint64_t>(node), &part);
    AppendBytesField(2, name, &part);
    AppendBytesField(1, part, &object);
  }
  for (const std::string& key : keys) {
    part.clear();
    AppendBytesField(1, "VARIABLE_VALUE", &part);
    AppendBytesField(3, key, &part);
    AppendBytesField(2, part, &object);
  }
  for (const int slot : slots) {
    part.clear();
    AppendVarintField(1, 1, &part);
    AppendBytesField(2, "m", &part);
    AppendVarintField(3, static_cast<uint64_t>(slot), &part);
    AppendBytesField(3, part, &object);
  }
  return object;
}

std::string Graph(const std::vector<std::string>& objects) {
  std::string graph;
  for (const std::string& object : objects) AppendBytesField(1, object, &graph);
  return graph;
}

TEST(OptimizerKeysTest, ObjectsSayWhoseAVariableIs) {
  const std::string graph =
      Graph({Object({{"net", 1}, {"opt", 2}}, {}), Object({{"w", 3}}, {}),
             Object({{"rate", 4}, {"watched", 3}}, {}, {5}), Object({}, {"opt/watched"}),
             Object({}, {"opt/rate"}), Object({}, {"slot"})});
  const std::vector<CheckpointEntry> entries = {Entry("opt/rate"), Entry("opt/watched"), Entry("slot")};
  EXPECT_THAT(FindOptimizerKeys(entries, graph), ElementsAre(true, false, true));
}

TEST(ObjectGraphEditTest, FollowsTheKeys) {
  const std::string graph = Graph(
      {Object({{"a", 1}, {"o", 2}}, {}), Object({}, {"a"}), Object({}, {"o"}, {3}), Object({}, {"slot"})});
  ASSERT_OK_AND_ASSIGN(const std::string same,
                       EditObjectGraph(graph, [](absl::string_view key) { return std::string(key); }));
  EXPECT_EQ(same, graph);
  ASSERT_OK_AND_ASSIGN(const std::string edited,
                       EditObjectGraph(graph, [](absl::string_view key) -> absl::optional<std::string> {
                         if (key == "slot") return absl::nullopt;
                         return key == "a" ? "renamed" : std::string(key);
                       }));
  EXPECT_EQ(edited, Graph({Object({{"a", 1}, {"o", 2}}, {}), Object({}, {"renamed"}), Object({}, {"o"}),
                           Object({}, {})}));
  EXPECT_THAT(EditObjectGraph("\x0a\x05x", [](absl::string_view key) { return std::string(key); }),
              StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace cryograph

// How freezing finds the key of each variable, and what it leaves of a MetaGraph.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "gtest/gtest.h"
#include "transforms/freeze_test_graph.h"
#include "transforms/freeze_variables.h"

namespace cryograph {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string SaverDef(const std::string& restore_op) {
  std::string saver;
  AppendBytesField(1, "save/Const:0", &saver);
  AppendBytesField(3, restore_op, &saver);
  return saver;
}

// An entry of a map field of MetaGraphDef: name and message.
std::string MapEntry(const std::string& name, const std::string& message) {
  std::string entry;
  AppendBytesField(1, name, &entry);
  AppendBytesField(2, message, &entry);
  return entry;
}

struct MetaField {
  uint32_t number;
  std::string payload;
};
Model MetaGraphOf(const std::string& lines, const std::vector<MetaField>& fields,
                  const std::string& library = "") {
  std::string graph = NodesOf(lines);
  if (!library.empty()) AppendBytesField(2, library, &graph);
  auto bytes = std::make_shared<std::string>();
  AppendBytesField(2, graph, bytes.get());
  for (const MetaField& field : fields) AppendBytesField(field.number, field.payload, bytes.get());
  absl::StatusOr<Model> model = ImportMetaGraphDef(*bytes, bytes, "test.meta");
  EXPECT_OK(model);
  return *std::move(model);
}

// "w<-key [slice] (how)" for each frozen variable, or the error.
std::vector<std::string> Keys(Model& model, FreezeOptions options,
                              std::vector<std::string>* notes = nullptr) {
  if (options.outputs.empty()) options.outputs = {"y"};
  const absl::StatusOr<FreezeReport> report = FreezeVariables(model, options);
  if (!report.ok()) return {std::string(report.status().message())};
  std::vector<std::string> keys;
  for (const FrozenVariable& variable : report->variables) {
    keys.push_back(
        absl::StrCat(variable.node, "<-", variable.key, " [", variable.slice_spec, "] (", variable.how, ")"));
  }
  if (notes != nullptr) *notes = report->notes;
  return keys;
}

FreezeOptions From(const std::vector<TestTensor>& tensors) {
  FreezeOptions options;
  options.checkpoint = CheckpointOf(tensors);
  return options;
}

constexpr char kTwo[] =
    "w = VariableV2() dtype=t:float shape=shape:2\n"
    "h = VarHandleOp() dtype=t:float shape=shape:2 shared_name=s:h\n"
    "r = ReadVariableOp(h) dtype=t:float\n"
    "y = Add(w, r) T=t:float\n";
// Restores them from "a" and "b", with a shard's NoOp between, as a Saver does.
constexpr char kRestore[] =
    "save/Const = Const() dtype=t:string value=str:model\n"
    "save/names = Const() dtype=t:string value=str:a,b\n"
    "save/slices = Const() dtype=t:string value=str:,\n"
    "save/RestoreV2 = RestoreV2(save/Const, save/names, save/slices) dtypes=tl:float,float\n"
    "save/Assign = Assign(w, save/RestoreV2) T=t:float\n"
    "save/Identity = Identity(save/RestoreV2:1) T=t:float\n"
    "save/AssignVariableOp = AssignVariableOp(h, save/Identity) dtype=t:float\n"
    "save/restore_shard = NoOp(^save/Assign, ^save/AssignVariableOp)\n"
    "save/restore_all = NoOp(^save/restore_shard)\n";

TEST(RestoreOpsTest, TheModelsOwnSaver) {
  Model model = MetaGraphOf(std::string(kTwo) + kRestore, {{3, SaverDef("save/restore_all")}});
  EXPECT_THAT(
      Keys(model, From({{"a", Floats({2}, 1)}, {"b", Floats({2}, 5)}, {"w", Floats({2}, 9)}})),
      ElementsAre("w<-a [] (restore op 'save/restore_all')", "h<-b [] (restore op 'save/restore_all')"));
  EXPECT_THAT(LinesOf(model.graph()), HasSubstr("w = Const() dtype=t:float value=f32:1,2\n"
                                                "h = Const() dtype=t:float value=f32:5,6\n"));
}

TEST(RestoreOpsTest, AGivenSaver) {
  FreezeOptions options = From({{"a", Floats({2})}, {"b", Floats({2})}, {"h", Floats({2})}});
  options.saver = SaverDef("save/restore_all");
  Model model = GraphOf(std::string(kTwo) + kRestore);
  EXPECT_THAT(Keys(model, options), ElementsAre("w<-a [] (restore op 'save/restore_all')",
                                                "h<-b [] (restore op 'save/restore_all')"));
  options.saver = SaverDef("save/restore_al");
  Model other = GraphOf(std::string(kTwo) + kRestore);
  EXPECT_THAT(Keys(other, options),
              ElementsAre(HasSubstr("the SaverDef names the restore op 'save/restore_al', but "
                                    "the graph has no node of that name; did you mean "
                                    "'save/restore_all'")));
}

TEST(RestoreOpsTest, AKeyThatTheSaverWantsIsMissingEvenIfTheNameIsThere) {
  Model model = MetaGraphOf(std::string(kTwo) + kRestore, {{3, SaverDef("save/restore_all")}});
  EXPECT_THAT(
      Keys(model, From({{"a", Floats({2})}, {"h", Floats({2})}, {"w", Floats({2})}})),
      ElementsAre(AllOf(HasSubstr("1 of 2 variables"), HasSubstr("variable 'h' (float [2]), key 'b'"))));
}

TEST(RestoreOpsTest, RestoreOpsThatNoSaverNames) {
  Model model = GraphOf(std::string(kTwo) + kRestore);
  EXPECT_THAT(Keys(model, From({{"a", Floats({2})}, {"b", Floats({2})}})),
              ElementsAre("w<-a [] (restore ops of the graph)", "h<-b [] (restore ops of the graph)"));
}

TEST(RestoreOpsTest, RestoreOpsThatNoSaverNamesAreNotBelievedAgainstNames) {
  Model model = GraphOf(std::string(kTwo) + kRestore);
  EXPECT_THAT(Keys(model, From({{"b", Floats({2})}, {"w", Floats({2})}})),
              ElementsAre(AllOf(HasSubstr("(CG117)"), HasSubstr("variable 'h'"),
                                HasSubstr("a restore op of the graph reads 'b' for it"),
                                HasSubstr("--variable_map=h=b"))));
}

TEST(RestoreOpsTest, RestoreOpsOfAnotherCheckpointAreNotTaken) {
  // init_from_checkpoint leaves such ops: they read the checkpoint that training began with.
  Model model = GraphOf(std::string(kTwo) + kRestore +
                        "warm/prefix = Const() dtype=t:string value=str:pretrained\n"
                        "warm/names = Const() dtype=t:string value=str:bert/w\n"
                        "warm/slices = Const() dtype=t:string value=str:\n"
                        "warm/RestoreV2 = RestoreV2(warm/prefix, warm/names, warm/slices) dtypes=tl:float\n"
                        "w/Assign = Assign(w, warm/RestoreV2) T=t:float\n");
  std::vector<std::string> notes;
  EXPECT_THAT(Keys(model, From({{"a", Floats({2})}, {"b", Floats({2})}}), &notes),
              ElementsAre("w<-a [] (restore ops of the graph)", "h<-b [] (restore ops of the graph)"));
  EXPECT_THAT(notes, Contains(HasSubstr("the graph restores 1 variables from more than one key")));
}

TEST(RestoreOpsTest, OldRestoreOpsSlicesAndReshape) {
  Model model = GraphOf(
      "p0 = Variable() dtype=t:float shape=shape:1,3\np1 = Variable() dtype=t:float shape=shape:1,3\n"
      "flat = Variable() dtype=t:float shape=shape:2,2\n"
      "y = AddN(p0, p1, flat) T=t:float\n"
      "file = Const() dtype=t:string value=str:model\n"
      "name = Const() dtype=t:string value=str:whole\n"
      "spec0 = Const() dtype=t:string value=str:2_3_0,1:-\n"
      "r0 = RestoreSlice(file, name, spec0) dt=t:float\na0 = Assign(p0, r0) T=t:float\n"
      "names = Const() dtype=t:string value=str:four\n"
      "r2 = Restore(file, names) dt=t:float\nshape = Const() dtype=t:int32 value=i32:2,2\n"
      "reshape = Reshape(r2, shape) T=t:float\na2 = Assign(flat, reshape) T=t:float\n");
  // The notation has no blanks in values.
  Graph& graph = model.graph();
  for (const auto& [node, spec] : {std::pair<const char*, const char*>{"spec0", "2 3 0,1:-"}}) {
    ASSERT_OK_AND_ASSIGN(const std::string proto, EncodeTensorProto(Tensor::OfStrings({}, {spec})));
    graph.SetAttr(graph.Find(node), "value", AttrTensor(proto));
  }
  FreezeOptions options = From({{"four", Floats({4})}, {"whole", Floats({2, 3})}});
  options.variable_map = {{"p1", "whole"}};
  options.outputs = {"p0", "flat"};
  EXPECT_THAT(Keys(model, options), ElementsAre("p0<-whole [2 3 0,1:-] (restore ops of the graph)",
                                                "flat<-four [] (restore ops of the graph)"));
  EXPECT_EQ(LinesOf(graph),
            "p0 = Const() dtype=t:float value=f32:0,1,2\nflat = Const() dtype=t:float value=f32:0,1,2,3\n");
}

// A SavedModel of TF2 keeps its restore ops in a function; variables are arguments.
TEST(RestoreOpsTest, RestoreFunction) {
  std::string signature, function, library;
  AppendBytesField(1, "__inference__traced_restore_1", &signature);
  for (const char* name : {"file_prefix", "assignvariableop_v", "assignvariableop_1_w"}) {
    std::string argument;
    AppendBytesField(1, name, &argument);
    AppendVarintField(3, name[0] == 'f' ? DT_STRING : DT_RESOURCE, &argument);
    AppendBytesField(2, argument, &signature);
  }
  AppendBytesField(1, signature, &function);
  function += NodesOf(
      "names = Const() dtype=t:string value=str:v/.ATTRIBUTES/VARIABLE_VALUE,w/.ATTRIBUTES/VARIABLE_VALUE\n"
      "slices = Const() dtype=t:string value=str:,\n"
      "RestoreV2 = RestoreV2(file_prefix, names:output:0, slices:output:0) dtypes=tl:float,float\n"
      "Identity = Identity(RestoreV2:tensors:0) T=t:float\n"
      "A = AssignVariableOp(assignvariableop_v, Identity:output:0) dtype=t:float\n"
      "Identity_1 = Identity(RestoreV2:tensors:1) T=t:float\n"
      "A_1 = AssignVariableOp(assignvariableop_1_w, Identity_1:output:0) dtype=t:float\n",
      3);
  AppendBytesField(1, function, &library);
  // Both nodes have the other's name in the checkpoint: only the function tells.
  Model model = MetaGraphOf(
      "w = VarHandleOp() dtype=t:float shape=shape:2 shared_name=s:w\nv = VarHandleOp() dtype=t:float "
      "shape=shape:2 shared_name=s:v\n"
      "rv = ReadVariableOp(v) dtype=t:float\nrw = ReadVariableOp(w) dtype=t:float\ny = Add(rv, rw) "
      "T=t:float\n"
      "saver_filename = Placeholder() dtype=t:string\n"
      "StatefulPartitionedCall = StatefulPartitionedCall(saver_filename, w, v) "
      "f=f:__inference__traced_restore_1\n",
      {{3, SaverDef("StatefulPartitionedCall")}}, library);
  EXPECT_THAT(Keys(model, From({{"v/.ATTRIBUTES/VARIABLE_VALUE", Floats({2})},
                                {"w/.ATTRIBUTES/VARIABLE_VALUE", Floats({2})}})),
              ElementsAre("w<-v/.ATTRIBUTES/VARIABLE_VALUE [] (restore op 'StatefulPartitionedCall')",
                          "v<-w/.ATTRIBUTES/VARIABLE_VALUE [] (restore op 'StatefulPartitionedCall')"));
}

// --- Without restore ops.

TEST(KeysTest, NodeNameThenSharedName) {
  Model model = GraphOf(
      "a = VarHandleOp() dtype=t:float shape=shape:2 shared_name=s:shared_a\n"
      "b = VarHandleOp() dtype=t:float shape=shape:2 shared_name=s:shared_b\n"
      "ra = ReadVariableOp(a) dtype=t:float\nrb = ReadVariableOp(b) dtype=t:float\ny = Add(ra, rb) "
      "T=t:float\n");
  EXPECT_THAT(Keys(model, From({{"a", Floats({2})}, {"shared_a", Floats({2})}, {"shared_b", Floats({2})}})),
              ElementsAre("a<-a [] (node name)", "b<-shared_b [] (shared_name)"));
}

TEST(KeysTest, NodesOfOneVariable) {
  Model model = GraphOf(
      "w = VariableV2() dtype=t:float shape=shape:2\ntwin = VariableV2() dtype=t:float shape=shape:2 "
      "shared_name=s:w\n"
      "y = Add(w, twin) T=t:float\n");
  EXPECT_THAT(Keys(model, From({{"w", Floats({2})}})),
              ElementsAre("w<-w [] (node name)", "twin<-w [] (name of another node of the same variable)"));
  // A container keeps them apart, though the shared name is still a key.
  Model apart = GraphOf(
      "w = VariableV2() dtype=t:float shape=shape:2\n"
      "twin = VariableV2() dtype=t:float shape=shape:2 shared_name=s:w container=s:other\ny = Add(w, twin) "
      "T=t:float\n");
  EXPECT_THAT(Keys(apart, From({{"w", Floats({2})}})),
              ElementsAre("w<-w [] (node name)", "twin<-w [] (shared_name)"));
}

TEST(KeysTest, ObjectGraphFullNames) {
  const auto attribute = [](const std::string& full_name, const std::string& key) {
    std::string tensor, object;
    AppendBytesField(1, "VARIABLE_VALUE", &tensor);
    AppendBytesField(2, full_name, &tensor);
    AppendBytesField(3, key, &tensor);
    AppendBytesField(2, tensor, &object);
    return object;
  };
  std::string objects;
  for (const auto& [name, key] :
       {std::pair<const char*, const char*>{"dense/kernel", "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE"},
        {"dup", "one/.ATTRIBUTES/VARIABLE_VALUE"},
        {"dup", "two/.ATTRIBUTES/VARIABLE_VALUE"}}) {
    AppendBytesField(1, attribute(name, key), &objects);
  }
  const std::vector<TestTensor> tensors = {{"_CHECKPOINTABLE_OBJECT_GRAPH", Tensor::OfStrings({}, {objects})},
                                           {"layer/kernel/.ATTRIBUTES/VARIABLE_VALUE", Floats({2})},
                                           {"one/.ATTRIBUTES/VARIABLE_VALUE", Floats({2})},
                                           {"two/.ATTRIBUTES/VARIABLE_VALUE", Floats({2})}};
  Model model =
      GraphOf("dense/kernel = VariableV2() dtype=t:float shape=shape:2\ny = Neg(dense/kernel) T=t:float\n");
  EXPECT_THAT(
      Keys(model, From(tensors)),
      ElementsAre(
          "dense/kernel<-layer/kernel/.ATTRIBUTES/VARIABLE_VALUE [] (full name in the object graph)"));
  Model twice = GraphOf("dup = VariableV2() dtype=t:float shape=shape:2\ny = Neg(dup) T=t:float\n");
  EXPECT_THAT(Keys(twice, From(tensors)), ElementsAre(AllOf(HasSubstr("(CG117)"), HasSubstr("(CG121)"))));
}

TEST(KeysTest, PartsByTheirShapes) {
  const std::vector<TestTensor> tensors = {{"w", Floats({2, 3}), {3, 3}, {{0, 2}, {0, 3}}},
                                           {"w", Floats({1, 3}, 6), {3, 3}, {{2, 1}, {0, 3}}}};
  Model model = GraphOf(
      "w/part_0 = VariableV2() dtype=t:float shape=shape:2,3\nw/part_1 = VariableV2() dtype=t:float "
      "shape=shape:1,3\n"
      "y = ConcatV2(w/part_0, w/part_1) T=t:float\n");
  EXPECT_THAT(Keys(model, From(tensors)),
              ElementsAre("w/part_0<-w [3 3 0,2:0,3] (part of a partitioned variable)",
                          "w/part_1<-w [3 3 2,1:0,3] (part of a partitioned variable)"));
  EXPECT_THAT(LinesOf(model.graph()), HasSubstr("w/part_1 = Const() dtype=t:float value=f32:6,7,8\n"));
  // Parts of another size than those that were saved are cut out all the same.
  Model other = GraphOf(
      "w/part_0 = VariableV2() dtype=t:float shape=shape:3,1\nw/part_1 = VariableV2() dtype=t:float "
      "shape=shape:3,2\n"
      "y = ConcatV2(w/part_0, w/part_1) T=t:float\n");
  EXPECT_THAT(Keys(other, From(tensors)),
              ElementsAre(HasSubstr("[3 3 0,3:0,1]"), HasSubstr("[3 3 0,3:1,2]")));
  EXPECT_THAT(LinesOf(other.graph()), HasSubstr("w/part_0 = Const() dtype=t:float value=f32:0,3,6\n"));
  Model uncovered =
      GraphOf("w/part_0 = VariableV2() dtype=t:float shape=shape:2,2\ny = Neg(w/part_0) T=t:float\n");
  EXPECT_THAT(Keys(uncovered, From(tensors)), ElementsAre(HasSubstr("(CG117)")));
}

TEST(KeysTest, PartsByTheVariablesCollection) {
  std::string info, packed;
  for (int dim : {3, 3}) AppendVarint(static_cast<uint64_t>(dim), &packed);
  AppendBytesField(1, "whole", &info);
  AppendBytesField(2, packed, &info);
  AppendVarintField(3, 1, &info);  // Not packed, as old files have it.
  AppendVarintField(3, 0, &info);
  packed.clear();
  for (int dim : {2, 3}) AppendVarint(static_cast<uint64_t>(dim), &packed);
  AppendBytesField(4, packed, &info);
  std::string variable, list, collection;
  AppendBytesField(1, "piece:0", &variable);
  AppendBytesField(4, info, &variable);
  AppendBytesField(1, variable, &list);
  AppendBytesField(2, list, &collection);
  Model model = MetaGraphOf("piece = VariableV2() dtype=t:float shape=shape:2,3\ny = Neg(piece) T=t:float\n",
                            {{4, MapEntry("variables", collection)}});
  EXPECT_THAT(Keys(model, From({{"whole", Floats({3, 3})}})),
              ElementsAre("piece<-whole [3 3 1,2:0,3] (variables collection)"));
  EXPECT_THAT(LinesOf(model.graph()), HasSubstr("piece = Const() dtype=t:float value=f32:3,4,5,6,7,8\n"));
}

TEST(KeysTest, AScopeThatWasAddedOrRemoved) {
  const std::string lines =
      "net/a/w = VariableV2() dtype=t:float shape=shape:2\nnet/a/b = VariableV2() dtype=t:float "
      "shape=shape:3\n"
      "y = Add(net/a/w, net/a/b) T=t:float\n";
  std::vector<std::string> notes;
  Model removed = GraphOf(lines);
  EXPECT_THAT(
      Keys(removed, From({{"a/b", Floats({3})}, {"a/w", Floats({2})}}), &notes),
      ElementsAre("net/a/w<-a/w [] (scope 'net/' removed)", "net/a/b<-a/b [] (scope 'net/' removed)"));
  EXPECT_THAT(notes, Contains(HasSubstr("all 2 are there with the scope 'net/' removed")));
  Model added = GraphOf(lines);
  EXPECT_THAT(Keys(added, From({{"old/net/a/b", Floats({3})}, {"old/net/a/w", Floats({2})}})),
              ElementsAre("net/a/w<-old/net/a/w [] (scope 'old/' added)",
                          "net/a/b<-old/net/a/b [] (scope 'old/' added)"));
  // One that fits only a part, or another shape, or two that fit all: no guess.
  Model part = GraphOf(lines);
  EXPECT_THAT(Keys(part, From({{"a/b", Floats({2})}, {"a/w", Floats({2})}})),
              ElementsAre(HasSubstr("(CG116)")));
  Model two = GraphOf(lines);
  EXPECT_THAT(
      Keys(two, From({{"a/b", Floats({3})}, {"a/w", Floats({2})}, {"b", Floats({3})}, {"w", Floats({2})}})),
      ElementsAre(HasSubstr("(CG116)")));
  Model some = GraphOf(lines);
  EXPECT_THAT(Keys(some, From({{"a/b", Floats({3})}, {"net/a/w", Floats({2})}})),
              ElementsAre(HasSubstr("(CG117)")));
}

TEST(KeysTest, AMapWinsOverAll) {
  FreezeOptions options =
      From({{"a", Floats({2})}, {"b", Floats({2})}, {"other/h", Floats({2})}, {"w", Floats({2})}});
  options.variable_map = {{"w", "b"}, {"*", "other/*"}};
  Model model = MetaGraphOf(std::string(kTwo) + kRestore, {{3, SaverDef("save/restore_all")}});
  EXPECT_THAT(Keys(model, options), ElementsAre("w<-b [] (variable map)", "h<-other/h [] (variable map)"));
}

TEST(KeysTest, MovingAverages) {
  const std::vector<TestTensor> tensors = {
      {"h", Floats({2})}, {"w", Floats({2})}, {"w/ExponentialMovingAverage", Floats({2}, 7)}};
  std::vector<std::string> notes;
  Model model = GraphOf(kTwo);
  EXPECT_THAT(Keys(model, From(tensors), &notes), ElementsAre("w<-w [] (node name)", "h<-h [] (node name)"));
  EXPECT_THAT(notes, Contains(AllOf(HasSubstr("1 of 2 variables"), HasSubstr("(CG120)"))));
  Model averaged = GraphOf(kTwo);
  FreezeOptions options = From(tensors);
  options.use_ema = true;
  EXPECT_THAT(
      Keys(averaged, options),
      ElementsAre("w<-w/ExponentialMovingAverage [] (node name, moving average)", "h<-h [] (node name)"));
}

// --- The MetaGraph around the graph.

TEST(ContainerTest, FitsTheFrozenGraph) {
  const auto info = [](const std::string& tensor) {
    std::string bytes;
    AppendBytesField(1, tensor, &bytes);
    return bytes;
  };
  const auto signature = [&](const std::vector<std::pair<std::string, std::string>>& inputs,
                             const std::vector<std::pair<std::string, std::string>>& outputs) {
    std::string bytes;
    for (const auto& [key, tensor] : inputs) AppendBytesField(1, MapEntry(key, info(tensor)), &bytes);
    for (const auto& [key, tensor] : outputs) AppendBytesField(2, MapEntry(key, info(tensor)), &bytes);
    AppendBytesField(3, "tensorflow/serving/predict", &bytes);
    return bytes;
  };
  const auto nodes = [](const std::string& name) {
    std::string list, collection;
    AppendBytesField(1, name, &list);
    AppendBytesField(1, list, &collection);
    return collection;
  };
  std::string tags;
  AppendBytesField(4, "serve", &tags);
  const std::string lines =
      std::string(kTwo) + kRestore + "x = Placeholder() dtype=t:float\nz = Neg(x) T=t:float\n";
  Model model = MetaGraphOf(
      lines, {{1, tags},
              {3, SaverDef("save/restore_all")},
              {4, MapEntry("kept", nodes("y:0"))},
              {4, MapEntry("gone", nodes("save/restore_all"))},
              {5, MapEntry("serving_default", signature({{"in", "x:0"}}, {{"out", "y:0"}, {"more", "z:0"}}))},
              {5, MapEntry("other", signature({{"in", "x:0"}}, {{"out", "z:0"}}))},
              {5, MapEntry("same", signature({}, {{"out", "y:0"}}))},
              {7, std::string("\x0a\x00", 2)}});
  FreezeOptions options = From({{"a", Floats({2})}, {"b", Floats({2})}});
  options.outputs = {"y"};
  const absl::StatusOr<FreezeReport> report = FreezeVariables(model, options);
  ASSERT_OK(report);
  EXPECT_THAT(report->changed_signatures,
              ElementsAre("signature 'serving_default': input 'in' was removed with its node",
                          "signature 'serving_default': output 'more' was removed with its node",
                          "signature 'other' was removed: the graph has none of its outputs"));
  ASSERT_EQ(model.meta_fields.size(), 4u);
  EXPECT_EQ(model.meta_fields[0].payload, tags);
  EXPECT_EQ(model.meta_fields[1].payload, MapEntry("kept", nodes("y:0")));
  EXPECT_EQ(model.meta_fields[2].payload, MapEntry("serving_default", signature({}, {{"out", "y:0"}})));
  EXPECT_EQ(model.meta_fields[3].payload, MapEntry("same", signature({}, {{"out", "y:0"}})));
}

TEST(ContainerTest, AMetaGraphWithoutVariables) {
  Model model = MetaGraphOf("c = Const() dtype=t:float value=f32:1\ny = Neg(c) T=t:float\n", {{1, ""}});
  EXPECT_THAT(Keys(model, From({{"a", Floats({2})}})),
              ElementsAre(HasSubstr("no variable; it is frozen already (CG125)")));
}

}  // namespace
}  // namespace cryograph

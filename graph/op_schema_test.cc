// The table of ops against the op lists it was made from (read another way), and what follows from it for
// nodes.
#include "graph/op_schema.h"

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "graph/proto/op_def.pb.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::NotNull;

// Contents of a gzip file.
std::string Unzip(const std::string& path) {
  std::string text;
  FILE* pipe = popen(absl::StrCat("gzip -dc '", path, "'").c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[1 << 16];
  while (const size_t got = fread(buffer, 1, sizeof(buffer), pipe)) text.append(buffer, got);
  pclose(pipe);
  return text;
}

void ExpectArg(const ArgSchema& arg, const tensorflow::OpDef::ArgDef& want) {
  EXPECT_EQ(arg.name, want.name());
  EXPECT_EQ(static_cast<int>(arg.type), static_cast<int>(want.type()));
  EXPECT_EQ(arg.type_attr, want.type_attr());
  EXPECT_EQ(arg.number_attr, want.number_attr());
  EXPECT_EQ(arg.type_list_attr, want.type_list_attr());
  EXPECT_EQ(arg.is_ref, want.is_ref());
}

void ExpectAttr(const AttrSchema& attr, const tensorflow::OpDef::AttrDef& want) {
  EXPECT_EQ(attr.name, want.name());
  EXPECT_EQ(attr.type, want.type());
  EXPECT_EQ(attr.has_minimum, want.has_minimum());
  EXPECT_EQ(attr.minimum, want.minimum());
  EXPECT_EQ(attr.has_default, want.has_default_value());
  EXPECT_EQ(attr.default_value, want.default_value().SerializeAsString()) << want.ShortDebugString();
  ASSERT_EQ(static_cast<int>(attr.allowed_types.size()), want.allowed_values().list().type_size());
  for (size_t i = 0; i < attr.allowed_types.size(); ++i) {
    EXPECT_EQ(static_cast<int>(attr.allowed_types[i]),
              static_cast<int>(want.allowed_values().list().type(i)));
  }
  ASSERT_EQ(static_cast<int>(attr.allowed_strings.size()), want.allowed_values().list().s_size());
  for (size_t i = 0; i < attr.allowed_strings.size(); ++i) {
    EXPECT_EQ(attr.allowed_strings[i], want.allowed_values().list().s(i));
  }
}

void ExpectOp(const OpSchema& schema, const tensorflow::OpDef& want) {
  SCOPED_TRACE(want.name());
  EXPECT_EQ(schema.name, want.name());
  EXPECT_EQ(schema.is_stateful, want.is_stateful());
  EXPECT_EQ(schema.is_commutative, want.is_commutative());
  EXPECT_EQ(schema.is_aggregate, want.is_aggregate());
  EXPECT_EQ(schema.allows_uninitialized_input, want.allows_uninitialized_input());
  EXPECT_EQ(schema.deprecated, want.deprecation().version());
  ASSERT_EQ(static_cast<int>(schema.inputs.size()), want.input_arg_size());
  for (int i = 0; i < want.input_arg_size(); ++i) ExpectArg(schema.inputs[i], want.input_arg(i));
  ASSERT_EQ(static_cast<int>(schema.outputs.size()), want.output_arg_size());
  for (int i = 0; i < want.output_arg_size(); ++i) ExpectArg(schema.outputs[i], want.output_arg(i));
  ASSERT_EQ(static_cast<int>(schema.attrs.size()), want.attr_size());
  for (int i = 0; i < want.attr_size(); ++i) ExpectAttr(schema.attrs[i], want.attr(i));
}

struct Source {
  const char* file;
  Release release;
  size_t ops;
};

class OpSchemaSourceTest : public testing::TestWithParam<Source> {};

TEST_P(OpSchemaSourceTest, HoldsEveryOp) {
  const std::string path = SharedData(absl::StrCat("op_defs/", GetParam().file));
  if (path.empty()) GTEST_SKIP() << "../shared/data/op_defs is not there";
  tensorflow::OpList list;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(Unzip(path), &list));
  EXPECT_EQ(static_cast<size_t>(list.op_size()), GetParam().ops);
  for (const tensorflow::OpDef& op : list.op()) {
    const OpSchema* schema = FindOp(op.name(), GetParam().release);
    ASSERT_THAT(schema, NotNull()) << op.name();
    // An op of the core may stand in the list of extensions too; the core's definition counts.
    if (absl::StrContains(GetParam().file, "ext") && !schema->is_extension) continue;
    ExpectOp(*schema, op);
    // The same through the reader of OpDef messages.
    const std::string bytes = op.SerializeAsString();
    ASSERT_OK_AND_ASSIGN(const OpSchema parsed, ParseOpDef(bytes));
    ExpectOp(parsed, op);
  }
}

INSTANTIATE_TEST_SUITE_P(All, OpSchemaSourceTest,
                         testing::Values(Source{"tf_1_15.pbtxt.gz", Release::k1_15, 1392},
                                         Source{"tf_1_15_ext.pbtxt.gz", Release::k1_15, 128},
                                         Source{"tf_2_21.pbtxt.gz", Release::k2_21, 1907}));

TEST(OpSchemaTest, FactsOfSingleOps) {
  const OpSchema* conv = FindOp("Conv2D");
  ASSERT_THAT(conv, NotNull());
  EXPECT_TRUE(conv->in_2_21);
  EXPECT_EQ(conv->since, "0.12.1");
  EXPECT_EQ(conv->until, "");
  ASSERT_THAT(conv->FindAttr("dilations"), NotNull());
  EXPECT_EQ(conv->FindAttr("dilations")->since, "1.5.0");
  EXPECT_THAT(conv->FindAttr("dilations")->default_view().list_i(), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(conv->FindAttr("padding")->allowed_strings, ElementsAre("SAME", "VALID", "EXPLICIT"));
  EXPECT_FALSE(conv->FindAttr("padding")->has_default);
  EXPECT_EQ(FindOp("Conv2D", Release::k1_15)->FindAttr("T")->allowed_types.size(), 4u);
  EXPECT_EQ(FindOp("Conv2D", Release::k2_21)->FindAttr("T")->allowed_types.size(), 5u);

  EXPECT_EQ(FindOp("MatMul", Release::k1_15)->FindAttr("grad_a"), nullptr);
  EXPECT_EQ(FindOp("MatMul")->FindAttr("grad_a")->since, "2.16.1");
  EXPECT_EQ(FindOp("FusedBatchNormV3")->since, "1.14.0");
  EXPECT_EQ(FindOp("LRN")->FindAttr("beta")->default_view().f(), 0.5f);
  EXPECT_EQ(FindOp("TopK")->deprecated, 7);
  EXPECT_TRUE(FindOp("Add", Release::k1_15)->in_1_15);
  EXPECT_TRUE(FindOp("VariableV2")->is_stateful);
  EXPECT_FALSE(FindOp("Placeholder")->is_stateful);
  EXPECT_TRUE(FindOp("Placeholder")->FindAttr("shape")->default_view().shape().unknown_rank);
  EXPECT_TRUE(FindOp("Assign")->inputs[0].is_ref);
  EXPECT_TRUE(FindOp("Assign")->allows_uninitialized_input);
  EXPECT_TRUE(FindOp("AddV2")->is_aggregate);
  EXPECT_EQ(FindOp("CompareAndBitpack")->until, "2.5.0");
  EXPECT_EQ(FindOp("BatchMatMulV3", Release::k1_15), nullptr);
}

TEST(OpSchemaTest, NamesThatNoReleaseHad) {
  EXPECT_EQ(FindOp(""), nullptr);
  EXPECT_EQ(FindOp("Conv2"), nullptr);
  EXPECT_EQ(FindOp("Conv2D\tb"), nullptr);
  EXPECT_EQ(FindOp("\xff\xff"), nullptr);
  EXPECT_EQ(FindOp("A\n"), nullptr);
}

TEST(OpSchemaTest, EveryOpOfTheTableIsFound) {
  const std::vector<absl::string_view> ops = AllOps();
  EXPECT_GT(ops.size(), 2000u);
  for (absl::string_view op : ops) {
    ASSERT_THAT(FindOp(op), NotNull()) << op;
    EXPECT_EQ(FindOp(op)->name, op);
  }
}

TEST(OpSchemaTest, TypesOfInputsAndOutputs) {
  Graph graph;
  const Node split = *graph.AddNode("split", "Split", {});
  graph.SetAttr(split, "num_split", AttrInt(3));
  graph.SetAttr(split, "T", AttrType(DT_HALF));
  const OpSchema& schema = *FindOp("Split");
  EXPECT_THAT(*InputTypes(schema, split), ElementsAre(DT_INT32, DT_HALF));
  EXPECT_THAT(*OutputTypes(schema, split), ElementsAre(DT_HALF, DT_HALF, DT_HALF));

  const Node identity = *graph.AddNode("n", "IdentityN", {});
  graph.SetAttr(identity, "T", AttrTypeList({DT_FLOAT, DT_STRING}));
  EXPECT_THAT(*OutputTypes(*FindOp("IdentityN"), identity), ElementsAre(DT_FLOAT, DT_STRING));

  const Node assign = *graph.AddNode("assign", "Assign", {});
  graph.SetAttr(assign, "T", AttrType(DT_FLOAT));
  EXPECT_THAT(*InputTypes(*FindOp("Assign"), assign), ElementsAre(RefType(DT_FLOAT), DT_FLOAT));

  // The type attribute has a default: LRN without attributes is float.
  EXPECT_THAT(*OutputTypes(*FindOp("LRN"), *graph.AddNode("lrn", "LRN", {})), ElementsAre(DT_FLOAT));
  EXPECT_THAT(*OutputTypes(*FindOp("NoOp"), *graph.AddNode("noop", "NoOp", {})), IsEmpty());
  EXPECT_THAT(
      OutputTypes(*FindOp("MatMul"), *graph.AddNode("m", "MatMul", {})).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("node 'm' (MatMul) lacks attribute 'T'")));
}

TEST(OpSchemaTest, HugeCountsCostNothing) {
  Graph graph;
  const Node split = *graph.AddNode("split", "Split", {});
  graph.SetAttr(split, "num_split", AttrInt(int64_t{1} << 60));
  graph.SetAttr(split, "T", AttrType(DT_HALF));
  TypeRuns runs;
  ASSERT_OK(ArgTypes(*FindOp("Split"), FindOp("Split")->outputs, split, &runs));
  EXPECT_EQ(runs.size(), int64_t{1} << 60);
  EXPECT_EQ(runs.at(12345678), DT_HALF);
  EXPECT_EQ(runs.at(-1), DT_INVALID);
  EXPECT_EQ(runs.at(runs.size()), DT_INVALID);
  EXPECT_THAT(OutputTypes(*FindOp("Split"), split).status(), StatusIs(absl::StatusCode::kResourceExhausted));
  graph.SetAttr(split, "num_split", AttrInt(-1));
  EXPECT_THAT(OutputTypes(*FindOp("Split"), split).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'num_split' = -1")));
}

TEST(OpSchemaTest, OutputsOfFunctionBodies) {
  Graph graph;
  const Node node = *graph.AddNode("u", "UniqueWithCounts", {});
  const OpSchema& unique = *FindOp("UniqueWithCounts");
  EXPECT_EQ(*FlatOutputIndex(unique, node, ":y:0"), 0);
  EXPECT_EQ(*FlatOutputIndex(unique, node, ":count:0"), 2);
  EXPECT_EQ(*FlatOutputIndex(unique, node, ":count"), 2);
  EXPECT_THAT(FlatOutputIndex(unique, node, ":zork:0").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node 'u' (UniqueWithCounts) has no output ':zork:0'")));
  for (const char* port : {"", ":0", ":y:1", ":y:-1", ":y:0:0", ":y:a", "y", ":"}) {
    EXPECT_THAT(FlatOutputIndex(unique, node, port).status(), StatusIs(absl::StatusCode::kInvalidArgument))
        << port;
  }
  const Node split = *graph.AddNode("split", "Split", {});
  graph.SetAttr(split, "num_split", AttrInt(3));
  EXPECT_EQ(*FlatOutputIndex(*FindOp("Split"), split, ":output:2"), 2);
  EXPECT_FALSE(FlatOutputIndex(*FindOp("Split"), split, ":output:3").ok());
}

TEST(OpSchemaTest, GarbledDefinition) {
  EXPECT_THAT(ParseOpDef("\x0a\x7f").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("garbled")));
}

TEST(OpSchemaTest, Releases) {
  Release release = Release::k2_21;
  EXPECT_TRUE(ParseRelease("1.15", &release));
  EXPECT_EQ(release, Release::k1_15);
  EXPECT_EQ(GraphVersion(release), 134);
  EXPECT_FALSE(ParseRelease("1.14", &release));
}

TEST(OpRegistryTest, UnknownOps) {
  const OpRegistry registry;
  EXPECT_EQ(registry.Find("Zork"), nullptr);
  EXPECT_TRUE(registry.IsStateful("Zork"));
  EXPECT_FALSE(registry.IsStateful("Relu"));
  Graph graph;
  EXPECT_THAT(registry.OutputTypes(*graph.AddNode("z", "Zork", {})).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nothing is known of op 'Zork'")));
}

}  // namespace
}  // namespace cryograph

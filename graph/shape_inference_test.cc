// Shapes against those that TensorFlow gives the same graph, and what TensorFlow has no word for: feeds,
// bodies, limits.
#include "graph/shape_inference.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Model ModelOf(absl::string_view text) {
  absl::StatusOr<std::string> bytes = GraphDefFromText(text, "test");
  EXPECT_OK(bytes);
  if (!bytes.ok()) return Model();
  const auto file = MappedFile::FromString("test", *std::move(bytes));
  absl::StatusOr<Model> model = ImportGraphDef(file->bytes(), file, "test");
  EXPECT_OK(model);
  return model.ok() ? *std::move(model) : Model();
}

// "2,?", "" for a scalar, "*" for an unknown rank.
PartialShape Shape(absl::string_view text) {
  PartialShape shape;
  shape.unknown_rank = text == "*";
  if (shape.unknown_rank || text.empty()) return shape;
  for (const absl::string_view dim : absl::StrSplit(text, ',')) {
    int64_t size = -1;
    EXPECT_TRUE(dim == "?" || absl::SimpleAtoi(dim, &size)) << text;
    if (dim == "?") size = -1;
    shape.dims.push_back(size);
  }
  return shape;
}

std::string Text(const PartialShape& shape) { return shape.unknown_rank ? "?" : PartialShapeText(shape); }

// True if every dimension that `b` knows is known to `a`.
bool KnowsAllOf(const PartialShape& a, const PartialShape& b) {
  if (b.unknown_rank) return true;
  if (a.unknown_rank || a.dims.size() != b.dims.size()) return false;
  for (size_t i = 0; i < a.dims.size(); ++i) {
    if (a.dims[i] < 0 && b.dims[i] >= 0) return false;
  }
  return true;
}

TEST(ShapeInferenceTest, AgreesWithTensorFlow) {
  ASSERT_OK_AND_ASSIGN(const auto text, MappedFile::Open("graph/testdata/shapes.pbtxt"));
  ASSERT_OK_AND_ASSIGN(const auto expected, MappedFile::Open("graph/testdata/shapes.txt"));
  Model model = ModelOf(text->bytes());
  const GraphShapes shapes = InferShapes(model);
  EXPECT_THAT(shapes.conflicts(), IsEmpty());
  int compared = 0, more = 0;
  for (const absl::string_view line : absl::StrSplit(expected->bytes(), '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "#")) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    const std::vector<std::string> tensor = absl::StrSplit(words[0], ':');
    int port = 0;
    ASSERT_TRUE(words.size() == 2 && tensor.size() == 2 && absl::SimpleAtoi(tensor[1], &port)) << line;
    const Node node = model.graph().Find(tensor[0]);
    ASSERT_TRUE(node) << line;
    // All that TensorFlow knows; of loops and of arithmetic on shapes we know more.
    const PartialShape& ours = shapes.shape(node.out(port));
    const PartialShape theirs =
        words[1] == "?" ? Shape("*") : Shape(absl::string_view(words[1]).substr(1, words[1].size() - 2));
    EXPECT_TRUE(AreCompatible(ours, theirs) && KnowsAllOf(ours, theirs))
        << words[0] << " (" << node.op() << "): " << Text(ours) << " where TensorFlow has " << words[1];
    more += ours == theirs ? 0 : 1;
    ++compared;
  }
  EXPECT_GT(compared, 400);
  EXPECT_GT(more, 0);
  EXPECT_LT(more, 50);
}

constexpr char kScale[] = R"(
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } }
       attr { key: "shape" value { shape { unknown_rank: true } } } }
node { name: "shape" op: "Shape" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "y" op: "Relu" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "z" op: "Reshape" input: "y" input: "shape" attr { key: "T" value { type: DT_FLOAT } } }
)";

TEST(ShapeInferenceTest, FeedsStandInsteadOfWhatTheGraphSays) {
  Model model = ModelOf(kScale);
  Graph& graph = model.graph();
  EXPECT_EQ(Text(InferShapes(model).shape(graph.Find("z").out())), "?");
  ShapeOptions options;
  options.feeds[graph.Find("x").out()] = Shape("2,3");
  const GraphShapes shapes = InferShapes(model, options);
  EXPECT_EQ(Text(shapes.shape(graph.Find("z").out())), "[2,3]");
  ASSERT_NE(shapes.value(graph.Find("shape").out()), nullptr);
  EXPECT_THAT(*shapes.value(graph.Find("shape").out()), ElementsAre(2, 3));
}

TEST(ShapeInferenceTest, WhatDoesNotExistIsUnknown) {
  Model model = ModelOf(kScale);
  const GraphShapes shapes = InferShapes(model);
  EXPECT_TRUE(shapes.shape(Output{NodeId{1000000}, 0}).unknown_rank);
  EXPECT_TRUE(shapes.shape(Output{model.graph().Find("y").id(), 7}).unknown_rank);
  EXPECT_TRUE(shapes.shape(Output{}).unknown_rank);
  EXPECT_EQ(shapes.value(model.graph().Find("y").out()), nullptr);
}

std::string OnlyConflict(absl::string_view text) {
  Model model = ModelOf(text);
  const GraphShapes shapes = InferShapes(model);
  EXPECT_THAT(shapes.conflicts(), SizeIs(1));
  if (shapes.conflicts().size() != 1) return "";
  return absl::StrCat(model.graph().node(shapes.conflicts()[0].node).name(), " ", shapes.conflicts()[0].text);
}

std::string Placeholder(absl::string_view name, absl::string_view dims) {
  std::string text = absl::StrCat("node { name: '", name,
                                  "' op: 'Placeholder' attr { key: 'dtype' value { type: "
                                  "DT_FLOAT } } attr { key: 'shape' value { shape {");
  for (const int64_t dim : Shape(dims).dims) absl::StrAppend(&text, " dim { size: ", dim, " }");
  return text + " } } } }\n";
}

TEST(ShapeInferenceTest, SaysWhatCannotGoTogether) {
  constexpr char kType[] = " attr { key: 'T' value { type: DT_FLOAT } } }";
  EXPECT_EQ(OnlyConflict(absl::StrCat(Placeholder("a", "2,3"), Placeholder("b", "4,5"),
                                      "node { name: 'm' op: 'MatMul' input: 'a' input: 'b'", kType)),
            "m multiplies [2,3] by [4,5]: inner dimensions 3 and 4 differ");
  EXPECT_THAT(OnlyConflict(absl::StrCat(Placeholder("a", "2,3"), Placeholder("b", "?,4"),
                                        "node { name: 's' op: 'Add' input: 'a' input: 'b'", kType)),
              AllOf(HasSubstr("s takes [2,3] and [?,4]"), HasSubstr("neither fits")));
  // What follows is unknown, and no second conflict.
  EXPECT_THAT(
      OnlyConflict(absl::StrCat(Placeholder("a", "1,8,8,3"), Placeholder("f", "3,3,4,5"),
                                "node { name: 'c' op: 'Conv2D' input: 'a' input: 'f' attr { key: 'strides' "
                                "value { list { i: 1 i: 1 i: 1 i: 1 } } } attr { key: 'padding' value { s: "
                                "'SAME' } }",
                                kType, "node { name: 'd' op: 'MatMul' input: 'c' input: 'c'", kType)),
      HasSubstr("3 channels where it takes 4"));
}

TEST(ShapeInferenceTest, OldPlaceholdersOfNoDimensionsAreUnknown) {
  const std::string graph = Placeholder("x", "");
  Model old = ModelOf(absl::StrCat(graph, "versions { producer: 21 }"));
  Model recent = ModelOf(absl::StrCat(graph, "versions { producer: 22 }"));
  EXPECT_EQ(Text(InferShapes(old).shape(old.graph().Find("x").out())), "?");
  EXPECT_EQ(Text(InferShapes(recent).shape(recent.graph().Find("x").out())), "[]");
}

TEST(ShapeInferenceTest, BodiesOfFunctions) {
  Model model = ModelOf(R"(
library { function {
  signature { name: "f" input_arg { name: "x" type: DT_FLOAT } output_arg { name: "y" type: DT_FLOAT } }
  node_def { name: "parts" op: "Unpack" input: "x" attr { key: "T" value { type: DT_FLOAT } }
             attr { key: "num" value { i: 2 } } attr { key: "axis" value { i: 0 } } }
  node_def { name: "sum" op: "AddV2" input: "parts:output:0" input: "parts:output:1"
             attr { key: "T" value { type: DT_FLOAT } } }
  ret { key: "y" value: "sum:z:0" }
} })");
  ASSERT_OK_AND_ASSIGN(Graph * body, model.functions()[0].body());
  const Node parts = body->Find("parts"), sum = body->Find("sum");
  ShapeOptions options;
  options.feeds[parts.input(0)] = Shape("2,5");
  const GraphShapes shapes = InferShapes(*body, OpRegistry(model), options);
  EXPECT_EQ(Text(shapes.shape(sum.input(1))), "[5]");
  EXPECT_EQ(Text(shapes.shape(sum.out())), "[5]");
}

TEST(ShapeInferenceTest, PromisesOfAttributesCostNothing) {
  Model model = ModelOf(absl::StrCat(Placeholder("x", "8"), R"(
node { name: "axis" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
       attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { } int_val: 0 } } } }
node { name: "s" op: "Split" input: "axis" input: "x" attr { key: "T" value { type: DT_FLOAT } }
       attr { key: "num_split" value { i: 1152921504606846976 } } }
node { name: "y" op: "Identity" input: "s:2000000000" attr { key: "T" value { type: DT_FLOAT } } }
node { name: "big" op: "Const" attr { key: "dtype" value { type: DT_INT32 } }
       attr { key: "value" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 1099511627776 } } int_val: 1 } } } }
)"));
  const GraphShapes shapes = InferShapes(model);
  EXPECT_EQ(Text(shapes.shape(model.graph().Find("y").out())), "?");
  EXPECT_EQ(Text(shapes.shape(model.graph().Find("big").out())), "[1099511627776]");
  EXPECT_EQ(shapes.value(model.graph().Find("big").out()), nullptr);
}

}  // namespace
}  // namespace cryograph

// Sizes, counts and shapes that no trained model has: they end in a result or an error, at once.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"

namespace cryograph {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

constexpr int64_t kHuge = int64_t{1} << 60;

std::string N(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
              const std::vector<std::pair<std::string, std::string>>& attrs) {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "' ");
  for (const std::string& input : inputs) absl::StrAppend(&text, "input: '", input, "' ");
  for (const auto& [key, value] : attrs)
    absl::StrAppend(&text, "attr { key: '", key, "' value { ", value, " } } ");
  return absl::StrCat(text, "}\n");
}

std::string Const(const std::string& name, const std::string& type, const std::vector<int64_t>& dims,
                  const std::string& values = "") {
  std::string shape;
  for (const int64_t dim : dims) absl::StrAppend(&shape, "dim { size: ", dim, " } ");
  return N(
      name, "Const", {},
      {{"dtype", absl::StrCat("type: ", type)},
       {"value", absl::StrCat("tensor { dtype: ", type, " tensor_shape { ", shape, "} ", values, " }")}});
}

const std::pair<std::string, std::string> kFloat = {"T", "type: DT_FLOAT"};

absl::StatusOr<Value> Outcome(const std::string& text, absl::Duration time_limit = absl::Seconds(10)) {
  ASSIGN_OR_RETURN(std::string bytes, GraphDefFromText(text, "graph"));
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  ASSIGN_OR_RETURN(Model model, ImportGraphDef(*owner, owner, "graph"));
  ExecutorOptions options;
  options.memory_limit = 256 << 20;
  ASSIGN_OR_RETURN(const auto executor, Executor::Create(std::move(model), options));
  RunOptions limits;
  limits.time_limit = time_limit;
  ASSIGN_OR_RETURN(std::vector<Value> results, executor->RunOnce({}, {"y"}, {}, limits));
  return results[0];
}

TEST(EmptyTensorTest, NoLoopGoesAlongItsOtherDimensions) {
  const std::string graphs[] = {
      Const("x", "DT_FLOAT", {kHuge, 0, 1}) + Const("a", "DT_INT32", {}, "int_val: 1") +
          N("y", "Cumsum", {"x", "a"}, {kFloat}),
      Const("x", "DT_FLOAT", {kHuge, 1, 0}) + Const("i", "DT_INT32", {1}, "int_val: 0") +
          Const("a", "DT_INT32", {}, "int_val: 1") +
          N("y", "GatherV2", {"x", "i", "a"},
            {{"Tparams", "type: DT_FLOAT"}, {"Tindices", "type: DT_INT32"}, {"Taxis", "type: DT_INT32"}}),
      Const("x", "DT_FLOAT", {0}) + Const("i", "DT_INT32", {kHuge, 0}) +
          N("y", "GatherNd", {"x", "i"}, {{"Tparams", "type: DT_FLOAT"}, {"Tindices", "type: DT_INT32"}}),
      Const("x", "DT_FLOAT", {kHuge, 0, 3}) + Const("p", "DT_INT32", {3}, "int_val: [0, 2, 1]") +
          N("y", "Transpose", {"x", "p"}, {kFloat}),
      Const("x", "DT_FLOAT", {kHuge, 1, 0}) + Const("a", "DT_INT32", {}, "int_val: 1") +
          N("y", "ArgMax", {"x", "a"}, {kFloat}),
      Const("i", "DT_INT32", {kHuge, 0}) + Const("u", "DT_FLOAT", {kHuge, 0}) +
          Const("s", "DT_INT32", {1}, "int_val: 0") +
          N("y", "ScatterNd", {"i", "u", "s"}, {kFloat, {"Tindices", "type: DT_INT32"}}),
      Const("x", "DT_FLOAT", {kHuge, 1, 1, 0}) + Const("t", "DT_FLOAT", {1, 8}, "float_val: 0") +
          Const("s", "DT_INT32", {2}, "int_val: 1") +
          N("y", "ImageProjectiveTransformV2", {"x", "t", "s"},
            {{"dtype", "type: DT_FLOAT"}, {"interpolation", "s: 'NEAREST'"}}),
      Const("x", "DT_FLOAT", {kHuge, 1, 1, 0}) + N("y", "MaxPoolWithArgmax", {"x"},
                                                   {kFloat,
                                                    {"ksize", "list { i: [1, 1, 1, 1] }"},
                                                    {"strides", "list { i: [1, 1, 1, 1] }"},
                                                    {"padding", "s: 'SAME'"}}),
      Const("g", "DT_FLOAT", {0, kHuge, 1, 1}) + Const("x", "DT_FLOAT", {0, 2, 2, 1}) +
          N("y", "ResizeBilinearGrad", {"g", "x"}, {kFloat}),
      Const("g", "DT_FLOAT", {kHuge, 1, 1, 0}) + Const("s", "DT_INT32", {2}, "int_val: 2") +
          N("y", "ResizeNearestNeighborGrad", {"g", "s"}, {kFloat}),
      Const("x", "DT_FLOAT", {kHuge, 0}) + N("y", "RandomShuffle", {"x"}, {kFloat}),
      Const("x", "DT_FLOAT", {0, 1, 1, 1}) + Const("s", "DT_INT32", {2}, "int_val: 2147483647") +
          Const("p", "DT_INT32", {4, 2}, "int_val: 0") +
          Const("f", "DT_FLOAT", {1, 1, 1, 1}, "float_val: 1") +
          N("y", "FusedResizeAndPadConv2D", {"x", "s", "p", "f"},
            {kFloat,
             {"mode", "s: 'REFLECT'"},
             {"strides", "list { i: [1, 1, 1, 1] }"},
             {"padding", "s: 'VALID'"}}),
  };
  for (const std::string& graph : graphs) {
    const auto result = Outcome(graph);
    ASSERT_TRUE(result.ok()) << result.status() << "\n" << graph;
    EXPECT_EQ(result->num_elements(), 0) << graph;
  }
}

TEST(EmptyTensorTest, CountsOfThemAreLimitedByMemory) {
  const std::string graphs[] = {
      Const("x", "DT_FLOAT", {0, kHuge}) + Const("a", "DT_INT64", {1}, "int64_val: 1") +
          N("y", "UniqueV2", {"x", "a"}, {kFloat, {"Taxis", "type: DT_INT64"}}),
      Const("sh", "DT_INT64", {}, "int64_val: -1") + Const("v", "DT_FLOAT", {kHuge, 0}) +
          Const("d", "DT_FLOAT", {}, "float_val: 0") +
          Const("s", "DT_INT64", {2}, absl::StrCat("int64_val: [0, ", kHuge / 64, "]")) +
          N("y", "RaggedTensorToTensor", {"sh", "v", "d", "s"},
            {kFloat,
             {"Tindex", "type: DT_INT64"},
             {"Tshape", "type: DT_INT64"},
             {"num_row_partition_tensors", "i: 1"},
             {"row_partition_types", "list { s: 'ROW_SPLITS' }"}}),
      Const("x", "DT_FLOAT", {kHuge, 0}) + Const("e", "DT_INT32", {}, "int_val: -1") +
          N("l", "TensorListFromTensor", {"x", "e"},
            {{"element_dtype", "type: DT_FLOAT"}, {"shape_type", "type: DT_INT32"}}) +
          N("y", "TensorListLength", {"l"}, {}),
  };
  for (const std::string& graph : graphs)
    EXPECT_THAT(Outcome(graph), StatusIs(absl::StatusCode::kResourceExhausted)) << graph;
}

TEST(CtcTest, PathsAreLimitedByMemory) {
  const std::string graph =
      Const("d", "DT_INT32", {3}, "int_val: [1, 20000, 1]") + Const("z", "DT_FLOAT", {}, "float_val: 0") +
      N("x", "Fill", {"d", "z"}, {kFloat}) + Const("n", "DT_INT32", {1}, "int_val: 20000") +
      Const("one", "DT_INT32", {}, "int_val: 1") + N("l", "Fill", {"n", "one"}, {{"T", "type: DT_INT32"}}) +
      N("y", "CTCBeamSearchDecoder", {"x", "l"}, {{"beam_width", "i: 300000"}, {"top_paths", "i: 300000"}});
  EXPECT_THAT(Outcome(graph), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(RankTest, ValuesThatAreNotCopiedKeepToTheLimit) {
  const std::string scalar = Const("x", "DT_FLOAT", {}, "float_val: 1");
  EXPECT_THAT(
      Outcome(scalar + Const("s", "DT_INT32", {600}, "int_val: 1") + N("r", "Reshape", {"x", "s"}, {kFloat}) +
              N("y", "Einsum", {"r"}, {{"N", "i: 1"}, kFloat, {"equation", "s: '...->...'"}})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("600 dimensions")));
  EXPECT_THAT(
      Outcome(scalar + Const("s", "DT_INT32", {254}, "int_val: 1") + N("r", "Reshape", {"x", "s"}, {kFloat}) +
              Const("a", "DT_INT32", {}, "int_val: 0") + N("y", "ExpandDims", {"r", "a"}, {kFloat})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("255 dimensions")));
}

// Keys are then not where the number of types says.
TEST(ParseExampleTest, NumbersOfKeysAndTypesMustAgree) {
  const std::string graph = Const("s", "DT_STRING", {1}, "string_val: ''") + Const("n", "DT_STRING", {0}) +
                            Const("d", "DT_FLOAT", {}, "float_val: 1") +
                            N("y", "ParseExample", {"s", "n", "d"},
                              {{"Nsparse", "i: 0"},
                               {"Ndense", "i: 0"},
                               {"sparse_types", "list {}"},
                               {"Tdense", "list { type: DT_FLOAT }"},
                               {"dense_shapes", "list { shape { } }"}});
  EXPECT_THAT(Outcome(graph), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("Ndense is 0")));
  const std::string two = Const("s", "DT_STRING", {1}, "string_val: ''") + Const("n", "DT_STRING", {0}) +
                          Const("k", "DT_STRING", {0}) +
                          N("y", "ParseExampleV2", {"s", "n", "k", "k", "k"},
                            {{"num_sparse", "i: 1"},
                             {"sparse_types", "list {}"},
                             {"Tdense", "list {}"},
                             {"dense_shapes", "list {}"},
                             {"ragged_value_types", "list { type: [DT_FLOAT, DT_FLOAT] }"},
                             {"ragged_split_types", "list {}"}});
  EXPECT_THAT(Outcome(two), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("num_sparse is 1")));
}

// Counts of rows are taken as numbers of the type: 256 is 0.
TEST(SegmentMeanTest, CountThatWrapsToZeroDividesNothing) {
  const auto result =
      Outcome(Const("x", "DT_UINT8", {256}, "int_val: 3") + Const("i", "DT_INT32", {256}, "int_val: 0") +
              N("y", "SegmentMean", {"x", "i"}, {{"T", "type: DT_UINT8"}, {"Tindices", "type: DT_INT32"}}));
  ASSERT_OK(result);
  EXPECT_EQ(result->num_elements(), 1);
}

// 16777219, the last line, has no float of its own: its neighbour is behind the image.
TEST(HugeImageTest, LastLineIsInside) {
  const std::string image = Const("d", "DT_INT32", {4}, "int_val: [1, 16777220, 1, 1]") +
                            Const("v", "DT_UINT8", {}, "int_val: 7") +
                            N("x", "Fill", {"d", "v"}, {{"T", "type: DT_UINT8"}});
  for (const char* const method : {"nearest", "bilinear"}) {
    const auto result =
        Outcome(image + Const("b", "DT_FLOAT", {1, 4}, "float_val: [0, 0, 1, 0]") +
                Const("i", "DT_INT32", {1}, "int_val: 0") + Const("c", "DT_INT32", {2}, "int_val: [2, 1]") +
                N("y", "CropAndResize", {"x", "b", "i", "c"},
                  {{"T", "type: DT_UINT8"}, {"method", absl::StrCat("s: '", method, "'")}}));
    ASSERT_OK(result);
    EXPECT_THAT(result->span<float>(), Each(7));
  }
  const auto scaled = Outcome(image + Const("s", "DT_INT32", {2}, "int_val: [1, 1]") +
                              Const("f", "DT_FLOAT", {2}, "float_val: [1, 1]") +
                              Const("t", "DT_FLOAT", {2}, "float_val: [-16777219, 0]") +
                              N("y", "ScaleAndTranslate", {"x", "s", "f", "t"},
                                {{"T", "type: DT_UINT8"}, {"kernel_type", "s: 'triangle'"}}));
  ASSERT_OK(scaled);
  EXPECT_THAT(scaled->span<float>(), Each(::testing::AnyOf(0, 7)));
}

// Bytes of any value as bools, whose number was then that of all bits.
TEST(DecodeRawTest, BoolsAreOneBit) {
  const auto result = Outcome(Const("x", "DT_STRING", {}, "string_val: '\\000\\001\\377\\002'") +
                              N("b", "DecodeRaw", {"x"}, {{"out_type", "type: DT_BOOL"}}) +
                              N("y", "Where", {"b"}, {{"T", "type: DT_BOOL"}}));
  ASSERT_OK(result);
  EXPECT_THAT(result->span<int64_t>(), ::testing::ElementsAre(1, 2, 3));
}

// Of one value for all 2^27 elements.
TEST(ExpandedTest, TensorsOfFewBytesAreLimitedByMemory) {
  EXPECT_THAT(
      Outcome(Const("x", "DT_FLOAT", {1 << 27}, "float_val: 1") + N("y", "Identity", {"x"}, {kFloat})),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("node 'x'")));
  const std::string proto =
      "\\010\\001\\022\\007\\022\\005\\010\\200\\200\\200\\100\\052\\004\\000\\000\\200\\077";
  EXPECT_THAT(Outcome(Const("x", "DT_STRING", {}, absl::StrCat("string_val: '", proto, "'")) +
                      N("y", "ParseTensor", {"x"}, {{"out_type", "type: DT_FLOAT"}})),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

// Small inputs whose attributes make the work as long as one likes.
TEST(TimeLimitTest, HoldsInsideOfAKernel) {
  const std::string graph =
      Const("x", "DT_FLOAT", {1, 1, 2}, "float_val: 1") + Const("r", "DT_INT32", {}, "int_val: 16000") +
      N("y", "Mfcc", {"x", "r"},
        {{"filterbank_channel_count", "i: 4000000"}, {"dct_coefficient_count", "i: 4000000"}});
  EXPECT_THAT(Outcome(graph, absl::Milliseconds(500)), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(EmptyTensorTest, MatricesWithoutElementsAreCounted) {
  for (const char* op : {"Cholesky", "MatrixInverse"}) {
    EXPECT_THAT(Outcome(Const("x", "DT_FLOAT", {kHuge, 0, 0}) + N("y", op, {"x"}, {kFloat})),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("matrices without elements")));
  }
}

// Windows as large as the image: hours of work in a few megabytes, all of it in a single step.
TEST(TimeLimitTest, HoldsInsideOfProductsAndWindows) {
  const std::pair<std::string, std::string> strides = {"strides", "list { i: [1, 1, 1, 1] }"},
                                            same = {"padding", "s: 'SAME'"};
  const std::string image =
      Const("s", "DT_INT32", {4}, "int_val: [1, 2000000, 1, 1]") +
      N("x", "RandomUniform", {"s"}, {{"T", "type: DT_INT32"}, {"dtype", "type: DT_FLOAT"}});
  const std::string filter = Const("f", "DT_FLOAT", {2000000, 1, 1, 1}, "float_val: 1");
  const std::string graphs[] = {
      image + filter + N("y", "Conv2D", {"x", "f"}, {kFloat, strides, same}),
      image + filter + N("y", "DepthwiseConv2dNative", {"x", "f"}, {kFloat, strides, same}),
      image + N("y", "MaxPool", {"x"}, {kFloat, strides, same, {"ksize", "list { i: [1, 2000000, 1, 1] }"}})};
  for (const std::string& graph : graphs) {
    EXPECT_THAT(Outcome(graph, absl::Milliseconds(500)), StatusIs(absl::StatusCode::kDeadlineExceeded));
  }
}

TEST(SparseAddTest, ThresholdIsOfTheTypeOfTheValues) {
  const std::string graph =
      Const("i", "DT_INT64", {1, 1}, "int64_val: 0") + Const("v", "DT_DOUBLE", {1}, "double_val: 1") +
      Const("s", "DT_INT64", {1}, "int64_val: 1") + Const("t", "DT_INT8", {}, "int_val: 1") +
      N("y", "SparseAdd", {"i", "v", "s", "i", "v", "s", "t"},
        {{"T", "type: DT_DOUBLE"}, {"Treal", "type: DT_INT8"}});
  EXPECT_THAT(Outcome(graph), StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr("thresh is int8 for values of type double")));
}

// More inputs or outputs of the types than N and the dense types say.
TEST(SparseCrossTest, CountsMustFitTheInputs) {
  const std::string columns = Const("i", "DT_INT64", {1, 2}, "int64_val: 0") +
                              Const("v", "DT_INT64", {1}, "int64_val: 1") +
                              Const("s", "DT_INT64", {2}, "int64_val: 1");
  const std::string graph = columns + N("y", "SparseCross", {"i", "s"},
                                        {{"N", "i: 1"},
                                         {"sparse_types", "list {}"},
                                         {"dense_types", "list {}"},
                                         {"hashed_output", "b: true"},
                                         {"num_buckets", "i: 10"},
                                         {"hash_key", "i: 1"},
                                         {"out_type", "type: DT_INT64"},
                                         {"internal_type", "type: DT_INT64"}});
  EXPECT_THAT(Outcome(graph), StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr("2 inputs do not go with N=1 and 0 dense types")));
}

}  // namespace
}  // namespace cryograph

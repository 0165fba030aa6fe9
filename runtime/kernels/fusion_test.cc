// A kernel that takes over its neighbours gives the same results, to rounding, as they do one by one.
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_matchers.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"

namespace cryograph {
namespace {

constexpr char kFloat[] = "attr { key: 'T' value { type: DT_FLOAT } } ";

std::string N(const std::string& name, const std::string& op, const std::vector<std::string>& inputs,
              const std::string& attrs) {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "' ");
  for (const std::string& input : inputs) absl::StrAppend(&text, "input: '", input, "' ");
  return absl::StrCat(text, attrs, "}\n");
}

std::string Placeholder(const std::string& name) {
  return N(name, "Placeholder", {}, "attr { key: 'dtype' value { type: DT_FLOAT } } ");
}

class FusionTest : public testing::Test {
 protected:
  std::vector<float> Random(int64_t count, double low = -1, double high = 1) {
    std::vector<float> values(count);
    for (float& value : values)
      value = static_cast<float>(std::uniform_real_distribution<double>(low, high)(rng_));
    return values;
  }

  std::string Const(const std::string& name, const std::vector<int64_t>& dims, double low = -1,
                    double high = 1) {
    int64_t count = 1;
    std::string shape;
    for (int64_t dim : dims) {
      count *= dim;
      absl::StrAppend(&shape, "dim { size: ", dim, " } ");
    }
    return N(name, "Const", {},
             absl::StrCat(
                 "attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { tensor { dtype: "
                 "DT_FLOAT tensor_shape { ",
                 shape, "} float_val: [", absl::StrJoin(Random(count, low, high), ", "), "] } } } "));
  }

  // Appends the tails after `from`, which has 4 channels; returns the name of the last node.
  std::string Tails(const std::vector<std::string>& tails, std::string from, std::string* graph) {
    for (const std::string& tail : tails) {
      const std::string name = absl::StrCat("tail", count_++);
      const auto part = [&](const char* suffix) { return absl::StrCat(name, "/", suffix); };
      if (tail == "BiasAdd") {
        absl::StrAppend(graph, Const(part("b"), {4}), N(name, tail, {from, part("b")}, kFloat));
      } else if (tail == "FusedBatchNormV3") {
        absl::StrAppend(graph, Const(part("scale"), {4}, 0.5, 2), Const(part("offset"), {4}),
                        Const(part("mean"), {4}), Const(part("variance"), {4}, 0.1, 2));
        absl::StrAppend(graph,
                        N(name, tail, {from, part("scale"), part("offset"), part("mean"), part("variance")},
                          absl::StrCat(kFloat,
                                       "attr { key: 'U' value { type: DT_FLOAT } } attr { key: "
                                       "'is_training' value { b: false } } ")));
      } else if (tail == "AddConst") {
        absl::StrAppend(graph, Const(part("b"), {4}), N(name, "AddV2", {part("b"), from}, kFloat));
      } else if (tail == "AddFed") {
        absl::StrAppend(graph, N(name, "AddV2", {from, "addend"}, kFloat));
      } else {
        absl::StrAppend(graph, N(name, tail, {from}, kFloat));
      }
      from = name;
    }
    return from;
  }

  Value Fed(Executor& executor, const std::vector<int64_t>& dims) {
    auto value = Value::Allocate(DT_FLOAT, dims, executor.pool());
    EXPECT_OK(value);
    std::mt19937 rng(7);
    for (float& x : value->mutable_span<float>()) {
      x = static_cast<float>(std::uniform_real_distribution<double>(-1, 1)(rng));
    }
    return *std::move(value);
  }

  std::vector<Value> Run(const std::string& text, bool fuse, const std::vector<int64_t>& input_dims,
                         const std::vector<int64_t>& addend_dims, const std::vector<std::string>& fetches) {
    auto bytes = GraphDefFromText(text, "graph");
    EXPECT_OK(bytes);
    if (!bytes.ok()) return {};
    const auto owner = std::make_shared<const std::string>(*std::move(bytes));
    auto model = ImportGraphDef(*owner, owner, "graph");
    EXPECT_OK(model);
    if (!model.ok()) return {};
    ExecutorOptions options;
    options.fuse = fuse;
    auto executor = Executor::Create(*std::move(model), options);
    EXPECT_OK(executor);
    std::vector<std::pair<std::string, Value>> feeds = {{"input", Fed(**executor, input_dims)}};
    if (!addend_dims.empty()) feeds.emplace_back("addend", Fed(**executor, addend_dims));
    auto results = (*executor)->RunOnce(feeds, fetches);
    EXPECT_OK(results);
    return results.ok() ? *std::move(results) : std::vector<Value>();
  }

  void ExpectSame(const std::string& text, const std::vector<int64_t>& input_dims,
                  const std::vector<int64_t>& addend_dims, const std::vector<std::string>& fetches) {
    const std::vector<Value> fused = Run(text, true, input_dims, addend_dims, fetches);
    const std::vector<Value> apart = Run(text, false, input_dims, addend_dims, fetches);
    ASSERT_EQ(fused.size(), fetches.size());
    ASSERT_EQ(apart.size(), fetches.size());
    for (size_t k = 0; k < fused.size(); ++k) {
      ASSERT_EQ(fused[k].shape(), apart[k].shape()) << text;
      for (int64_t i = 0; i < fused[k].num_elements(); ++i) {
        const float want = apart[k].span<float>()[i];
        ASSERT_NEAR(fused[k].span<float>()[i], want, 1e-5 + 1e-5 * std::abs(want))
            << fetches[k] << " " << i << "\n"
            << text;
      }
    }
  }

  std::string Conv() {
    return absl::StrCat(
        Const("filter", {3, 3, 5, 4}),
        N("conv", "Conv2D", {"input", "filter"},
          absl::StrCat(kFloat,
                       "attr { key: 'strides' value { list { i: [1, 2, 2, 1] } } } attr { key: "
                       "'padding' value { s: 'SAME' } } ")));
  }
  std::string Depthwise() {
    return absl::StrCat(
        Const("filter", {3, 3, 4, 1}),
        N("conv", "DepthwiseConv2dNative", {"input", "filter"},
          absl::StrCat(kFloat,
                       "attr { key: 'strides' value { list { i: [1, 1, 1, 1] } } } attr { key: "
                       "'padding' value { s: 'VALID' } } ")));
  }
  std::string MatMul() {
    return absl::StrCat(Const("filter", {4, 6}),
                        N("conv", "MatMul", {"input", "filter"},
                          absl::StrCat(kFloat, "attr { key: 'transpose_b' value { b: true } } ")));
  }

  std::mt19937 rng_{1};
  int count_ = 0;
};

const std::vector<std::vector<std::string>> kTails = {
    {"BiasAdd"},
    {"Relu"},
    {"Relu6"},
    {"BiasAdd", "FusedBatchNormV3", "Relu"},
    {"FusedBatchNormV3", "BiasAdd", "FusedBatchNormV3", "Relu6"},
    {"FusedBatchNormV3", "AddFed", "Relu"},
    {"AddConst", "AddFed", "Relu6"},
    {"AddFed", "BiasAdd", "Relu"},
    {"Relu", "BiasAdd", "Relu"},
    {"AddFed", "AddFed", "Relu"},
};

TEST_F(FusionTest, ConvAndWhatFollows) {
  for (const auto& tails : kTails) {
    std::string graph = absl::StrCat(Placeholder("input"), Placeholder("addend"), Conv());
    const std::string last = Tails(tails, "conv", &graph);
    ExpectSame(graph, {2, 7, 7, 5}, {2, 4, 4, 4}, {last});
  }
}

TEST_F(FusionTest, DepthwiseConvAndWhatFollows) {
  for (const auto& tails : kTails) {
    std::string graph = absl::StrCat(Placeholder("input"), Placeholder("addend"), Depthwise());
    const std::string last = Tails(tails, "conv", &graph);
    ExpectSame(graph, {2, 5, 6, 4}, {2, 3, 4, 4}, {last});
  }
}

TEST_F(FusionTest, MatMulAndWhatFollows) {
  for (const auto& tails : kTails) {
    bool images = false;  // Batch normalization takes nothing else.
    for (const std::string& tail : tails) images |= tail == "FusedBatchNormV3";
    if (images) continue;
    std::string graph = absl::StrCat(Placeholder("input"), Placeholder("addend"), MatMul());
    const std::string last = Tails(tails, "conv", &graph);
    ExpectSame(graph, {3, 6}, {3, 4}, {last});
  }
}

// The shape of what is added is known only when the graph runs.
TEST_F(FusionTest, AddendsOfOtherShapes) {
  std::string graph = absl::StrCat(Placeholder("input"), Placeholder("addend"), Conv());
  const std::string last = Tails({"BiasAdd", "AddFed", "Relu"}, "conv", &graph);
  for (const std::vector<int64_t>& dims : std::vector<std::vector<int64_t>>{
           {1}, {4}, {4, 1}, {2, 1, 1, 4}, {1, 4, 4, 4}, {2, 4, 4, 1}, {3, 2, 4, 4, 4}}) {
    ExpectSame(graph, {2, 7, 7, 5}, dims, {last});
  }
  ExpectSame(graph, {1, 7, 7, 5}, {3, 4, 4, 4}, {last});
}

TEST_F(FusionTest, WhatIsWantedByOthersIsNotFused) {
  std::string graph = absl::StrCat(Placeholder("input"), Conv());
  const std::string first = Tails({"BiasAdd"}, "conv", &graph), last = Tails({"Relu"}, first, &graph);
  const std::string other = Tails({"Relu6"}, first, &graph);
  ExpectSame(graph, {2, 7, 7, 5}, {}, {last});
  ExpectSame(graph, {2, 7, 7, 5}, {}, {last, first});
  ExpectSame(graph, {2, 7, 7, 5}, {}, {last, other, "conv"});
}

TEST_F(FusionTest, PaddingInFront) {
  const std::string pads =
      "node { name: 'pads' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } } attr { key: 'value' "
      "value { tensor "
      "{ dtype: DT_INT32 tensor_shape { dim { size: 4 } dim { size: 2 } } int_val: [0, 0, 0, 1, 2, 3, 0, 0] "
      "} } } }\n";
  for (const bool depthwise : {false, true}) {
    std::string graph =
        absl::StrCat(Placeholder("image"), pads,
                     N("input", "Pad", {"image", "pads"},
                       absl::StrCat(kFloat, "attr { key: 'Tpaddings' value { type: DT_INT32 } } ")),
                     depthwise ? Depthwise() : Conv());
    // Fed and fetched under the names that the other tests use.
    const std::string last = Tails({"FusedBatchNormV3", "Relu6"}, "conv", &graph);
    size_t at = 0;
    while ((at = graph.find("'input'", at)) != std::string::npos) graph.replace(at, 7, "'padded'");
    while ((at = graph.find("'image'")) != std::string::npos) graph.replace(at, 7, "'input'");
    ExpectSame(graph, {2, 6, 5, depthwise ? 4 : 5}, {}, {last});
    ExpectSame(graph, {2, 6, 5, depthwise ? 4 : 5}, {}, {last, "padded"});
  }
}

}  // namespace
}  // namespace cryograph

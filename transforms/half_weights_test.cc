#include "transforms/half_weights.h"

#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_sink.h"
#include "base/status_matchers.h"
#include "gtest/gtest.h"
#include "transforms/freeze_test_graph.h"

namespace cryograph {
namespace {

using testing::HasSubstr;

TEST(HalfWeightsTest, RoundsAsNumpyDoes) {
  // Bits of a float, and of numpy.float16 of it.
  const std::vector<std::pair<uint32_t, uint16_t>> cases = {
      {0x3f800000, 0x3c00}, {0xbf800000, 0xbc00}, {0x477fe000, 0x7bff}, {0x477fefff, 0x7bff},
      {0x477ff000, 0x7c00}, {0x47800000, 0x7c00}, {0x7f800000, 0x7c00}, {0x3f801000, 0x3c00},
      {0x3f803000, 0x3c02}, {0x3f801001, 0x3c01}, {0x33800000, 0x0001}, {0x33000000, 0x0000},
      {0x33000001, 0x0001}, {0x33400000, 0x0001}, {0x387fe000, 0x0400}, {0x387ff000, 0x0400},
      {0x38800000, 0x0400}, {0x387fdfff, 0x03ff}, {0x80000000, 0x8000}, {0x3eaaaaab, 0x3555},
      {0xc2f6e979, 0xd7b7}, {0x35a00000, 0x0014}, {0x36b55555, 0x005b}, {0x00000001, 0x0000},
      {0x33bfffff, 0x0001}, {0x33c00000, 0x0002}};
  for (const auto& [bits, half] : cases) {
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    EXPECT_EQ(HalfOf(value), half) << std::hex << bits;
  }
  EXPECT_EQ(HalfOf(std::numeric_limits<float>::quiet_NaN()), 0x7e00);
}

constexpr char kGraph[] = R"(
  x = Placeholder() dtype=t:float
  w = Const() dtype=t:float value=f32:1,2,3
  b = Const() dtype=t:float value=f32:1,2
  y = Mul(x, w) T=t:float
)";

TEST(HalfWeightsTest, TheNameStaysWithTheCast) {
  Model model = GraphOf(kGraph);
  ASSERT_OK_AND_ASSIGN(const HalfWeights result, StoreWeightsAsHalf(model.graph(), 3));
  EXPECT_EQ(result.constants, 1);
  EXPECT_EQ(result.saved_bytes, 6u);
  const Node w = model.graph().Find("w");
  EXPECT_EQ(w.op(), "Cast");
  EXPECT_EQ(model.graph().Find("y").input_node(1), w);
  ASSERT_OK_AND_ASSIGN(const Tensor half, model.graph().Find("w/half").constant());
  EXPECT_EQ(half.dtype, DT_HALF);
  EXPECT_EQ(half.Copy<uint16_t>(), (std::vector<uint16_t>{0x3c00, 0x4000, 0x4200}));
  EXPECT_EQ(model.graph().Find("b").op(), "Const");
}

// Gives its bytes in pieces that cut elements.
class PieceSource final : public TensorSource {
 public:
  explicit PieceSource(Tensor value) : value_(std::move(value)) {}
  DataType dtype() const override { return value_.dtype; }
  const std::vector<int64_t>& dims() const override { return value_.dims; }
  uint64_t num_bytes() const override { return value_.bytes.size(); }
  absl::StatusOr<Tensor> Load() const override { return value_; }
  absl::Status Write(ByteSink& sink) const override {
    for (size_t i = 0; i < value_.bytes.size(); i += 3) {
      const absl::Status status = sink.Append(value_.bytes.substr(i, 3));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  Tensor value_;
};

TEST(HalfWeightsTest, ValuesThatAreFetchedLater) {
  Model model = GraphOf(kGraph);
  model.graph().SetAttr(model.graph().Find("w"), "value",
                        std::make_shared<PieceSource>(Tensor::Of<float>(DT_FLOAT, {4}, {1, -2, 0.5, 65504})));
  ASSERT_OK(StoreWeightsAsHalf(model.graph(), 3).status());
  ASSERT_OK_AND_ASSIGN(const Tensor half, model.graph().Find("w/half").constant());
  EXPECT_EQ(half.Copy<uint16_t>(), (std::vector<uint16_t>{0x3c00, 0xc000, 0x3800, 0x7bff}));
}

TEST(HalfWeightsTest, WhatIsTooLargeIsAnErrorWithTheName) {
  Model model = GraphOf(kGraph);
  model.graph().SetAttr(model.graph().Find("w"), "value",
                        std::make_shared<PieceSource>(Tensor::Of<float>(DT_FLOAT, {3}, {1, 70000, 2})));
  ASSERT_OK(StoreWeightsAsHalf(model.graph(), 3).status());
  EXPECT_THAT(model.graph().Find("w/half").constant().status().message(),
              HasSubstr("constant 'w' has the value 70000, which is too large for a half"));
}

}  // namespace
}  // namespace cryograph

// Binomial numbers, at what TensorFlow 2.21 gave for the same operands.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "runtime/executor.h"

namespace cryograph {
namespace {

using ::testing::ElementsAreArray;

constexpr char kGraph[] = R"(
  node { name: 'shape' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } }
         attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } }
                                              int_val: [3, 6] } } } }
  node { name: 'seed' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } }
         attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } }
                                              int_val: [1, 2] } } } }
  node { name: 'counts' op: 'Const' attr { key: 'dtype' value { type: DT_DOUBLE } }
         attr { key: 'value' value { tensor { dtype: DT_DOUBLE tensor_shape { dim { size: 6 } }
                                              double_val: [100, 20, 5, 200, -1, 7] } } } }
  node { name: 'probs' op: 'Const' attr { key: 'dtype' value { type: DT_DOUBLE } }
         attr { key: 'value' value { tensor { dtype: DT_DOUBLE tensor_shape { dim { size: 6 } }
                                              double_val: [0.5, 0.25, 0.3, 0.875, 0.5, 1] } } } }
  node { name: 'drawn' op: 'StatelessRandomBinomial' input: 'shape' input: 'seed' input: 'counts' input: 'probs'
         attr { key: 'S' value { type: DT_INT32 } } attr { key: 'Tseed' value { type: DT_INT32 } }
         attr { key: 'T' value { type: DT_DOUBLE } } attr { key: 'dtype' value { type: DT_INT64 } } })";

// By both methods, mirrored and not, and where there is nothing to draw.
TEST(RandomBinomialTest, DrawsWhatTensorFlowDraws) {
  auto bytes = GraphDefFromText(kGraph, "graph");
  ASSERT_OK(bytes);
  const auto owner = std::make_shared<const std::string>(*std::move(bytes));
  auto model = ImportGraphDef(*owner, owner, "graph");
  ASSERT_OK(model);
  auto executor = Executor::Create(*std::move(model));
  ASSERT_OK(executor);
  auto results = (*executor)->RunOnce({}, {"drawn"});
  ASSERT_OK(results);
  constexpr int64_t kWanted[] = {56, 7, 3, 173, 0, 7, 53, 7, 0, 175, 0, 7, 57, 5, 1, 177, 0, 7};
  EXPECT_THAT((*results)[0].span<int64_t>(), ElementsAreArray(kWanted));
}

}  // namespace
}  // namespace cryograph

// Stores large float constants as half: the pass store_weights_as_half.
#include "absl/strings/str_cat.h"
#include "transforms/half_weights.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class StoreWeightsAsHalfPass final : public Pass {
 public:
  StoreWeightsAsHalfPass()
      : Pass("store_weights_as_half",
             "Stores large float constants as half, and casts them when the graph runs.",
             Semantics::kNotKept) {}

  // The largest error among the sample models, of whose outputs most are in [0, 1], is 0.024.
  ErrorBound error_bound() const override { return {0.03, 0.03, 0}; }

  std::string doc() const override {
    return "The file becomes half as large; what is computed stays float. Values lose the last 13 bits of "
           "their fraction, and\n"
           "those below 6e-8 are lost; a value above 65504 is an error when the graph is written. Put it "
           "last: folding\n"
           "constants undoes it.";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    ASSIGN_OR_RETURN(const HalfWeights result, StoreWeightsAsHalf(graph, *min_elements_));
    if (result.constants > 0) context.Count("constants stored as half", result.constants);
    return absl::OkStatus();
  }

 private:
  Param<int64_t> min_elements_{this, "min_elements", 1024, "Smaller constants stay as they are.", AtLeast(1)};
};
CRYOGRAPH_REGISTER_PASS(StoreWeightsAsHalfPass);

}  // namespace
}  // namespace cryograph

// The cuts that make a model smaller: what outputs do not need goes, and nodes become leaves.
#ifndef CRYOGRAPH_TOOLS_REDUCE_CUTS_H_
#define CRYOGRAPH_TOOLS_REDUCE_CUTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/attr.h"
#include "graph/model.h"
#include "graph/op_schema.h"
#include "graph/shape_inference.h"
#include "graph/tensor.h"

namespace cryograph {

// What a node gave when the whole model ran, by name; nodes of which nothing is known are not there.
struct SeenTensor {
  std::vector<int64_t> dims;
  Tensor value;  // Of dtype DT_INVALID where it was too large to keep.
};
using SeenTensors = std::map<std::string, std::vector<SeenTensor>>;  // By node; one for each output.

// Erases what none of `outputs`, nodes or tensors, needs. False if one of them is not there.
bool StripTo(Model& model, const std::vector<std::string>& outputs);

// Type and shape of the outputs of a model's nodes, as far as they can be told. Both arguments must outlive
// it, the model unchanged.
class Described {
 public:
  Described(Model& model, const SeenTensors& seen)
      : seen_(seen), registry_(model), shapes_(InferShapes(model)) {}

  DataType Type(Node node, int32_t index) const {
    const absl::StatusOr<DataType> type = registry_.OutputType(node.graph(), node.out(index));
    return type.ok() ? BaseType(*type) : DT_INVALID;
  }
  PartialShape Shape(Node node, int32_t index) const {
    if (const SeenTensor* seen = Seen(node, index); seen != nullptr) return {false, seen->dims};
    return shapes_.shape(node.out(index));
  }
  // Null if there is none.
  const Tensor* Value(Node node, int32_t index) const {
    const SeenTensor* seen = Seen(node, index);
    return seen != nullptr && seen->value.dtype != DT_INVALID ? &seen->value : nullptr;
  }

 private:
  const SeenTensor* Seen(Node node, int32_t index) const {
    const auto found = seen_.find(std::string(node.name()));
    if (found == seen_.end() || index < 0 || static_cast<size_t>(index) >= found->second.size()) {
      return nullptr;
    }
    return &found->second[static_cast<size_t>(index)];
  }

  const SeenTensors& seen_;
  const OpRegistry registry_;
  const GraphShapes shapes_;
};

enum class Cut { kPlaceholder, kConst };

// Each output of `node` that is read becomes a leaf. False if that cannot be: a type is not known.
bool CutNode(Graph& graph, Node node, Cut cut, const Described& described);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_REDUCE_CUTS_H_

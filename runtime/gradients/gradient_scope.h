// What a gradient rule works with: one node of the forward graph, the gradients of its outputs, and the means
// to add nodes.
#ifndef CRYOGRAPH_RUNTIME_GRADIENTS_GRADIENT_SCOPE_H_
#define CRYOGRAPH_RUNTIME_GRADIENTS_GRADIENT_SCOPE_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/graph.h"
#include "graph/op_schema.h"

namespace cryograph {

// Output::index counts all outputs of a node: the graph is no function body.
class GradientScope {
 public:
  using Attrs = std::vector<std::pair<absl::string_view, std::string>>;  // Serialized AttrValues.

  // `slopes`: the gradient of each output of `node`; null nodes where none came.
  GradientScope(Graph& graph, const OpRegistry& ops, Node node, std::vector<Output> slopes);

  Node node() const { return node_; }
  int num_inputs() const { return node_.num_inputs(); }
  int num_outputs() const { return static_cast<int>(slopes_.size()); }
  Output x(int slot = 0) const { return node_.input(slot); }
  Output y(int index = 0) const { return node_.out(index); }
  bool HasSlope(int index) const { return slopes_[index].node != kNoNode; }
  // The gradient of output `index`; zeros where none came.
  Output dy(int index = 0);
  DataType TypeOf(Output output);
  // The node's attribute, else the default of the op.
  AttrView attr(absl::string_view key) const;
  // Those of the node's own attributes, for a node to add.
  Attrs Same(std::initializer_list<absl::string_view> keys) const;

  // Sets the gradient of input `slot`.
  void Give(int slot, Output gradient) { given_[slot] = gradient; }
  // The same for an operand that may have been broadcast: the gradient is summed to its shape.
  void GiveSummed(int slot, Output gradient);

  // --- Nodes. Types, and the numbers of inputs, follow from the inputs. A failure sticks: status().

  Output Add(absl::string_view op, absl::Span<const Output> inputs, const Attrs& attrs = {});
  Output Add(absl::string_view op, std::initializer_list<Output> inputs, const Attrs& attrs = {}) {
    return Add(op, absl::MakeSpan(inputs.begin(), inputs.size()), attrs);
  }
  // A scalar of that type.
  Output Scalar(DataType dtype, double value);
  // One of the type of `like`.
  Output Number(Output like, double value) { return Scalar(TypeOf(like), value); }
  Output Int(int32_t value) { return Scalar(DT_INT32, value); }
  Output Ints(const std::vector<int32_t>& values);
  Output Mul(Output a, Output b) { return Add("Mul", {a, b}); }
  Output Div(Output a, Output b) { return Add("RealDiv", {a, b}); }
  Output Plus(Output a, Output b) { return Add("AddV2", {a, b}); }
  Output Minus(Output a, Output b) { return Add("Sub", {a, b}); }
  Output Neg(Output a) { return Add("Neg", {a}); }
  Output Square(Output a) { return Add("Square", {a}); }
  // The conjugate if it is complex, else `a` itself.
  Output Conjugate(Output a);
  Output Shape(Output a, DataType dtype = DT_INT32);
  Output Cast(Output a, DataType dtype);
  Output Reshape(Output a, Output shape) { return Add("Reshape", {a, shape}); }
  Output ZerosLike(Output a) { return Add("ZerosLike", {a}); }
  // `a`'s sum over the last dimension, which stays with size 1.
  Output SumLast(Output a);
  // `gradient` summed to the shape of `like`, which was broadcast to it.
  Output SumTo(Output gradient, Output like);

  const absl::Status& status() const { return status_; }
  const std::vector<Output>& given() const { return given_; }

 private:
  Graph& graph_;
  const OpRegistry& ops_;
  const Node node_;
  std::vector<Output> slopes_, given_;
  absl::Status status_;
};

// Types of the attributes that follow from the inputs of a node, set on it: type attributes, and the numbers
// of inputs.
absl::Status SetTypesFromInputs(Graph& graph, const OpRegistry& ops, Node node);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_GRADIENTS_GRADIENT_SCOPE_H_

// Attributes, tensors and nodes in one line each, as TensorFlow prints them in its messages.
#ifndef CRYOGRAPH_TOOLS_ATTR_SUMMARY_H_
#define CRYOGRAPH_TOOLS_ATTR_SUMMARY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "graph/attr.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace cryograph {

// 3, 0.1, true, "text" (80 characters and more: the first and last ten), DT_FLOAT, [?,3], f[T=DT_INT32];
// lists in brackets, of fifteen and more elements the first and last five; tensors as SummarizeTensor does.
std::string SummarizeAttr(const AttrView& attr);

// "Tensor<type: float shape: [2,2] values: [1 2][3...]...>": three values at most.
std::string SummarizeTensor(const Tensor& tensor);

// "{{node sum}} = Add[T=DT_FLOAT, _device="/cpu:0"](x, y:1, ^z)".
std::string SummarizeNode(Node node);

// "x", "y:1", "^z".
std::string InputText(Node producer, int index);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_ATTR_SUMMARY_H_

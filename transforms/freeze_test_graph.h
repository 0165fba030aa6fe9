// Small graphs for tests of freezing: a line of text for each node, in and out, and checkpoints in a
// temporary folder.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_TEST_GRAPH_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_TEST_GRAPH_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/ordered_code.h"
#include "graph/model.h"
#include "graph/tensor.h"

namespace cryograph {

// A graph with a node for each line:
//   w = VariableV2() dtype=t:float shape=shape:2,3 _class=l:loc:@v
//   y = Add(x, w:0, ^c) T=t:float
//   c = Const() dtype=t:int32 value=i32:1,2        (a value of one element is a scalar; []: rank 1 of it)
// Attribute values: t:TYPE, i:NUMBER, b:true, s:TEXT, shape:2,? (or unknown), l:a,b (strings), f:FUNCTION,
// tl:float,int32 (types), i32:… i64:… f32:… bool:… str:… (tensors). Blank lines do not count. Dies if the
// text is wrong.
Model GraphOf(const std::string& lines);
// NodeDefs of such lines, serialized as the field `number` of a message.
std::string NodesOf(const std::string& lines, int number = 1);

// The same notation for what is there now; attributes sorted.
std::string LinesOf(Graph& graph);

// Floats 0, 1, 2 … of that shape, from `first` on.
Tensor Floats(std::vector<int64_t> dims, float first = 0);

struct TestTensor {
  std::string key;
  Tensor value;
  // Of a part: where it lies in a tensor of `full`.
  std::vector<int64_t> full = {};
  std::vector<SliceExtent> slice = {};
};
// A checkpoint of these tensors.
std::shared_ptr<const Checkpoint> CheckpointOf(const std::vector<TestTensor>& tensors);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_TEST_GRAPH_H_

// What a MetaGraph says of tensors in its signatures, to be read and changed.
#ifndef CRYOGRAPH_GRAPH_TENSOR_INFOS_H_
#define CRYOGRAPH_GRAPH_TENSOR_INFOS_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/model.h"

namespace cryograph {

// A TensorInfo of a signature. Parts of sparse and composite tensors come one by one, by name alone.
struct TensorInfo {
  absl::string_view signature, key;
  bool is_input = false;
  bool is_dense = true;  // dtype and shape are there.
  std::string name;      // "x:0"
  DataType dtype = DT_INVALID;
  PartialShape shape;  // Unknown if the message has none.
};

// Gives every TensorInfo of the model's signatures to `edit`, which returns true if it changed name, dtype or
// shape: then the signature is written anew, with all that is not understood kept. Returns how many were
// changed.
int EditTensorInfos(Model& model, absl::FunctionRef<bool(TensorInfo& info)> edit);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_TENSOR_INFOS_H_

// --signature: a signature of the model says what to freeze, and what the results are called.
#ifndef CRYOGRAPH_TOOLS_SIGNATURE_CHOICE_H_
#define CRYOGRAPH_TOOLS_SIGNATURE_CHOICE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "tools/model_names.h"

namespace cryograph {

// The outputs of signature `name`, sorted by key. NotFound (CG130) if there is no such signature, with the
// nearest and all that there are; FailedPrecondition if it has no dense outputs.
absl::StatusOr<std::vector<SignatureTensor>> ChooseSignature(const Model& model, const std::string& name);

// The signature that speaks of what is frozen, and its dense tensors, sorted by key; without a name if none
// does.
struct SignatureUse {
  std::string name;
  std::vector<SignatureTensor> inputs, outputs;

  // "signature serving_default: inputs x = serving_default_x:0; outputs y = StatefulPartitionedCall:0"; empty
  // without a signature, and where every key is the node's name anyway.
  std::string Text() const;
};

// Signature `name`; without a name 'serving_default', else the first in order of names, of those whose
// outputs are all of the nodes `outputs`.
SignatureUse UsedSignature(const Model& model, const std::string& name,
                           const std::vector<std::string>& outputs);

// Calls each input of the graph as its key in the signature; the entry's tensor is then that. A key that is
// taken or no name for a node, and an input that is not there or no placeholder, are left alone. Returns how
// many got another name.
int NameInputs(Graph& graph, std::vector<SignatureTensor>& inputs);

// Gives each output a node of its key's name, an Identity of the tensor. A key that is taken or no name for a
// node is left out. Returns those added.
std::vector<std::string> NameOutputs(Model& model, const std::vector<SignatureTensor>& outputs);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SIGNATURE_CHOICE_H_

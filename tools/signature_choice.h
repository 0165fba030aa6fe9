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

// Gives each output a node of its key's name, an Identity of the tensor. A key that is taken or no name for a
// node is left out. Returns those added.
std::vector<std::string> NameOutputs(Model& model, const std::vector<SignatureTensor>& outputs);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SIGNATURE_CHOICE_H_

// Signatures as flags spell them.
#ifndef CRYOGRAPH_TOOLS_SIGNATURE_SPEC_H_
#define CRYOGRAPH_TOOLS_SIGNATURE_SPEC_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/signature_maker.h"

namespace cryograph {

struct SignatureSpec {
  std::string key, method;
  std::vector<SignatureEntry> inputs, outputs;
};

// "serving_default(x=x:0, mask -> y=dense/Softmax:0); other:tensorflow/serving/classify(inputs=x ->
// scores=s)". Blanks do not matter. Usage error, naming `flag` and the place, for another form.
absl::StatusOr<std::vector<SignatureSpec>> ParseSignatureSpecs(absl::string_view text,
                                                               absl::string_view flag);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SIGNATURE_SPEC_H_

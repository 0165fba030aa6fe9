// What saved_model_cli run feeds: arrays of files, expressions and examples, for the inputs of a signature.
#ifndef CRYOGRAPH_TOOLS_SAVED_MODEL_INPUTS_H_
#define CRYOGRAPH_TOOLS_SAVED_MODEL_INPUTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/dtype.h"
#include "runtime/memory.h"
#include "runtime/value.h"

namespace cryograph {

struct SavedModelInputFlags {
  std::string inputs;          // a=f.npy;b=f.npz[key]
  std::string input_exprs;     // x=[1.0,2.0];y=np.ones((2,3))
  std::string input_examples;  // x=[{"id":[26],"weights":[0.5]}]

  bool empty() const { return inputs.empty() && input_exprs.empty() && input_examples.empty(); }
};

// A value for each key that the flags name, in the type that the signature wants (numbers are cast, as
// TensorFlow casts what it is fed). `types` are the signature's inputs. A key that is given twice has the
// value of the last of --inputs, --input_exprs, --input_examples, with a line in *notes. Usage errors in the
// words of TensorFlow's tool; the errors of files and expressions.
absl::StatusOr<std::map<std::string, Value>> ReadSavedModelInputs(
    const SavedModelInputFlags& flags, const std::map<std::string, DataType>& types, MemoryPool& pool,
    std::vector<std::string>* notes);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SAVED_MODEL_INPUTS_H_

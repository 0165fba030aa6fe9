// Gives the variables of a session their values from a checkpoint.
#ifndef CRYOGRAPH_TOOLS_VARIABLE_VALUES_H_
#define CRYOGRAPH_TOOLS_VARIABLE_VALUES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "checkpoint/checkpoint.h"
#include "graph/model.h"
#include "graph/tensor.h"
#include "runtime/executor.h"

namespace cryograph {

struct VariableValue {
  std::string variable;       // Node.
  std::string resource_name;  // Under which the session holds it.
  std::string key, slice_spec;
  PartialShape shape;  // That the variable declares.
  DataType dtype = DT_INVALID;
};

// Which tensor of the checkpoint each variable of the main graph holds; variables that the checkpoint does
// not have are left out, with a line in *notes.
absl::StatusOr<std::vector<VariableValue>> FindVariableValues(Model& model, const Checkpoint& checkpoint,
                                                              std::vector<std::string>* notes);

// Reads them into the session; what the checkpoint holds as it stands in memory stays in its file.
absl::Status RestoreVariables(const std::vector<VariableValue>& values, const Checkpoint& checkpoint,
                              Executor& executor);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_VARIABLE_VALUES_H_

// Before freezing: the functions that the outputs run become part of the main graph, where variables are
// found.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_INLINE_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_INLINE_H_

#include "absl/status/statusor.h"
#include "graph/model.h"
#include "transforms/freeze_variables.h"

namespace cryograph {

// Whether an op of the model's main graph runs a function of the library; if not, there is nothing to inline.
bool RunsFunctions(Model& model);

// Does to `model` what options.functions says, for the part of the main graph that options.outputs need:
// kAuto inlines and lowers if the model is a SavedModel of TensorFlow 2 or if a variable is handed to a
// function. Outputs keep their names. Nothing else is frozen, removed or reported but report.inlined and
// report.lowered. Errors are those of InlineFunctions(); the model is then half done.
absl::Status InlineForFreezing(Model& model, const FreezeOptions& options, FreezeReport& report);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_INLINE_H_

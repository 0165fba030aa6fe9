// Looks at the graph's structure after every pass that changed it.
#ifndef CRYOGRAPH_TRANSFORMS_INSTRUMENT_STRUCTURE_LINT_H_
#define CRYOGRAPH_TRANSFORMS_INSTRUMENT_STRUCTURE_LINT_H_

#include <string>

#include "absl/container/flat_hash_set.h"
#include "transforms/instrumentation.h"

namespace cryograph {

// A pass that leaves a defect which was not there before has failed. Defects that the file brought along stop
// nobody (stripping is how one gets rid of them), but the run fails at its end if one is left: it could not
// be written. A cycle that is left can be written, and is warned of.
class StructureLint final : public PassInstrumentation {
 public:
  absl::Status Start(Model& model, PassContext& context) override;
  absl::Status After(const PassRun& run) override;
  absl::Status Finish(Model& model, PassContext& context) override;

 private:
  static absl::flat_hash_set<std::string> Defects(Model& model);

  bool clean_ = true;                       // Nothing was wrong when last looked.
  absl::flat_hash_set<std::string> known_;  // Of a graph that is not clean.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_INSTRUMENT_STRUCTURE_LINT_H_

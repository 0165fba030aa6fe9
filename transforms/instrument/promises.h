// Sees to it that the inputs and outputs of a run outlive it, and that a MetaGraph names no node that is
// gone.
#ifndef CRYOGRAPH_TRANSFORMS_INSTRUMENT_PROMISES_H_
#define CRYOGRAPH_TRANSFORMS_INSTRUMENT_PROMISES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "transforms/instrumentation.h"

namespace cryograph {

// Pins the nodes that inputs, outputs, keep and the model's signatures name, from the moment they exist. A
// pass after which an input or output that was there is gone has failed (under --compat: is warned of). Names
// that the graph has neither before nor after the run are warned of. At the end, signatures, collection
// entries and the saver of which nodes are gone are removed, with a note.
class Promises final : public PassInstrumentation {
 public:
  absl::Status Start(Model& model, PassContext& context) override;
  absl::Status After(const PassRun& run) override;
  absl::Status Finish(Model& model, PassContext& context) override;

 private:
  struct Promise {
    std::string name;
    absl::string_view role;  // "input", "output"; empty if nobody complains of its loss.
    NodeId node = kNoNode;   // Who bore the name when last looked.
  };

  absl::Status Look(Model& model, PassContext& context);

  std::vector<Promise> promises_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_INSTRUMENT_PROMISES_H_

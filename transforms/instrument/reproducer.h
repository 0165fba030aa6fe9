// Leaves behind what is needed to see a failure again.
#ifndef CRYOGRAPH_TRANSFORMS_INSTRUMENT_REPRODUCER_H_
#define CRYOGRAPH_TRANSFORMS_INSTRUMENT_REPRODUCER_H_

#include <optional>
#include <string>
#include <utility>

#include "transforms/instrumentation.h"

namespace cryograph {

// --reproducer=DIR: if a step fails, DIR/reproducer.pb is the graph that it was given and
// DIR/reproducer.transforms the rest of the pipeline from that step on, with the command line to run as a
// comment. Weights are not copied while all goes well, but the graph's index is, before each step.
class Reproducer final : public PassInstrumentation {
 public:
  explicit Reproducer(std::string directory) : directory_(std::move(directory)) {}
  absl::Status Before(const PassRun& run) override;
  void OnFailure(const PassRun& run) override;

 private:
  absl::Status Write(const PassRun& run);

  std::string directory_;
  std::optional<Model> before_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_INSTRUMENT_REPRODUCER_H_

// Notes how long each pass took, in the report.
#ifndef CRYOGRAPH_TRANSFORMS_INSTRUMENT_TIMING_H_
#define CRYOGRAPH_TRANSFORMS_INSTRUMENT_TIMING_H_

#include <chrono>

#include "transforms/instrumentation.h"

namespace cryograph {

// StepReport::ms: wall time of the pass and of the checks that always follow it. Nothing that is written to a
// graph depends on it.
class Timing final : public PassInstrumentation {
 public:
  absl::Status Before(const PassRun&) override {
    start_ = std::chrono::steady_clock::now();
    return absl::OkStatus();
  }
  absl::Status After(const PassRun& run) override {
    run.report.ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
    return absl::OkStatus();
  }

 private:
  std::chrono::steady_clock::time_point start_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_INSTRUMENT_TIMING_H_

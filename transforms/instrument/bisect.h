// Runs only some of the steps: to find the pass that breaks a model.
#ifndef CRYOGRAPH_TRANSFORMS_INSTRUMENT_BISECT_H_
#define CRYOGRAPH_TRANSFORMS_INSTRUMENT_BISECT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "transforms/instrumentation.h"

namespace cryograph {

// --bisect_limit=N: the first N steps run, the others do not. Halving N finds the guilty step.
class BisectLimit final : public PassInstrumentation {
 public:
  explicit BisectLimit(int64_t limit) : limit_(limit) {}
  bool ShouldRun(const PassRun& run) override { return run.report.number <= limit_; }

 private:
  int64_t limit_;
};

// --skip_passes=a,b: passes of these names do not run.
class SkipPasses final : public PassInstrumentation {
 public:
  explicit SkipPasses(std::vector<std::string> names) : names_(std::move(names)) {}
  bool ShouldRun(const PassRun& run) override {
    for (const std::string& name : names_) {
      if (name == run.pass.name()) return false;
    }
    return true;
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_INSTRUMENT_BISECT_H_

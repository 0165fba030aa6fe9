// Writes the graph after every pass, for a look at what each did.
#ifndef CRYOGRAPH_TRANSFORMS_INSTRUMENT_DUMP_H_
#define CRYOGRAPH_TRANSFORMS_INSTRUMENT_DUMP_H_

#include <string>
#include <utility>

#include "transforms/instrumentation.h"

namespace cryograph {

// --dump_dir=DIR: 00_input.pbtxt, 01_strip_unused_nodes.pbtxt and so on; a directory that is not there is
// made. A graph that a failing pass left behind is written, too, as far as it can be.
class Dump final : public PassInstrumentation {
 public:
  explicit Dump(std::string directory) : directory_(std::move(directory)) {}
  absl::Status Start(Model& model, PassContext& context) override;
  absl::Status After(const PassRun& run) override;

 private:
  absl::Status Write(Model& model, int number, absl::string_view name);

  std::string directory_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_INSTRUMENT_DUMP_H_

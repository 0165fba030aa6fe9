// A model ready to run: opened, its variables restored, its tables filled.
#ifndef CRYOGRAPH_TOOLS_SESSION_SETUP_H_
#define CRYOGRAPH_TOOLS_SESSION_SETUP_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/attr.h"
#include "runtime/executor.h"

namespace cryograph {

struct SessionOptions {
  std::string graph;       // Any container.
  std::string tags;        // Of a SavedModel's graph.
  std::string checkpoint;  // Of the variables; empty: a SavedModel's own, or none.
  // Nodes that run once before all else. A SavedModel's own initialization runs first.
  std::vector<std::string> init_nodes;
  bool allow_file_writes = false;  // By what runs: see runtime/file_permission.h.
  ExecutorOptions executor;
  RunOptions init_limits;
};

struct Session {
  std::unique_ptr<Executor> executor;
  // What placeholders declare, by their names; those of unknown rank are left out.
  std::map<std::string, PartialShape> input_shapes;
};

// Errors of opening (see OpenModel, Checkpoint::Open), of values that do not fit their variables, and of the
// initialization. *notes is given a line for each guess.
absl::StatusOr<std::unique_ptr<Session>> OpenSession(const SessionOptions& options,
                                                     std::vector<std::string>* notes);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SESSION_SETUP_H_

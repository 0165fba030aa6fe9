#include "tools/session_setup.h"

#include <utility>

#include "base/status_macros.h"
#include "graph/model.h"
#include "graph/open.h"
#include "runtime/file_permission.h"
#include "tools/model_state.h"
#include "tools/placeholder_shape.h"

namespace cryograph {

absl::StatusOr<std::unique_ptr<Session>> OpenSession(const SessionOptions& options,
                                                     std::vector<std::string>* notes) {
  OpenOptions open;
  open.tags = options.tags;
  ASSIGN_OR_RETURN(Model model, OpenModel(options.graph, open, notes));
  const ModelStateOptions wanted{options.checkpoint, options.init_nodes, options.init_limits};
  ASSIGN_OR_RETURN(const ModelState state, ModelState::Find(model, wanted, notes));
  auto session = std::make_unique<Session>();
  for (Node node : model.graph().nodes()) {
    if (!IsPlaceholderOp(node.op())) continue;
    PartialShape shape = DeclaredShape(node, model.versions().producer);
    if (!shape.unknown_rank) session->input_shapes.emplace(node.name(), std::move(shape));
  }
  ASSIGN_OR_RETURN(session->executor, Executor::Create(std::move(model), options.executor));
  if (options.allow_file_writes) AllowFileWrites(session->executor->resources());
  RETURN_IF_ERROR(state.Restore(*session->executor));
  return session;
}

}  // namespace cryograph

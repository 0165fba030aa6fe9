// What lookup tables hold, found out from the ops that initialize them.
#ifndef CRYOGRAPH_TRANSFORMS_TABLE_CONTENTS_H_
#define CRYOGRAPH_TRANSFORMS_TABLE_CONTENTS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "transforms/computed_values.h"
#include "transforms/vocabulary_file.h"

namespace cryograph {

struct TableContents {
  Node initializer;  // A node of the main graph: an initializing op, or the call of a function that has one.
  KeyValues contents;
  std::string source;  // "constants", or the path of the file.
};

class TableFinder {
 public:
  // The model must outlive it, and so must `evaluator`, which computes what is no constant and may be null.
  // Assets of a SavedModel are looked for beside it.
  explicit TableFinder(Model& model, ConstantEvaluator* evaluator = nullptr);

  // The contents of `table`, a node that makes a lookup table. NotFound: nothing initializes it.
  // InvalidArgument: a file is missing or wrong, or two ops initialize it. Unimplemented: keys or values are
  // computed by an op that would have to be run.
  absl::StatusOr<TableContents> Find(Node table);
  // Nodes of the main graph that initialize the table, whatever with.
  std::vector<Node> Initializers(Node table);

 private:
  // A place in the main graph, or, with `call`, in the function that it calls.
  struct Scope {
    Graph* graph = nullptr;
    Node call;
    std::vector<std::string> arguments;
  };
  absl::StatusOr<Node> InitializerIn(const Scope& scope, Node user, int slot, Scope* inside);
  absl::StatusOr<Tensor> Value(const Scope& scope, Output output, int depth = 0);
  absl::StatusOr<Tensor> Contents(const Scope& scope, Output output);
  absl::StatusOr<std::string> Path(const Scope& scope, Output output, int depth = 0);
  absl::StatusOr<Output> FromCaller(const Scope& scope, Output output);
  Output AssignedTo(Node handle);

  Model& model_;
  absl::flat_hash_map<std::string, std::string> assets_;  // File names by the node that they are fed to.
  std::string folder_;                                    // "export/1/assets".
  ComputedValues computed_;
};

// True for ops that fill a table and do nothing else.
bool InitializesTable(absl::string_view op);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_TABLE_CONTENTS_H_

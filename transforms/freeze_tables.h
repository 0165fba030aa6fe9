// Lookup tables of a graph that is being frozen: their contents become constants, or stay with what fills
// them.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_TABLES_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_TABLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "transforms/constant_evaluator.h"
#include "transforms/table_contents.h"

namespace cryograph {

enum class TablePolicy {
  kKeepInit,  // Tables stay, and so do the ops that fill them, with files written into the graph; a node to
              // run first.
  kBake,      // Look-ups become gathers from constants.
  kLeave,     // Tables stay, and what fills them goes if no output needs it, as with TensorFlow's tools.
  kError,     // A graph that uses a table is refused (CG136).
};

struct FrozenTable {
  std::string node;
  DataType key_dtype = DT_INVALID, value_dtype = DT_INVALID;
  int64_t size = -1;        // Entries; -1: not known.
  std::string source;       // "constants", or the file that was read.
  std::string initializer;  // The node that fills it; empty if none stays.
  std::string what;         // "baked", "kept with its initializer", "kept without": what became of it.
};

struct FrozenTables {
  std::vector<FrozenTable> tables;  // Those that the outputs need, in graph order.
  // A NoOp that waits for all initializers that were kept: "init_all_tables", or that with a number. Empty if
  // none was.
  std::string init_node;
  std::vector<std::string> notes;
};

// Does what `policy` says to the tables of the main graph that `outputs` (nodes) need. The init node is to be
// kept by the caller. FailedPrecondition (CG136): kError and there is a table; kBake and a table's contents
// are not known, or it is changed while the graph runs.
// `evaluator` (may be null) computes keys and values that are no constants.
absl::StatusOr<FrozenTables> FreezeTables(Model& model, const std::vector<Node>& outputs, TablePolicy policy,
                                          ConstantEvaluator* evaluator = nullptr);

// Replaces `lookup`, a LookupTableFind, by a gather from constants, in place. Whole numbers that lie without
// gaps are counted off; other keys are compared one by one, which costs time and memory in proportion to the
// table.
absl::Status BakeLookup(Graph& graph, Node lookup, const KeyValues& contents);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_TABLES_H_

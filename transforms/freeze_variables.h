// Freezing: variables become constants that hold a checkpoint's values, and what the outputs do not need
// goes.
#ifndef CRYOGRAPH_TRANSFORMS_FREEZE_VARIABLES_H_
#define CRYOGRAPH_TRANSFORMS_FREEZE_VARIABLES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/checkpoint.h"
#include "graph/dtype.h"
#include "graph/model.h"
#include "transforms/constant_evaluator.h"
#include "transforms/freeze_tables.h"
#include "transforms/training_leftovers.h"

namespace cryograph {

// What becomes of an op that changes a variable and whose value the outputs need.
enum class StatePolicy {
  kError,  // Refuse (CG132), showing the path from the output to the op.
  kDrop,   // The op gives the variable's frozen value.
  kPure,   // The op gives what its first run would: AssignSub(w, d) becomes Sub(w, d).
};

// What becomes of a variable that the outputs need and the checkpoint lacks.
enum class MissingPolicy {
  kError,  // Refuse (CG117), listing all of them.
  kInit,   // The initial value that the graph itself assigns, if that is the same in each run.
  kZeros,  // Zeros (empty strings, false) of the variable's declared shape.
};

// What becomes of the functions that the outputs run.
enum class FunctionForm {
  // As kLower for SavedModels of TensorFlow 2 and where a variable is handed to a function; else as kKeep.
  kAuto,
  kLower,   // Inlined; If, While and Case become Switch, Merge, Enter …, which every TensorFlow loads.
  kInline,  // Calls are inlined; If, While and Case go on running functions.
  kKeep,    // Everything goes on running functions.
};

struct FreezeOptions {
  // Nodes ("out") or tensors ("out:0") to keep; blanks around them and empty ones are dropped with a note.
  std::vector<std::string> outputs;

  // Names of variable nodes. If `allow` is not empty only those are frozen; those in `deny` never are.
  std::vector<std::string> allow, deny;

  // Where the values come from. May be null only if no variable needs a value.
  std::shared_ptr<const Checkpoint> checkpoint;

  // Serialized SaverDef that names the restore op; empty: the model's own, if it is a MetaGraph. A graph that
  // holds restore ops and no SaverDef is searched for them.
  std::string saver;

  // Variable node → checkpoint key; stronger than everything the files say. Names a node or "from/*" for
  // "to/*".
  std::vector<std::pair<std::string, std::string>> variable_map;

  // Nodes that would be run after restoring: they give variables which the checkpoint lacks their initial
  // value. CG126 if unknown, CG127 if one would overwrite a restored
  // value.
  std::vector<std::string> initializer_nodes;
  bool allow_initializer_overwrite = false;

  StatePolicy state = StatePolicy::kError;
  MissingPolicy missing = MissingPolicy::kError;
  TablePolicy tables = TablePolicy::kKeepInit;
  bool use_ema = false;        // Take "<key>/ExponentialMovingAverage" where the checkpoint has it.
  bool allow_py_func = false;  // Else a py_func is refused: CG138.
  // Else iterators, queues and readers are refused: CG137. They may stay where all that reads them is in
  // `inputs`.
  bool allow_input_pipeline = false;
  std::vector<std::string> inputs;  // Nodes or tensors that will be fed; may be empty.
  // Else a graph without any variable is refused: CG124. TensorFlow freezes such a SavedModel, but no other
  // file.
  bool allow_frozen = false;
  bool drop_colocation =
      false;  // Else a node that is named in _class ("loc:@x") is kept, as TensorFlow does.
  // In each form variables are frozen wherever they are: a function that is handed one takes a tensor
  // instead.
  FunctionForm functions = FunctionForm::kAuto;
  int64_t max_inlined_nodes = 1000000;  // Functions that call each other grow without measure.
  bool keep_functions = false;          // Else library functions that nothing leads to are removed.
  bool clear_devices = false;           // Empties the device of every node of the main graph.

  // Computes what variables and tables begin with; null: only constants, Fill and ZerosLike of such are
  // known.
  ConstantEvaluator* evaluator = nullptr;
};

struct FrozenVariable {
  std::string node;
  std::string key;         // Empty: the value came from the graph (missing=init, zeros).
  std::string slice_spec;  // Of a partitioned variable, else empty.
  std::string how;         // "restore op", "node name", "variables collection" …: how the key was found.
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  uint64_t bytes = 0;  // 0 for strings.
};

struct FreezeReport {
  std::vector<FrozenVariable> variables;    // In graph order.
  std::vector<FrozenTable> tables;          // Lookup tables that the outputs need, in graph order.
  std::string init_node;                    // To be run once before anything else; empty if there is no need.
  std::vector<TrainingLeftover> leftovers;  // What looks like training and is still there.
  std::vector<std::string> left;            // Variables that stay, because of `allow` and `deny`.
  std::vector<std::string> unused_keys;     // Keys of the checkpoint that no frozen variable reads, sorted.
  std::vector<std::string> notes;           // One line each; those of the error catalogue end with "(CG…)".
  std::vector<std::string>
      changed_signatures;           // One line each; of interest where the MetaGraph is written again.
  std::vector<std::string> inputs;  // Placeholders that are left and must be fed: "x:0".
  uint64_t bytes = 0;               // Sum over `variables`.
  int dropped_updates = 0;          // State-changing ops that were reached through control edges only.
  int functions_pruned = 0;
  int inlined = 0, lowered = 0;  // Calls, and If, While and Case, that became part of the main graph.
  int nodes_total = 0, nodes_kept = 0;

  // "froze 4 variables (1.2 MB); 37 of 120 nodes kept; inputs: x:0, y:0"
  std::string Summary() const;
};

// Freezes the model's main graph: keeps what `outputs` need, in the file's order, makes each variable among
// it a Const of the same name, and its readers readers of a plain tensor. No value is read: constants refer
// to the checkpoint and are fetched when the graph is written. Lookup tables are treated first. What a
// MetaGraph says of variables (saver, collections) is removed. But for tables the model is unchanged if a
// status other than OK is returned for what it holds; the status's message has the identifier of tools' error
// catalogue at the end of its first line, and lines "why: …", "try: …" after it. FailedPrecondition: the
// graph cannot be frozen as asked. InvalidArgument: the options are wrong. NotFound: an output, initializer
// or checkpoint key is missing.
absl::StatusOr<FreezeReport> FreezeVariables(Model& model, const FreezeOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FREEZE_VARIABLES_H_

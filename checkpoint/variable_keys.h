// Finds the checkpoint key of each variable by every means there is: an explicit map, the graph's restore
// ops, and, for a graph that came without them, collections, names, object graphs and partitions.
#ifndef CRYOGRAPH_CHECKPOINT_VARIABLE_KEYS_H_
#define CRYOGRAPH_CHECKPOINT_VARIABLE_KEYS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/restore_map.h"
#include "graph/model.h"

namespace cryograph {

// Variable, VariableV2, AutoReloadVariable, VarHandleOp: ops that name one variable.
bool IsVariableOp(absl::string_view op);

// Type and shape that a variable node declares. Unknown rank where it says nothing; so does the op "Variable"
// with an empty shape.
struct VariableType {
  DataType dtype = DT_INVALID;
  PartialShape shape;
};
VariableType TypeOfVariable(Node variable);

// True if a value of `dims` can be one of `shape`.
bool ShapeAdmits(const PartialShape& shape, absl::Span<const int64_t> dims);

struct KeyChoice {
  RestoredValue value;  // value.key is empty if nothing was found.
  std::string how;      // "restore op 'save/restore_all'", "node name", …
  // If nothing was found: the key that restore ops of the graph read for the variable. They were not
  // believed, since no SaverDef vouches for them and other variables are found by name.
  std::string doubtful_key;
};

struct KeyOptions {
  // Variable name → key; "from/*" → "to/*" maps a whole scope. The first that fits counts.
  std::vector<std::pair<std::string, std::string>> variable_map;
  bool use_ema = false;  // Prefer "<key>/ExponentialMovingAverage".
};

class VariableKeys {
 public:
  // All arguments must outlive the object.
  VariableKeys(Model& model, const RestoreMap& restore_map, const Checkpoint& checkpoint,
               const KeyOptions& options);

  // A choice for each of `variables`, nodes of the main graph for which IsVariableOp. *notes gets a line for
  // each guess and each conflict. A key that is chosen need not be in the checkpoint: then it is what the
  // graph asks for.
  std::vector<KeyChoice> Choose(absl::Span<const Node> variables, std::vector<std::string>* notes);

  // Variables of the list for which "<key>/ExponentialMovingAverage" is there but was not asked for.
  int num_with_ema() const { return num_with_ema_; }

 private:
  struct SliceInfo {
    std::string full_name, spec;
  };
  bool FromMap(Node variable, KeyChoice* choice) const;
  bool FromRestoreOps(Node variable, KeyChoice* choice, std::vector<std::string>* notes) const;
  bool FromName(absl::string_view name, absl::string_view how, KeyChoice* choice) const;
  bool FromObjectGraph(Node variable, KeyChoice* choice) const;
  bool FromPartition(Node variable, KeyChoice* choice) const;
  void FromScopes(absl::Span<const Node> variables, std::vector<KeyChoice>& choices,
                  std::vector<std::string>* notes) const;
  bool Fits(absl::string_view key, const VariableType& type) const;
  const std::vector<Node>& Aliases(Node variable) const;
  void ReadCollections();
  void ReadObjectGraph();

  Model& model_;
  const RestoreMap& restore_map_;
  const Checkpoint& checkpoint_;
  const KeyOptions& options_;
  absl::flat_hash_map<std::string, std::vector<Node>> storage_;  // Variable nodes by what they store to.
  absl::flat_hash_map<std::string, SliceInfo> slices_;           // By node name, from VariableDefs.
  absl::flat_hash_map<std::string, std::vector<std::string>> object_keys_;  // By full name.
  int num_with_ema_ = 0;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_VARIABLE_KEYS_H_

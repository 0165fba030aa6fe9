// The object graph of a TensorFlow 2 checkpoint: which Python objects the tensors belonged to, and under
// which names.
#ifndef CRYOGRAPH_CHECKPOINT_OBJECT_GRAPH_H_
#define CRYOGRAPH_CHECKPOINT_OBJECT_GRAPH_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "checkpoint/reader.h"

namespace cryograph {

struct ObjectGraph {
  // An edge to another object.
  struct Child {
    int object = 0;
    std::string name;
  };
  // A value of the object that is stored.
  struct Attribute {
    std::string name;       // "VARIABLE_VALUE" for variables.
    std::string full_name;  // The variable's own name. Several may have the same.
    std::string key;  // Of the checkpoint, or what several keys begin with: "…/table" of "…/table-keys".
  };
  // What an optimizer keeps for a variable: another variable.
  struct Slot {
    int variable = 0;
    std::string name;
    int slot_variable = 0;
  };
  struct Object {
    std::vector<Child> children;
    std::vector<Attribute> attributes;
    std::vector<Slot> slots;
    // Of an object with a registered saver.
    std::string saver_name, saver_object;
  };

  std::vector<Object> objects;  // The first one is the root. Edges may form cycles.
};

// DataLoss: `bytes` are no such message. InvalidArgument: an edge or a slot leads to an object that is not
// there.
absl::StatusOr<ObjectGraph> ParseObjectGraph(absl::string_view bytes);

// "d..e/x.Sy" of the names "d.e" and "x/y": a part of a key.
std::string ObjectPath(absl::Span<const std::string> names);

// For each object a shortest path from the root, of the names that come first where there are several; for a
// slot variable that no edge leads to "VARIABLE/.OPTIMIZER_SLOT/OPTIMIZER/SLOT". Nothing for an object that
// cannot be reached.
std::vector<absl::optional<std::string>> ObjectPaths(const ObjectGraph& graph);

// The keys of the values by the full names of their variables. Names that several variables have lead to
// several keys, in the order of the objects. This is how a checkpoint of TensorFlow 2 is restored by names.
std::map<std::string, std::vector<std::string>> KeysByFullName(const ObjectGraph& graph);

// How an object graph and the keys of its checkpoint fit.
struct ObjectKeys {
  std::vector<std::string> missing;  // Keys of attributes that the checkpoint has not, nor any longer ones.
  std::vector<std::string> unnamed;  // Keys that belong to no attribute, besides that of the graph itself.
  std::vector<std::string> moved;    // Keys of attributes that are not spelled as an object's path tells.
  bool complete() const { return missing.empty() && unnamed.empty(); }
};
ObjectKeys CompareObjectKeys(const ObjectGraph& graph, const std::vector<CheckpointEntry>& entries);

// A tree of the objects with their values, types and shapes, and of each optimizer its slots. An object that
// was shown before is referred to by its path.
std::string ObjectGraphText(const ObjectGraph& graph, const std::vector<CheckpointEntry>& entries);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_OBJECT_GRAPH_H_

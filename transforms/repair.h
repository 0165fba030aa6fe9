// Repairs graphs that other tools froze badly: variables became constants, and what takes a variable was left
// as it was.
#ifndef CRYOGRAPH_TRANSFORMS_REPAIR_H_
#define CRYOGRAPH_TRANSFORMS_REPAIR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/dtype.h"
#include "graph/model.h"
#include "graph/op_schema.h"

namespace cryograph {

struct RepairOptions {
  // An op that would change a constant gives, as its value, what its first run would (AssignSub becomes Sub)
  // instead of the constant.
  bool pure = false;
  // Producer version to write where the file has 0: kBestProducer, kKeepProducer or a number.
  static constexpr int kBestProducer = -1, kKeepProducer = -2;
  int producer = kBestProducer;
  // Attributes that this release does not know go, where they say what is the default anyway.
  std::optional<Release> target;
};

struct Repair {
  std::string kind;      // "reference", "resource", "update", "frame", "colocation" …: see RepairKinds().
  std::string function;  // Empty: the main graph.
  std::string node;      // Empty: the model as a whole.
  std::string what;      // "RefSwitch became Switch"
  std::string why;       // "its input 'mean' is a plain float, and TensorFlow asks for a reference"
};

// Kinds of repair, each with what it is about: for --help and the documentation.
struct RepairKind {
  const char* kind;
  const char* what;
};
const std::vector<RepairKind>& RepairKinds();

// Repairs what it can, in the main graph and in the bodies of functions, and says what it did, in the order
// of nodes. What is left is for Verify() to tell. A graph that is sound is not touched. Linear.
absl::StatusOr<std::vector<Repair>> RepairModel(Model& model, const RepairOptions& options);

// --- Parts of it.

// Takes down what each repair was.
class RepairLog {
 public:
  explicit RepairLog(std::vector<Repair>* repairs) : repairs_(repairs) {}
  void set_function(std::string function) { function_ = std::move(function); }
  void Add(std::string kind, Node node, std::string what, std::string why) {
    repairs_->push_back(
        {std::move(kind), function_, node ? std::string(node.name()) : "", std::move(what), std::move(why)});
  }

 private:
  std::vector<Repair>* repairs_;
  std::string function_;
};

// What surrounds the body of a function.
struct BodyFacts {
  absl::flat_hash_map<std::string, DataType> arguments;
  absl::flat_hash_set<std::string>
      returned;  // Nodes whose outputs the function gives: these keep their names.
};
// Ops that take a reference or a resource and are given a plain tensor. `body` is null for the main graph. A
// node whose output a function gives is left as it is if the output would be called otherwise.
absl::Status RepairVariableUses(Graph& graph, const OpRegistry& registry, const RepairOptions& options,
                                RepairLog& log, const BodyFacts* body = nullptr);
// Calls, If, Case and While of the main graph that are given a plain tensor where the function takes a
// resource: the function takes a tensor instead, with all that it hands it to. Left alone if a function does
// with it what no tensor can. *repaired says whether there was something to do.
absl::Status RepairCalls(Model& model, RepairLog& log, bool* repaired);
// Nodes of a loop that read a tensor of the frame around it.
absl::Status RepairFrames(Graph& graph, RepairLog& log);
// Colocations with nodes that are gone, _output_shapes that contradict the node, attributes unknown to the
// target.
void RepairAttributes(Graph& graph, const OpRegistry& registry, const RepairOptions& options, RepairLog& log);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_REPAIR_H_

// The function library as those see it that copy bodies into a graph: looked up by name, parsed once.
#ifndef CRYOGRAPH_TRANSFORMS_FUNCTION_TABLE_H_
#define CRYOGRAPH_TRANSFORMS_FUNCTION_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/function_parts.h"
#include "graph/model.h"
#include "graph/op_schema.h"

namespace cryograph {

// How a node comes to run functions.
enum class CallKind {
  kNone,
  kCall,   // An op that is a function, PartitionedCall, StatefulPartitionedCall.
  kIf,     // If, StatelessIf
  kCase,   // Case, StatelessCase
  kWhile,  // While, StatelessWhile
};

class FunctionTable {
 public:
  struct Entry {
    Function* function = nullptr;
    Graph* body = nullptr;
    FunctionParts parts;
    bool has_effects = false;  // See IsEffect().
  };

  // `model` must outlive the table, and its library must not grow or shrink.
  explicit FunctionTable(Model& model);

  // Number of the function of that name, -1 if the library has none. Of several, TensorFlow takes the first.
  int Find(absl::string_view name) const;
  // The function's parts, parsed when first asked for. InvalidArgument, naming the function, if it is
  // garbled.
  absl::StatusOr<const Entry*> Get(int function);

  CallKind Kind(absl::string_view op) const;
  CallKind Kind(Node node) const { return Kind(node.op()); }
  // The functions that a node of kind `kind` names, with the attributes that they are called with: the
  // callee; then and else branch; branches; cond and body. InvalidArgument, naming the node, if one of the
  // attributes is missing.
  static absl::StatusOr<std::vector<Callee>> Callees(Node node, CallKind kind);

  // Whether running the node does something besides giving outputs: it is stateful and does not merely read
  // state. A call does if something in the called functions does.
  bool IsEffect(Node node);

  const OpRegistry& registry() const { return registry_; }

 private:
  bool FunctionHasEffects(int function);

  Model& model_;
  OpRegistry registry_;
  std::vector<Entry> entries_;
  enum class Effects : uint8_t { kUnknown, kAsked, kNo, kYes };
  std::vector<Effects> effects_;
  absl::flat_hash_map<absl::string_view, int> by_name_;
};

// The value that a function's body sees for an attribute: what the caller gave, else the signature's default.
class Bindings {
 public:
  Bindings(const Callee& call, const OpSchema& signature) : call_(call), signature_(signature) {}
  AttrView operator()(absl::string_view key) const;

 private:
  const Callee& call_;
  const OpSchema& signature_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_FUNCTION_TABLE_H_

// What TensorFlow knows about its ops: arguments, attributes, defaults, flags, and which release has them.
// Freezing, stripping and renaming need none of it, and an op that nobody knows is never an error here.
//
// The table is data: graph/op_schema_data/ops.txt, made by generate.py beside it out of the op lists of
// TensorFlow 1.15 (with contrib) and 2.21 and the history of the releases 0.12 to 2.21. It is searched in
// place; an op costs something only when it is first looked up.
#ifndef CRYOGRAPH_GRAPH_OP_SCHEMA_H_
#define CRYOGRAPH_GRAPH_OP_SCHEMA_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/graph.h"
#include "graph/model.h"

namespace cryograph {

// The two releases whose definitions are held whole.
enum class Release { k1_15, k2_21 };
// "1.15" or "2.21"; false for another text.
bool ParseRelease(absl::string_view text, Release* release);
// GraphDef version that the release writes and reads: 134, 2474.
int GraphVersion(Release release);

// An input or output argument. Number of its tensors: the int attribute `number_attr`, or the length of the
// attribute `type_list_attr`, else one. Their type: `type`, or the attribute `type_attr`, or each of
// `type_list_attr`.
struct ArgSchema {
  absl::string_view name;
  DataType type = DT_INVALID;
  absl::string_view type_attr;
  absl::string_view number_attr;
  absl::string_view type_list_attr;
  bool is_ref = false;
};

struct AttrSchema {
  absl::string_view name;
  absl::string_view type;  // "int", "list(type)", "func" …
  bool has_default = false;
  std::string default_value;  // Serialized AttrValue.
  bool has_minimum = false;   // Of an int, or of the length of a list.
  int64_t minimum = 0;
  // Empty: any value.
  std::vector<DataType> allowed_types;
  std::vector<std::string> allowed_strings;
  absl::string_view since;  // First release that has the attribute ("1.14.0"); empty: as old as the op.

  AttrView default_view() const { return has_default ? AttrView(default_value) : AttrView(); }
};

struct OpSchema {
  absl::string_view name;
  std::vector<ArgSchema> inputs, outputs;
  std::vector<AttrSchema> attrs;
  bool is_stateful = false;
  bool is_commutative = false;
  bool is_aggregate = false;
  bool allows_uninitialized_input = false;
  int deprecated = 0;  // The op is refused in graphs of this producer version and later; 0: never.
  absl::string_view
      since;  // First release seen to have the op ("0.12.1", the first one looked at, or later).
  absl::string_view until;  // Last release that has it; empty: 2.21 still does.
  bool in_1_15 = false;     // This is the definition of 1.15 (its core library, or contrib if is_extension).
  bool in_2_21 = false;     // This is the definition of 2.21.
  bool is_extension =
      false;                 // Contrib or an op library beside the core: there only if the program loaded it.
  bool is_function = false;  // The signature of a library function.

  // Null if there is none of that name.
  const AttrSchema* FindAttr(absl::string_view attr) const;
  const ArgSchema* FindOutput(absl::string_view arg) const;
};

// The newest definition that any release had: of 2.21, else of 1.15, else of the last that knew the op. Null
// if none did. Lives as long as the program. Thread safe.
const OpSchema* FindOp(absl::string_view op);
// The definition in that release; null if it has no such op.
const OpSchema* FindOp(absl::string_view op, Release release);
// Every op of the table, sorted by name.
std::vector<absl::string_view> AllOps();

// Reads a serialized OpDef: a function's signature, or an entry of a stripped_op_list. Views show `op_def`.
// InvalidArgument for a garbled message.
absl::StatusOr<OpSchema> ParseOpDef(absl::string_view op_def);

// Attribute `key` of `node`, or the default that the op gives it; kNone if there is neither.
AttrView AttrOrDefault(const OpSchema& schema, Node node, absl::string_view key);

// Types of a node's data inputs or outputs as runs of equal types, so that an attribute N = 2^60 costs
// nothing.
class TypeRuns {
 public:
  struct Run {
    DataType type;
    int64_t count;
  };
  int64_t size() const { return size_; }
  DataType at(int64_t index) const;  // DT_INVALID outside.
  absl::Span<const Run> runs() const { return runs_; }
  void Add(DataType type, int64_t count);
  void Clear();

 private:
  std::vector<Run> runs_;
  int64_t size_ = 0;
};

// Gives the value of an attribute; kNone if there is none.
using AttrLookup = absl::FunctionRef<AttrView(absl::string_view key)>;

// What `args` of an op come to with the attributes that `attrs` gives and the defaults of `schema`.
// InvalidArgument, naming the attribute, if one that is needed is absent, of another kind or negative. `runs`
// is overwritten.
absl::Status ArgTypes(const OpSchema& schema, absl::Span<const ArgSchema> args, AttrLookup attrs,
                      TypeRuns* runs);
// The same for the attributes of a node, which the message names.
absl::Status ArgTypes(const OpSchema& schema, absl::Span<const ArgSchema> args, Node node, TypeRuns* runs);
// The same as plain lists; ResourceExhausted above a million tensors.
absl::StatusOr<std::vector<DataType>> InputTypes(const OpSchema& schema, Node node);
absl::StatusOr<std::vector<DataType>> OutputTypes(const OpSchema& schema, Node node);

// In a function body a reference is "node:out_arg:index" ("node:out_arg": index 0). The number that the
// output has among all outputs of `node`. `port` is the text behind the node's name, as Graph::PortText()
// gives it. InvalidArgument if there is no such output.
absl::StatusOr<int64_t> FlatOutputIndex(const OpSchema& schema, Node node, absl::string_view port);
absl::StatusOr<int64_t> FlatOutputIndex(const OpSchema& schema, AttrLookup attrs, absl::string_view port);

// The ops that a model may use: those of the table, its own functions, and what its MetaGraph's
// stripped_op_list says of ops that the table lacks. Must not outlive the model.
class OpRegistry {
 public:
  OpRegistry() = default;  // The table alone.
  explicit OpRegistry(const Model& model);

  // Null for an op that nobody knows. A function of the model hides an op of the table.
  const OpSchema* Find(absl::string_view op) const;
  // Found by the table's definition in that release first, where it has one.
  const OpSchema* Find(absl::string_view op, Release release) const;

  // InvalidArgument also for an unknown op. In a function body, argument nodes have no types here.
  absl::StatusOr<std::vector<DataType>> InputTypes(Node node) const;
  absl::StatusOr<std::vector<DataType>> OutputTypes(Node node) const;
  // Type of one output of a node of a graph or of a function body (where `output.index` numbers a port text).
  absl::StatusOr<DataType> OutputType(Graph& graph, Output output) const;

  // What is true of an unknown op is not known: it counts as stateful.
  bool IsStateful(absl::string_view op) const;

 private:
  const OpSchema* FindOwn(absl::string_view op) const;

  std::deque<OpSchema> schemas_;
  absl::flat_hash_map<absl::string_view, const OpSchema*> own_;        // Functions.
  absl::flat_hash_map<absl::string_view, const OpSchema*> from_meta_;  // stripped_op_list.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_OP_SCHEMA_H_

// The parts of the verifier: who collects, and one checker for each matter. Only graph/verify*.cc include
// this.
#ifndef CRYOGRAPH_GRAPH_VERIFY_INTERNAL_H_
#define CRYOGRAPH_GRAPH_VERIFY_INTERNAL_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "graph/finding.h"
#include "graph/graph.h"
#include "graph/model.h"
#include "graph/op_schema.h"
#include "graph/verify.h"

namespace cryograph {

// Collects findings of a model, graph after graph, and puts those of a graph in the order of its nodes.
class FindingList {
 public:
  explicit FindingList(size_t most_of_a_kind) : most_(most_of_a_kind) {}

  // What follows is about `graph`, the body of `function` or (empty) the main graph.
  void BeginGraph(absl::string_view function);
  // `severity` and `hint` other than the kind's own if given.
  void Add(FindingCode code, absl::string_view node, std::string text) {
    Add(code, node, std::move(text), "");
  }
  void Add(FindingCode code, absl::string_view node, std::string text, std::string hint);
  void AddError(FindingCode code, absl::string_view node, std::string text);
  // Sorts what was found since BeginGraph() by where `graph` has the nodes; what is about no node comes last.
  void EndGraph(Graph& graph);

  std::vector<Finding> Finish();

 private:
  size_t most_;
  std::string function_;
  size_t begin_ = 0;
  std::vector<Finding> findings_;
  std::map<FindingCode, size_t> counts_;
};

// Names, inputs, cycles, frames, colocations, devices. `findings` is within BeginGraph().
struct StructureChecks {
  bool is_body = false;
  bool cycles = true;
  bool places = true;      // Devices, colocations, frames.
  bool old_names = false;  // '>' is refused.
};
void VerifyEdges(Graph& graph, const StructureChecks& checks, FindingList* findings);

// True for a name that TensorFlow imports; in function bodies also names with a leading '_'.
bool IsImportableName(absl::string_view name, bool is_body);

// Ops, attributes, numbers and types of inputs, tensors.
class OpVerifier {
 public:
  // `producer` is the graph's version.
  OpVerifier(const OpRegistry& registry, const VerifyOptions& options, int producer)
      : registry_(registry), options_(options), producer_(producer) {}

  // `signature` is null for the main graph, else the function's.
  void Verify(Graph& graph, const OpSchema* signature, FindingList* findings);

  // After Verify(), of the same graph: the type of an output, DT_INVALID if it is not known. False if there
  // is no such output, and then `why` says so.
  bool OutputType(Graph& graph, Output output, DataType* type, std::string* why);
  // A reference of a body's ret: "arg", "node:out_arg:index".
  bool ReferenceType(Graph& graph, absl::string_view reference, DataType* type, std::string* why);

 private:
  // Types of a node's inputs or outputs: positions in types_. Unknown: begin > end.
  struct Range {
    uint32_t begin = 1, end = 0;
    bool known() const { return begin <= end; }
  };
  struct TypeRun {
    int32_t type;
    int32_t end;  // Number of the first tensor behind the run.
  };
  // Definitions that a node may follow, the newest first.
  struct Candidates {
    const OpSchema* schemas[2] = {nullptr, nullptr};
    bool looked_up = false;
    bool in_other_release = false;
    absl::string_view since;
  };
  struct Problem {
    FindingCode code;
    bool is_error;
    std::string text;
  };
  using Attrs = std::vector<std::pair<absl::string_view, AttrView>>;

  Candidates& CandidatesOf(Node node);
  const OpSchema* Choose(Node node, bool in_body, FindingList* findings);
  void CheckAttrs(const OpSchema& schema, bool in_body, std::vector<Problem>* problems);
  void CheckValue(const AttrSchema& attr, const AttrView& value, bool in_body,
                  std::vector<Problem>* problems);
  void CheckTensors(Node node, FindingList* findings);
  void CheckCalls(Node node, FindingList* findings);
  void CheckInputs(Graph& graph, Node node, FindingList* findings);
  AttrView Attr(absl::string_view key) const;
  Range Store(const TypeRuns& runs);
  bool TypeAt(Range range, int64_t index, DataType* type) const;
  bool FlatIndex(Graph& graph, Node node, absl::string_view port, int64_t* index, std::string* why);
  bool ArgumentType(Node node, absl::string_view port, DataType* type, std::string* why) const;

  const OpRegistry& registry_;
  const VerifyOptions& options_;
  int producer_;
  const OpSchema* signature_ = nullptr;
  std::vector<Candidates> candidates_;   // By op number.
  std::vector<const OpSchema*> chosen_;  // By node.
  std::vector<Range> inputs_, outputs_;  // By node.
  std::vector<TypeRun> types_;
  absl::flat_hash_map<absl::string_view, DataType> arguments_;
  // By node of a body: where each output argument begins among the outputs; empty if that is not known.
  absl::flat_hash_map<uint32_t, std::vector<int64_t>> argument_begins_;
  // Of the node at hand.
  Attrs attrs_;
  bool has_placeholder_ = false;
  std::vector<Problem> problems_, others_;
  TypeRuns runs_;
};

// The function library as a whole, and the bodies.
void VerifyFunctions(Model& model, const OpRegistry& registry, const VerifyOptions& options,
                     FindingList* findings);

// What shape inference finds in the main graph.
void VerifyShapes(Model& model, const OpRegistry& registry, FindingList* findings);

// Versions, signatures, saver.
void VerifyVersions(const Model& model, const VerifyOptions& options, FindingList* findings);
void VerifyContainer(Model& model, OpVerifier* ops, FindingList* findings);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_VERIFY_INTERNAL_H_

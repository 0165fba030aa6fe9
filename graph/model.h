// A model: main graph, function library, versions, and what its container (MetaGraph, SavedModel) says
// besides.
#ifndef CRYOGRAPH_GRAPH_MODEL_H_
#define CRYOGRAPH_GRAPH_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace cryograph {

// VersionDef. Producer 0 and no others if the file says nothing.
struct Versions {
  int32_t producer = 0;
  int32_t min_consumer = 0;
  std::vector<int32_t> bad_consumers;
};

// A function of the library. The body is a Graph in which arguments are argument nodes and an Output's index
// numbers a port text; it is parsed when body() is first called, and written back as it was unless the body
// was edited.
class Function {
 public:
  Function(absl::string_view wire, std::shared_ptr<const void> owner);

  absl::string_view name() const { return name_; }
  absl::string_view wire() const { return wire_; }            // Serialized FunctionDef of the file.
  absl::string_view signature() const { return signature_; }  // Serialized OpDef.

  // InvalidArgument, naming function and node, for a reference that a function body cannot have.
  absl::StatusOr<Graph*> body();
  // Null until body() was called.
  const Graph* parsed_body() const { return body_.get(); }
  // Shares the bytes; see Graph::Clone().
  Function Clone() const;
  // True if the body was edited since it was parsed.
  bool edited() const { return body_ != nullptr && body_->edits() != edits_at_import_; }

 private:
  absl::string_view wire_, name_, signature_;
  std::shared_ptr<const void> owner_;
  std::unique_ptr<Graph> body_;
  uint64_t edits_at_import_ = 0;
};

// One field of a message that is carried along: its number and its raw bytes, tag and all.
struct RawField {
  uint32_t number = 0;
  absl::string_view raw;      // Tag, length, payload.
  absl::string_view payload;  // Of a length-delimited field.
};

class Model {
 public:
  Model() = default;
  Model(Model&&) = default;
  Model& operator=(Model&&) = default;

  // A model of its own that shares all bytes with this one; see Graph::Clone().
  Model Clone() const;

  Graph& graph() { return graph_; }
  std::vector<Function>& functions() { return functions_; }
  const std::vector<Function>& functions() const { return functions_; }
  const Function* FindFunction(absl::string_view name) const;

  const Versions& versions() const { return versions_; }
  // The file's own serialized VersionDef; empty if it has none.
  absl::string_view versions_wire() const { return versions_wire_; }

  // Functions that no node of the main graph leads to, by op type or function attribute, directly or through
  // other functions and gradients, are removed. Returns how many.
  int PruneFunctions();

  // GraphDef fields besides node, library.function and versions: library.gradient …, debug_info, unknown
  // ones.
  std::vector<RawField> graph_fields;
  std::vector<RawField> library_fields;

  // MetaGraphDef fields besides graph_def: meta_info_def (1), saver_def (3), collection_def (4),
  // signature_def (5), asset_file_def (6), object_graph_def (7), unknown ones. Empty for a plain GraphDef.
  std::vector<RawField> meta_fields;
  // Payload of the first field `number` of meta_fields; empty if there is none.
  absl::string_view MetaField(uint32_t number) const;
  // Serialized CollectionDef; empty if there is no collection of that name.
  absl::string_view Collection(absl::string_view name) const;

  // Where the model was read from ("model.pb"), for messages.
  std::string path;
  // Checkpoint prefix of a SavedModel ("dir/variables/variables"), else empty.
  std::string variables_prefix;
  // The container was text.
  bool was_text = false;

  void set_versions(Versions versions);

  void KeepAlive(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }

 private:
  friend class GraphImporter;

  Graph graph_;
  std::vector<Function> functions_;
  Versions versions_;
  absl::string_view versions_wire_;
  std::unique_ptr<std::string> versions_bytes_;  // What versions_wire_ shows after set_versions().
  std::vector<std::shared_ptr<const void>> owners_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_MODEL_H_

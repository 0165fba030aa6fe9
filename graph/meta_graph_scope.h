// Exporting and importing MetaGraphs by scope, as tf.train.export_meta_graph and import_meta_graph do it.
#ifndef CRYOGRAPH_GRAPH_META_GRAPH_SCOPE_H_
#define CRYOGRAPH_GRAPH_META_GRAPH_SCOPE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"

namespace cryograph {

struct ExportMetaGraphOptions {
  // Only nodes below this scope, which their names lose. What they read from outside becomes
  // "$unbound_inputs_<name>", which the collection `unbound_inputs` lists. Empty: everything.
  std::string scope;
  bool clear_devices = false;
  // Drop every scope with save and restore ops but that of the MetaGraph's own saver.
  bool clear_extraneous_savers = false;
  // Drop attributes that equal the default of their op, in functions, too, so that older releases read the
  // graph.
  bool strip_default_attrs = false;
};

// What tf.train.export_meta_graph writes for the model: nodes, collections, saver, signatures and assets by
// the options, and the list of the ops that are used. NotFound if nothing is below the scope;
// FailedPrecondition if a node that stays reads one of a saver that goes. *notes gets a line for each op that
// nobody knows.
absl::StatusOr<Model> ExportMetaGraph(Model& model, const ExportMetaGraphOptions& options,
                                      std::vector<std::string>* notes);

struct ImportMetaGraphOptions {
  std::string scope;  // Every name gets it in front; may be empty.
  bool clear_devices = false;
  // Tensors or control inputs of the file ("x", "x:0", "^x") and what nodes read instead, a name in the
  // result.
  std::vector<std::pair<std::string, std::string>> input_map;
};

// The MetaGraph under another scope. InvalidArgument if it has unbound inputs that `input_map` does not map,
// for a scope that is no name, and for an input that is mapped but that the file does not have.
absl::StatusOr<Model> ImportMetaGraph(Model& model, const ImportMetaGraphOptions& options);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_META_GRAPH_SCOPE_H_

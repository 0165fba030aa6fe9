// Puts one model's graph into another's, as tf.import_graph_def does: under a prefix, with inputs of it
// mapped to tensors that are there, and the function libraries joined.
#ifndef CRYOGRAPH_GRAPH_IMPORT_INTO_H_
#define CRYOGRAPH_GRAPH_IMPORT_INTO_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "graph/model.h"
#include "graph/op_schema.h"

namespace cryograph {

struct ImportIntoOptions {
  // Imported nodes are named "prefix/name". Empty: they keep their names. If the target has a node of that
  // name or below it, a number follows ("import_1"), unless the prefix ends with a slash, which means exactly
  // that one.
  std::string prefix = "import";
  // What the imported nodes read instead: "x" or "x:1" of the source to "y:0" of the target, "^a" to "^b" for
  // control inputs. The nodes that are read no more are imported all the same.
  std::vector<std::pair<std::string, std::string>> input_map;
  // Names of the source, "op" or "op:port", whose names in the target are wanted.
  std::vector<std::string> return_elements;
  // A serialized OpList of whoever made the source (a MetaGraph's stripped_op_list). Attributes that the
  // definitions of `consumer` (without one: the newest) do not have go, if they hold the producer's default.
  std::string producer_op_list;
  absl::optional<Release> consumer;
  // Functions that differ from the target's of the same name are renamed; else that is an error.
  bool rename_functions = false;
  // Resources (variables, tables, queues) that both graphs name by the same shared_name stay apart: the
  // source's get the prefix. TensorFlow lets them be one.
  bool separate_resources = false;
  // Keep the attribute _output_shapes, which TensorFlow checks and drops.
  bool keep_output_shapes = false;
};

struct ImportIntoResult {
  std::string prefix;  // The one taken, without a slash at the end.
  std::vector<std::string>
      return_elements;  // In the order asked for. A mapped tensor is what it was mapped to.
  int nodes = 0;
  // Source name to target name, of the nodes that did not simply get the prefix.
  std::vector<std::pair<std::string, std::string>> renamed_nodes;
  std::vector<std::pair<std::string, std::string>> renamed_functions;
  std::vector<std::string> renamed_frames;     // "old -> new": loops of both graphs stay apart.
  std::vector<std::string> renamed_resources;  // The same.
  int shared_functions = 0;                    // The target had them already.
  int stripped_attrs = 0;                      // By producer_op_list.
};

// Imports all nodes of `source` behind those of `target`; versions as TensorFlow's: the older producer, the
// newer min_consumer, all bad consumers. What a MetaGraph of the source says beside its graph is not looked
// at. `source` may go afterwards; its bytes are shared and kept. After an error `target` is as it was.
//
// InvalidArgument: a defect of either graph's structure (graph/verify.h), a prefix that is no name, an entry
// of input_map or return_elements that cannot be, functions that differ. NotFound: one that names nothing.
absl::StatusOr<ImportIntoResult> ImportInto(Model& target, Model& source,
                                            const ImportIntoOptions& options = {});

// The versions of a graph that holds nodes of both.
Versions JoinVersions(const Versions& a, const Versions& b);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_IMPORT_INTO_H_

// From a Model to bytes, streaming: sizes first, then every node straight from where its bytes lie.
// Deterministic: attributes sorted by key, nodes in order; what was not edited is written as it was.
#ifndef CRYOGRAPH_GRAPH_EXPORT_H_
#define CRYOGRAPH_GRAPH_EXPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/byte_sink.h"
#include "graph/model.h"

namespace cryograph {

struct ExportOptions {
  // Write what lint would call an error (a dangling input, a name that stands twice) as it is: for tools that
  // show or convert a broken graph. Otherwise such a graph is refused with InvalidArgument.
  bool allow_defects = false;
  TensorForm tensor_form = TensorForm::kTensorFlow2;
  // Called now and then with the bytes written so far, for progress; may be empty.
  void (*progress)(uint64_t done, uint64_t total) = nullptr;
};

// Exact size of what ExportGraphDef writes. InvalidArgument for a defect that the reader would reject.
absl::StatusOr<uint64_t> GraphDefSize(Model& model, const ExportOptions& options = {});

absl::Status ExportGraphDef(Model& model, ByteSink& sink, const ExportOptions& options = {});

// What of it follows the nodes: library, versions and the fields we do not interpret.
absl::Status ExportAllButNodes(Model& model, ByteSink& sink, const ExportOptions& options = {});

// The MetaGraphDef: the model's meta_fields around the graph.
absl::Status ExportMetaGraphDef(Model& model, ByteSink& sink, const ExportOptions& options = {});
absl::StatusOr<uint64_t> MetaGraphDefSize(Model& model, const ExportOptions& options = {});

// Serialized NodeDef of one node, as ExportGraphDef would write it. Large values are fetched: for tools and
// tests.
absl::StatusOr<std::string> SerializeNode(Node node, const ExportOptions& options = {});

// Serialized FunctionDef, with the edits that were made to its body.
absl::StatusOr<std::string> SerializeFunction(Function& function, const ExportOptions& options = {});

// The `count` largest constants, largest first: "layer/kernel (1.2 GB)".
std::vector<std::string> LargestConstants(Model& model, int count);

// TensorFlow parses no message above this size.
inline constexpr uint64_t kTensorFlowLimit = 2147483647;

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_EXPORT_H_

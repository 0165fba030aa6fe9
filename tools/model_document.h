// All that a model file says, as a document: what `show` prints.
#ifndef CRYOGRAPH_TOOLS_MODEL_DOCUMENT_H_
#define CRYOGRAPH_TOOLS_MODEL_DOCUMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/model.h"
#include "graph/proto/meta_graph.pb.h"
#include "graph/proto/saved_object_graph.pb.h"
#include "tools/document.h"

namespace cryograph {

struct DocumentOptions {
  bool nodes = false;  // Every node of the main graph with its op and inputs.
};

// One MetaGraph, or a plain graph: graph, meta_info, saver, collections (VariableDefs and their like
// decoded), signatures, assets, and where the object graph and the variables' keys come in, those. DataLoss
// for a MetaGraph that MetaGraphOf does not take.
absl::StatusOr<Document> ModelDocument(Model& model, const DocumentOptions& options);

// Versions, number of nodes, ops with their counts, functions with theirs.
Document GraphDocument(Model& model, const DocumentOptions& options);
// The parts of a MetaGraphDef.
Document MetaInfoDocument(const tensorflow::MetaGraphDef::MetaInfoDef& info);
Document SaverDocument(const tensorflow::SaverDef& saver);
Document CollectionDocument(const std::string& name, const tensorflow::CollectionDef& collection);
Document SignatureDocument(const tensorflow::SignatureDef& signature);
Document AssetDocument(const tensorflow::AssetFileDef& asset);
Document ObjectGraphDocument(const tensorflow::SavedObjectGraph& object_graph);
// A value of a Python call: "TensorSpec(shape=(None, 2), dtype=tf.float32, name='x')", "True", "[1, 'a']".
std::string PythonText(const tensorflow::StructuredValue& value);
// "(None, 2)" as Python writes shapes; "<unknown>".
std::string PythonShape(const tensorflow::TensorShapeProto& shape);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_MODEL_DOCUMENT_H_

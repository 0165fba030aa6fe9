// How tools write a model: checked, atomically, and with a word on what TensorFlow cannot read back.
#ifndef CRYOGRAPH_TOOLS_MODEL_OUTPUT_H_
#define CRYOGRAPH_TOOLS_MODEL_OUTPUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "graph/saved_model_export.h"
#include "graph/tensor.h"

namespace cryograph {

enum class OutputForm {
  kBinary,  // A GraphDef.
  kText,
  kMetaGraph,  // A MetaGraphDef: the graph with what the model says beside it.
  kMetaGraphText,
  kSavedModel,         // A directory whose large constants are variables.
  kChunkedSavedModel,  // A directory whose large constants are chunks of saved_model.cpb.
};

// What --output_format, --output_as_text and the output's name say together. "auto" writes text to a file
// that has a text suffix, and a MetaGraphDef to one named .meta or .meta.txt (or so). Usage error if they
// contradict each other.
absl::StatusOr<OutputForm> ChooseForm(const std::string& format, bool as_text, const std::string& path);

struct OutputOptions {
  OutputForm form = OutputForm::kBinary;
  // SavedModels and MetaGraphs: what a signature of theirs offers if they have none. No outputs: none is
  // made.
  std::vector<std::string> inputs, outputs;
  ChunkOptions chunks;               // Of a chunked SavedModel.
  bool drop_unknown_fields = false;  // Text only: else unknown fields, which text cannot hold, are an error.
  bool allow_defects = false;        // Write a broken graph as it is.
  TensorForm tensor_form = TensorForm::kTensorFlow2;
};

// Writes the main graph of `model` with its functions, and what the form has room for beside it, to `path`
// ("-": stdout). On an error there is no new file, and an old one is as it was. Prints a note if it made a
// directory, a warning (CG141) if TensorFlow cannot parse the result for its size, and progress if stderr is
// a terminal. Returns the size in bytes.
absl::StatusOr<uint64_t> WriteModel(Model& model, const std::string& path, const OutputOptions& options);

// Fits what a MetaGraph says beside its graph to the graph: the op list is that of its ops; signatures,
// savers and elements of collections that name nodes which are gone go (unless defects are allowed: then
// signatures alone); with outputs and without a signature it gets `serving_default`. Names ops that nobody
// knows in a note.
absl::Status CompleteMetaGraph(Model& model, const OutputOptions& options);

// Usage error (CG145) if `output` is empty, or the same file as one of `inputs` and `in_place` is false.
// `flag` is the output's flag.
absl::Status CheckOutputPath(const std::string& output, const std::vector<std::string>& inputs, bool in_place,
                             const std::string& flag);

// True for names that stand for text: .pbtxt, .prototxt, .txt.
bool HasTextSuffix(const std::string& path);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_MODEL_OUTPUT_H_

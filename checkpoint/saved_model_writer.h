// Writes a model as a SavedModel directory whose large constants are variables: the form that has no 2 GB
// limit.
#ifndef CRYOGRAPH_CHECKPOINT_SAVED_MODEL_WRITER_H_
#define CRYOGRAPH_CHECKPOINT_SAVED_MODEL_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/export.h"
#include "graph/model.h"

namespace cryograph {

struct SavedModelOptions {
  // Tensors of the signature "serving_default": "x", "x:0". Keys are the nodes' last path components, the
  // whole path (with '/' as '_') where two share it. No outputs: no signature.
  std::vector<std::string> inputs, outputs;
  std::vector<std::string> tags = {"serve"};
  // A Const of at least so many bytes becomes a variable, whose value goes to the checkpoint. Constants with
  // control inputs (they stand inside a loop), strings and those of function bodies stay.
  uint64_t outline_bytes = 64 << 10;
  // A folder whose files become the SavedModel's assets; may be empty.
  std::string assets;
  ExportOptions graph;
};

struct SavedModelReport {
  int outlined = 0;             // Constants that became variables,
  uint64_t outlined_bytes = 0;  // and the size of their values.
  uint64_t message_bytes = 0;   // Size of saved_model.pb. Above kTensorFlowLimit TensorFlow cannot read it.
};

// Writes DIRECTORY/saved_model.pb and DIRECTORY/variables/variables.{index,data-00000-of-00001}, of which a
// loader of TensorFlow 1 or 2 restores the variables through the graph's own restore op. The directory
// appears whole or not at all; values are streamed. Changes `model`: its constants are variables afterwards,
// and its meta_fields are those of the new MetaGraph (function aliases, assets, and those signatures and
// collections whose tensors are left are kept). FailedPrecondition if the graph has variables already;
// AlreadyExists if there is something at `directory` but an empty folder; InvalidArgument if an input or
// output is not in the graph; the errors of the file system.
absl::StatusOr<SavedModelReport> WriteSavedModel(Model& model, const std::string& directory,
                                                 const SavedModelOptions& options);

// FailedPrecondition, naming a variable, if the graph has one: its value would not be part of what is
// written.
absl::Status CheckHasNoVariables(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SAVED_MODEL_WRITER_H_

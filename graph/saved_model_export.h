// From models to the main file of a SavedModel: saved_model.pb, or saved_model.cpb for what is too large for
// one message.
#ifndef CRYOGRAPH_GRAPH_SAVED_MODEL_EXPORT_H_
#define CRYOGRAPH_GRAPH_SAVED_MODEL_EXPORT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "graph/export.h"
#include "graph/model.h"

namespace cryograph {

// Exact size of what ExportSavedModel writes.
absl::StatusOr<uint64_t> SavedModelSize(absl::Span<Model* const> meta_graphs,
                                        const ExportOptions& options = {});

// The SavedModel message with these MetaGraphs, in their order.
absl::Status ExportSavedModel(absl::Span<Model* const> meta_graphs, ByteSink& sink,
                              const ExportOptions& options = {});

struct ChunkOptions {
  // Values of constants of at least so many bytes become chunks, in the main graph and in functions.
  uint64_t min_bytes = 64 << 10;
  // Compress with brotli. The values of constants from checkpoints are not: they are never in memory as a
  // whole.
  bool compress = false;
};

// The same message cut in chunks, which graph/chunked_message.h joins again. InvalidArgument if the message
// without the values is still larger than kTensorFlowLimit.
absl::Status ExportChunkedSavedModel(absl::Span<Model* const> meta_graphs, ByteSink& sink,
                                     const ChunkOptions& chunk_options = {},
                                     const ExportOptions& options = {});

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SAVED_MODEL_EXPORT_H_

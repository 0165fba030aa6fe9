// From bytes to a Model. What can be represented is accepted (a dangling input, a duplicate name):
// graph/verify.h names such defects. What cannot, a truncated or garbled message, is DataLoss with the
// offset.
#ifndef CRYOGRAPH_GRAPH_IMPORT_H_
#define CRYOGRAPH_GRAPH_IMPORT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mapped_file.h"
#include "graph/model.h"

namespace cryograph {

// Binary messages. `owner` keeps `bytes` alive; `where` ("model.pb") opens every message.
// All wire-level rules are checked: framing at every depth, UTF-8 of string fields, nesting of at most 100.
absl::StatusOr<Model> ImportGraphDef(absl::string_view bytes, std::shared_ptr<const void> owner,
                                     absl::string_view where);
absl::StatusOr<Model> ImportMetaGraphDef(absl::string_view bytes, std::shared_ptr<const void> owner,
                                         absl::string_view where);

// A MetaGraphDef of a SavedModel message.
struct MetaGraphSlice {
  std::vector<std::string> tags;
  absl::string_view bytes;
};
absl::StatusOr<std::vector<MetaGraphSlice>> ListMetaGraphs(absl::string_view saved_model,
                                                           absl::string_view where);

// "serve,gpu" names a set: order and blanks do not matter. Empty: the only one, else "serve", else
// InvalidArgument. NotFound lists the sets that there are (CG129).
absl::StatusOr<MetaGraphSlice> ChooseMetaGraph(const std::vector<MetaGraphSlice>& meta_graphs,
                                               absl::string_view tags, absl::string_view where);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_IMPORT_H_

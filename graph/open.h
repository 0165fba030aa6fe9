// Opens whatever a user names as a model: a graph in any container and form, told by content.
#ifndef CRYOGRAPH_GRAPH_OPEN_H_
#define CRYOGRAPH_GRAPH_OPEN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/model.h"
#include "graph/sniff.h"

namespace cryograph {

struct OpenOptions {
  // What the user's flag speaks of. A graph in another container is read all the same; a note says so.
  enum class Expect { kAnyGraph, kGraphDef, kMetaGraph, kSavedModel };
  Expect expect = Expect::kAnyGraph;
  // The user's word on the form (--input_binary); content that contradicts it wins, and a note says so.
  std::optional<bool> text;
  // Tag-set of a SavedModel's MetaGraph, as ChooseMetaGraph takes it.
  std::string tags;
};

// Opens `path`: a GraphDef, MetaGraphDef or SavedModel message, binary, text or (SavedModel) in chunks; a
// memory-mapped package; a SavedModel directory; "-" for standard input. Adds one-line remarks to `notes`
// ("read as text"). A SavedModel that has variables says where in variables_prefix.
//
// Errors end their first line with the id of tools.md's catalogue; lines that begin with "why: " and "try: "
// follow.
// - NotFound: nothing there, with near names (CG105); a directory without a SavedModel (CG128); no such
//   tag-set (CG129).
// - InvalidArgument: another kind of file, saying which and what takes it (CG108, CG109, CG114); a text that
//   is wrong, with line and column.
// - DataLoss: a damaged or cut file (CG109).
// - Unimplemented: chunked SavedModels with records in a form that nobody writes there.
absl::StatusOr<Model> OpenModel(const std::string& path, const OpenOptions& options,
                                std::vector<std::string>* notes);

// All that a file holds: every MetaGraph of a SavedModel, or the one graph of another file.
struct OpenedFile {
  Sniffed kind;
  std::string path;            // The file that was read: "dir/saved_model.pb".
  std::string directory;       // Of a SavedModel, with a slash at its end; empty for other files.
  int64_t schema_version = 0;  // Of a SavedModel; 1 is the only one that exists.
  std::vector<Model> models;
};

// Opens `path` as OpenModel does; `options.tags` is not looked at.
absl::StatusOr<OpenedFile> OpenAll(const std::string& path, const OpenOptions& options,
                                   std::vector<std::string>* notes);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_OPEN_H_

// SavedModels as tools handle them: opened, told apart by tags, and written beside their other files.
#ifndef CRYOGRAPH_TOOLS_SAVED_MODEL_FILES_H_
#define CRYOGRAPH_TOOLS_SAVED_MODEL_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/model.h"
#include "graph/open.h"
#include "graph/saved_model_export.h"

namespace cryograph {

// The tags of a MetaGraph as they stand in the file.
std::vector<std::string> TagsOf(const Model& model);

// "serve" for a MetaGraph without tags: a SavedModel's must have some to be found.
absl::Status SetTagsIfNone(Model& model);

// The SavedModel in `directory`, all of it; prints notes. InvalidArgument if it is another file.
absl::StatusOr<OpenedFile> OpenSavedModel(const std::string& directory);

// The model with that tag-set ("serve,gpu", order and blanks do not matter; empty: the only one, else
// "serve"). The only model of a file that is no SavedModel. NotFound or InvalidArgument, listing the sets
// (CG129).
absl::StatusOr<Model*> FindTagSet(OpenedFile& file, const std::string& tag_set);

// Files that the MetaGraph's assets name, relative to assets/. InvalidArgument for a name that leads out of
// it.
absl::StatusOr<std::vector<std::string>> AssetFiles(const Model& model);

// The assets folder of the SavedModel that the model was read from, if its MetaGraph names files of it; else
// an empty string.
absl::StatusOr<std::string> AssetsFolderOf(const Model& model);

// Copies assets/ and assets.extra/ of a SavedModel if it has them. Both directories end with a slash or not.
absl::Status CopyAssets(const std::string& from, const std::string& to);

// Copies all of a SavedModel but its main file, and but fingerprint.pb, which would be wrong.
absl::Status CopyAllButMainFile(const std::string& from, const std::string& to);

enum class MainFile { kBinary, kText, kChunked };  // saved_model.pb, .pbtxt, .cpb

// The form that the SavedModel's main file had.
MainFile MainFileOf(const OpenedFile& file);

// Writes the MetaGraphs of `file` as the main file of the SavedModel in `directory`, which exists.
absl::Status WriteMainFile(OpenedFile& file, MainFile form, const std::string& directory,
                           const ChunkOptions& chunks = {});

// Writes the SavedModel `file`, all its MetaGraphs and all files beside them, to the new directory `target`,
// which appears when it is whole. InvalidArgument for assets that lead out of it.
absl::Status WriteWholeSavedModel(OpenedFile& file, MainFile form, const std::string& target,
                                  const ChunkOptions& chunks = {});

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SAVED_MODEL_FILES_H_

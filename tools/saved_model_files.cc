#include "tools/saved_model_files.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/byte_sink.h"
#include "base/staged_directory.h"
#include "base/status_macros.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/meta_graph.h"
#include "graph/saved_model_export.h"
#include "graph/text.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

namespace fs = std::filesystem;

// An asset's name must lead to a file below assets/.
bool IsInside(absl::string_view name) {
  if (name.empty() || name[0] == '/') return false;
  for (const absl::string_view part : absl::StrSplit(name, '/')) {
    if (part == "..") return false;
  }
  return true;
}

absl::Status CopyNamed(const std::string& from, const std::string& to, const std::string& name) {
  const std::string source = (fs::path(from) / name).string();
  std::error_code error;
  if (!fs::exists(source, error)) return absl::OkStatus();
  return CopyTree(source, (fs::path(to) / name).string());
}

}  // namespace

std::vector<std::string> TagsOf(const Model& model) {
  tensorflow::MetaGraphDef::MetaInfoDef info;
  info.ParseFromString(std::string(model.MetaField(1)));
  return std::vector<std::string>(info.tags().begin(), info.tags().end());
}

absl::StatusOr<OpenedFile> OpenSavedModel(const std::string& directory) {
  std::vector<std::string> notes;
  OpenOptions options;
  options.expect = OpenOptions::Expect::kSavedModel;
  absl::StatusOr<OpenedFile> file = OpenAll(directory, options, &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  RETURN_IF_ERROR(file.status());
  if (file->kind.kind != FileKind::kSavedModel && file->kind.kind != FileKind::kChunkedSavedModel) {
    return absl::InvalidArgumentError(absl::StrCat("'", file->path, "' is ", Describe(file->kind),
                                                   ", not a SavedModel (CG108)\ntry: cryograph show ",
                                                   file->path));
  }
  return file;
}

absl::StatusOr<Model*> FindTagSet(OpenedFile& file, const std::string& tag_set) {
  if (file.kind.kind != FileKind::kSavedModel && file.kind.kind != FileKind::kChunkedSavedModel)
    return &file.models[0];
  std::vector<MetaGraphSlice> slices;
  for (const Model& model : file.models) {
    slices.emplace_back();
    slices.back().tags = TagsOf(model);
  }
  ASSIGN_OR_RETURN(const MetaGraphSlice chosen, ChooseMetaGraph(slices, tag_set, file.path));
  for (size_t i = 0; i < slices.size(); ++i) {
    if (slices[i].tags == chosen.tags) return &file.models[i];
  }
  return absl::InternalError("the MetaGraph that was chosen is gone");
}

absl::Status SetTagsIfNone(Model& model) {
  ASSIGN_OR_RETURN(tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  if (!meta_graph.meta_info_def().tags().empty()) return absl::OkStatus();
  meta_graph.mutable_meta_info_def()->add_tags("serve");
  SetMetaGraph(std::move(meta_graph), &model);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> AssetFiles(const Model& model) {
  ASSIGN_OR_RETURN(const tensorflow::MetaGraphDef meta_graph, MetaGraphOf(model));
  std::set<std::string> names;
  for (const auto& asset : meta_graph.asset_file_def()) names.insert(asset.filename());
  const auto collection = meta_graph.collection_def().find("saved_model_assets");
  if (collection != meta_graph.collection_def().end()) {
    for (const auto& any : collection->second.any_list().value()) {
      tensorflow::AssetFileDef asset;
      if (absl::EndsWith(any.type_url(), "/tensorflow.AssetFileDef") && asset.ParseFromString(any.value())) {
        names.insert(asset.filename());
      }
    }
  }
  for (const std::string& name : names) {
    if (IsInside(name)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(model.path, ": asset '", name, "' would lie outside of the SavedModel's assets"));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

absl::StatusOr<std::string> AssetsFolderOf(const Model& model) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, AssetFiles(model));
  const std::string folder = (fs::path(model.path).parent_path() / "assets").string();
  std::error_code error;
  return !files.empty() && fs::is_directory(folder, error) ? folder : std::string();
}

absl::Status CopyAssets(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(CopyNamed(from, to, "assets"));
  return CopyNamed(from, to, "assets.extra");
}

absl::Status CopyAllButMainFile(const std::string& from, const std::string& to) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(from, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) return absl::UnavailableError(absl::StrCat(from, ": ", error.message()));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const bool main_file =
        name == "saved_model.pb" || name == "saved_model.pbtxt" || name == "saved_model.cpb";
    if (!main_file && name != "fingerprint.pb") RETURN_IF_ERROR(CopyNamed(from, to, name));
  }
  return absl::OkStatus();
}

MainFile MainFileOf(const OpenedFile& file) {
  if (file.kind.kind == FileKind::kChunkedSavedModel) return MainFile::kChunked;
  return file.kind.text ? MainFile::kText : MainFile::kBinary;
}

absl::Status WriteMainFile(OpenedFile& file, MainFile form, const std::string& directory,
                           const ChunkOptions& chunks) {
  std::vector<Model*> models;
  for (Model& model : file.models) models.push_back(&model);
  ExportOptions options;
  options.allow_defects = true;
  options.progress = cli::Progress();
  const char* const name = form == MainFile::kChunked ? "/saved_model.cpb"
                           : form == MainFile::kText  ? "/saved_model.pbtxt"
                                                      : "/saved_model.pb";
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Create(directory + name));
  if (form == MainFile::kChunked) {
    RETURN_IF_ERROR(ExportChunkedSavedModel(models, *sink, chunks, options));
  } else if (form == MainFile::kText) {
    StringSink binary;
    RETURN_IF_ERROR(ExportSavedModel(models, binary, options));
    ASSIGN_OR_RETURN(const std::string text, MessageToText(MessageKind::kSavedModel, binary.bytes()));
    RETURN_IF_ERROR(sink->Append(text));
  } else {
    RETURN_IF_ERROR(ExportSavedModel(models, *sink, options));
  }
  return sink->Commit();
}

absl::Status WriteWholeSavedModel(OpenedFile& file, MainFile form, const std::string& target,
                                  const ChunkOptions& chunks) {
  for (const Model& model : file.models) RETURN_IF_ERROR(AssetFiles(model).status());
  ASSIGN_OR_RETURN(const std::unique_ptr<StagedDirectory> staged, StagedDirectory::Create(target));
  RETURN_IF_ERROR(CopyAllButMainFile(file.directory, staged->path()));
  RETURN_IF_ERROR(WriteMainFile(file, form, staged->path(), chunks));
  return staged->Commit();
}

}  // namespace cryograph

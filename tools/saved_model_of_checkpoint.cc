#include "tools/saved_model_of_checkpoint.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/byte_sink.h"
#include "base/staged_directory.h"
#include "base/status_macros.h"
#include "checkpoint/restore_map.h"
#include "checkpoint/saver_of_model.h"
#include "checkpoint/transfer.h"
#include "graph/saved_model_export.h"
#include "tools/checkpoint_flags.h"
#include "tools/cli.h"
#include "tools/model_output.h"
#include "tools/saved_model_files.h"

namespace cryograph {
namespace {

// OK if the checkpoint has whatever the graph restores.
absl::Status CheckKeys(Model& model, const TensorFile& file) {
  ASSIGN_OR_RETURN(const RestoreMap restored, RestoreMap::Find(model, "", file.checkpoint(), nullptr));
  std::vector<std::string> missing;
  for (const auto& [variable, value] : restored.pairs()) {
    if (file.reader().Find(value.key) == nullptr)
      missing.push_back(absl::StrCat("'", PrintableName(value.key), "'"));
  }
  if (missing.empty()) return absl::OkStatus();
  constexpr size_t kShown = 5;
  const size_t count = missing.size();
  if (count > kShown) missing.resize(kShown);
  return absl::NotFoundError(absl::StrCat(
      file.name(), ": ", cli::Counted(count, "tensor"), " that the graph restores (", restored.origin(), ") ",
      count == 1 ? "is" : "are", " missing (CG117): ", absl::StrJoin(missing, ", "),
      count > kShown ? ", …" : "", "\ntry: the checkpoint that was saved with this graph"));
}

absl::Status WriteVariables(const TensorFile& file, const std::string& prefix) {
  std::vector<TransferItem> items;
  for (const CheckpointEntry& entry : file.reader().entries()) {
    TransferItem item;
    item.reader = &file.reader();
    item.entry = &entry;
    item.name = entry.name;
    items.push_back(std::move(item));
  }
  TransferOptions options;
  options.progress = cli::Progress();
  return Transfer(std::move(items), prefix, options).status();
}

}  // namespace

absl::Status WriteSavedModelOfCheckpoint(Model& model, const std::string& checkpoint,
                                         const std::string& directory) {
  ASSIGN_OR_RETURN(const TensorFile file, OpenTensorFile(checkpoint));
  if (!HasSaver(model)) {
    const absl::StatusOr<int> variables = AddSaverOfModel(model);
    if (absl::IsInvalidArgument(variables.status())) {
      return absl::InvalidArgumentError(absl::StrCat(
          variables.status().message(), "\nwhy: the values of a checkpoint are those of variables\n",
          "try: the graph before it was frozen; a frozen graph without --in_checkpoint"));
    }
    RETURN_IF_ERROR(variables.status());
    cli::PrintNote(absl::StrCat("the MetaGraph has no saver: one of ",
                                cli::Counted(static_cast<uint64_t>(*variables), "variable"), " is added"));
  }
  RETURN_IF_ERROR(CheckKeys(model, file));
  ASSIGN_OR_RETURN(const std::unique_ptr<StagedDirectory> staged, StagedDirectory::Create(directory));
  RETURN_IF_ERROR(WriteVariables(file, staged->path() + "/variables/variables"));
  RETURN_IF_ERROR(CompleteMetaGraph(model, OutputOptions()));
  RETURN_IF_ERROR(SetTagsIfNone(model));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink,
                   FileSink::Create(staged->path() + "/saved_model.pb"));
  RETURN_IF_ERROR(ExportSavedModel({&model}, *sink, ExportOptions()));
  RETURN_IF_ERROR(sink->Commit());
  return staged->Commit();
}

}  // namespace cryograph

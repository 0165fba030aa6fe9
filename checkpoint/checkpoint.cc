#include "checkpoint/checkpoint.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_reader.h"
#include "checkpoint/damage.h"
#include "checkpoint/locate.h"
#include "checkpoint/messages.h"
#include "checkpoint/table_reader.h"
#include "checkpoint/v1_reader.h"

namespace cryograph {
namespace {

// True for the index of a V2 checkpoint under a name that does not say so: the value of its empty key is
// another message.
bool IsNamelessIndex(const std::string& path) {
  absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(path);
  if (!file.ok()) return false;
  const absl::StatusOr<std::unique_ptr<TableReader>> table = TableReader::Open(*std::move(file));
  if (!table.ok()) return false;
  const absl::StatusOr<absl::optional<TableReader::Value>> header = (*table)->Find("");
  if (!header.ok() || !header->has_value()) return false;
  BundleHeader bundle;
  SavedMeta meta;
  return ParseBundleHeader((*header)->bytes, &bundle) && bundle.num_shards > 0 &&
         !(ParseSavedMeta((*header)->bytes, &meta) && meta.present);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& path,
                                                             std::vector<std::string>* notes) {
  ASSIGN_OR_RETURN(CheckpointPlace place, LocateCheckpoint(path, notes));
  std::unique_ptr<const CheckpointReader> reader;
  if (place.version == 2) {
    ASSIGN_OR_RETURN(reader, BundleReader::Open(place.prefix));
  } else {
    if (IsNamelessIndex(place.files[0])) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", place.files[0], "' is the index of a V2 checkpoint, but is not named so (CG111)\n",
          "why: data files are found by the name of the index\n",
          "try: rename it to PREFIX.index beside its PREFIX.data-* files and use PREFIX"));
    }
    ASSIGN_OR_RETURN(reader, V1Reader::Open(place.prefix, place.files));
  }
  return std::unique_ptr<Checkpoint>(
      new Checkpoint(std::move(place.prefix), place.version, std::move(reader)));
}

absl::StatusOr<std::string> Checkpoint::ObjectGraph() const {
  if (Find(kObjectGraphKey) == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(prefix_, ": there is no object graph; the keys are names of variables"));
  }
  ASSIGN_OR_RETURN(const Tensor tensor, Read(kObjectGraphKey));
  if (tensor.dtype != DT_STRING || tensor.strings.size() != 1) {
    return Damage(
        absl::DataLossError(absl::StrCat(prefix_, ": the object graph is not one string but ",
                                         DataTypeEnumName(tensor.dtype), " ", ShapeText(tensor.dims))));
  }
  return std::string(tensor.strings[0]);
}

}  // namespace cryograph

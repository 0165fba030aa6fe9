#include "checkpoint/damage.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"

namespace cryograph {

absl::Status Damage(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kDataLoss || absl::StrContains(status.message(), "(CG"))
    return status;
  return absl::DataLossError(
      absl::StrCat(status.message(),
                   " (CG113)\nwhy: the file was cut or changed after it was written, as by a copy that "
                   "did not finish\ntry: copy the checkpoint again and compare the sizes of its files"));
}

// The name in a slice key, whose code of strings is undone; false for any other key.
static bool NameInSliceKey(absl::string_view key, std::string* name) {
  if (key.empty() || key[0] != '\0') return false;
  for (size_t i = 1; i + 1 < key.size(); ++i) {
    if (key[i] == '\0' && key[i + 1] == '\1') return true;
    name->push_back(key[i]);
    if (key[i] == '\0' || key[i] == '\xff') ++i;  // A second byte follows that only tells it from an end.
  }
  return false;
}

std::string QuotedKey(absl::string_view key) {
  std::string name;
  const bool is_slice = NameInSliceKey(key, &name);
  if (!is_slice) name = std::string(key);
  return absl::StrCat("'", IsUtf8(name) ? absl::Utf8SafeCHexEscape(name) : absl::CHexEscape(name), "'",
                      is_slice ? " (a slice of it)" : "");
}

absl::Status MissingShard(const absl::Status& status, absl::string_view key, int num_shards) {
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; tensor ", QuotedKey(key),
                                   " lies in it (CG113)\nwhy: the index counts ", num_shards,
                                   num_shards == 1 ? " data file" : " data files",
                                   "\ntry: put all files of the checkpoint into one directory"));
}

}  // namespace cryograph

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

std::string QuotedKey(absl::string_view key) {
  return absl::StrCat("'", IsUtf8(key) ? absl::Utf8SafeCHexEscape(key) : absl::CHexEscape(key), "'");
}

absl::Status MissingShard(const absl::Status& status, absl::string_view key, int num_shards) {
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; tensor ", QuotedKey(key),
                                   " lies in it (CG113)\nwhy: the index counts ", num_shards,
                                   num_shards == 1 ? " data file" : " data files",
                                   "\ntry: put all files of the checkpoint into one directory"));
}

}  // namespace cryograph

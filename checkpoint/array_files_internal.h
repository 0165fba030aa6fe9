// What the writers of array files share.
#ifndef CRYOGRAPH_CHECKPOINT_ARRAY_FILES_INTERNAL_H_
#define CRYOGRAPH_CHECKPOINT_ARRAY_FILES_INTERNAL_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "checkpoint/array_files.h"

namespace cryograph {

// Adds up what was written.
class ProgressOfArrays {
 public:
  ProgressOfArrays(absl::Span<const NamedSource> arrays, const ArrayFileOptions& options)
      : report_(options.progress) {
    for (const NamedSource& array : arrays) total_ += BytesOf(array);
  }
  void Done(const NamedSource& array) {
    done_ += BytesOf(array);
    if (report_ != nullptr) report_(done_, total_);
  }

 private:
  static uint64_t BytesOf(const NamedSource& array) {
    return DataTypeBytes(array.value->dtype()) == 0 ? 0 : array.value->num_bytes();
  }

  void (*report_)(uint64_t, uint64_t);
  uint64_t done_ = 0, total_ = 0;
};

// `status` with the array's name, if what failed is to write it there: faults of what is read name their
// file.
inline absl::Status OfArray(absl::string_view path, absl::string_view name, const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument &&
      status.code() != absl::StatusCode::kUnimplemented) {
    return status;
  }
  return absl::Status(status.code(), absl::StrCat(path, ": tensor '", absl::Utf8SafeCHexEscape(name),
                                                  "': ", status.message()));
}

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_ARRAY_FILES_INTERNAL_H_

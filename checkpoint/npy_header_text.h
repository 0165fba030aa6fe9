// The text in the header of a .npy file, a dictionary as Python writes it:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }
#ifndef CRYOGRAPH_CHECKPOINT_NPY_HEADER_TEXT_H_
#define CRYOGRAPH_CHECKPOINT_NPY_HEADER_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cryograph {

struct NpyHeaderText {
  std::string descr;
  std::string field_name;  // Of a record of one field, [('name', 'descr')]; else empty.
  bool fortran_order = false;
  std::vector<int64_t> dims;
};

// DataLoss: it is no such dictionary, or an entry is missing. InvalidArgument: a record of several fields.
absl::Status ParseNpyHeaderText(absl::string_view text, NpyHeaderText* header);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_NPY_HEADER_TEXT_H_

// numpy's array files as tensors: .npy (format versions 1 to 3, C order, little endian) and .npz whose arrays
// are stored without compression. Format: NEP 1; PKWARE's APPNOTE.
#ifndef CRYOGRAPH_TOOLS_NPY_FILES_H_
#define CRYOGRAPH_TOOLS_NPY_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// The array in the bytes of a .npy file, which `owner` keeps; not copied. InvalidArgument for an element type
// that is no tensor's; DataLoss for a damaged file.
absl::StatusOr<Tensor> ParseNpy(absl::string_view bytes, std::shared_ptr<const void> owner);

// Names (without ".npy") and bytes of the arrays of a .npz file, in its order. DataLoss, or Unimplemented for
// compressed ones.
absl::StatusOr<std::vector<std::pair<std::string, absl::string_view>>> ListNpz(absl::string_view bytes);

// What numpy.save writes before the elements; empty if numpy does not know the type.
std::string NpyHeader(DataType dtype, absl::Span<const int64_t> dims);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_NPY_FILES_H_

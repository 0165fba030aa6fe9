// numpy's .npy format: the header, and how TensorFlow's types are named in it. Format: NEP 1 and numpy's
// lib.format, versions 1.0 to 3.0.
#ifndef CRYOGRAPH_CHECKPOINT_NPY_H_
#define CRYOGRAPH_CHECKPOINT_NPY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// What becomes of tensors whose type an array file cannot name: bfloat16, float8, int4, quantized ones, and
// so on.
enum class ForeignTypes {
  kKeep,    // Their bits, with the name of the type beside them: readers of ours restore it.
  kBits,    // Their bits as plain integers of the same width.
  kRefuse,  // Unimplemented.
};

// The integer type that holds the bits of an element of `dtype`, or `dtype` itself if numpy knows it;
// DT_INVALID for strings, variants and unknown types.
DataType NumpyStorageType(DataType dtype);

struct NpyHeader {
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  bool fortran_order = false;
  bool big_endian = false;
  uint64_t string_width = 0;  // Bytes of an element of DT_STRING: zeros fill up at its end.
  bool utf32 = false;         // An element is of 32-bit code points ("U").
  uint64_t header_bytes = 0;  // Where the elements begin.

  uint64_t element_bytes() const;
  uint64_t data_bytes() const;  // Of all elements; checked not to overflow when the header was parsed.
};

// The header that numpy.save writes, byte for byte, for C order and little endian. A foreign type that is
// kept is a record of one field of the type's name, as TensorFlow's own numpy types for quantized numbers
// are: [('bfloat16', '<u2')].
std::string NpyHeaderBytes(const NpyHeader& header, ForeignTypes foreign);

// Reads a header at the front of `bytes`, which may be only the beginning of a file. DataLoss: damaged or
// cut. InvalidArgument: an element type that is no tensor's (objects, dates, records, long doubles); the
// message says what to do.
absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes);

// How many bytes ParseNpyHeader needs at most, told from the first 12; 0 if they are of no .npy file.
uint64_t NpyHeaderSize(absl::string_view first);

// Writes header and elements of `value`; the sink gets NpySize() bytes. Strings become bytes of the width of
// the longest. InvalidArgument: a string ends with a zero byte, which would be lost. Unimplemented: variants,
// resources, foreign types that are refused.
absl::Status WriteNpy(const TensorSource& value, ForeignTypes foreign, ByteSink& sink);
absl::StatusOr<uint64_t> NpySize(const TensorSource& value, ForeignTypes foreign);

// Turns raw elements as the header says them into those of a Tensor: C order, little endian. `data` has
// data_bytes() bytes, `owner` keeps them. Shows them where nothing is to be turned.
absl::StatusOr<Tensor> NpyValue(const NpyHeader& header, absl::string_view data,
                                std::shared_ptr<const void> owner);

// Appends elements as NpyValue turns them, with little memory. Not for strings.
absl::Status WriteNpyElements(const NpyHeader& header, absl::string_view data, ByteSink& sink);

// True if the elements in the file are those of the Tensor.
bool IsNpyAsInMemory(const NpyHeader& header);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_NPY_H_

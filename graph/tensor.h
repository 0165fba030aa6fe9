// A tensor value whose bytes stay where they are, and the TensorProto forms that it is read from and written
// in.
#ifndef CRYOGRAPH_GRAPH_TENSOR_H_
#define CRYOGRAPH_GRAPH_TENSOR_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/byte_sink.h"
#include "graph/dtype.h"

namespace cryograph {

// Elements are little endian and row major; sub-byte types take one byte each.
struct Tensor {
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;  // Empty means scalar.
  absl::string_view bytes;    // Fixed-size types; unaligned, so never cast: Copy<T>().
  std::vector<absl::string_view>
      strings;  // DT_STRING: one per element; DT_VARIANT: serialized VariantTensorDataProto.
  std::shared_ptr<const void> owner;  // Keeps what `bytes` and `strings` show alive.

  // Product of dims. Valid tensors only: it does not overflow there (see NumElements below).
  int64_t num_elements() const;

  // The elements as T, whose size must be that of the dtype.
  template <typename T>
  std::vector<T> Copy() const {
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return values;
  }

  // A tensor that owns a copy of `values`.
  template <typename T>
  static Tensor Of(DataType dtype, std::vector<int64_t> dims, absl::Span<const T> values) {
    return OfBytes(dtype, std::move(dims),
                   std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  }
  static Tensor OfBytes(DataType dtype, std::vector<int64_t> dims, std::string bytes);
  static Tensor OfStrings(std::vector<int64_t> dims, std::vector<std::string> values);
};

// Product of `dims`, evaluated left to right; InvalidArgument for a negative dimension or a product above
// 2^63 - 1.
absl::StatusOr<int64_t> NumElements(absl::Span<const int64_t> dims);

// "[2,3]".
std::string ShapeText(absl::Span<const int64_t> dims);

// A value that is fetched when it is needed: a checkpoint's tensor that goes straight to the output file,
// say.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual DataType dtype() const = 0;
  virtual const std::vector<int64_t>& dims() const = 0;

  // Exact size of the value in memory form. DT_STRING and DT_VARIANT: Load() first; this is then not called.
  virtual uint64_t num_bytes() const = 0;

  // The whole value, checked (checksums and all).
  virtual absl::StatusOr<Tensor> Load() const = 0;

  // Appends exactly num_bytes() bytes, checking as it goes: on an error the sink holds rubbish and must be
  // dropped.
  virtual absl::Status Write(ByteSink& sink) const = 0;
};

// How multi-element half and bfloat16 are written: the one thing in which TensorFlow 1.15 and 2.21 differ.
enum class TensorForm { kTensorFlow2, kTensorFlow1 };

// Decodes a serialized TensorProto; every rule of the format's section 4.4. The result shows `proto`'s own
// bytes where it can (tensor_content, string_val); `owner` keeps them alive. A fill (fewer values than
// elements) is expanded only if the result is at most `max_bytes`: ResourceExhausted otherwise.
// InvalidArgument for a defect, Unimplemented for an unknown dtype.
absl::StatusOr<Tensor> DecodeTensorProto(absl::string_view proto, std::shared_ptr<const void> owner,
                                         uint64_t max_bytes = uint64_t{1} << 31);

// Decodes a TensorProto that has nothing but the typed values of a tensor of `dtype` and `dims`, exactly one
// per element, as old checkpoints hold them. InvalidArgument: there are more or fewer, or `proto` is damaged.
// Unimplemented: resources and unknown types.
absl::StatusOr<Tensor> DecodeTypedValues(DataType dtype, std::vector<int64_t> dims, absl::string_view proto,
                                         std::shared_ptr<const void> owner);

// Type and shape of a serialized TensorProto, without its values. InvalidArgument as DecodeTensorProto.
struct TensorHeader {
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  bool unknown_rank = false;
};
absl::StatusOr<TensorHeader> DecodeTensorHeader(absl::string_view proto);

// Checks all that DecodeTensorProto checks, expanding nothing.
absl::Status CheckTensorProto(absl::string_view proto);

// The TensorProto that TensorFlow's make_tensor_proto writes for `tensor` (deterministic bytes). Errors:
// Unimplemented for resources and unknown types.
absl::StatusOr<std::string> EncodeTensorProto(const Tensor& tensor,
                                              TensorForm form = TensorForm::kTensorFlow2);

// The part of such a TensorProto that precedes the bytes of the value, when the form for that type and shape
// ends with them as they are in memory: tensor_content, or a packed list of floating-point numbers. An empty
// string when it is another form and EncodeTensorProto must be used.
std::string TensorContentPrefix(DataType dtype, absl::Span<const int64_t> dims, uint64_t num_bytes,
                                TensorForm form = TensorForm::kTensorFlow2);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_TENSOR_H_

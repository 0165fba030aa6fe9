#include "transforms/freeze_values.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

constexpr uint64_t kMaxLoaded = uint64_t{1} << 32;  // In memory.
constexpr uint64_t kMaxWritten = uint64_t{1}
                                 << 37;  // A shape in a graph is cheap to write; its zeros fill a disk.

// Holds one element, however large the tensor.
class FilledSource final : public TensorSource {
 public:
  FilledSource(DataType dtype, std::string element, std::vector<int64_t> dims, uint64_t count)
      : dtype_(dtype), element_(std::move(element)), dims_(std::move(dims)), count_(count) {}
  DataType dtype() const override { return dtype_; }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override { return count_ * element_.size(); }
  absl::StatusOr<Tensor> Load() const override {
    if (std::max(count_, num_bytes()) > kMaxLoaded) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a fill of shape ", ShapeText(dims_), " is too large"));
    }
    if (dtype_ == DT_STRING) return Tensor::OfStrings(dims_, std::vector<std::string>(count_, element_));
    std::string bytes;
    bytes.reserve(num_bytes());
    for (uint64_t i = 0; i < count_; ++i) bytes += element_;
    return Tensor::OfBytes(dtype_, dims_, std::move(bytes));
  }
  absl::Status Write(ByteSink& sink) const override {
    std::string piece;
    const uint64_t per_piece = std::min<uint64_t>(count_, 65536 / std::max<size_t>(element_.size(), 1));
    for (uint64_t i = 0; i < per_piece; ++i) piece += element_;
    uint64_t left = num_bytes();
    while (left > 0) {
      const uint64_t now = std::min<uint64_t>(left, piece.size());
      RETURN_IF_ERROR(sink.Append(absl::string_view(piece).substr(0, now)));
      left -= now;
    }
    return absl::OkStatus();
  }

 private:
  DataType dtype_;
  std::string element_;
  std::vector<int64_t> dims_;
  uint64_t count_;
};

// A constant of the graph: fetched from there when it is needed, so the graph must live as long.
class LoadedSource final : public TensorSource {
 public:
  explicit LoadedSource(Tensor value) : value_(std::move(value)) {}
  DataType dtype() const override { return value_.dtype; }
  const std::vector<int64_t>& dims() const override { return value_.dims; }
  uint64_t num_bytes() const override { return value_.bytes.size(); }
  absl::StatusOr<Tensor> Load() const override { return value_; }
  absl::Status Write(ByteSink& sink) const override { return sink.Append(value_.bytes); }

 private:
  Tensor value_;
};

absl::Status NotConstant(Node node) {
  return absl::UnimplementedError(absl::StrCat("its initial value is computed by '", node.name(), "' (",
                                               node.op(), "), which would have to be run"));
}

absl::StatusOr<std::vector<int64_t>> ShapeOf(const TensorSource& source) {
  ASSIGN_OR_RETURN(const Tensor tensor, source.Load());
  std::vector<int64_t> dims;
  if (tensor.dtype == DT_INT32) {
    for (int32_t dim : tensor.Copy<int32_t>()) dims.push_back(dim);
  } else if (tensor.dtype == DT_INT64) {
    dims = tensor.Copy<int64_t>();
  } else {
    return absl::InvalidArgumentError(absl::StrCat("a shape of type ", DataTypeName(tensor.dtype)));
  }
  return dims;
}

absl::StatusOr<std::shared_ptr<const TensorSource>> FillOf(const Tensor& element, std::vector<int64_t> dims) {
  ASSIGN_OR_RETURN(const int64_t count, NumElements(dims));
  if (static_cast<uint64_t>(count) > kMaxWritten / std::max<size_t>(element.bytes.size(), 1)) {
    return absl::InvalidArgumentError(absl::StrCat("a value of shape ", ShapeText(dims), " is too large"));
  }
  return Filled(element, std::move(dims));
}

absl::StatusOr<std::shared_ptr<const TensorSource>> ValueOf(Graph& graph, Output output, int depth) {
  const Node node = graph.node(output.node);
  const absl::string_view op = node.op();
  if (output.index != 0 || depth > 100) return NotConstant(node);
  if (op == "Const") {
    ASSIGN_OR_RETURN(Tensor value, node.constant());
    return std::shared_ptr<const TensorSource>(std::make_shared<LoadedSource>(std::move(value)));
  }
  if ((op == "Identity" || op == "StopGradient" ||
       (op == "Cast" && node.attr("SrcT", DT_INVALID) == node.attr("DstT", DT_INVALID))) &&
      node.num_inputs() == 1) {
    return ValueOf(graph, node.input(0), depth + 1);
  }
  if (op == "Fill" && node.num_inputs() == 2) {
    ASSIGN_OR_RETURN(const auto shape, ValueOf(graph, node.input(0), depth + 1));
    ASSIGN_OR_RETURN(const auto element, ValueOf(graph, node.input(1), depth + 1));
    ASSIGN_OR_RETURN(std::vector<int64_t> dims, ShapeOf(*shape));
    ASSIGN_OR_RETURN(const Tensor value, element->Load());
    if (value.num_elements() != 1) return NotConstant(node);
    return FillOf(value, std::move(dims));
  }
  if (op == "ZerosLike" && node.num_inputs() == 1) {
    ASSIGN_OR_RETURN(const auto like, ValueOf(graph, node.input(0), depth + 1));
    return Zeros(like->dtype(), like->dims());
  }
  return NotConstant(node);
}

}  // namespace

std::shared_ptr<const TensorSource> Filled(const Tensor& element, std::vector<int64_t> dims) {
  uint64_t count = 1;
  for (int64_t dim : dims) count *= static_cast<uint64_t>(dim);
  std::string one = element.dtype == DT_STRING
                        ? std::string(element.strings.empty() ? "" : element.strings[0])
                        : std::string(element.bytes);
  return std::make_shared<FilledSource>(element.dtype, std::move(one), std::move(dims), count);
}

absl::StatusOr<std::shared_ptr<const TensorSource>> Zeros(DataType dtype, std::vector<int64_t> dims) {
  if (dtype == DT_STRING) return FillOf(Tensor::OfStrings({}, {""}), std::move(dims));
  const int width = DataTypeBytes(dtype);
  if (width == 0) return absl::UnimplementedError(absl::StrCat(DataTypeName(dtype), " has no zero"));
  return FillOf(Tensor::OfBytes(dtype, {}, std::string(static_cast<size_t>(width), '\0')), std::move(dims));
}

absl::StatusOr<std::shared_ptr<const TensorSource>> ConstantValue(Graph& graph, Output output) {
  return ValueOf(graph, output, 0);
}

uint64_t ValueBytes(const TensorSource& source) {
  return source.dtype() == DT_STRING || source.dtype() == DT_VARIANT ? 0 : source.num_bytes();
}

}  // namespace cryograph

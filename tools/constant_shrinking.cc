#include "tools/constant_shrinking.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/attr.h"

namespace cryograph {
namespace {

constexpr int64_t kMostShapeElements = 16;

bool AllEqual(const Tensor& tensor) {
  const size_t width = static_cast<size_t>(DataTypeBytes(tensor.dtype));
  return tensor.bytes.size() > width &&
         std::memcmp(tensor.bytes.data(), tensor.bytes.data() + width, tensor.bytes.size() - width) == 0;
}

bool SetConstant(Node node, const Tensor& tensor) {
  const absl::StatusOr<std::string> proto = CompactTensorProto(tensor);
  if (!proto.ok()) return false;
  node.graph().SetAttr(node, "value", AttrTensor(*proto));
  return true;
}

// The elements whose index in each dimension is below that of `dims`.
Tensor Cropped(const Tensor& tensor, const std::vector<int64_t>& dims) {
  const size_t width = static_cast<size_t>(DataTypeBytes(tensor.dtype));
  std::string bytes;
  const std::function<void(size_t, size_t, size_t)> copy = [&](size_t axis, size_t begin, size_t size) {
    if (axis == dims.size()) {
      bytes.append(tensor.bytes.data() + begin, size);
      return;
    }
    const size_t part = size / static_cast<size_t>(tensor.dims[axis]);
    for (int64_t i = 0; i < dims[axis]; ++i) copy(axis + 1, begin + static_cast<size_t>(i) * part, part);
  };
  if (width > 0 && !tensor.bytes.empty()) copy(0, 0, tensor.bytes.size());
  return Tensor::OfBytes(tensor.dtype, dims, std::move(bytes));
}

template <typename T>
bool ReplaceElements(Tensor* tensor, int64_t from, int64_t to) {
  std::vector<T> elements = tensor->Copy<T>();
  bool changed = false;
  for (T& element : elements) {
    if (element != static_cast<T>(from)) continue;
    element = static_cast<T>(to);
    changed = true;
  }
  if (changed) *tensor = Tensor::Of<T>(tensor->dtype, tensor->dims, elements);
  return changed;
}

// 1: changed, 0: nothing to change, -1: it cannot be.
int ReplaceInConstant(Node node, int64_t from, int64_t to, bool values_too) {
  absl::StatusOr<Tensor> tensor = node.constant();
  if (!tensor.ok() || DataTypeBytes(tensor->dtype) == 0 || !tensor->strings.empty()) return 0;
  bool changed = false;
  if (values_too && tensor->dims.size() <= 1 && tensor->num_elements() <= kMostShapeElements) {
    if (tensor->dtype == DT_INT32) changed = ReplaceElements<int32_t>(&*tensor, from, to);
    if (tensor->dtype == DT_INT64) changed = ReplaceElements<int64_t>(&*tensor, from, to);
  }
  std::vector<int64_t> dims = tensor->dims;
  std::replace(dims.begin(), dims.end(), from, to);
  if (dims != tensor->dims) {
    *tensor = Cropped(*tensor, dims);
    changed = true;
  }
  if (!changed) return 0;
  return SetConstant(node, *tensor) ? 1 : -1;
}

}  // namespace

absl::StatusOr<std::string> CompactTensorProto(const Tensor& tensor) {
  if (DataTypeBytes(tensor.dtype) == 0 || !AllEqual(tensor)) return EncodeTensorProto(tensor);
  Tensor one = tensor;
  one.dims.clear();
  one.bytes = tensor.bytes.substr(0, static_cast<size_t>(DataTypeBytes(tensor.dtype)));
  // Type and shape of one proto, the element of the other.
  ASSIGN_OR_RETURN(const std::string scalar, EncodeTensorProto(one));
  std::string shape, proto;
  for (const int64_t dim : tensor.dims) {
    std::string size;
    if (dim != 0) AppendVarintField(1, static_cast<uint64_t>(dim), &size);
    AppendBytesField(2, size, &shape);
  }
  AppendVarintField(1, static_cast<uint64_t>(tensor.dtype), &proto);
  AppendBytesField(2, shape, &proto);
  WireReader reader(scalar);
  size_t begin = 0;
  for (WireField field; reader.Next(&field);) {
    const size_t end = reader.position();
    if (field.number > 2) proto.append(scalar, begin, end - begin);
    begin = end;
  }
  return proto;
}

bool CanBeFilled(Node node) {
  const absl::StatusOr<Tensor> tensor = node.constant();
  return tensor.ok() && DataTypeBytes(tensor->dtype) > 0 && tensor->num_elements() > 1 && !AllEqual(*tensor);
}

bool FillConstant(Node node) {
  const absl::StatusOr<Tensor> tensor = node.constant();
  if (!tensor.ok() || tensor->bytes.empty()) return false;
  const absl::string_view first = tensor->bytes.substr(0, static_cast<size_t>(DataTypeBytes(tensor->dtype)));
  std::string bytes;
  bytes.reserve(tensor->bytes.size());
  while (bytes.size() < tensor->bytes.size()) bytes.append(first.data(), first.size());
  return SetConstant(node, Tensor::OfBytes(tensor->dtype, tensor->dims, std::move(bytes)));
}

std::vector<int64_t> DimensionsOf(Graph& graph) {
  std::set<int64_t, std::greater<int64_t>> dims;
  for (Node node : graph.nodes()) {
    std::vector<int64_t> of_node;
    if (node.op() == "Const") {
      const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(node.attr("value").tensor_bytes());
      if (header.ok()) of_node = header->dims;
    } else if (absl::StartsWith(node.op(), "Placeholder")) {
      of_node = node.attr("shape").shape().dims;
    }
    for (const int64_t dim : of_node) {
      if (dim > 1) dims.insert(dim);
    }
  }
  return {dims.begin(), dims.end()};
}

bool ReplaceDimension(Graph& graph, int64_t from, int64_t to, bool values_too) {
  bool changed = false;
  for (Node node : graph.nodes()) {
    if (node.op() == "Const") {
      const int result = ReplaceInConstant(node, from, to, values_too);
      if (result < 0) return false;
      changed = changed || result > 0;
    } else if (absl::StartsWith(node.op(), "Placeholder") && node.attr("shape").kind() == AttrView::kShape) {
      PartialShape shape = node.attr("shape").shape();
      if (std::find(shape.dims.begin(), shape.dims.end(), from) == shape.dims.end()) continue;
      std::replace(shape.dims.begin(), shape.dims.end(), from, to);
      graph.SetAttr(node, "shape", AttrShape(shape));
      changed = true;
    }
  }
  return changed;
}

}  // namespace cryograph

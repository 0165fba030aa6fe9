#include "tools/inference_values.h"

#include <memory>
#include <optional>
#include <vector>

#include "base/status_macros.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

absl::StatusOr<FeedTarget> TargetOfFeed(const Inference& inference, const std::string& name) {
  FeedTarget target;
  target.name = name;
  ASSIGN_OR_RETURN(const Inference::Type type, inference.TypeOfTensor(name));
  target.dtype = static_cast<DataType>(type);
  ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> shape, inference.ShapeOfTensor(name));
  if (shape) target.shape = {false, *shape};
  return target;
}

absl::Status FeedValueTo(Inference& inference, const std::string& name, const Value& value) {
  const std::vector<int64_t> shape(value.shape().begin(), value.shape().end());
  if (value.dtype() != DT_STRING) {
    return inference.Feed(name, static_cast<Inference::Type>(value.dtype()), shape, value.raw(),
                          static_cast<size_t>(value.num_bytes()));
  }
  const auto strings = value.span<std::string>();
  return inference.FeedStrings(name, {strings.begin(), strings.end()}, shape);
}

absl::StatusOr<Value> FetchValue(const Inference& inference, const std::string& name, MemoryPool& pool) {
  ASSIGN_OR_RETURN(const Inference::View view, inference.Fetch(name));
  Tensor tensor;
  tensor.dtype = static_cast<DataType>(view.type);
  tensor.dims = view.shape;
  tensor.owner = std::shared_ptr<const void>(view.data, [](const void*) {});  // The Inference keeps it.
  if (const std::string* strings = view.as<std::string>(); strings != nullptr) {
    tensor.strings.assign(strings, strings + view.num_elements);
  } else {
    tensor.bytes = absl::string_view(static_cast<const char*>(view.data), view.num_bytes);
  }
  return Value::FromTensor(tensor, pool);
}

}  // namespace cryograph

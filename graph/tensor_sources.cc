#include "graph/tensor_sources.h"

#include <utility>

#include "base/status_macros.h"

namespace cryograph {
namespace {

class HeldTensor final : public TensorSource {
 public:
  explicit HeldTensor(Tensor tensor) : tensor_(std::move(tensor)) {}
  DataType dtype() const override { return tensor_.dtype; }
  const std::vector<int64_t>& dims() const override { return tensor_.dims; }
  uint64_t num_bytes() const override { return tensor_.bytes.size(); }
  absl::StatusOr<Tensor> Load() const override { return tensor_; }
  absl::Status Write(ByteSink& sink) const override { return sink.Append(tensor_.bytes); }

 private:
  const Tensor tensor_;
};

class ReshapedSource final : public TensorSource {
 public:
  ReshapedSource(std::shared_ptr<const TensorSource> source, std::vector<int64_t> dims)
      : source_(std::move(source)), dims_(std::move(dims)) {}
  DataType dtype() const override { return source_->dtype(); }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override { return source_->num_bytes(); }
  absl::StatusOr<Tensor> Load() const override {
    ASSIGN_OR_RETURN(Tensor value, source_->Load());
    value.dims = dims_;
    return value;
  }
  absl::Status Write(ByteSink& sink) const override { return source_->Write(sink); }

 private:
  const std::shared_ptr<const TensorSource> source_;
  const std::vector<int64_t> dims_;
};

}  // namespace

std::shared_ptr<const TensorSource> SourceOf(Tensor tensor) {
  return std::make_shared<HeldTensor>(std::move(tensor));
}

std::shared_ptr<const TensorSource> Reshaped(std::shared_ptr<const TensorSource> source,
                                             std::vector<int64_t> dims) {
  if (source->dims() == dims) return source;
  return std::make_shared<ReshapedSource>(std::move(source), std::move(dims));
}

}  // namespace cryograph

// What every kind of checkpoint is written by: tensors, or parts of tensors, added one by one.
#ifndef CRYOGRAPH_CHECKPOINT_WRITER_H_
#define CRYOGRAPH_CHECKPOINT_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "checkpoint/slice_spec.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// Call order: Add or AddSlice for each tensor or slice, Finish. Without Finish no file appears or changes.
// Values are streamed, at Add or at Finish, with memory that does not grow with them (strings are loaded one
// tensor at a time). Not thread safe.
class CheckpointWriter {
 public:
  virtual ~CheckpointWriter() = default;

  // The tensor `name`, put into data file `shard`.
  // InvalidArgument: an empty name, one that begins with byte 0 (keys of slices do), a value whose size is
  // not that of its shape, a reference, a shard that is not in [0, num_shards), what the version cannot hold.
  // AlreadyExists: the name was added before. Unimplemented: resources and unknown types.
  absl::Status Add(absl::string_view name, const Tensor& value, int shard = 0);
  absl::Status Add(absl::string_view name, std::shared_ptr<const TensorSource> value, int shard = 0);

  // A part of the tensor `name` of shape `dims`: an extent for each dimension, kept as it is given. A slice
  // all of whose extents are full is the tensor itself. InvalidArgument also if the parts of one tensor
  // differ in `dims` or dtype, or if the value's shape is not that of the slice. That the parts cover the
  // tensor is the caller's business.
  absl::Status AddSlice(absl::string_view name, absl::Span<const int64_t> dims,
                        absl::Span<const SliceExtent> slice, const Tensor& value, int shard = 0);
  absl::Status AddSlice(absl::string_view name, absl::Span<const int64_t> dims,
                        absl::Span<const SliceExtent> slice, std::shared_ptr<const TensorSource> value,
                        int shard = 0);

  // Gives the files their names, in an order that leaves a whole checkpoint at every moment: where one of
  // this name was before, that one or the new one.
  virtual absl::Status Finish() = 0;

  // Paths of the files that Finish makes, sorted.
  virtual std::vector<std::string> Files() const = 0;

 protected:
  // What is stored under one key.
  struct Part {
    std::string name;
    std::vector<int64_t> dims;  // Of the whole tensor.
    TensorSlice slice;          // As it was given; every extent is full for a whole tensor.
    bool whole = true;
    DataType dtype = DT_INVALID;
    int shard = 0;
  };

  // `checkpoint` is what messages call it.
  CheckpointWriter(std::string checkpoint, int num_shards)
      : checkpoint_(std::move(checkpoint)), num_shards_(num_shards) {}

  // OK if the version can hold a tensor of that name and type.
  virtual absl::Status CheckStorable(absl::string_view name, DataType dtype) const = 0;

  // Stores a part that is checked; `value` has its shape. It may be read now or until Finish().
  virtual absl::Status Store(const Part& part, std::shared_ptr<const TensorSource> value) = 0;

  // False: `value` is read in Store() and not later, so that a tensor need not be copied for it.
  virtual bool reads_later() const { return false; }

  const std::string& checkpoint() const { return checkpoint_; }
  int num_shards() const { return num_shards_; }

 private:
  // All parts of one tensor so far.
  struct Added {
    DataType dtype = DT_INVALID;
    std::vector<int64_t> dims;
    std::vector<std::string> slice_keys;  // Sorted. Empty: it was added whole.
  };

  absl::Status Check(const Part& part, absl::Span<const int64_t> value_dims) const;
  absl::Status AddPart(Part part, std::shared_ptr<const TensorSource> value);
  absl::Status AddTensor(Part part, const Tensor& value);

  const std::string checkpoint_;
  const int num_shards_;
  std::map<std::string, Added, std::less<>> added_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_WRITER_H_

// ParseExample, ParseExampleV2, ParseSingleExample.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graph/tensor.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/element_lists.h"
#include "runtime/kernels/example_proto.h"
#include "runtime/kernels/ragged_splits.h"

namespace cryograph {
namespace {

bool IsFeatureType(DataType dtype) { return dtype == DT_STRING || dtype == DT_FLOAT || dtype == DT_INT64; }

// Writes the feature's values as elements [at, at + size) of `to`.
void StoreFeature(const ExampleFeature& feature, Value* to, int64_t at) {
  if (feature.dtype == DT_FLOAT) {
    std::copy(feature.floats.begin(), feature.floats.end(), to->mutable_data<float>() + at);
  } else if (feature.dtype == DT_INT64) {
    std::copy(feature.ints.begin(), feature.ints.end(), to->mutable_data<int64_t>() + at);
  } else {
    for (const absl::string_view text : feature.strings) {
      to->mutable_data<std::string>()[at++].assign(text.data(), text.size());
    }
  }
}

class ParseExampleKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    single_ = node.op() == "ParseSingleExample";
    key_vectors_ = node.op() == "ParseExampleV2";
    RETURN_IF_ERROR(node.Attr("sparse_types", &sparse_types_));
    RETURN_IF_ERROR(node.Attr("Tdense", &dense_types_));
    RETURN_IF_ERROR(node.Attr("dense_shapes", &dense_shapes_));
    if (single_) {
      RETURN_IF_ERROR(node.Attr("sparse_keys", &sparse_keys_));
      RETURN_IF_ERROR(node.Attr("dense_keys", &dense_keys_));
      if (sparse_keys_.size() != sparse_types_.size() || dense_keys_.size() != dense_types_.size()) {
        return absl::InvalidArgumentError("keys and types differ in number");
      }
    }
    if (key_vectors_) {
      RETURN_IF_ERROR(node.Attr("ragged_value_types", &ragged_types_));
    }
    if (dense_shapes_.size() != dense_types_.size()) {
      return absl::InvalidArgumentError("dense_shapes and Tdense differ in number");
    }
    RETURN_IF_ERROR(CheckCounts(node));
    for (const DataType dtype : ragged_types_) {
      if (!IsFeatureType(dtype)) return node.UnsupportedType(dtype);
    }
    for (const DataType dtype : sparse_types_) {
      if (!IsFeatureType(dtype)) return node.UnsupportedType(dtype);
    }
    for (const DataType dtype : dense_types_) {
      if (!IsFeatureType(dtype)) return node.UnsupportedType(dtype);
    }
    for (const PartialShape& shape : dense_shapes_) {
      if (shape.unknown_rank) return absl::InvalidArgumentError("a dense shape has no rank");
      for (size_t d = 0; d < shape.dims.size(); ++d) {
        if (shape.dims[d] < 0 && d > 0) {
          return absl::InvalidArgumentError("only the first dimension of a dense shape may be unknown");
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& serialized = context.input(0);
    if (serialized.rank() > 1 || (single_ && serialized.rank() != 0) ||
        (!single_ && !key_vectors_ && serialized.rank() != 1)) {
      return absl::InvalidArgumentError(absl::StrCat("serialized must be a ", single_ ? "scalar" : "vector",
                                                     ", not of shape ", ShapeText(serialized.shape())));
    }
    std::vector<std::string> sparse_keys = sparse_keys_, dense_keys = dense_keys_, ragged_keys;
    RETURN_IF_ERROR(ReadKeys(context, &sparse_keys, &dense_keys, &ragged_keys));
    std::vector<ExampleFeatures> examples(static_cast<size_t>(serialized.num_elements()));
    for (size_t i = 0; i < examples.size(); ++i) {
      const absl::Status status = ParseExampleProto(serialized.data<std::string>()[i], &examples[i]);
      if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(status.message(), " ", i));
    }
    const bool batched = serialized.rank() == 1;
    const int sparse = static_cast<int>(sparse_types_.size()), dense = static_cast<int>(dense_types_.size());
    for (int k = 0; k < sparse; ++k) {
      RETURN_IF_ERROR(MakeSparse(context, examples, sparse_keys[static_cast<size_t>(k)], k, batched));
    }
    for (int k = 0; k < dense; ++k) {
      RETURN_IF_ERROR(MakeDense(context, examples, dense_keys[static_cast<size_t>(k)], k, batched));
    }
    if (!ragged_keys.empty() && !batched) {
      return absl::UnimplementedError("ragged features of a single example");
    }
    for (size_t k = 0; k < ragged_keys.size(); ++k) {
      RETURN_IF_ERROR(MakeRagged(context, examples, ragged_keys[k], static_cast<int>(k)));
    }
    return absl::OkStatus();
  }

 private:
  // Which inputs are keys and which outputs belong to which feature follows from numbers that attributes of
  // their own give.
  absl::Status CheckCounts(const NodeInfo& node) const {
    const std::pair<absl::string_view, size_t> counts[] = {{"Nsparse", sparse_types_.size()},
                                                           {"num_sparse", sparse_types_.size()},
                                                           {"Ndense", dense_types_.size()}};
    for (const auto& [key, size] : counts) {
      int64_t count = 0;
      if (node.schema()->FindAttr(key) == nullptr) continue;
      RETURN_IF_ERROR(node.Attr(key, &count));
      if (count != static_cast<int64_t>(size)) {
        return absl::InvalidArgumentError(
            absl::StrCat(key, " is ", count, ", but there are ", size, " types"));
      }
    }
    std::vector<DataType> split_types;
    if (key_vectors_) RETURN_IF_ERROR(node.Attr("ragged_split_types", &split_types));
    if (split_types.size() == ragged_types_.size()) return absl::OkStatus();
    return absl::InvalidArgumentError("ragged_value_types and ragged_split_types differ in number");
  }

  absl::Status ReadKeys(KernelContext& context, std::vector<std::string>* sparse,
                        std::vector<std::string>* dense, std::vector<std::string>* ragged) const {
    if (single_) return absl::OkStatus();
    if (key_vectors_) {
      const auto read = [&](int slot, size_t count, std::vector<std::string>* keys) -> absl::Status {
        RETURN_IF_ERROR(ExpectVector(context.input(slot), "keys"));
        const auto given = context.input(slot).span<std::string>();
        if (given.size() != count) {
          return absl::InvalidArgumentError(absl::StrCat(given.size(), " keys for ", count, " features"));
        }
        keys->assign(given.begin(), given.end());
        return absl::OkStatus();
      };
      RETURN_IF_ERROR(read(2, sparse_types_.size(), sparse));
      RETURN_IF_ERROR(read(3, dense_types_.size(), dense));
      return read(4, ragged_types_.size(), ragged);
    }
    int slot = 2;
    for (size_t k = 0; k < sparse_types_.size() + dense_types_.size(); ++k, ++slot) {
      RETURN_IF_ERROR(ExpectScalar(context.input(slot), "a key"));
      (k < sparse_types_.size() ? sparse : dense)->push_back(context.input(slot).scalar<std::string>());
    }
    return absl::OkStatus();
  }

  // Null: the example lacks it.
  static absl::StatusOr<const ExampleFeature*> Find(const ExampleFeatures& example, const std::string& key,
                                                    DataType dtype) {
    const auto found = example.find(key);
    if (found == example.end() || found->second.dtype == DT_INVALID) return nullptr;
    if (found->second.dtype != dtype) {
      return absl::InvalidArgumentError(absl::StrCat(
          "feature '", key, "' is ", DataTypeName(found->second.dtype), ", not ", DataTypeName(dtype)));
    }
    return &found->second;
  }

  absl::Status MakeSparse(KernelContext& context, const std::vector<ExampleFeatures>& examples,
                          const std::string& key, int k, bool batched) const {
    const int count = static_cast<int>(sparse_types_.size());
    int64_t total = 0, longest = 0;
    for (const ExampleFeatures& example : examples) {
      ASSIGN_OR_RETURN(const ExampleFeature* feature, Find(example, key, sparse_types_[k]));
      const int64_t size = feature == nullptr ? 0 : feature->size();
      total += size;
      longest = std::max(longest, size);
    }
    const int64_t rank = batched ? 2 : 1;
    ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(k, {total, rank}));
    ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(count + k, {total}));
    ASSIGN_OR_RETURN(Value * shape, context.AllocateOutput(2 * count + k, {rank}));
    if (batched) shape->mutable_data<int64_t>()[0] = static_cast<int64_t>(examples.size());
    shape->mutable_data<int64_t>()[rank - 1] = longest;
    int64_t at = 0;
    int64_t* index = indices->mutable_data<int64_t>();
    for (size_t i = 0; i < examples.size(); ++i) {
      ASSIGN_OR_RETURN(const ExampleFeature* feature, Find(examples[i], key, sparse_types_[k]));
      if (feature == nullptr) continue;
      StoreFeature(*feature, values, at);
      at += feature->size();
      for (int64_t n = 0; n < feature->size(); ++n) {
        if (batched) *index++ = static_cast<int64_t>(i);
        *index++ = n;
      }
    }
    return absl::OkStatus();
  }

  absl::Status MakeRagged(KernelContext& context, const std::vector<ExampleFeatures>& examples,
                          const std::string& key, int k) const {
    const int count = static_cast<int>(ragged_types_.size());
    const int slot = context.num_outputs() - 2 * count + k;
    const auto rows = static_cast<int64_t>(examples.size());
    ASSIGN_OR_RETURN(Value * splits, context.AllocateOutput(slot + count, {rows + 1}));
    std::vector<const ExampleFeature*> features;
    int64_t total = 0;
    RETURN_IF_ERROR(SetSplit(splits, 0, 0));
    for (const ExampleFeatures& example : examples) {
      ASSIGN_OR_RETURN(const ExampleFeature* feature, Find(example, key, ragged_types_[k]));
      if (feature != nullptr) total += feature->size();
      features.push_back(feature);
      RETURN_IF_ERROR(SetSplit(splits, static_cast<int64_t>(features.size()), total));
    }
    ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(slot, {total}));
    int64_t at = 0;
    for (const ExampleFeature* feature : features) {
      if (feature == nullptr) continue;
      StoreFeature(*feature, values, at);
      at += feature->size();
    }
    return absl::OkStatus();
  }

  // A first dimension that is unknown is as long as the longest example; the others are padded with the
  // default, which is then one element.
  absl::Status MakeDense(KernelContext& context, const std::vector<ExampleFeatures>& examples,
                         const std::string& key, int k, bool batched) const {
    const DataType dtype = dense_types_[k];
    const auto& dims = dense_shapes_[k].dims;
    const Value& fallback = context.input(context.num_inputs() - static_cast<int>(dense_types_.size()) + k);
    const bool variable = !dims.empty() && dims[0] < 0;
    Shape shape(dims.begin(), dims.end());
    if (variable) shape[0] = 1;
    ASSIGN_OR_RETURN(const int64_t stride, NumElements(shape));
    if (fallback.dtype() != dtype) return absl::InvalidArgumentError("a default is of another type");
    if (fallback.num_elements() > 0 && fallback.num_elements() != (variable ? 1 : stride)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the default of '", key, "' is of shape ", ShapeText(fallback.shape())));
    }
    int64_t longest = 0;
    for (size_t i = 0; i < examples.size(); ++i) {
      ASSIGN_OR_RETURN(const ExampleFeature* feature, Find(examples[i], key, dtype));
      if (feature == nullptr) {
        if (fallback.num_elements() > 0 || variable || stride == 0) continue;
        return absl::InvalidArgumentError(
            absl::StrCat("example ", i, ": feature '", key, "' is required but could not be found"));
      }
      const int64_t size = feature->size();
      if (variable ? stride == 0 || size % stride != 0 : size != stride) {
        return absl::InvalidArgumentError(absl::StrCat("example ", i, ": feature '", key, "' has ", size,
                                                       " values where its shape wants ", stride));
      }
      if (variable) longest = std::max(longest, size / stride);
    }
    if (variable) shape[0] = longest;
    ASSIGN_OR_RETURN(const int64_t each, NumElements(shape));
    if (batched) shape.insert(shape.begin(), static_cast<int64_t>(examples.size()));
    ASSIGN_OR_RETURN(Value * output,
                     context.AllocateOutput(3 * static_cast<int>(sparse_types_.size()) + k, shape));
    if (IsPlainType(dtype)) std::fill_n(output->mutable_raw(), output->num_bytes(), 0);
    for (size_t i = 0; i < examples.size(); ++i) {
      ASSIGN_OR_RETURN(const ExampleFeature* feature, Find(examples[i], key, dtype));
      const int64_t begin = static_cast<int64_t>(i) * each;
      int64_t have = 0;
      if (feature != nullptr) {
        StoreFeature(*feature, output, begin);
        have = feature->size();
      } else if (!variable && fallback.num_elements() > 0) {
        CopyElements(fallback, 0, output, begin, each);
        have = each;
      }
      for (; have < each && fallback.num_elements() > 0; ++have) {
        CopyElements(fallback, 0, output, begin + have, 1);
      }
    }
    return absl::OkStatus();
  }

  bool single_ = false;
  bool key_vectors_ = false;  // V2: one vector of all keys of a kind.
  std::vector<DataType> sparse_types_, dense_types_, ragged_types_;
  std::vector<PartialShape> dense_shapes_;
  std::vector<std::string> sparse_keys_, dense_keys_;
};
CRYOGRAPH_KERNEL(ParseExampleKernel, "ParseExample", "ParseExampleV2", "ParseSingleExample");

}  // namespace
}  // namespace cryograph

// Ops that read and write checkpoints: Restore, RestoreSlice, RestoreV2, Save, SaveSlices, SaveV2,
// MergeV2Checkpoints. They are here since the runtime knows nothing of checkpoints.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/bundle_writer.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/merge.h"
#include "checkpoint/slice_spec.h"
#include "checkpoint/v1_writer.h"
#include "runtime/file_permission.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

absl::StatusOr<std::string> ScalarString(const Value& value, absl::string_view what) {
  RETURN_IF_ERROR(ExpectScalar(value, what));
  return value.scalar<std::string>();
}

// One string for each of `count` tensors.
absl::StatusOr<absl::Span<const std::string>> Strings(const Value& value, int64_t count,
                                                      absl::string_view what) {
  RETURN_IF_ERROR(ExpectVector(value, what));
  if (value.dim(0) == count) return value.span<std::string>();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " has ", value.dim(0), " elements for ", count, " tensors"));
}

// RestoreV2 (prefix, names, slices); Restore (pattern, name), RestoreSlice (pattern, name, slice): one
// tensor.
class RestoreKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    many_ = node.op() == "RestoreV2";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const std::string path,
                     ScalarString(context.input(0), many_ ? "prefix" : "file_pattern"));
    const int count = context.num_outputs();
    absl::Span<const std::string> names, slices;
    if (many_) {
      ASSIGN_OR_RETURN(names, Strings(context.input(1), count, "tensor_names"));
      ASSIGN_OR_RETURN(slices, Strings(context.input(2), count, "shape_and_slices"));
    } else {
      for (int i = 1; i < context.num_inputs(); ++i) RETURN_IF_ERROR(ExpectScalar(context.input(i), "it"));
      names = context.input(1).span<std::string>();
      if (context.num_inputs() > 2) slices = context.input(2).span<std::string>();
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(path));
    for (int i = 0; i < count; ++i) {
      RETURN_IF_ERROR(context.CheckLimits());
      ASSIGN_OR_RETURN(const Tensor tensor,
                       checkpoint->Read(names[i], slices.empty() ? absl::string_view() : slices[i]));
      const DataType wanted = context.node().output_type(i);
      if (tensor.dtype != wanted) {
        return absl::InvalidArgumentError(absl::StrCat("tensor '", names[i], "' of ", checkpoint->prefix(),
                                                       " is ", DataTypeName(tensor.dtype), ", not ",
                                                       DataTypeName(wanted)));
      }
      ASSIGN_OR_RETURN(Value value, Value::FromTensor(tensor, context.pool()));
      context.SetOutput(i, std::move(value));
    }
    return absl::OkStatus();
  }

 private:
  bool many_ = false;
};
CRYOGRAPH_KERNEL(RestoreKernel, "Restore", "RestoreSlice", "RestoreV2");

// SaveV2 and SaveSlices (path, names, slices, tensors …), Save (path, names, tensors …).
class SaveKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    bundle_ = node.op() == "SaveV2";
    first_tensor_ = node.op() == "Save" ? 2 : 3;
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const std::string path, ScalarString(context.input(0), bundle_ ? "prefix" : "filename"));
    RETURN_IF_ERROR(CheckMayWrite(context.resources(), path));
    const int count = context.num_inputs() - first_tensor_;
    ASSIGN_OR_RETURN(const absl::Span<const std::string> names,
                     Strings(context.input(1), count, "tensor_names"));
    absl::Span<const std::string> slices;
    if (first_tensor_ == 3) {
      ASSIGN_OR_RETURN(slices, Strings(context.input(2), count, "shape_and_slices"));
    }
    std::unique_ptr<CheckpointWriter> writer;
    if (bundle_) {
      ASSIGN_OR_RETURN(writer, BundleWriter::Create(path));
    } else {
      ASSIGN_OR_RETURN(writer, V1Writer::Create(path));
    }
    for (int i = 0; i < count; ++i) {
      RETURN_IF_ERROR(context.CheckLimits());
      ASSIGN_OR_RETURN(const Tensor tensor, context.input(first_tensor_ + i).ToTensor());
      if (slices.empty() || slices[i].empty()) {
        RETURN_IF_ERROR(writer->Add(names[i], tensor));
        continue;
      }
      ASSIGN_OR_RETURN(const SliceSpec spec, ParseSliceSpec(slices[i]));
      RETURN_IF_ERROR(writer->AddSlice(names[i], spec.dims, spec.slice, tensor));
    }
    return writer->Finish();
  }

 private:
  bool bundle_ = true;
  int first_tensor_ = 3;
};
CRYOGRAPH_KERNEL(SaveKernel, "Save", "SaveSlices", "SaveV2");

class MergeKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("delete_old_dirs", &delete_old_); }
  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectVector(context.input(0), "checkpoint_prefixes"));
    ASSIGN_OR_RETURN(const std::string merged, ScalarString(context.input(1), "destination_prefix"));
    RETURN_IF_ERROR(CheckMayWrite(context.resources(), merged));
    return MergeBundles(
        context.input(0).span<std::string>(), merged, [](uint64_t) {},
        delete_old_ ? MergeInputs::kMove : MergeInputs::kKeep);
  }

 private:
  bool delete_old_ = true;
};
CRYOGRAPH_KERNEL(MergeKernel, "MergeV2Checkpoints");

}  // namespace
}  // namespace cryograph

#include "transforms/unsupported.h"

namespace cryograph {
namespace {

struct Entry {
  absl::string_view name;
  absl::string_view why;
};

constexpr absl::string_view kHexagon =
    "it targets a remote processor through RemoteFusedGraphExecute, which TensorFlow has dropped";
constexpr absl::string_view kNotYet = "Cryograph does not have this transform of transform_graph";

// The registry of TensorFlow 1.15.5, of 2.x, and of older and special builds.
constexpr Entry kEntries[] = {
    {"backport_concatv2", kNotYet},
    {"backport_tensor_array_v3", kNotYet},
    {"fake_quantize_training",
     "it was an experiment in training with quantisation, and is gone from TensorFlow"},
    {"flatten_atrous_conv", kNotYet},
    {"fold_batch_norms", kNotYet},
    {"fold_batch_norms_algebraic", "it made an op 'BatchNorm' that no released TensorFlow can run"},
    {"fold_moments", "it made an op 'Moments' that no released TensorFlow can run"},
    {"fold_old_batch_norms", kNotYet},
    {"fold_subdivmul_batch_norms", kNotYet},
    {"freeze_requantization_ranges", kNotYet},
    {"fuse_convolutions",
     "transform_graph's guide has it as a heading only; the transforms are fuse_pad_and_conv, "
     "fuse_resize_and_conv "
     "and fuse_resize_pad_and_conv"},
    {"fuse_pad_and_conv", kNotYet},
    {"fuse_quantized_conv_and_requantize",
     "only one vendor's build of TensorFlow had it and the ops that it makes"},
    {"fuse_remote_graph", kHexagon},
    {"fuse_resize_and_conv", kNotYet},
    {"fuse_resize_pad_and_conv", kNotYet},
    {"inline_partitionedcall", kNotYet},
    {"place_remote_graph_arguments", kHexagon},
    {"quantize_nodes", kNotYet},
    {"quantize_weights", kNotYet},
    {"remove_ema", "it was an experiment in training with quantisation, and is gone from TensorFlow"},
    {"rewrite_quantized_stripped_model_for_hexagon", kHexagon},
    {"round_weights", kNotYet},
    {"sparsify_gather", kNotYet},
};

}  // namespace

absl::string_view WhyUnsupported(absl::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.why;
  }
  return "";
}

}  // namespace cryograph

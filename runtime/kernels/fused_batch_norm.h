// What FusedBatchNorm and its gradient have in common.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_FUSED_BATCH_NORM_H_
#define CRYOGRAPH_RUNTIME_KERNELS_FUSED_BATCH_NORM_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "runtime/kernel.h"

namespace cryograph {

struct FusedBatchNormAttrs {
  float epsilon = 0;
  bool training = true, channels_first = false;
  int rank = 4;

  // InvalidArgument for a data_format that is not known.
  absl::Status Init(const NodeInfo& node) {
    RETURN_IF_ERROR(node.Attr("epsilon", &epsilon));
    RETURN_IF_ERROR(node.Attr("is_training", &training));
    std::string format;
    RETURN_IF_ERROR(node.Attr("data_format", &format));
    channels_first = format == "NCHW" || format == "NCDHW";
    rank = static_cast<int>(format.size());
    if (channels_first || format == "NHWC" || format == "NDHWC") return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("data_format '", format, "' is not known"));
  }

  // Of a value of that rank.
  int64_t ChannelsOf(const Value& x) const { return x.dim(channels_first ? 1 : rank - 1); }
};

// `value` is a vector of as many elements as there are channels, or of more where it may be longer.
inline absl::Status ExpectChannels(const Value& value, int64_t channels, absl::string_view what,
                                   bool may_be_longer = false) {
  RETURN_IF_ERROR(ExpectVector(value, what));
  if (value.dim(0) == channels || (may_be_longer && value.dim(0) > channels)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " has ", value.dim(0), " elements for ", channels, " channels"));
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_FUSED_BATCH_NORM_H_

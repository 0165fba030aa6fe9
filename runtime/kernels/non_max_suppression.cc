// NonMaxSuppression V1 to V5, NonMaxSuppressionWithOverlaps.
#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/box_overlap.h"

namespace cryograph {
namespace {

struct Candidate {
  float score;
  int32_t box;
  size_t seen;  // So many of the chosen ones have lowered its score already.
};
struct Worse {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score < b.score || (a.score == b.score && a.box > b.box);
  }
};

struct Chosen {
  std::vector<int32_t> boxes;
  std::vector<float> scores;
};

struct Thresholds {
  float overlap = 0.5f;
  float score = -std::numeric_limits<float>::infinity();
  float sigma = 0;  // Above 0: soft suppression (Bodla et al., Soft-NMS, 2017).
};

// `overlap(i, j)` of two boxes.
template <typename Overlap>
absl::StatusOr<Chosen> Suppress(KernelContext& context, const std::vector<float>& scores, int64_t most,
                                const Thresholds& thresholds, Overlap overlap) {
  std::priority_queue<Candidate, std::vector<Candidate>, Worse> queue;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > thresholds.score) queue.push({scores[i], static_cast<int32_t>(i), 0});
  }
  const float scale = thresholds.sigma > 0 ? -0.5f / thresholds.sigma : 0;
  Chosen chosen;
  int64_t steps = 0;
  while (static_cast<int64_t>(chosen.boxes.size()) < most && !queue.empty()) {
    if (++steps % 1024 == 0) RETURN_IF_ERROR(context.CheckLimits());
    Candidate candidate = queue.top();
    queue.pop();
    const float before = candidate.score;
    bool dropped = false;
    for (size_t j = chosen.boxes.size(); j-- > candidate.seen && !dropped;) {
      const float similarity = overlap(candidate.box, chosen.boxes[j]);
      if (thresholds.sigma > 0) {
        candidate.score *= std::exp(scale * similarity * similarity);
        dropped = !(candidate.score > thresholds.score);
      } else {
        dropped = similarity > thresholds.overlap;
      }
    }
    if (dropped) continue;
    candidate.seen = chosen.boxes.size();
    if (candidate.score == before) {
      chosen.boxes.push_back(candidate.box);
      chosen.scores.push_back(candidate.score);
    } else {
      queue.push(candidate);
    }
  }
  return chosen;
}

absl::StatusOr<float> ScalarFloat(const Value& value, absl::string_view what) {
  RETURN_IF_ERROR(ExpectScalar(value, what));
  if (value.dtype() == DT_HALF) return static_cast<float>(value.scalar<Half>());
  return value.scalar<float>();
}

std::vector<float> Floats(const Value& value) {
  std::vector<float> floats;
  floats.reserve(static_cast<size_t>(value.num_elements()));
  for (int64_t i = 0; i < value.num_elements(); ++i) {
    floats.push_back(value.dtype() == DT_HALF ? static_cast<float>(value.data<Half>()[i])
                                              : value.data<float>()[i]);
  }
  return floats;
}

absl::Status StoreInts(KernelContext& context, int index, const std::vector<int32_t>& values) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(index, {static_cast<int64_t>(values.size())}));
  std::copy(values.begin(), values.end(), output->mutable_data<int32_t>());
  return absl::OkStatus();
}

class NonMaxSuppressionKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const absl::string_view op = node.op();
    const char last = op.back();
    version_ = last >= '2' && last <= '5' ? last - '0' : 1;
    if (version_ == 1) RETURN_IF_ERROR(node.Attr("iou_threshold", &overlap_));
    if (version_ >= 4) RETURN_IF_ERROR(node.Attr("pad_to_max_output_size", &pad_));
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& boxes = context.input(0);
    const Value& scores = context.input(1);
    if (boxes.rank() != 2 || boxes.dim(1) != 4) {
      return absl::InvalidArgumentError(
          absl::StrCat("boxes must be of shape [n,4], not ", ShapeText(boxes.shape())));
    }
    if (!scores.is_vector() || scores.dim(0) != boxes.dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat("scores must be a vector of ", boxes.dim(0),
                                                     ", not of shape ", ShapeText(scores.shape())));
    }
    RETURN_IF_ERROR(ExpectScalar(context.input(2), "max_output_size"));
    ASSIGN_OR_RETURN(const int64_t most, ScalarInt(context.input(2), "max_output_size"));
    if (most < 0) return absl::InvalidArgumentError("max_output_size must be non-negative");
    Thresholds thresholds;
    thresholds.overlap = overlap_;
    if (version_ >= 2) {
      ASSIGN_OR_RETURN(thresholds.overlap, ScalarFloat(context.input(3), "iou_threshold"));
    }
    if (!(thresholds.overlap >= 0 && thresholds.overlap <= 1)) {
      return absl::InvalidArgumentError("iou_threshold must be in [0, 1]");
    }
    if (version_ >= 3) {
      ASSIGN_OR_RETURN(thresholds.score, ScalarFloat(context.input(4), "score_threshold"));
    }
    if (version_ >= 5) {
      ASSIGN_OR_RETURN(thresholds.sigma, ScalarFloat(context.input(5), "soft_nms_sigma"));
      if (thresholds.sigma < 0) return absl::InvalidArgumentError("soft_nms_sigma must be non-negative");
    }
    const std::vector<float> corners = Floats(boxes);
    ASSIGN_OR_RETURN(
        Chosen chosen, Suppress(context, Floats(scores), most, thresholds, [&corners](int32_t a, int32_t b) {
          return BoxOverlap(&corners[4 * static_cast<size_t>(a)], &corners[4 * static_cast<size_t>(b)]);
        }));
    const auto valid = static_cast<int32_t>(chosen.boxes.size());
    if (version_ >= 4) {
      RETURN_IF_ERROR(context.SetScalarOutput<int32_t>(version_ == 4 ? 1 : 2, valid));
      if (pad_) {
        // The allocation of the output is what limits a hostile size.
        ASSIGN_OR_RETURN(Value * padded, context.AllocateOutput(0, {most}));
        std::fill_n(padded->mutable_data<int32_t>(), most, 0);
        std::copy(chosen.boxes.begin(), chosen.boxes.end(), padded->mutable_data<int32_t>());
      }
    }
    if (version_ == 5) {
      ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(1, {pad_ ? most : int64_t{valid}}));
      RETURN_IF_ERROR(DispatchType<FloatTypes>(output->dtype(), [&](auto tag) {
        using T = TypeOf<decltype(tag)>;
        T* out = output->mutable_data<T>();
        std::fill_n(out, output->num_elements(), T(0));
        for (size_t i = 0; i < chosen.scores.size(); ++i) out[i] = T(chosen.scores[i]);
        return absl::OkStatus();
      }));
    }
    return pad_ ? absl::OkStatus() : StoreInts(context, 0, chosen.boxes);
  }

 private:
  int version_ = 1;
  float overlap_ = 0.5f;
  bool pad_ = false;
};
CRYOGRAPH_KERNEL(NonMaxSuppressionKernel, "NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3",
                 "NonMaxSuppressionV4", "NonMaxSuppressionV5");

absl::Status WithOverlaps(KernelContext& context) {
  const Value& overlaps = context.input(0);
  const Value& scores = context.input(1);
  if (overlaps.rank() != 2 || overlaps.dim(0) != overlaps.dim(1)) {
    return absl::InvalidArgumentError("overlaps must be a square matrix");
  }
  if (!scores.is_vector() || scores.dim(0) != overlaps.dim(0)) {
    return absl::InvalidArgumentError("scores must have one entry for each box");
  }
  RETURN_IF_ERROR(ExpectScalar(context.input(2), "max_output_size"));
  ASSIGN_OR_RETURN(const int64_t most, ScalarInt(context.input(2), "max_output_size"));
  if (most < 0) return absl::InvalidArgumentError("max_output_size must be non-negative");
  Thresholds thresholds;
  ASSIGN_OR_RETURN(thresholds.overlap, ScalarFloat(context.input(3), "overlap_threshold"));
  ASSIGN_OR_RETURN(thresholds.score, ScalarFloat(context.input(4), "score_threshold"));
  const float* matrix = overlaps.data<float>();
  const int64_t size = overlaps.dim(0);
  ASSIGN_OR_RETURN(const Chosen chosen,
                   Suppress(context, Floats(scores), most, thresholds,
                            [matrix, size](int32_t a, int32_t b) { return matrix[a * size + b]; }));
  return StoreInts(context, 0, chosen.boxes);
}
CRYOGRAPH_KERNEL_FUNCTION(WithOverlaps, "NonMaxSuppressionWithOverlaps");

}  // namespace
}  // namespace cryograph

// CombinedNonMaxSuppression.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/box_overlap.h"

namespace cryograph {
namespace {

// The most of an image that are detected, over all classes.
struct Detection {
  float score;
  int32_t label;
  const float* box;
};

struct Limits {
  int64_t per_class = 0, total = 0;
  float overlap = 0, score = 0;
};

class CombinedNonMaxSuppressionKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("pad_per_class", &pad_per_class_));
    return node.Attr("clip_boxes", &clip_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& boxes = context.input(0);
    const Value& scores = context.input(1);
    RETURN_IF_ERROR(ExpectRank(boxes, 4, "boxes"));
    RETURN_IF_ERROR(ExpectRank(scores, 3, "scores"));
    const int64_t batch = boxes.dim(0), count = boxes.dim(1), sets = boxes.dim(2), classes = scores.dim(2);
    if (boxes.dim(3) != 4 || (sets != 1 && sets != classes)) {
      return absl::InvalidArgumentError(absl::StrCat("boxes must be of shape [batch,n,1 or ", classes,
                                                     ",4], not ", ShapeText(boxes.shape())));
    }
    if (scores.dim(0) != batch || scores.dim(1) != count) {
      return absl::InvalidArgumentError(absl::StrCat("scores must be of shape [", batch, ",", count,
                                                     ",n], not ", ShapeText(scores.shape())));
    }
    Limits limits;
    ASSIGN_OR_RETURN(limits.per_class, Size(context.input(2), "max_output_size_per_class"));
    ASSIGN_OR_RETURN(limits.total, Size(context.input(3), "max_total_size"));
    RETURN_IF_ERROR(ExpectScalar(context.input(4), "iou_threshold"));
    RETURN_IF_ERROR(ExpectScalar(context.input(5), "score_threshold"));
    limits.overlap = context.input(4).scalar<float>();
    limits.score = context.input(5).scalar<float>();
    if (!(limits.overlap >= 0 && limits.overlap <= 1)) {
      return absl::InvalidArgumentError("iou_threshold must be in [0, 1]");
    }
    // Both are below 2^31, or one is: no overflow.
    const int64_t rows = pad_per_class_ && limits.per_class <= limits.total / std::max<int64_t>(classes, 1)
                             ? limits.per_class * classes
                             : limits.total;
    ASSIGN_OR_RETURN(Value * out_boxes, context.AllocateOutput(0, {batch, rows, 4}));
    ASSIGN_OR_RETURN(Value * out_scores, context.AllocateOutput(1, {batch, rows}));
    ASSIGN_OR_RETURN(Value * out_classes, context.AllocateOutput(2, {batch, rows}));
    ASSIGN_OR_RETURN(Value * out_valid, context.AllocateOutput(3, {batch}));
    std::fill_n(out_boxes->mutable_data<float>(), out_boxes->num_elements(), 0.0f);
    std::fill_n(out_scores->mutable_data<float>(), out_scores->num_elements(), 0.0f);
    std::fill_n(out_classes->mutable_data<float>(), out_classes->num_elements(), 0.0f);
    for (int64_t b = 0; b < batch; ++b) {
      std::vector<Detection> found;
      for (int64_t c = 0; c < classes; ++c) {
        RETURN_IF_ERROR(context.CheckLimits());
        const float* first_box = boxes.data<float>() + 4 * (b * count * sets + (sets == 1 ? 0 : c));
        RETURN_IF_ERROR(DetectClass(context, scores.data<float>() + b * count * classes + c, count, classes,
                                    first_box, sets, limits, static_cast<int32_t>(c), &found));
      }
      std::stable_sort(found.begin(), found.end(),
                       [](const Detection& a, const Detection& b) { return a.score > b.score; });
      const int64_t kept = std::min<int64_t>(rows, static_cast<int64_t>(found.size()));
      for (int64_t i = 0; i < kept; ++i) {
        const Detection& detection = found[static_cast<size_t>(i)];
        const int64_t at = b * rows + i;
        for (int k = 0; k < 4; ++k) {
          const float x = detection.box[k];
          out_boxes->mutable_data<float>()[4 * at + k] = clip_ ? std::min(std::max(x, 0.0f), 1.0f) : x;
        }
        out_scores->mutable_data<float>()[at] = detection.score;
        out_classes->mutable_data<float>()[at] = static_cast<float>(detection.label);
      }
      out_valid->mutable_data<int32_t>()[b] = static_cast<int32_t>(kept);
    }
    return absl::OkStatus();
  }

 private:
  static absl::StatusOr<int64_t> Size(const Value& value, absl::string_view what) {
    RETURN_IF_ERROR(ExpectScalar(value, what));
    ASSIGN_OR_RETURN(const int64_t size, ScalarInt(value, what));
    if (size <= 0) return absl::InvalidArgumentError(absl::StrCat(what, " must be positive, not ", size));
    return size;
  }

  // Box i of the class is at first_box + 4 * i * sets, its score at scores[i * classes].
  static absl::Status DetectClass(KernelContext& context, const float* scores, int64_t count, int64_t classes,
                                  const float* first_box, int64_t sets, const Limits& limits, int32_t label,
                                  std::vector<Detection>* found) {
    std::vector<Detection> candidates;
    for (int64_t i = 0; i < count; ++i) {
      if (scores[i * classes] > limits.score) {
        candidates.push_back({scores[i * classes], label, first_box + 4 * i * sets});
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Detection& a, const Detection& b) { return a.score > b.score; });
    const size_t first = found->size();
    int64_t steps = 0;
    for (const Detection& candidate : candidates) {
      if (static_cast<int64_t>(found->size() - first) >= limits.per_class) break;
      if (++steps % 1024 == 0) RETURN_IF_ERROR(context.CheckLimits());
      bool dropped = false;
      for (size_t j = first; j < found->size() && !dropped; ++j) {
        dropped = BoxOverlap(candidate.box, (*found)[j].box) > limits.overlap;
      }
      if (!dropped) found->push_back(candidate);
    }
    return absl::OkStatus();
  }

  bool pad_per_class_ = false, clip_ = true;
};
CRYOGRAPH_KERNEL(CombinedNonMaxSuppressionKernel, "CombinedNonMaxSuppression");

}  // namespace
}  // namespace cryograph

// CTCGreedyDecoder, CTCBeamSearchDecoder: labels from the scores of each step; the last class is the blank.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using ScoreTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>>;
using Labels = std::vector<int64_t>;

constexpr double kNever = -std::numeric_limits<double>::infinity();

double LogSum(double a, double b) {
  const double most = std::max(a, b);
  return most == kNever ? kNever : most + std::log1p(std::exp(std::min(a, b) - most));
}

struct Scores {
  int64_t steps = 0, batch = 0, classes = 0;
  const int32_t* lengths = nullptr;

  static absl::StatusOr<Scores> Of(const KernelContext& context) {
    const Value &inputs = context.input(0), &lengths = context.input(1);
    RETURN_IF_ERROR(ExpectRank(inputs, 3, "inputs"));
    RETURN_IF_ERROR(ExpectVector(lengths, "sequence_length"));
    Scores scores{inputs.dim(0), inputs.dim(1), inputs.dim(2), lengths.data<int32_t>()};
    if (scores.steps == 0) return absl::InvalidArgumentError("inputs have no steps");
    if (scores.classes == 0) return absl::InvalidArgumentError("inputs have no classes");
    if (lengths.dim(0) != scores.batch) {
      return absl::InvalidArgumentError("sequence_length must have one element for each sequence");
    }
    for (int64_t b = 0; b < scores.batch; ++b) {
      // A negative length is none to TensorFlow.
      if (scores.lengths[b] > scores.steps) {
        return absl::InvalidArgumentError(absl::StrCat("sequence_length[", b, "] = ", scores.lengths[b],
                                                       " is more than the ", scores.steps, " steps"));
      }
    }
    return scores;
  }
};

// Writes sequences as a sparse tensor: indices, values and shape, at outputs first, first + stride …
absl::Status Store(KernelContext& context, int first, int stride, const std::vector<Labels>& sequences) {
  size_t total = 0, longest = 0;
  for (const Labels& labels : sequences) {
    total += labels.size();
    longest = std::max(longest, labels.size());
  }
  const auto count = static_cast<int64_t>(total);
  ASSIGN_OR_RETURN(Value * indices, context.AllocateOutput(first, {count, 2}));
  ASSIGN_OR_RETURN(Value * values, context.AllocateOutput(first + stride, {count}));
  ASSIGN_OR_RETURN(Value * shape, context.AllocateOutput(first + 2 * stride, {2}));
  int64_t *index = indices->mutable_data<int64_t>(), *value = values->mutable_data<int64_t>();
  for (size_t b = 0; b < sequences.size(); ++b) {
    for (size_t i = 0; i < sequences[b].size(); ++i) {
      *index++ = static_cast<int64_t>(b);
      *index++ = static_cast<int64_t>(i);
      *value++ = sequences[b][i];
    }
  }
  shape->mutable_data<int64_t>()[0] = static_cast<int64_t>(sequences.size());
  shape->mutable_data<int64_t>()[1] = static_cast<int64_t>(longest);
  return absl::OkStatus();
}

class GreedyKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<ScoreTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    if (node.attr("blank_index").kind() != AttrView::kNone)
      RETURN_IF_ERROR(node.Attr("blank_index", &blank_));
    return node.Attr("merge_repeated", &merge_);
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Scores scores, Scores::Of(context));
    const int64_t blank = blank_ < 0 ? scores.classes + blank_ : blank_;
    if (blank < 0 || blank >= scores.classes) {
      return absl::InvalidArgumentError(absl::StrCat("blank_index ", blank_, " is out of range"));
    }
    std::vector<Labels> sequences(static_cast<size_t>(scores.batch));
    ASSIGN_OR_RETURN(Value * sums, context.AllocateOutput(3, {scores.batch, 1}));
    RETURN_IF_ERROR(DispatchType<ScoreTypes>(context.input(0).dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      for (int64_t b = 0; b < scores.batch; ++b) {
        T sum = 0;
        int64_t before = -1;
        for (int64_t t = 0; t < scores.lengths[b]; ++t) {
          const T* row = context.input(0).data<T>() + (t * scores.batch + b) * scores.classes;
          const int64_t best = std::max_element(row, row + scores.classes) - row;
          sum -= row[best];
          if (best != blank && !(merge_ && best == before)) {
            sequences[static_cast<size_t>(b)].push_back(best);
          }
          before = best;
        }
        sums->mutable_data<T>()[b] = sum;
      }
      return absl::OkStatus();
    }));
    return Store(context, 0, 1, sequences);
  }

 private:
  bool merge_ = false;
  int32_t blank_ = -1;
};
CRYOGRAPH_KERNEL(GreedyKernel, "CTCGreedyDecoder");

// A prefix of labels with the log probabilities that it ends in a blank, and that it ends in its last label.
struct Beam {
  double blank = kNever, label = kNever;
  double total() const { return LogSum(blank, label); }
};
using Beams = std::map<Labels, Beam>;

class BeamSearchKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    if (!IsOneOf<ScoreTypes>(node.input_type(0))) return node.UnsupportedType(node.input_type(0));
    RETURN_IF_ERROR(node.Attr("beam_width", &width_));
    RETURN_IF_ERROR(node.Attr("top_paths", &paths_));
    RETURN_IF_ERROR(node.Attr("merge_repeated", &merge_));
    if (width_ < 1 || paths_ < 1 || paths_ > width_) {
      return absl::InvalidArgumentError(
          absl::StrCat("top_paths ", paths_, " must be in [1, beam_width ", width_, "]"));
    }
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    ASSIGN_OR_RETURN(const Scores scores, Scores::Of(context));
    // The labels, too, count against the memory of the run, and the number of paths is the graph's to choose.
    ASSIGN_OR_RETURN(const Value lists, context.AllocateTemp(DT_INT64, {paths_, scores.batch, 4}));
    std::vector<Value> rooms;
    std::vector<std::vector<Labels>> sequences(static_cast<size_t>(paths_),
                                               std::vector<Labels>(static_cast<size_t>(scores.batch)));
    ASSIGN_OR_RETURN(Value * logs, context.AllocateOutput(3 * paths_, {scores.batch, paths_}));
    RETURN_IF_ERROR(DispatchType<ScoreTypes>(context.input(0).dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      std::vector<double> row(static_cast<size_t>(scores.classes));
      for (int64_t b = 0; b < scores.batch; ++b) {
        Beams beams;
        beams[{}].blank = 0;
        for (int64_t t = 0; t < scores.lengths[b]; ++t) {
          RETURN_IF_ERROR(context.CheckLimits());
          const T* from = context.input(0).data<T>() + (t * scores.batch + b) * scores.classes;
          const double most = static_cast<double>(*std::max_element(from, from + scores.classes));
          double sum = 0;
          for (int64_t c = 0; c < scores.classes; ++c) sum += std::exp(static_cast<double>(from[c]) - most);
          for (size_t c = 0; c < row.size(); ++c)
            row[c] = static_cast<double>(from[c]) - most - std::log(sum);
          // The width is the graph's to choose: what a step makes counts against the memory of the run.
          ASSIGN_OR_RETURN(
              const Value room,
              context.AllocateTemp(DT_INT64, {static_cast<int64_t>(beams.size()), scores.classes, t + 16}));
          beams = Step(beams, row);
        }
        const auto best = Best(beams);
        if (static_cast<int>(best.size()) < paths_) {
          return absl::InvalidArgumentError(
              absl::StrCat("there are only ", best.size(), " paths, fewer than top_paths ", paths_));
        }
        ASSIGN_OR_RETURN(Value room, context.AllocateTemp(
                                         DT_INT64, {paths_, scores.lengths[b] < 0 ? 0 : scores.lengths[b]}));
        rooms.push_back(std::move(room));
        for (size_t p = 0; p < static_cast<size_t>(paths_); ++p) {
          sequences[p][static_cast<size_t>(b)] = Merged(best[p]->first);
          logs->mutable_data<T>()[b * paths_ + static_cast<int64_t>(p)] =
              static_cast<T>(best[p]->second.total());
        }
      }
      return absl::OkStatus();
    }));
    for (int p = 0; p < paths_; ++p) {
      RETURN_IF_ERROR(Store(context, p, paths_, sequences[static_cast<size_t>(p)]));
    }
    return absl::OkStatus();
  }

 private:
  // The best beams, no more than the width, best first.
  std::vector<const Beams::value_type*> Best(const Beams& beams) const {
    std::vector<const Beams::value_type*> best;
    best.reserve(beams.size());
    for (const auto& beam : beams) best.push_back(&beam);
    const auto better = [](const Beams::value_type* a, const Beams::value_type* b) {
      return a->second.total() > b->second.total();
    };
    std::stable_sort(best.begin(), best.end(), better);
    if (best.size() > static_cast<size_t>(width_)) best.resize(static_cast<size_t>(width_));
    return best;
  }

  Beams Step(const Beams& beams, const std::vector<double>& row) const {
    const size_t blank = row.size() - 1;
    Beams next;
    for (const auto& entry : beams) {
      const Labels& labels = entry.first;
      const Beam& beam = entry.second;
      Beam& same = next[labels];
      same.blank = LogSum(same.blank, beam.total() + row[blank]);
      if (!labels.empty()) {
        same.label = LogSum(same.label, beam.label + row[static_cast<size_t>(labels.back())]);
      }
      Labels longer = labels;
      longer.push_back(0);
      for (size_t c = 0; c < blank; ++c) {
        longer.back() = static_cast<int64_t>(c);
        const bool repeats = !labels.empty() && labels.back() == longer.back();
        const double before = repeats ? beam.blank : beam.total();
        if (before == kNever) continue;
        Beam& more = next[longer];
        more.label = LogSum(more.label, before + row[c]);
      }
    }
    if (next.size() <= static_cast<size_t>(width_)) return next;
    Beams kept;
    for (const auto* entry : Best(next)) kept.insert(*entry);
    return kept;
  }

  Labels Merged(const Labels& labels) const {
    Labels merged = labels;
    if (merge_) merged.erase(std::unique(merged.begin(), merged.end()), merged.end());
    return merged;
  }

  int32_t width_ = 1, paths_ = 1;
  bool merge_ = true;
};
CRYOGRAPH_KERNEL(BeamSearchKernel, "CTCBeamSearchDecoder");

}  // namespace
}  // namespace cryograph

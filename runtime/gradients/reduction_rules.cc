// Gradients of sums, means, extremes, running sums and sums over segments.
#include "runtime/gradients/gradient_rules.h"

namespace cryograph {
namespace {

using Scope = GradientScope;

// The shape of x with size 1 where it was reduced: what the output has with keep_dims.
Output KeptShape(Scope& s) {
  const Output shape = s.Shape(s.x());
  const Output rank = s.Add("Rank", {s.x()});
  const Output axes = s.Add("FloorMod", {s.Plus(s.Cast(s.x(1), DT_INT32), rank),
                                         s.Add("Maximum", {rank, s.Int(1)})});  // No integer is divided by 0.
  const Output ones = s.Add("Fill", {s.Shape(axes), s.Int(1)});
  const Output all = s.Add("Range", {s.Int(0), rank, s.Int(1)});
  return s.Add("DynamicStitch", {all, axes, shape, ones});
}

absl::Status Sum(Scope& s) {
  s.Give(0, s.Add("BroadcastTo", {s.Reshape(s.dy(), KeptShape(s)), s.Shape(s.x())}));
  return s.status();
}

absl::Status Mean(Scope& s) {
  const Output sum = s.Add("BroadcastTo", {s.Reshape(s.dy(), KeptShape(s)), s.Shape(s.x())});
  const Output count =
      s.Add("FloorDiv", {s.Add("Size", {s.x()}), s.Add("Maximum", {s.Add("Size", {s.y()}), s.Int(1)})});
  s.Give(0, s.Div(sum, s.Cast(count, s.TypeOf(s.x()))));
  return s.status();
}

// Equal elements share.
absl::Status Extreme(Scope& s) {
  const Output kept = KeptShape(s);
  const Output hit = s.Cast(s.Add("Equal", {s.x(), s.Reshape(s.y(), kept)}), s.TypeOf(s.x()));
  const Output count = s.Reshape(s.Add("Sum", {hit, s.x(1)}), kept);
  s.Give(0, s.Mul(s.Div(hit, count), s.Reshape(s.dy(), kept)));
  return s.status();
}

absl::Status L2Loss(Scope& s) {
  s.Give(0, s.Mul(s.x(), s.dy()));
  return s.status();
}

absl::Status Cumsum(Scope& s) {
  Scope::Attrs attrs = s.Same({"exclusive"});
  attrs.emplace_back("reverse", AttrBool(!s.attr("reverse").Get<bool>(false)));
  s.Give(0, s.Add("Cumsum", {s.dy(), s.x(1)}, attrs));
  return s.status();
}

absl::Status Softmax(Scope& s) {
  const Output sum = s.SumLast(s.Mul(s.dy(), s.y()));
  s.Give(0, s.Mul(s.Minus(s.dy(), sum), s.y()));
  return s.status();
}

absl::Status LogSoftmax(Scope& s) {
  s.Give(0, s.Minus(s.dy(), s.Mul(s.SumLast(s.dy()), s.Add("Exp", {s.y()}))));
  return s.status();
}

Output EachRow(Scope& s) { return s.Add("ExpandDims", {s.dy(0), s.Int(-1)}); }

// Output 1 is the gradient in the logits; it has one of its own when somebody differentiates twice.
absl::Status CrossEntropy(Scope& s) {
  Output logits = s.Mul(EachRow(s), s.y(1));
  if (s.HasSlope(1)) {
    const Output softmax = s.Add("Softmax", {s.x(0)});
    const Output sum = s.SumLast(s.Mul(s.dy(1), softmax));
    logits = s.Plus(logits, s.Mul(s.Minus(s.dy(1), sum), softmax));
  }
  s.GiveSummed(0, logits);
  s.GiveSummed(1, s.Neg(s.Mul(EachRow(s), s.Add("LogSoftmax", {s.x(0)}))));
  return s.status();
}

absl::Status SparseCrossEntropy(Scope& s) {
  s.Give(0, s.Mul(EachRow(s), s.y(1)));
  return s.status();
}

absl::Status SegmentSum(Scope& s) {
  s.Give(0, s.Add("Gather", {s.dy(), s.x(1)}));
  return s.status();
}

const GradientRule kRules[] = {
    {"Cumsum", Cumsum, true},
    {"L2Loss", L2Loss},
    {"LogSoftmax", LogSoftmax},
    {"Max", Extreme},
    {"Mean", Mean, true},
    {"Min", Extreme},
    {"SegmentSum", SegmentSum, true},
    {"Softmax", Softmax},
    {"SoftmaxCrossEntropyWithLogits", CrossEntropy},
    {"SparseSoftmaxCrossEntropyWithLogits", SparseCrossEntropy},
    {"Sum", Sum, true},
};

}  // namespace

absl::Span<const GradientRule> ReductionGradientRules() { return kRules; }

}  // namespace cryograph

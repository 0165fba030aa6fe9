// Gradients of ops that take elements out, put them in, or pad: what was not taken gets 0.
#include "runtime/gradients/gradient_rules.h"

namespace cryograph {
namespace {

using Scope = GradientScope;

absl::Status Slice(Scope& s) {
  const Output begin = s.Cast(s.x(1), DT_INT32);
  const Output end = s.Minus(s.Minus(s.Shape(s.x()), s.Shape(s.y())), begin);
  s.Give(0, s.Add("Pad", {s.dy(), s.Add("Pack", {begin, end}, {{"axis", AttrInt(1)}})}));
  return s.status();
}

absl::Status StridedSlice(Scope& s) {
  const Output shape = s.Shape(s.x(), s.TypeOf(s.x(1)));
  s.Give(0, s.Add("StridedSliceGrad", {shape, s.x(1), s.x(2), s.x(3), s.dy()},
                  s.Same({"begin_mask", "ellipsis_mask", "end_mask", "new_axis_mask", "shrink_axis_mask"})));
  return s.status();
}

absl::Status Pad(Scope& s) {
  const Output before =
      s.Add("StridedSlice", {s.x(1), s.Ints({0, 0}), s.Ints({0, 1}), s.Ints({1, 1})},
            {{"begin_mask", AttrInt(1)}, {"end_mask", AttrInt(1)}, {"shrink_axis_mask", AttrInt(2)}});
  s.Give(0, s.Add("Slice", {s.dy(), s.Cast(before, DT_INT32), s.Shape(s.x())}));
  if (s.num_inputs() == 3) {  // The value of PadV2: of all that is not x.
    const Output all = s.Add("Range", {s.Int(0), s.Add("Rank", {s.dy()}), s.Int(1)});
    s.Give(2, s.Minus(s.Add("Sum", {s.dy(), all}), s.Add("Sum", {s.given()[0], all})));
  }
  return s.status();
}

absl::Status MirrorPad(Scope& s) {
  s.Give(0, s.Add("MirrorPadGrad", {s.dy(), s.x(1)}, s.Same({"mode"})));
  return s.status();
}

// Seen as (before the axis, axis, behind it): rows are summed up where their indices say.
absl::Status Gather(Scope& s) {
  if (s.attr("batch_dims").Get<int64_t>(0) != 0) {
    return absl::UnimplementedError("the gradient of a gather with batch_dims");
  }
  const Output shape = s.Shape(s.x());
  const Output rank = s.Add("Rank", {s.x()});
  Output axis = s.Int(0);
  if (s.num_inputs() == 3) axis = s.Add("FloorMod", {s.Plus(s.Cast(s.x(2), DT_INT32), rank), rank});
  const Output one = s.Ints({1});
  const Output at_axis = s.Reshape(axis, one);
  const auto product = [&](Output begin, Output size) {
    return s.Add("Prod", {s.Add("Slice", {shape, begin, size}), s.Ints({0})});
  };
  const Output before = product(s.Ints({0}), at_axis);
  const Output behind = product(s.Plus(at_axis, one), s.Ints({-1}));
  const Output length = s.Reshape(s.Add("Slice", {shape, at_axis, one}), s.Ints({}));
  const Output indices = s.Reshape(s.x(1), s.Ints({-1}));
  const Output parts = s.Reshape(s.dy(), s.Add("Pack", {before, s.Add("Size", {indices}), behind}));
  const Output swap = s.Ints({1, 0, 2});
  const Output sums = s.Add("UnsortedSegmentSum", {s.Add("Transpose", {parts, swap}), indices, length});
  s.Give(0, s.Reshape(s.Add("Transpose", {sums, swap}), shape));
  return s.status();
}

absl::Status GatherNd(Scope& s) {
  s.Give(0, s.Add("ScatterNd", {s.x(1), s.dy(), s.Shape(s.x(), s.TypeOf(s.x(1)))}));
  return s.status();
}

absl::Status ScatterNd(Scope& s) {
  s.Give(1, s.Add("GatherNd", {s.dy(), s.x(0)}));
  return s.status();
}

const GradientRule kRules[] = {
    {"Gather", Gather, true},       {"GatherNd", GatherNd, true}, {"GatherV2", Gather, true},
    {"MirrorPad", MirrorPad, true}, {"Pad", Pad, true},           {"PadV2", Pad, true},
    {"ScatterNd", ScatterNd, true}, {"Slice", Slice, true},       {"StridedSlice", StridedSlice, true},
};

}  // namespace

absl::Span<const GradientRule> SliceGradientRules() { return kRules; }

}  // namespace cryograph

// Gradients of ops that arrange elements anew: shapes, orders, joins, copies.
#include "runtime/gradients/gradient_rules.h"

namespace cryograph {
namespace {

using Scope = GradientScope;

absl::Status ShapeOfInput(Scope& s) {
  s.Give(0, s.Reshape(s.dy(), s.Shape(s.x())));
  return s.status();
}

template <bool conjugate>
absl::Status Transpose(Scope& s) {
  const Output back = s.Add("InvertPermutation", {s.x(1)});
  s.Give(0, s.Add(conjugate ? "ConjugateTranspose" : "Transpose", {s.dy(), back}));
  return s.status();
}

absl::Status BroadcastTo(Scope& s) {
  s.GiveSummed(0, s.dy());
  return s.status();
}

absl::Status Fill(Scope& s) {
  const Output all = s.Add("Range", {s.Int(0), s.Add("Rank", {s.dy()}), s.Int(1)});
  s.Give(1, s.Add("Sum", {s.dy(), all}));
  return s.status();
}

// Each dimension becomes (copies, size); the copies are summed.
absl::Status Tile(Scope& s) {
  const Output pairs = s.Add("Pack", {s.Cast(s.x(1), DT_INT32), s.Shape(s.x())}, {{"axis", AttrInt(1)}});
  const Output split = s.Reshape(pairs, s.Ints({-1}));
  const Output copies = s.Add("Range", {s.Int(0), s.Add("Size", {split}), s.Int(2)});
  const Output sum = s.Add("Sum", {s.Reshape(s.dy(), split), copies});
  s.Give(0, s.Reshape(sum, s.Shape(s.x())));
  return s.status();
}

// The same op again.
absl::Status Again(Scope& s) {
  s.Give(0, s.Add(s.node().op(), {s.dy(), s.x(1)}));
  return s.status();
}

absl::Status Roll(Scope& s) {
  s.Give(0, s.Add("Roll", {s.dy(), s.Neg(s.x(1)), s.x(2)}));
  return s.status();
}

absl::Status Pack(Scope& s) {
  Scope::Attrs attrs = s.Same({"axis"});
  attrs.emplace_back("num", AttrInt(s.num_inputs()));
  const Output parts = s.Add("Unpack", {s.dy()}, attrs);
  for (int i = 0; i < s.num_inputs(); ++i) s.Give(i, {parts.node, i});
  return s.status();
}

std::vector<Output> AllSlopes(Scope& s) {
  std::vector<Output> slopes;
  for (int i = 0; i < s.num_outputs(); ++i) slopes.push_back(s.dy(i));
  return slopes;
}

absl::Status Unpack(Scope& s) {
  s.Give(0, s.Add("Pack", AllSlopes(s), s.Same({"axis"})));
  return s.status();
}

template <int axis, int value>
absl::Status Split(Scope& s) {
  std::vector<Output> inputs = AllSlopes(s);
  inputs.push_back(s.x(axis));
  s.Give(value, inputs.size() == 2 ? inputs[0] : s.Add("ConcatV2", inputs));
  return s.status();
}

absl::Status Concat(Scope& s) {
  const bool axis_first = s.node().op() == "Concat";
  const int count = s.num_inputs() - 1, first = axis_first ? 1 : 0;
  if (count == 1) {
    s.Give(first, s.dy());
    return s.status();
  }
  std::vector<Output> inputs = {s.Cast(s.x(axis_first ? 0 : count), DT_INT32)};
  for (int i = 0; i < count; ++i) inputs.push_back(s.Shape(s.x(first + i)));
  const Output offsets = s.Add("ConcatOffset", inputs);
  for (int i = 0; i < count; ++i) {
    s.Give(first + i, s.Add("Slice", {s.dy(), {offsets.node, i}, inputs[1 + i]}));
  }
  return s.status();
}

template <const char* const& op>
absl::Status InverseBlocks(Scope& s) {
  s.Give(0, s.Add(op, {s.dy()}, s.Same({"block_size", "data_format"})));
  return s.status();
}
constexpr const char* kSpaceToDepth = "SpaceToDepth";
constexpr const char* kDepthToSpace = "DepthToSpace";

template <const char* const& op>
absl::Status InverseBatches(Scope& s) {
  std::vector<Output> inputs = {s.dy()};
  for (int i = 1; i < s.num_inputs(); ++i) inputs.push_back(s.x(i));
  s.Give(0, s.Add(op, inputs, s.Same({"block_size"})));
  return s.status();
}
constexpr const char* kSpaceToBatch = "SpaceToBatch";
constexpr const char* kBatchToSpace = "BatchToSpace";
constexpr const char* kSpaceToBatchND = "SpaceToBatchND";
constexpr const char* kBatchToSpaceND = "BatchToSpaceND";

absl::Status MatrixBandPart(Scope& s) {
  s.Give(0, s.Add("MatrixBandPart", {s.dy(), s.x(1), s.x(2)}));
  return s.status();
}

const GradientRule kRules[] = {
    {"BatchToSpace", InverseBatches<kSpaceToBatch>, true},
    {"BatchToSpaceND", InverseBatches<kSpaceToBatchND>, true},
    {"BroadcastTo", BroadcastTo, true},
    {"Concat", Concat, true},
    {"ConcatV2", Concat, true},
    {"ConjugateTranspose", Transpose<true>, true},
    {"DepthToSpace", InverseBlocks<kSpaceToDepth>, true},
    {"ExpandDims", ShapeOfInput, true},
    {"Fill", Fill, true},
    {"MatrixBandPart", MatrixBandPart, true},
    {"Pack", Pack, true},
    {"Reshape", ShapeOfInput, true},
    {"Reverse", Again, true},
    {"ReverseV2", Again, true},
    {"Roll", Roll, true},
    {"SpaceToBatch", InverseBatches<kBatchToSpace>, true},
    {"SpaceToBatchND", InverseBatches<kBatchToSpaceND>, true},
    {"SpaceToDepth", InverseBlocks<kDepthToSpace>, true},
    {"Split", Split<0, 1>, true},
    {"SplitV", Split<2, 0>, true},
    {"Squeeze", ShapeOfInput, true},
    {"Tile", Tile, true},
    {"Transpose", Transpose<false>, true},
    {"Unpack", Unpack, true},
};

}  // namespace

absl::Span<const GradientRule> ArrayGradientRules() { return kRules; }

}  // namespace cryograph

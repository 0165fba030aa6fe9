// Shape rules of ops that work element by element, and of reductions; and the arithmetic of small integers.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/shape_rules.h"

namespace cryograph {
namespace {

void Unchanged(ShapeContext& c) { c.Set(0, c.input(0)); }

// Also hands on the value.
void Forward(ShapeContext& c) {
  c.Set(0, c.input(0));
  if (c.value(0) != nullptr) c.SetValue(0, *c.value(0));
}

void ForwardAll(ShapeContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) {
    c.Set(i, c.input(i));
    if (c.value(i) != nullptr) c.SetValue(i, *c.value(i));
  }
}

void Cast(ShapeContext& c) {
  c.Set(0, c.input(0));
  const DataType to = c.attr("DstT", DT_INVALID);
  if (c.value(0) != nullptr && (to == DT_INT32 || to == DT_INT64)) {
    ShapeValue value = *c.value(0);
    for (int64_t& each : value) {
      if (to == DT_INT32 && each != static_cast<int32_t>(each)) each = kUnknownElement;
    }
    c.SetValue(0, std::move(value));
  }
}

int64_t FloorDivide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

// The element of a result; unknown if an operand is, or if it does not fit.
int64_t Compute(absl::string_view op, int64_t a, int64_t b) {
  if (a == kUnknownElement || b == kUnknownElement) return kUnknownElement;
  int64_t result = 0;
  bool overflow = false;
  if (op == "Add" || op == "AddV2") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (op == "Sub") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (op == "Mul") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else if (op == "Maximum") {
    result = std::max(a, b);
  } else if (op == "Minimum") {
    result = std::min(a, b);
  } else if (b == 0 || b == -1) {
    return kUnknownElement;  // Nobody divides shapes so.
  } else if (op == "FloorDiv") {
    result = FloorDivide(a, b);
  } else if (op == "Div" || op == "TruncateDiv") {
    result = a / b;
  } else if (op == "FloorMod") {
    result = a - FloorDivide(a, b) * b;
  } else {
    return kUnknownElement;
  }
  return overflow ? kUnknownElement : result;
}

void Broadcast(ShapeContext& c) {
  PartialShape shape;
  if (!BroadcastShapes(c.input(0), c.input(1), &shape)) {
    const absl::string_view op = c.node().op();
    if ((op == "Equal" || op == "NotEqual") && !c.attr("incompatible_shape_error", true)) {
      c.Set(0, UnknownShape());
      return;
    }
    c.Conflict(absl::StrCat("takes ", PartialShapeText(c.input(0)), " and ", PartialShapeText(c.input(1)),
                            " element by element, but neither fits the other"));
    return;
  }
  c.Set(0, shape);
  const ShapeValue *a = c.value(0), *b = c.value(1);
  const DataType type = c.attr("T", DT_INVALID);
  if (a == nullptr || b == nullptr || (type != DT_INT32 && type != DT_INT64)) return;
  const size_t size = std::max(a->size(), b->size());
  if ((a->size() != size && a->size() != 1) || (b->size() != size && b->size() != 1)) return;
  ShapeValue value(size);
  for (size_t i = 0; i < size; ++i) {
    value[i] = Compute(c.node().op(), (*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
    if (type == DT_INT32 && value[i] != static_cast<int32_t>(value[i])) value[i] = kUnknownElement;
  }
  c.SetValue(0, std::move(value));
}

void Negate(ShapeContext& c) {
  c.Set(0, c.input(0));
  if (c.value(0) == nullptr) return;
  ShapeValue value = *c.value(0);
  for (int64_t& each : value) {
    if (each != kUnknownElement) each = -each;
  }
  c.SetValue(0, std::move(value));
}

// All inputs are of one shape.
void MergeAll(ShapeContext& c) {
  PartialShape shape = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (MergeShapes(shape, c.input(i), &shape)) continue;
    c.Conflict(absl::StrCat("reads ", PartialShapeText(c.input(i)), " as input ", i,
                            ", but those before it are ", PartialShapeText(shape)));
    return;
  }
  c.Set(0, shape);
}

// Select: a condition of the same shape, a scalar, or one that picks rows.
void Select(ShapeContext& c) {
  PartialShape shape;
  if (!MergeShapes(c.input(1), c.input(2), &shape)) {
    c.Conflict(absl::StrCat("chooses between ", PartialShapeText(c.input(1)), " and ",
                            PartialShapeText(c.input(2)), ", which differ in shape"));
    return;
  }
  c.Set(0, shape);
}

void SelectBroadcast(ShapeContext& c) {
  PartialShape shape;
  if (BroadcastShapes(c.input(1), c.input(2), &shape) && BroadcastShapes(c.input(0), shape, &shape)) {
    c.Set(0, shape);
    return;
  }
  c.Conflict(absl::StrCat("chooses by ", PartialShapeText(c.input(0)), " between ",
                          PartialShapeText(c.input(1)), " and ", PartialShapeText(c.input(2)),
                          ", which do not fit each other"));
}

void ReduceAll(ShapeContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.Set(i, PartialShape());
}

// Sum, Mean, Max …: input 1 holds the axes.
void Reduce(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const bool keep = c.attr("keep_dims", false);
  if (input.unknown_rank) return;
  const int64_t rank = static_cast<int64_t>(input.dims.size());
  if (!AllKnown(c.value(1))) {
    if (keep) c.Set(0, ShapeOfRank(rank));
    return;
  }
  std::vector<bool> reduced(input.dims.size(), false);
  for (int64_t axis : *c.value(1)) {
    if (!NormalizeAxis(rank, &axis)) {
      c.Conflict(absl::StrCat("reduces axis ", axis, " of ", PartialShapeText(input)));
      return;
    }
    reduced[static_cast<size_t>(axis)] = true;
  }
  PartialShape shape;
  for (size_t i = 0; i < input.dims.size(); ++i) {
    if (!reduced[i]) {
      shape.dims.push_back(input.dims[i]);
    } else if (keep) {
      shape.dims.push_back(1);
    }
  }
  const ShapeValue* const value = c.value(0);
  const bool whole = input.dims.size() <= 1 && shape.dims.empty();
  c.Set(0, std::move(shape));
  if (!whole || value == nullptr || c.node().op() != "Prod") return;
  int64_t product = 1;
  for (const int64_t each : *value) product = Compute("Mul", product, each);
  c.SetValue(0, {product});
}

void ArgReduce(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  if (input.unknown_rank) return;
  const int64_t rank = static_cast<int64_t>(input.dims.size());
  int64_t axis = 0;
  if (!ScalarValue(c, 1, &axis)) {
    c.Set(0, ShapeOfRank(rank - 1));
    return;
  }
  if (!NormalizeAxis(rank, &axis)) {
    if (rank > 0) c.Conflict(absl::StrCat("searches along axis ", axis, " of ", PartialShapeText(input)));
    return;
  }
  PartialShape shape = input;
  shape.dims.erase(shape.dims.begin() + axis);
  c.Set(0, std::move(shape));
}

constexpr ShapeRuleEntry kRules[] = {
    {"Abs", Unchanged},
    {"Acos", Unchanged},
    {"Acosh", Unchanged},
    {"Angle", Unchanged},
    {"Asin", Unchanged},
    {"Asinh", Unchanged},
    {"AsString", Unchanged},
    {"Atan", Unchanged},
    {"Atanh", Unchanged},
    {"BiasAdd", Unchanged},
    {"BiasAddV1", Unchanged},
    {"Cast", Cast},
    {"Ceil", Unchanged},
    {"CheckNumerics", Unchanged},
    {"CheckNumericsV2", Unchanged},
    {"ComplexAbs", Unchanged},
    {"Conj", Unchanged},
    {"Cos", Unchanged},
    {"Cosh", Unchanged},
    {"Cumprod", Unchanged},
    {"Cumsum", Unchanged},
    {"DebugIdentity", Unchanged},
    {"DecodeBase64", Unchanged},
    {"DeepCopy", Forward},
    {"Digamma", Unchanged},
    {"Elu", Unchanged},
    {"EncodeBase64", Unchanged},
    {"Erf", Unchanged},
    {"Erfc", Unchanged},
    {"Exp", Unchanged},
    {"Expm1", Unchanged},
    {"FakeQuantWithMinMaxArgs", Unchanged},
    {"FakeQuantWithMinMaxVars", Unchanged},
    {"FakeQuantWithMinMaxVarsPerChannel", Unchanged},
    {"Floor", Unchanged},
    {"IFFT", Unchanged},
    {"IFFT2D", Unchanged},
    {"IFFT3D", Unchanged},
    {"FFT", Unchanged},
    {"FFT2D", Unchanged},
    {"FFT3D", Unchanged},
    {"Identity", Forward},
    {"IdentityN", ForwardAll},
    {"Imag", Unchanged},
    {"Inv", Unchanged},
    {"Invert", Unchanged},
    {"InvertPermutation", Unchanged},
    {"IsFinite", Unchanged},
    {"IsInf", Unchanged},
    {"IsNan", Unchanged},
    {"LRN", Unchanged},
    {"LeakyRelu", Unchanged},
    {"Lgamma", Unchanged},
    {"Log", Unchanged},
    {"Log1p", Unchanged},
    {"LogSoftmax", Unchanged},
    {"LogicalNot", Unchanged},
    {"MatrixBandPart", Unchanged},
    {"MatrixSetDiag", Unchanged},
    {"MatrixSetDiagV2", Unchanged},
    {"MatrixSetDiagV3", Unchanged},
    {"Ndtri", Unchanged},
    {"Neg", Negate},
    {"OnesLike", Unchanged},
    {"PreventGradient", Forward},
    {"Print", Forward},
    {"QuantizeAndDequantize", Unchanged},
    {"QuantizeAndDequantizeV2", Unchanged},
    {"QuantizeAndDequantizeV3", Unchanged},
    {"Dequantize", Unchanged},
    {"RandomShuffle", Unchanged},
    {"Real", Unchanged},
    {"Reciprocal", Unchanged},
    {"RefIdentity", Forward},
    {"Relu", Unchanged},
    {"Relu6", Unchanged},
    {"Reverse", Unchanged},
    {"ReverseSequence", Unchanged},
    {"ReverseV2", Unchanged},
    {"Rint", Unchanged},
    {"Roll", Unchanged},
    {"Round", Unchanged},
    {"Rsqrt", Unchanged},
    {"Selu", Unchanged},
    {"Sigmoid", Unchanged},
    {"Sign", Unchanged},
    {"Sin", Unchanged},
    {"Sinh", Unchanged},
    {"Snapshot", Forward},
    {"Softmax", Unchanged},
    {"Softplus", Unchanged},
    {"Softsign", Unchanged},
    {"Sqrt", Unchanged},
    {"Square", Unchanged},
    {"StopGradient", Forward},
    {"StringLower", Unchanged},
    {"StringStrip", Unchanged},
    {"StringToHashBucketFast", Unchanged},
    {"StringToHashBucketStrong", Unchanged},
    {"StringToHashBucket", Unchanged},
    {"StringToNumber", Unchanged},
    {"StringUpper", Unchanged},
    {"RegexReplace", Unchanged},
    {"StaticRegexReplace", Unchanged},
    {"RegexFullMatch", Unchanged},
    {"StaticRegexFullMatch", Unchanged},
    {"Tan", Unchanged},
    {"Tanh", Unchanged},
    {"ZerosLike", Unchanged},

    {"Add", Broadcast},
    {"AddV2", Broadcast},
    {"Atan2", Broadcast},
    {"BitwiseAnd", Broadcast},
    {"BitwiseOr", Broadcast},
    {"BitwiseXor", Broadcast},
    {"Complex", Broadcast},
    {"Div", Broadcast},
    {"DivNoNan", Broadcast},
    {"Equal", Broadcast},
    {"FloorDiv", Broadcast},
    {"FloorMod", Broadcast},
    {"Greater", Broadcast},
    {"GreaterEqual", Broadcast},
    {"Igamma", Broadcast},
    {"Igammac", Broadcast},
    {"LeftShift", Broadcast},
    {"Less", Broadcast},
    {"LessEqual", Broadcast},
    {"LogicalAnd", Broadcast},
    {"LogicalOr", Broadcast},
    {"Maximum", Broadcast},
    {"Minimum", Broadcast},
    {"Mod", Broadcast},
    {"Mul", Broadcast},
    {"MulNoNan", Broadcast},
    {"NextAfter", Broadcast},
    {"NotEqual", Broadcast},
    {"Polygamma", Broadcast},
    {"Pow", Broadcast},
    {"RealDiv", Broadcast},
    {"RightShift", Broadcast},
    {"SquaredDifference", Broadcast},
    {"Sub", Broadcast},
    {"TruncateDiv", Broadcast},
    {"TruncateMod", Broadcast},
    {"Xdivy", Broadcast},
    {"Xlogy", Broadcast},
    {"Zeta", Broadcast},

    {"AddN", MergeAll},
    {"ApproximateEqual", MergeAll},
    {"EluGrad", MergeAll},
    {"InvGrad", Unchanged},
    {"ReciprocalGrad", Unchanged},
    {"Relu6Grad", MergeAll},
    {"ReluGrad", MergeAll},
    {"RsqrtGrad", Unchanged},
    {"SeluGrad", MergeAll},
    {"SigmoidGrad", Unchanged},
    {"SoftplusGrad", MergeAll},
    {"SoftsignGrad", MergeAll},
    {"SqrtGrad", Unchanged},
    {"TanhGrad", Unchanged},
    {"Select", Select},
    {"SelectV2", SelectBroadcast},

    {"L2Loss", ReduceAll},
    {"All", Reduce},
    {"Any", Reduce},
    {"EuclideanNorm", Reduce},
    {"Max", Reduce},
    {"Mean", Reduce},
    {"Min", Reduce},
    {"Prod", Reduce},
    {"Sum", Reduce},
    {"ArgMax", ArgReduce},
    {"ArgMin", ArgReduce},
};

}  // namespace

absl::Span<const ShapeRuleEntry> ElementwiseShapeRules() { return kRules; }

}  // namespace cryograph

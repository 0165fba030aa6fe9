// Gradients of ops that work on each element for itself, with and without broadcasting.
#include "runtime/gradients/gradient_rules.h"

namespace cryograph {
namespace {

using Scope = GradientScope;

absl::Status Forward(Scope& s) {
  for (int i = 0; i < s.num_outputs() && i < s.num_inputs(); ++i) {
    if (s.HasSlope(i)) s.Give(i, s.dy(i));
  }
  return s.status();
}

// --- dx = dy * slope(x, y).

absl::Status Times(Scope& s, Output slope) {
  s.Give(0, s.Mul(s.dy(), s.Conjugate(slope)));
  return s.status();
}

absl::Status Over(Scope& s, Output below) {
  s.Give(0, s.Div(s.dy(), s.Conjugate(below)));
  return s.status();
}

absl::Status MinusOver(Scope& s, Output below) {
  s.Give(0, s.Neg(s.Div(s.dy(), s.Conjugate(below))));
  return s.status();
}

Output OneMinusSquare(Scope& s) { return s.Minus(s.Number(s.x(), 1), s.Square(s.x())); }

absl::Status ErfSlope(Scope& s, double factor) {
  return Times(s, s.Mul(s.Number(s.x(), factor), s.Add("Exp", {s.Neg(s.Square(s.x()))})));
}
constexpr double kTwoOverRootOfPi = 1.1283791670955126;

// --- Ops of which TensorFlow has the gradient as an op.

template <const char* const& op>
absl::Status OfOutput(Scope& s) {  // (y, dy)
  s.Give(0, s.Add(op, {s.y(), s.dy()}));
  return s.status();
}
template <const char* const& op>
absl::Status OfSlopeAndOutput(Scope& s) {  // (dy, y)
  s.Give(0, s.Add(op, {s.dy(), s.y()}));
  return s.status();
}
template <const char* const& op>
absl::Status OfSlopeAndInput(Scope& s) {  // (dy, x)
  s.Give(0, s.Add(op, {s.dy(), s.x()}, s.Same({"alpha"})));
  return s.status();
}
#define GRADIENT_OP(name) constexpr const char* k##name = #name
GRADIENT_OP(EluGrad);
GRADIENT_OP(InvGrad);
GRADIENT_OP(LeakyReluGrad);
GRADIENT_OP(ReciprocalGrad);
GRADIENT_OP(Relu6Grad);
GRADIENT_OP(ReluGrad);
GRADIENT_OP(RsqrtGrad);
GRADIENT_OP(SeluGrad);
GRADIENT_OP(SigmoidGrad);
GRADIENT_OP(SoftplusGrad);
GRADIENT_OP(SoftsignGrad);
GRADIENT_OP(SqrtGrad);
GRADIENT_OP(TanhGrad);
#undef GRADIENT_OP

// --- Two operands.

absl::Status Both(Scope& s, Output dx0, Output dx1) {
  s.GiveSummed(0, dx0);
  s.GiveSummed(1, dx1);
  return s.status();
}

absl::Status Product(Scope& s) {
  return Both(s, s.Mul(s.dy(), s.Conjugate(s.x(1))), s.Mul(s.dy(), s.Conjugate(s.x(0))));
}

template <const char* const& op>
absl::Status Quotient(Scope& s) {
  const Output below = s.Conjugate(s.x(1));
  const Output minus_y_over_below = s.Add(op, {s.Conjugate(s.Neg(s.y())), below});
  return Both(s, s.Add(op, {s.dy(), below}), s.Mul(s.dy(), minus_y_over_below));
}
constexpr const char* kDiv = "RealDiv";
constexpr const char* kDivNoNan = "DivNoNan";

// The slope in the exponent is y log(x), and 0 where x is not positive.
absl::Status Power(Scope& s) {
  const Output x = s.x(0), exponent = s.x(1);
  const Output dx = s.Mul(exponent, s.Add("Pow", {x, s.Minus(exponent, s.Number(exponent, 1))}));
  const Output positive = s.Add("Greater", {x, s.Number(x, 0)});
  const Output log = s.Add(
      "Select",
      {positive, s.Add("Log", {s.Add("Select", {positive, x, s.Add("OnesLike", {x})})}), s.ZerosLike(x)});
  return Both(s, s.Mul(s.dy(), dx), s.Mul(s.dy(), s.Mul(s.y(), log)));
}

// To x where `op` holds of (x, y), else to y.
absl::Status ToOneOf(Scope& s, absl::string_view op) {
  const Output first = s.Add(op, {s.x(0), s.x(1)});
  const Output zeros = s.ZerosLike(s.dy());
  return Both(s, s.Add("Select", {first, s.dy(), zeros}), s.Add("Select", {first, zeros, s.dy()}));
}

absl::Status SquaredDifference(Scope& s) {
  const Output slope = s.Mul(s.Number(s.dy(), 2), s.Mul(s.dy(), s.Minus(s.x(0), s.x(1))));
  return Both(s, slope, s.Neg(slope));
}

absl::Status Atan2(Scope& s) {
  const Output share = s.Div(s.dy(), s.Plus(s.Square(s.x(0)), s.Square(s.x(1))));
  return Both(s, s.Mul(share, s.x(1)), s.Neg(s.Mul(share, s.x(0))));
}

absl::Status Cast(Scope& s) {
  s.Give(0, s.Cast(s.dy(), s.TypeOf(s.x())));
  return s.status();
}

absl::Status Select(Scope& s) {
  const Output zeros = s.ZerosLike(s.dy());
  s.Give(1, s.Add("Select", {s.x(0), s.dy(), zeros}));
  s.Give(2, s.Add("Select", {s.x(0), zeros, s.dy()}));
  return s.status();
}

absl::Status SelectV2(Scope& s) {
  const Output zeros = s.ZerosLike(s.dy());
  s.GiveSummed(1, s.Add("SelectV2", {s.x(0), s.dy(), zeros}));
  s.GiveSummed(2, s.Add("SelectV2", {s.x(0), zeros, s.dy()}));
  return s.status();
}

absl::Status ClipByValue(Scope& s) {
  const Output zeros = s.ZerosLike(s.dy());
  const Output low = s.Add("Less", {s.x(0), s.x(1)}), high = s.Add("Greater", {s.x(0), s.x(2)});
  s.Give(0, s.Add("Select", {s.Add("LogicalOr", {low, high}), zeros, s.dy()}));
  s.GiveSummed(1, s.Add("Select", {low, s.dy(), zeros}));
  s.GiveSummed(2, s.Add("Select", {high, s.dy(), zeros}));
  return s.status();
}

absl::Status AddN(Scope& s) {
  for (int i = 0; i < s.num_inputs(); ++i) s.Give(i, s.dy());
  return s.status();
}

const GradientRule kRules[] = {
    // As it comes: the input itself, or what only checks or rounds it.
    {"CheckNumerics", Forward, true},
    {"CheckNumericsV2", Forward, true},
    {"DeepCopy", Forward, true},
    {"EnsureShape", Forward, true},
    {"Identity", Forward, true},
    {"IdentityN", Forward, true},
    {"PlaceholderWithDefault", Forward, true},
    {"Print", Forward, true},
    {"QuantizeAndDequantize", Forward},
    {"QuantizeAndDequantizeV2", Forward},
    {"QuantizeAndDequantizeV3", Forward},
    {"Snapshot", Forward, true},
    {"PreventGradient",
     [](Scope& s) -> absl::Status {
       return absl::InvalidArgumentError(s.attr("message").Get<std::string>("it may not be differentiated"));
     }},
    // One operand.
    {"Abs", [](Scope& s) { return Times(s, s.Add("Sign", {s.x()})); }},
    {"Acos", [](Scope& s) { return MinusOver(s, s.Add("Sqrt", {OneMinusSquare(s)})); }},
    {"Acosh", [](Scope& s) { return Over(s, s.Add("Sinh", {s.y()})); }},
    {"Asin", [](Scope& s) { return Over(s, s.Add("Sqrt", {OneMinusSquare(s)})); }},
    {"Asinh", [](Scope& s) { return Over(s, s.Add("Cosh", {s.y()})); }},
    {"Atan", [](Scope& s) { return Over(s, s.Plus(s.Number(s.x(), 1), s.Square(s.x()))); }},
    {"Atanh", [](Scope& s) { return Over(s, OneMinusSquare(s)); }},
    {"Cast", Cast},
    {"Conj",
     [](Scope& s) {
       s.Give(0, s.Conjugate(s.dy()));
       return s.status();
     },
     true},
    {"Cos", [](Scope& s) { return Times(s, s.Neg(s.Add("Sin", {s.x()}))); }, true},
    {"Cosh", [](Scope& s) { return Times(s, s.Add("Sinh", {s.x()})); }, true},
    {"Digamma",
     [](Scope& s) {
       return Times(s, s.Add("Polygamma", {s.Number(s.x(), 1), s.x()}));
     }},
    {"Elu", OfSlopeAndOutput<kEluGrad>},
    {"Erf", [](Scope& s) { return ErfSlope(s, kTwoOverRootOfPi); }},
    {"Erfc", [](Scope& s) { return ErfSlope(s, -kTwoOverRootOfPi); }},
    {"Exp", [](Scope& s) { return Times(s, s.y()); }, true},
    {"Expm1", [](Scope& s) { return Times(s, s.Add("Exp", {s.x()})); }, true},
    {"Inv", OfOutput<kInvGrad>},
    {"LeakyRelu", OfSlopeAndInput<kLeakyReluGrad>},
    {"Lgamma", [](Scope& s) { return Times(s, s.Add("Digamma", {s.x()})); }},
    {"Log", [](Scope& s) { return Over(s, s.x()); }, true},
    {"Log1p", [](Scope& s) { return Over(s, s.Plus(s.Number(s.x(), 1), s.x())); }, true},
    {"Neg",
     [](Scope& s) {
       s.Give(0, s.Neg(s.dy()));
       return s.status();
     },
     true},
    {"Reciprocal", OfOutput<kReciprocalGrad>},
    {"Relu", OfSlopeAndOutput<kReluGrad>},
    {"Relu6", OfSlopeAndOutput<kRelu6Grad>},
    {"Rsqrt", OfOutput<kRsqrtGrad>},
    {"Selu", OfSlopeAndOutput<kSeluGrad>},
    {"Sigmoid", OfOutput<kSigmoidGrad>},
    {"Sin", [](Scope& s) { return Times(s, s.Add("Cos", {s.x()})); }, true},
    {"Sinh", [](Scope& s) { return Times(s, s.Add("Cosh", {s.x()})); }, true},
    {"Softplus", OfSlopeAndInput<kSoftplusGrad>},
    {"Softsign", OfSlopeAndInput<kSoftsignGrad>},
    {"Sqrt", OfOutput<kSqrtGrad>},
    {"Square", [](Scope& s) { return Times(s, s.Mul(s.Number(s.x(), 2), s.x())); }, true},
    {"Tan", [](Scope& s) { return Over(s, s.Square(s.Add("Cos", {s.x()}))); }, true},
    {"Tanh", OfOutput<kTanhGrad>},
    // Two operands, and more.
    {"Add", [](Scope& s) { return Both(s, s.dy(), s.dy()); }, true},
    {"AddN", AddN, true},
    {"AddV2", [](Scope& s) { return Both(s, s.dy(), s.dy()); }, true},
    {"Atan2", Atan2},
    {"ClipByValue", ClipByValue},
    {"Div", Quotient<kDiv>, true},
    {"DivNoNan", Quotient<kDivNoNan>},
    {"FloorMod",
     [](Scope& s) {
       return Both(s, s.dy(), s.Neg(s.Mul(s.dy(), s.Add("FloorDiv", {s.x(0), s.x(1)}))));
     }},
    {"Maximum", [](Scope& s) { return ToOneOf(s, "GreaterEqual"); }},
    {"Minimum", [](Scope& s) { return ToOneOf(s, "LessEqual"); }},
    {"Mul", Product, true},
    {"MulNoNan",
     [](Scope& s) {
       return Both(s, s.Add("MulNoNan", {s.dy(), s.x(1)}), s.Add("MulNoNan", {s.x(0), s.dy()}));
     }},
    {"Pow", Power},
    {"RealDiv", Quotient<kDiv>, true},
    {"Select", Select, true},
    {"SelectV2", SelectV2, true},
    {"SquaredDifference", SquaredDifference},
    {"Sub", [](Scope& s) { return Both(s, s.dy(), s.Neg(s.dy())); }, true},
};

}  // namespace

absl::Span<const GradientRule> ElementwiseGradientRules() { return kRules; }

}  // namespace cryograph

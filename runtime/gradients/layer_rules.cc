// Gradients of the layers of networks: products, convolutions, pooling, normalization, resizing.
#include "runtime/gradients/gradient_rules.h"

namespace cryograph {
namespace {

using Scope = GradientScope;

absl::Status BiasAdd(Scope& s) {
  s.Give(0, s.dy());
  s.Give(1, s.Add("BiasAddGrad", {s.dy()}, s.Same({"data_format"})));
  return s.status();
}

// Gradients of op(a, b), where `first` and `second` say that a or b is taken transposed.
struct ProductGradients {
  Output a, b;
};
ProductGradients OfProduct(Scope& s, absl::string_view op, const char* first, const char* second) {
  const Output a = s.x(0), b = s.x(1), dy = s.dy();
  const bool ta = s.attr(first).Get<bool>(false), tb = s.attr(second).Get<bool>(false);
  const auto product = [&](Output left, bool left_transposed, Output right, bool right_transposed) {
    return s.Add(op, {left, right},
                 {{first, AttrBool(left_transposed)}, {second, AttrBool(right_transposed)}});
  };
  return {ta ? product(b, tb, dy, true) : product(dy, false, b, !tb),
          tb ? product(dy, true, a, ta) : product(a, !ta, dy, false)};
}

absl::Status MatMul(Scope& s) {
  const ProductGradients gradients = OfProduct(s, "MatMul", "transpose_a", "transpose_b");
  s.Give(0, gradients.a);
  s.Give(1, gradients.b);
  return s.status();
}

// All dimensions but the last two.
Output BatchShape(Scope& s, Output shape) {
  return s.Add("StridedSlice", {shape, s.Ints({0}), s.Ints({-2}), s.Ints({1})}, {{"begin_mask", AttrInt(1)}});
}

absl::Status BatchMatMul(Scope& s) {
  const ProductGradients gradients = OfProduct(s, s.node().op(), "adj_x", "adj_y");
  if (s.node().op() == "BatchMatMul") {
    s.Give(0, gradients.a);
    s.Give(1, gradients.b);
    return s.status();
  }
  const Output shape_a = s.Shape(s.x(0)), shape_b = s.Shape(s.x(1));
  const Output axes = s.Add("BroadcastGradientArgs", {BatchShape(s, shape_a), BatchShape(s, shape_b)});
  s.Give(0, s.Reshape(s.Add("Sum", {gradients.a, axes}), shape_a));
  s.Give(1, s.Reshape(s.Add("Sum", {gradients.b, {axes.node, 1}}), shape_b));
  return s.status();
}

absl::Status Convolution(Scope& s) {
  const std::string op(s.node().op());
  const Scope::Attrs attrs = s.Same({"data_format", "dilations", "explicit_paddings", "padding", "strides"});
  s.Give(0, s.Add(op + "BackpropInput", {s.Shape(s.x(0)), s.x(1), s.dy()}, attrs));
  s.Give(1, s.Add(op + "BackpropFilter", {s.x(0), s.Shape(s.x(1)), s.dy()}, attrs));
  return s.status();
}

absl::Status Conv3D(Scope& s) {
  const Scope::Attrs attrs = s.Same({"data_format", "dilations", "padding", "strides"});
  s.Give(0, s.Add("Conv3DBackpropInputV2", {s.Shape(s.x(0)), s.x(1), s.dy()}, attrs));
  s.Give(1, s.Add("Conv3DBackpropFilterV2", {s.x(0), s.Shape(s.x(1)), s.dy()}, attrs));
  return s.status();
}

absl::Status MaxPool(Scope& s) {
  s.Give(0, s.Add("MaxPoolGrad", {s.x(), s.y(), s.dy()},
                  s.Same({"data_format", "explicit_paddings", "ksize", "padding", "strides"})));
  return s.status();
}

absl::Status AvgPool(Scope& s) {
  s.Give(0, s.Add("AvgPoolGrad", {s.Shape(s.x()), s.dy()},
                  s.Same({"data_format", "ksize", "padding", "strides"})));
  return s.status();
}

absl::Status FusedBatchNorm(Scope& s) {
  const bool training = s.attr("is_training").Get<bool>(true);
  const std::string op(s.node().op());
  const std::string gradient = op == "FusedBatchNorm"     ? "FusedBatchNormGrad"
                               : op == "FusedBatchNormV2" ? "FusedBatchNormGradV2"
                                                          : "FusedBatchNormGradV3";
  std::vector<Output> inputs = {s.dy(0), s.x(0), s.x(1), training ? s.y(3) : s.x(3),
                                training ? s.y(4) : s.x(4)};
  if (op == "FusedBatchNormV3") inputs.push_back(s.y(5));
  const Output gradients = s.Add(gradient, inputs, s.Same({"data_format", "epsilon", "is_training"}));
  for (int i = 0; i < 3; ++i) s.Give(i, {gradients.node, i});
  return s.status();
}

absl::Status Lrn(Scope& s) {
  s.Give(0, s.Add("LRNGrad", {s.dy(), s.x(), s.y()}, s.Same({"alpha", "beta", "bias", "depth_radius"})));
  return s.status();
}

absl::Status FakeQuant(Scope& s) {
  std::vector<Output> inputs = {s.dy()};
  for (int i = 0; i < s.num_inputs(); ++i) inputs.push_back(s.x(i));
  const Output gradients = s.Add(std::string(s.node().op()) + "Gradient", inputs,
                                 s.Same({"max", "min", "narrow_range", "num_bits"}));
  for (int i = 0; i < s.num_inputs(); ++i) s.Give(i, {gradients.node, i});
  return s.status();
}

absl::Status ResizeBilinear(Scope& s) {
  s.Give(0, s.Add("ResizeBilinearGrad", {s.dy(), s.x()}, s.Same({"align_corners", "half_pixel_centers"})));
  return s.status();
}

absl::Status ResizeNearestNeighbor(Scope& s) {
  const Output size = s.Add("Slice", {s.Shape(s.x()), s.Ints({1}), s.Ints({2})});
  s.Give(0,
         s.Add("ResizeNearestNeighborGrad", {s.dy(), size}, s.Same({"align_corners", "half_pixel_centers"})));
  return s.status();
}

const GradientRule kRules[] = {
    {"AvgPool", AvgPool},
    {"BatchMatMul", BatchMatMul, true},
    {"BatchMatMulV2", BatchMatMul, true},
    {"BatchMatMulV3", BatchMatMul, true},
    {"BiasAdd", BiasAdd},
    {"BiasAddV1", BiasAdd},
    {"Conv2D", Convolution},
    {"Conv3D", Conv3D},
    {"DepthwiseConv2dNative", Convolution},
    {"FakeQuantWithMinMaxArgs", FakeQuant},
    {"FakeQuantWithMinMaxVars", FakeQuant},
    {"FakeQuantWithMinMaxVarsPerChannel", FakeQuant},
    {"FusedBatchNorm", FusedBatchNorm},
    {"FusedBatchNormV2", FusedBatchNorm},
    {"FusedBatchNormV3", FusedBatchNorm},
    {"LRN", Lrn},
    {"MatMul", MatMul},
    {"MaxPool", MaxPool},
    {"ResizeBilinear", ResizeBilinear},
    {"ResizeNearestNeighbor", ResizeNearestNeighbor},
};

}  // namespace

absl::Span<const GradientRule> LayerGradientRules() { return kRules; }

}  // namespace cryograph

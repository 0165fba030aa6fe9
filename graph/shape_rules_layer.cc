// Shape rules of products, convolutions, pools, normalisations and images.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/shape_rules.h"

namespace cryograph {
namespace {

void MatMul(ShapeContext& c) {
  const PartialShape &a = c.input(0), &b = c.input(1);
  const bool transpose_a = c.attr("transpose_a", false), transpose_b = c.attr("transpose_b", false);
  for (const PartialShape* each : {&a, &b}) {
    if (each->unknown_rank || each->dims.size() == 2) continue;
    c.Conflict(absl::StrCat("multiplies ", PartialShapeText(a), " by ", PartialShapeText(b),
                            ", but both must be matrices"));
    return;
  }
  const int64_t inner_a = DimOf(a, transpose_a ? 0 : 1), inner_b = DimOf(b, transpose_b ? 1 : 0);
  int64_t inner = 0;
  if (!MergeDims(inner_a, inner_b, &inner)) {
    c.Conflict(absl::StrCat("multiplies ", PartialShapeText(a), " by ", PartialShapeText(b),
                            ": inner dimensions ", inner_a, " and ", inner_b, " differ"));
    return;
  }
  c.Set(0, ShapeOf({DimOf(a, transpose_a ? 1 : 0), DimOf(b, transpose_b ? 0 : 1)}));
}

void BatchMatMul(ShapeContext& c) {
  const PartialShape &a = c.input(0), &b = c.input(1);
  if (a.unknown_rank || b.unknown_rank || a.dims.size() < 2 || b.dims.size() < 2) return;
  const bool adjoint_a = c.attr("adj_x", false), adjoint_b = c.attr("adj_y", false);
  const int64_t inner_a = DimOf(a, adjoint_a ? -2 : -1), inner_b = DimOf(b, adjoint_b ? -1 : -2);
  PartialShape batch_a = a, batch_b = b, batch;
  batch_a.dims.resize(a.dims.size() - 2);
  batch_b.dims.resize(b.dims.size() - 2);
  int64_t inner = 0;
  const bool fits = c.node().op() == "BatchMatMul" ? MergeShapes(batch_a, batch_b, &batch)
                                                   : BroadcastShapes(batch_a, batch_b, &batch);
  if (!fits || !MergeDims(inner_a, inner_b, &inner)) {
    c.Conflict(absl::StrCat("multiplies ", PartialShapeText(a), " by ", PartialShapeText(b),
                            ", which do not fit each other"));
    return;
  }
  batch.dims.push_back(DimOf(a, adjoint_a ? -1 : -2));
  batch.dims.push_back(DimOf(b, adjoint_b ? -2 : -1));
  c.Set(0, std::move(batch));
}

// Where batch, channels and space are in a layout: "NHWC", "NCHW", "NDHWC", "NCDHW".
struct Layout {
  size_t channel = 0, space = 0;  // The first dimension of space.
  bool known = false;
};
Layout LayoutOf(const ShapeContext& c, size_t space_dims) {
  const std::string format = c.attr<std::string>("data_format", space_dims == 2 ? "NHWC" : "NDHWC");
  Layout layout;
  layout.known = format == "NHWC" || format == "NCHW" || format == "NDHWC" || format == "NCDHW";
  const bool channel_first = absl::StartsWith(format, "NC");
  layout.channel = channel_first ? 1 : space_dims + 1;
  layout.space = channel_first ? 2 : 1;
  return layout;
}

// Number of windows along one dimension; unknown if a part is, or if it does not fit.
// VALID: ceil((size - window + 1) / stride); SAME: ceil(size / stride); EXPLICIT: VALID of the padded size.
int64_t Windows(int64_t size, int64_t window, int64_t dilation, int64_t stride, absl::string_view padding,
                int64_t pad_before, int64_t pad_after) {
  if (size < 0 || stride <= 0 || dilation <= 0) return kUnknownDim;
  if (padding == "SAME") return size / stride + (size % stride != 0 ? 1 : 0);
  const int64_t effective = AddDims(MultiplyDims(window - 1, dilation), 1);
  if (window < 1 || effective < 0) return kUnknownDim;
  if (padding == "EXPLICIT") size = AddDims(size, AddDims(pad_before, pad_after));
  if (size < effective) return kUnknownDim;  // TensorFlow minds it only if it runs.
  return (size - effective) / stride + 1;
}

std::vector<int64_t> ListOr(const ShapeContext& c, absl::string_view key, size_t size) {
  std::vector<int64_t> list = c.attr(key).list_i();
  return list.size() == size ? list : std::vector<int64_t>(size, 1);
}

// `window` has the extents in space, kUnknownDim for unknown ones.
void Windowed(ShapeContext& c, const std::vector<int64_t>& window, int64_t channels) {
  const size_t space = window.size();
  const Layout layout = LayoutOf(c, space);
  const PartialShape& input = c.input(0);
  if (!layout.known) return;
  const std::vector<int64_t> strides = ListOr(c, "strides", space + 2);
  const std::vector<int64_t> dilations = ListOr(c, "dilations", space + 2);
  std::vector<int64_t> pads = c.attr("explicit_paddings").list_i();
  pads.resize(2 * (space + 2), 0);
  const std::string padding = c.attr<std::string>("padding", "");
  PartialShape shape = ShapeOfRank(static_cast<int64_t>(space + 2));
  shape.dims[0] = DimOf(input, 0);
  shape.dims[layout.channel] = channels;
  for (size_t i = 0; i < space; ++i) {
    const size_t dim = layout.space + i;
    shape.dims[dim] = Windows(DimOf(input, static_cast<int64_t>(dim)), window[i], dilations[dim],
                              strides[dim], padding, pads[2 * dim], pads[2 * dim + 1]);
  }
  c.Set(0, std::move(shape));
}

bool CheckRank(ShapeContext& c, int slot, size_t rank, absl::string_view what) {
  const PartialShape& shape = c.input(slot);
  if (shape.unknown_rank || shape.dims.size() == rank) return true;
  c.Conflict(absl::StrCat("reads ", PartialShapeText(shape), " as its ", what, ", which must have ", rank,
                          " dimensions"));
  return false;
}

// Filter: [space..., in, out].
void Convolve(ShapeContext& c, size_t space) {
  const Layout layout = LayoutOf(c, space);
  if (!layout.known || !CheckRank(c, 0, space + 2, "input") || !CheckRank(c, 1, space + 2, "filter")) return;
  const PartialShape &input = c.input(0), &filter = c.input(1);
  std::vector<int64_t> window;
  for (size_t i = 0; i < space; ++i) window.push_back(DimOf(filter, static_cast<int64_t>(i)));
  const int64_t have = DimOf(input, static_cast<int64_t>(layout.channel));
  const int64_t want = DimOf(filter, static_cast<int64_t>(space));
  // Groups: the filter may take a part of the channels.
  if (have >= 0 && want > 0 && have % want != 0) {
    c.Conflict(absl::StrCat("convolves ", PartialShapeText(input), " with a filter of ",
                            PartialShapeText(filter), ": ", have, " channels where it takes ", want));
    return;
  }
  Windowed(c, window, DimOf(filter, -1));
}
void Conv2D(ShapeContext& c) { Convolve(c, 2); }
void Conv3D(ShapeContext& c) { Convolve(c, 3); }

// Filter: [height, width, in, multiplier].
void DepthwiseConv2d(ShapeContext& c) {
  const Layout layout = LayoutOf(c, 2);
  if (!layout.known || !CheckRank(c, 0, 4, "input") || !CheckRank(c, 1, 4, "filter")) return;
  const PartialShape &input = c.input(0), &filter = c.input(1);
  const int64_t have = DimOf(input, static_cast<int64_t>(layout.channel));
  int64_t channels = 0;
  if (!MergeDims(have, DimOf(filter, 2), &channels)) {
    c.Conflict(absl::StrCat("convolves ", PartialShapeText(input), " with a filter of ",
                            PartialShapeText(filter), ": ", have, " channels where it takes ",
                            DimOf(filter, 2)));
    return;
  }
  Windowed(c, {DimOf(filter, 0), DimOf(filter, 1)}, MultiplyDims(channels, DimOf(filter, 3)));
}

// The transposed convolution: the shape is given.
void ConvBackpropInput(ShapeContext& c) {
  PartialShape shape = ShapeFromInput(c, 0);
  const size_t rank =
      c.node().op() == "Conv2DBackpropInput" || absl::StartsWith(c.node().op(), "Depthwise") ? 4 : 5;
  if (shape.unknown_rank) shape = ShapeOfRank(static_cast<int64_t>(rank));
  // 2.x also takes the sizes in space alone.
  if (shape.dims.size() == rank) c.Set(0, std::move(shape));
}

void Pool(ShapeContext& c, size_t space) {
  const Layout layout = LayoutOf(c, space);
  if (!layout.known || !CheckRank(c, 0, space + 2, "input")) return;
  const std::vector<int64_t> size = ListOr(c, "ksize", space + 2);
  std::vector<int64_t> window;
  for (size_t i = 0; i < space; ++i) window.push_back(size[layout.space + i]);
  // A window over channels is rare, and its result unknown here.
  const bool over_channels = size[layout.channel] != 1;
  Windowed(c, window, over_channels ? kUnknownDim : DimOf(c.input(0), static_cast<int64_t>(layout.channel)));
}
void Pool2D(ShapeContext& c) { Pool(c, 2); }
void Pool3D(ShapeContext& c) { Pool(c, 3); }

// Output 0 is as the input; the statistics are vectors over the channels.
void FusedBatchNorm(ShapeContext& c) {
  const Layout layout = LayoutOf(c, 2);
  PartialShape shape = c.input(0);
  int64_t channels =
      HasRank(shape, 4) && layout.known ? DimOf(shape, static_cast<int64_t>(layout.channel)) : kUnknownDim;
  const int64_t in_image = channels;
  if (c.attr<std::string>("data_format", "NHWC") == "NDHWC" ||
      c.attr<std::string>("data_format", "NHWC") == "NCDHW") {
    channels = kUnknownDim;
  } else {
    for (int slot = 1; slot < 3; ++slot) {
      if (MergeDims(channels, DimOf(c.input(slot), 0), &channels)) continue;
      c.Conflict(absl::StrCat("normalises ", PartialShapeText(shape), " with ",
                              slot == 1 ? "a scale" : "an offset", " of ", PartialShapeText(c.input(slot)),
                              ", which does not fit its ", in_image, " channels"));
      return;
    }
    if (HasRank(shape, 4) && layout.known) shape.dims[layout.channel] = channels;
  }
  c.Set(0, std::move(shape));
  for (int i = 1; i < std::min(c.num_outputs(), 5); ++i) c.Set(i, ShapeOf({channels}));
}

void Same(ShapeContext& c) { c.Set(0, c.input(0)); }

// ResizeBilinear …: [batch, height, width, channels], and the new height and width.
void Resize(ShapeContext& c) {
  const PartialShape& input = c.input(0);
  const PartialShape size = ShapeFromInput(c, 1);
  c.Set(0, ShapeOf({DimOf(input, 0), DimOf(size, 0), DimOf(size, 1), DimOf(input, 3)}));
}

void CropAndResize(ShapeContext& c) {
  const PartialShape size = ShapeFromInput(c, 3);
  c.Set(0, ShapeOf({DimOf(c.input(1), 0), DimOf(size, 0), DimOf(size, 1), DimOf(c.input(0), 3)}));
}

void SpaceToDepth(ShapeContext& c) {
  const Layout layout = LayoutOf(c, 2);
  const int64_t block = c.attr<int64_t>("block_size", 0);
  PartialShape shape = c.input(0);
  if (!layout.known || !HasRank(shape, 4) || block < 2) return;
  const bool to_depth = c.node().op() == "SpaceToDepth";
  const auto divide = [](int64_t dim, int64_t by) {
    return dim < 0 || dim % by != 0 ? kUnknownDim : dim / by;
  };
  for (size_t i = layout.space; i < layout.space + 2; ++i) {
    shape.dims[i] = to_depth ? divide(shape.dims[i], block) : MultiplyDims(shape.dims[i], block);
  }
  int64_t& channels = shape.dims[layout.channel];
  const int64_t square = MultiplyDims(block, block);
  if (square < 0) return;
  channels = to_depth ? MultiplyDims(channels, square) : divide(channels, square);
  c.Set(0, std::move(shape));
}

// The batch and what is divided are left open; the rest is as it was.
void SpaceToBatch(ShapeContext& c) {
  PartialShape shape = c.input(0);
  const int64_t blocks = DimOf(c.input(1), 0);
  if (shape.unknown_rank || blocks < 0 || blocks >= static_cast<int64_t>(shape.dims.size())) return;
  for (int64_t i = 0; i <= blocks; ++i) shape.dims[static_cast<size_t>(i)] = kUnknownDim;
  c.Set(0, std::move(shape));
}

void Image(ShapeContext& c) {
  const int64_t channels = c.attr<int64_t>("channels", 0);
  c.Set(0, ShapeOf({kUnknownDim, kUnknownDim, channels == 0 ? kUnknownDim : channels}));
}

constexpr ShapeRuleEntry kRules[] = {
    {"MatMul", MatMul},
    {"BatchMatMul", BatchMatMul},
    {"BatchMatMulV2", BatchMatMul},
    {"BatchMatMulV3", BatchMatMul},
    {"Conv2D", Conv2D},
    {"Conv3D", Conv3D},
    {"DepthwiseConv2dNative", DepthwiseConv2d},
    {"Conv2DBackpropInput", ConvBackpropInput},
    {"DepthwiseConv2dNativeBackpropInput", ConvBackpropInput},
    {"Conv3DBackpropInputV2", ConvBackpropInput},
    {"AvgPool", Pool2D},
    {"MaxPool", Pool2D},
    {"AvgPool3D", Pool3D},
    {"MaxPool3D", Pool3D},
    {"FusedBatchNorm", FusedBatchNorm},
    {"FusedBatchNormV2", FusedBatchNorm},
    {"FusedBatchNormV3", FusedBatchNorm},
    {"BatchNormWithGlobalNormalization", Same},
    {"AdjustContrast", Same},
    {"AdjustContrastv2", Same},
    {"AdjustHue", Same},
    {"AdjustSaturation", Same},
    {"RGBToHSV", Same},
    {"HSVToRGB", Same},
    {"ResizeArea", Resize},
    {"ResizeBicubic", Resize},
    {"ResizeBilinear", Resize},
    {"ResizeNearestNeighbor", Resize},
    {"CropAndResize", CropAndResize},
    {"DepthToSpace", SpaceToDepth},
    {"SpaceToDepth", SpaceToDepth},
    {"BatchToSpaceND", SpaceToBatch},
    {"SpaceToBatchND", SpaceToBatch},
    {"DecodeJpeg", Image},
    {"DecodePng", Image},
};

}  // namespace

absl::Span<const ShapeRuleEntry> LayerShapeRules() { return kRules; }

}  // namespace cryograph

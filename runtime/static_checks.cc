#include "runtime/static_checks.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "graph/shape_inference.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

bool DeclaresKnownRank(Node node) {
  const AttrView shape = node.attr("shape");
  return shape.kind() == AttrView::kShape && !shape.shape().unknown_rank;
}

// Operands [first, last] of an op may have at most this rank.
struct RankLimit {
  absl::string_view op;
  int first, last;
  size_t rank;
  int since = 0;  // Version of the graph from which on it holds.
};
constexpr RankLimit kRankLimits[] = {
    {"All", 1, 1, 1, 21},
    {"Any", 1, 1, 1, 21},
    {"EuclideanNorm", 1, 1, 1, 21},
    {"Max", 1, 1, 1, 21},
    {"Mean", 1, 1, 1, 21},
    {"Min", 1, 1, 1, 21},
    {"Prod", 1, 1, 1, 21},
    {"QuantizeAndDequantizeV2", 1, 2, 0},
    {"QuantizeAndDequantizeV3", 1, 2, 0},
    {"QuantizeV2", 1, 2, 0},
    {"ReduceJoin", 1, 1, 1},
    {"RequantizationRange", 1, 2, 0},
    {"Sum", 1, 1, 1, 21},
};

// 0 where the node does not say it itself.
size_t DeclaredRank(Node source) {
  if (source.op() == "Placeholder") {
    const AttrView shape = source.attr("shape");
    return shape.kind() == AttrView::kShape ? shape.shape().dims.size() : 0;
  }
  const AttrView value = source.attr("value");
  if (source.op() != "Const" || value.kind() != AttrView::kTensor || value.tensor_source() != nullptr)
    return 0;
  const auto header = DecodeTensorHeader(value.tensor_bytes());
  return header.ok() ? header->dims.size() : 0;
}

// Told without inferring shapes, since there are reductions in most graphs.
absl::Status CheckRanks(Node node, int32_t graph_version) {
  const auto* limit = std::lower_bound(std::begin(kRankLimits), std::end(kRankLimits), node.op(),
                                       [](const RankLimit& a, absl::string_view op) { return a.op < op; });
  if (limit == std::end(kRankLimits) || limit->op != node.op() || graph_version < limit->since) {
    return absl::OkStatus();
  }
  if (node.attr("axis").Get<int64_t>(-1) >= 0) return absl::OkStatus();  // A range for each slice.
  for (int slot = limit->first; slot <= limit->last && slot < node.num_inputs(); ++slot) {
    if (DeclaredRank(node.input_node(slot)) > limit->rank) {
      return absl::InvalidArgumentError(absl::StrCat("input ", slot, " is declared with more than ",
                                                     limit->rank, " dimensions; TensorFlow refuses that"));
    }
  }
  return absl::OkStatus();
}

// True for a block_shape that is fed. What other ops make of it is not told here as well as by TensorFlow.
bool HasFedBlockShape(Node node) {
  const absl::string_view source = node.input_node(1).op();
  return source == "Placeholder" || source == "PlaceholderV2";
}

bool IsCheckedDefault(Node node) {
  return node.op() == "PlaceholderWithDefault" && node.num_inputs() == 1 && DeclaresKnownRank(node);
}

bool IsAssignmentToHandle(Node node) {
  return node.op() == "AssignVariableOp" && node.num_inputs() == 2 &&
         node.input_node(0).op() == "VarHandleOp";
}

bool IsChecked(Node node) {
  const absl::string_view op = node.op();
  if (op == "Substr" || op == "SplitV" || IsCheckedDefault(node) || IsAssignmentToHandle(node)) return true;
  if (op == "MatrixSetDiagV2" || op == "MatrixSetDiagV3") return true;
  if (op == "MatrixDiagV2" || op == "MatrixDiagV3" || op == "BatchNormWithGlobalNormalization") return true;
  if (op == "SpaceToBatchND" || op == "BatchToSpaceND") return HasFedBlockShape(node);
  return op == "EnsureShape" && node.attr("shape").kind() == AttrView::kShape && !DeclaresKnownRank(node);
}

// What is checked of the nodes that are needed, and the defaults that they would read were there no feed.
std::vector<Node> CheckedNodes(Graph& graph, const std::vector<NeededNode>& nodes) {
  std::vector<Node> checked;
  for (const NeededNode& needed : nodes) {
    for (const InputEdge& edge : needed.node.inputs()) {
      const Node producer = graph.node(edge.node);
      if (IsCheckedDefault(producer)) checked.push_back(producer);
    }
    if (IsChecked(needed.node)) checked.push_back(needed.node);
  }
  return checked;
}

// A shape of unknown rank counts as one of rank -1, which no known rank is.
absl::Status CheckEnsureShape(const PartialShape& input) {
  if (input.unknown_rank) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "it asks for an unknown rank, but the rank of its input is known: ", PartialShapeText(input),
      "; TensorFlow refuses that"));
}

// Dimensions must be known or unknown together, but for a position of unknown rank.
absl::Status CheckSubstr(const PartialShape& position, const PartialShape& length) {
  const bool fit = position.unknown_rank || (!length.unknown_rank && position.dims == length.dims);
  if (fit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("pos of shape ", PartialShapeText(position),
                                                 " and len of shape ", PartialShapeText(length),
                                                 " are not known to be the same; TensorFlow refuses that"));
}

absl::Status CheckBlockShape(const PartialShape& block) {
  if (!block.unknown_rank && block.dims.size() == 1 && block.dims[0] >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("block_shape must be declared as a vector of known size, not as ", PartialShapeText(block),
                   "; TensorFlow refuses that"));
}

// Whether the default is fed or not. One whose shape only a run tells may have any.
absl::Status CheckDefault(const PartialShape& declared, const PartialShape& input) {
  if (AreCompatible(declared, input)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("its default has shape ", PartialShapeText(input),
                                                 ", but is declared as ", PartialShapeText(declared),
                                                 "; TensorFlow refuses that"));
}

bool HasUnknownDim(const PartialShape& shape) {
  return std::find(shape.dims.begin(), shape.dims.end(), -1) != shape.dims.end();
}

// Where a dimension of the matrices is unknown, TensorFlow looks for it in the shape of the diagonals, and
// takes them for a single one, however many there are.
absl::Status CheckSetDiag(const PartialShape& matrices, const PartialShape& diagonals) {
  if (matrices.unknown_rank || diagonals.unknown_rank || !HasUnknownDim(matrices)) return absl::OkStatus();
  PartialShape single = diagonals;
  if (!single.dims.empty()) single.dims.back() = -1;
  single.dims.push_back(-1);
  if (AreCompatible(single, matrices)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the matrices are declared as ", PartialShapeText(matrices),
                                                 ", where diagonals of shape ", PartialShapeText(diagonals),
                                                 " count as one; TensorFlow refuses that"));
}

// As long as the dimension that is split is not known, TensorFlow takes it for the last one.
absl::Status CheckSplitV(const PartialShape& input, const ShapeValue* sizes, const ShapeValue* axis) {
  if (axis != nullptr || sizes == nullptr || input.unknown_rank || input.dims.empty()) {
    return absl::OkStatus();
  }
  const int64_t dim = input.dims.back();
  int64_t total = 0;
  bool has_rest = false;
  for (const int64_t size : *sizes) {
    if (size == kUnknownElement) return absl::OkStatus();
    if (size == -1) {
      has_rest = true;
    } else if (__builtin_add_overflow(total, size, &total)) {
      return absl::OkStatus();
    }
  }
  if (dim < 0 || (has_rest ? total <= dim : total == dim)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("split_dim is known only when the graph runs, and parts of [", absl::StrJoin(*sizes, ","),
                   "] do not make up the last dimension, which is ", dim, "; TensorFlow refuses that"));
}

// Dimensions that are not known count as -1, and so do numbers of rows and columns.
absl::Status CheckMatrixDiag(const PartialShape& diagonals, const ShapeValue* k, const ShapeValue* rows,
                             const ShapeValue* columns) {
  const auto known = [](const ShapeValue* value) {
    return value != nullptr && !value->empty() &&
           std::find(value->begin(), value->end(), kUnknownElement) == value->end();
  };
  if (!known(k) || diagonals.unknown_rank || diagonals.dims.empty()) return absl::OkStatus();
  const int64_t lower = k->front(), upper = k->back(), length = diagonals.dims.back();
  const size_t rank = diagonals.dims.size();
  bool fits = lower >= upper || rank < 2 || diagonals.dims[rank - 2] == upper - lower + 1;
  const int64_t least_rows = length - std::min<int64_t>(upper, 0),
                least_columns = length + std::max<int64_t>(lower, 0);
  const int64_t num_rows = known(rows) ? rows->front() : -1,
                num_columns = known(columns) ? columns->front() : -1;
  if (num_rows != -1 && num_columns != -1) {
    fits = fits && num_rows >= least_rows && num_columns >= least_columns &&
           (num_rows == least_rows || num_columns == least_columns);
  } else if (num_rows != -1) {
    fits = fits && num_rows >= least_rows;
  } else if (num_columns != -1) {
    fits = fits && num_columns >= least_columns;
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("diagonals declared as ", PartialShapeText(diagonals),
                   " do not fit k, num_rows and num_cols as far as ",
                   "that is known before the graph runs; TensorFlow refuses that"));
}

absl::Status CheckAssignment(Node variable, const PartialShape& value) {
  const AttrView declared = variable.attr("shape");
  if (declared.kind() != AttrView::kShape || AreCompatible(declared.shape(), value)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("variable '", variable.name(), "' is declared as ",
                                                 PartialShapeText(declared.shape()), ", the value as ",
                                                 PartialShapeText(value)));
}

// As many channels in all inputs, where that is known; in the run, later ones may have more than the mean
// has.
absl::Status CheckChannels(Node node, const GraphShapes& shapes) {
  int64_t channels = -1;
  for (int i = 0; i < node.num_inputs(); ++i) {
    const PartialShape& input = shapes.shape(node.input(i));
    if (input.unknown_rank || input.dims.empty() || input.dims.back() < 0) continue;
    if (channels >= 0 && input.dims.back() != channels) {
      return absl::InvalidArgumentError(absl::StrCat("input ", i, " has shape ", PartialShapeText(input),
                                                     " where those before it have ", channels,
                                                     " channels; TensorFlow refuses that"));
    }
    channels = input.dims.back();
  }
  return absl::OkStatus();
}

absl::Status CheckNode(Node node, const GraphShapes& shapes) {
  const absl::string_view op = node.op();
  const auto input = [&](int slot) -> const PartialShape& { return shapes.shape(node.input(slot)); };
  if (op == "SplitV") {
    return CheckSplitV(input(0), shapes.value(node.input(1)), shapes.value(node.input(2)));
  }
  if (op == "MatrixSetDiagV2" || op == "MatrixSetDiagV3") return CheckSetDiag(input(0), input(1));
  if (op == "MatrixDiagV2" || op == "MatrixDiagV3") {
    return CheckMatrixDiag(input(0), shapes.value(node.input(1)), shapes.value(node.input(2)),
                           shapes.value(node.input(3)));
  }
  if (op == "BatchNormWithGlobalNormalization") return CheckChannels(node, shapes);
  if (op == "AssignVariableOp") return CheckAssignment(node.input_node(0), input(1));
  if (op == "Substr") return CheckSubstr(input(1), input(2));
  if (op == "EnsureShape") return CheckEnsureShape(input(0));
  if (op == "PlaceholderWithDefault") return CheckDefault(node.attr("shape").shape(), input(0));
  return CheckBlockShape(input(1));
}

}  // namespace

absl::Status CheckStaticShapes(Graph& graph, int32_t graph_version, const OpRegistry& ops,
                               const std::vector<NeededNode>& nodes) {
  for (const NeededNode& needed : nodes) {
    const absl::Status status = CheckRanks(needed.node, graph_version);
    if (!status.ok()) return InNode(needed.node, status);
  }
  const std::vector<Node> checked = CheckedNodes(graph, nodes);
  if (checked.empty()) return absl::OkStatus();
  ShapeOptions options;
  options.producer = graph_version;
  const GraphShapes shapes = InferShapes(graph, ops, options);
  for (const Node node : checked) {
    const absl::Status status = CheckNode(node, shapes);
    if (!status.ok()) return InNode(node, status);
  }
  return absl::OkStatus();
}

}  // namespace cryograph

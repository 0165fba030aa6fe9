#include "tools/graph_comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "graph/op_schema.h"
#include "tools/attr_summary.h"

namespace cryograph {
namespace {

template <typename T>
bool NumbersEqual(const Tensor& actual, const Tensor& expected, const ComparisonOptions& options) {
  const std::vector<T> a = actual.Copy<T>(), e = expected.Copy<T>();
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i]))) continue;
    if (!(std::abs(a[i] - e[i]) <= options.absolute + options.relative * std::abs(e[i]))) return false;
  }
  return true;
}

bool TensorsEqual(const Tensor& actual, const Tensor& expected, const ComparisonOptions& options) {
  if (actual.dtype != expected.dtype || actual.dims != expected.dims) return false;
  if (actual.strings != expected.strings) return false;
  if (actual.bytes == expected.bytes) return true;
  if (actual.bytes.size() != expected.bytes.size()) return false;
  if (actual.dtype == DT_FLOAT) return NumbersEqual<float>(actual, expected, options);
  if (actual.dtype == DT_DOUBLE) return NumbersEqual<double>(actual, expected, options);
  return false;
}

absl::StatusOr<Tensor> Value(const AttrView& attr) {
  if (attr.tensor_source() != nullptr) return attr.tensor_source()->Load();
  return DecodeTensorProto(attr.tensor_bytes(), nullptr);
}

bool AttrsEqual(const AttrView& actual, const AttrView& expected, const ComparisonOptions& options);

bool FuncsEqual(const AttrView& actual, const AttrView& expected, const ComparisonOptions& options) {
  auto a = actual.func_attrs(), e = expected.func_attrs();
  const auto by_key = [](const auto& x, const auto& y) { return x.first < y.first; };
  std::stable_sort(a.begin(), a.end(), by_key);
  std::stable_sort(e.begin(), e.end(), by_key);
  return actual.func_name() == expected.func_name() && a.size() == e.size() &&
         std::equal(a.begin(), a.end(), e.begin(), [&](const auto& x, const auto& y) {
           return x.first == y.first && AttrsEqual(x.second, y.second, options);
         });
}

// Values, not encodings.
bool AttrsEqual(const AttrView& actual, const AttrView& expected, const ComparisonOptions& options) {
  if (actual.kind() != expected.kind()) return false;
  const bool in_file = actual.tensor_source() == nullptr && expected.tensor_source() == nullptr;
  if (in_file && actual.bytes() == expected.bytes()) return true;
  switch (actual.kind()) {
    case AttrView::kString:
    case AttrView::kPlaceholder:
      return actual.s() == expected.s();
    case AttrView::kInt:
    case AttrView::kType:
      return actual.i() == expected.i();
    case AttrView::kBool:
      return actual.b() == expected.b();
    case AttrView::kFloat:
      return actual.f() == expected.f() || (std::isnan(actual.f()) && std::isnan(expected.f()));
    case AttrView::kShape:
      return actual.shape() == expected.shape();
    case AttrView::kFunc:
      return FuncsEqual(actual, expected, options);
    case AttrView::kTensor: {
      const absl::StatusOr<Tensor> a = Value(actual), e = Value(expected);
      return a.ok() && e.ok() && TensorsEqual(*a, *e, options);
    }
    case AttrView::kList: {
      const auto tensors_equal = [&](absl::string_view x, absl::string_view y) {
        const absl::StatusOr<Tensor> a = DecodeTensorProto(x, nullptr), e = DecodeTensorProto(y, nullptr);
        return x == y || (a.ok() && e.ok() && TensorsEqual(*a, *e, options));
      };
      const auto a = actual.list_tensor(), e = expected.list_tensor();
      return actual.list_s() == expected.list_s() && actual.list_i() == expected.list_i() &&
             actual.list_f() == expected.list_f() && actual.list_b() == expected.list_b() &&
             actual.list_type() == expected.list_type() && actual.list_shape() == expected.list_shape() &&
             actual.list_func() == expected.list_func() && a.size() == e.size() &&
             std::equal(a.begin(), a.end(), e.begin(), tensors_equal);
    }
    default:
      return actual.bytes() == expected.bytes();
  }
}

bool IsPrivate(absl::string_view key) { return absl::StartsWith(key, "_"); }

// The op's default, if it may stand in for an attribute that is not there.
AttrView Default(Node node, absl::string_view key, const ComparisonOptions& options) {
  if (!options.ignore_default_attrs) return AttrView();
  const OpSchema* const schema = FindOp(node.op());
  const AttrSchema* const attr = schema == nullptr ? nullptr : schema->FindAttr(key);
  return attr == nullptr ? AttrView() : attr->default_view();
}

// Appends a line for each attribute that differs. `prefix` is "Node named 'a'".
void CompareAttrs(Node actual, Node expected, absl::string_view prefix, const ComparisonOptions& options,
                  std::vector<std::string>& differences) {
  for (const absl::string_view key : expected.attr_keys()) {
    if (IsPrivate(key)) continue;
    const AttrView value = expected.attr(key);
    const bool absent = !actual.has_attr(key);
    const AttrView found = absent ? Default(actual, key, options) : actual.attr(key);
    if (AttrsEqual(found, value, options)) continue;
    differences.push_back(
        absent ? absl::StrCat(prefix, " missing expected attr '", key, "' with value: ", SummarizeAttr(value))
               : absl::StrCat(prefix, " has attr '", key, "' with value: ", SummarizeAttr(found),
                              " that does not match expected: ", SummarizeAttr(value)));
  }
  for (const absl::string_view key : actual.attr_keys()) {
    if (IsPrivate(key) || expected.has_attr(key)) continue;
    const AttrView value = actual.attr(key);
    if (AttrsEqual(value, Default(expected, key, options), options)) continue;
    differences.push_back(
        absl::StrCat(prefix, " has unexpected attr '", key, "' with value: ", SummarizeAttr(value)));
  }
}

std::vector<std::string> DataInputs(Node node) {
  std::vector<std::string> inputs;
  for (int i = 0; i < node.num_inputs(); ++i)
    inputs.push_back(InputText(node.input_node(i), node.input(i).index));
  return inputs;
}

std::set<std::string> ControlInputs(Node node) {
  std::set<std::string> inputs;
  for (const ControlEdge& edge : node.control_inputs()) {
    inputs.insert(InputText(node.graph().node(edge.node), kControl));
  }
  return inputs;
}

void CompareInputs(Node actual, Node expected, absl::string_view prefix,
                   std::vector<std::string>& differences) {
  const std::vector<std::string> a = DataInputs(actual), e = DataInputs(expected);
  const std::set<std::string> a_control = ControlInputs(actual), e_control = ControlInputs(expected);
  if (a.size() != e.size() || a_control.size() != e_control.size()) {
    const auto all = [](std::vector<std::string> data, const std::set<std::string>& control) {
      data.insert(data.end(), control.begin(), control.end());
      return absl::StrJoin(data, ", ");
    };
    differences.push_back(absl::StrCat(prefix, " has inputs '", all(a, a_control),
                                       "' that don't match expected '", all(e, e_control), "'"));
    return;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == e[i]) continue;
    differences.push_back(
        absl::StrCat(prefix, " has input ", i, " '", a[i], "' that doesn't match expected '", e[i], "'"));
  }
  for (const std::string& input : e_control) {
    if (a_control.count(input) == 0) {
      differences.push_back(absl::StrCat(prefix, " missing expected control input '", input, "'"));
    }
  }
  for (const std::string& input : a_control) {
    if (e_control.count(input) == 0) {
      differences.push_back(absl::StrCat(prefix, " has unexpected control input '", input, "'"));
    }
  }
}

void CompareGraph(Graph& actual, Graph& expected, const ComparisonOptions& options,
                  std::vector<std::string>& differences) {
  for (const Node node : expected.nodes()) {
    // An earlier bearer of the same name does not count.
    if (expected.Find(node.name()) != node) continue;
    const Node found = actual.Find(node.name());
    if (!found) {
      differences.push_back(absl::StrCat("Did not find expected node '", SummarizeNode(node), "'"));
      continue;
    }
    const std::string prefix = absl::StrCat("Node named '", node.name(), "'");
    if (found.op() != node.op()) {
      differences.push_back(
          absl::StrCat(prefix, " has op '", found.op(), "' that is not expected '", node.op(), "'"));
    }
    if (!options.ignore_device && found.device() != node.device()) {
      differences.push_back(absl::StrCat(prefix, " has device '", found.device(), "' that is not expected '",
                                         node.device(), "'"));
    }
    CompareInputs(found, node, prefix, differences);
    CompareAttrs(found, node, prefix, options, differences);
  }
  for (const Node node : actual.nodes()) {
    if (actual.Find(node.name()) == node && !expected.Find(node.name())) {
      differences.push_back(absl::StrCat("Found unexpected node '", SummarizeNode(node), "'"));
    }
  }
}

absl::Status CompareLibraries(Model& actual, Model& expected, const ComparisonOptions& options,
                              std::vector<std::string>& differences) {
  absl::flat_hash_map<absl::string_view, Function*> found;
  for (Function& function : actual.functions()) found[function.name()] = &function;
  for (Function& function : expected.functions()) {
    const auto match = found.find(function.name());
    if (match == found.end()) {
      differences.push_back(absl::StrCat("Did not find expected function '", function.name(), "'"));
      continue;
    }
    Function& other = *match->second;
    found.erase(match);
    if (other.wire() == function.wire() && !other.edited() && !function.edited()) continue;
    ASSIGN_OR_RETURN(Graph * actual_body, other.body());
    ASSIGN_OR_RETURN(Graph * expected_body, function.body());
    std::vector<std::string> in_body;
    CompareGraph(*actual_body, *expected_body, options, in_body);
    if (other.signature() != function.signature()) in_body.push_back("The signatures differ");
    for (const std::string& line : in_body) {
      differences.push_back(absl::StrCat("Function '", function.name(), "': ", line));
    }
  }
  for (Function& function : actual.functions()) {
    if (found.contains(function.name())) {
      differences.push_back(absl::StrCat("Found unexpected function '", function.name(), "'"));
    }
  }
  return absl::OkStatus();
}

// --- What outputs compute.

bool OnlyForwards(Node node) {
  const absl::string_view op = node.op();
  return node.num_inputs() == 1 &&
         (op == "Identity" || op == "StopGradient" || op == "PreventGradient" || op == "CheckNumerics");
}

// The output behind a chain of nodes that forward; the control inputs of the chain are dropped with it.
Output Source(Graph& graph, Output output) {
  // A cycle of such nodes is no graph that runs, but must not hang.
  for (uint32_t steps = 0; steps <= graph.id_limit(); ++steps) {
    const Node node = graph.node(output.node);
    if (output.index != 0 || !OnlyForwards(node)) break;
    output = node.input(0);
  }
  return output;
}

// Nodes that are more than what they compute from their inputs: their names count.
bool HasIdentity(Node node) {
  if (node.is_missing() || node.is_argument()) return true;
  const absl::string_view op = node.op();
  if (absl::StartsWith(op, "Placeholder")) return true;
  const OpSchema* const schema = FindOp(op);
  return schema != nullptr && schema->is_stateful;
}

bool HasEffect(Node node) {
  const OpSchema* const schema = FindOp(node.op());
  return schema == nullptr || (schema->is_stateful && !absl::StartsWith(node.op(), "Placeholder"));
}

class OutputComparison {
 public:
  OutputComparison(Graph& actual, Graph& expected, const ComparisonOptions& options)
      : actual_(actual), expected_(expected), options_(options) {}

  // The first difference below `output`; empty if there is none.
  absl::StatusOr<std::string> Run(const std::string& output) {
    ASSIGN_OR_RETURN(const Output a, Find(actual_, output, "the first graph"));
    ASSIGN_OR_RETURN(const Output e, Find(expected_, output, "the second graph"));
    Meet(a, e, absl::StrCat("Output '", output, "'"));
    while (difference_.empty() && next_ < queue_.size()) {
      const auto [x, y] = queue_[next_++];
      Visit(actual_.node(x), expected_.node(y));
    }
    return difference_;
  }

 private:
  static absl::StatusOr<Output> Find(Graph& graph, absl::string_view text, absl::string_view which) {
    Output output;
    absl::string_view name = text;
    const size_t colon = text.rfind(':');
    if (colon != absl::string_view::npos && absl::SimpleAtoi(text.substr(colon + 1), &output.index)) {
      name = text.substr(0, colon);
    }
    const Node node = graph.Find(name);
    if (!node) return absl::NotFoundError(absl::StrCat(which, " has no node '", name, "'"));
    output.node = node.id();
    return output;
  }

  // Two outputs that must be the same.
  void Meet(Output a, Output e, absl::string_view where) {
    a = Source(actual_, a);
    e = Source(expected_, e);
    const Node x = actual_.node(a.node), y = expected_.node(e.node);
    if (a.index != e.index || x.op() != y.op()) {
      Differ(absl::StrCat(where, " reads '", InputText(x, a.index), "' (", x.op(), ") and '",
                          InputText(y, e.index), "' (", y.op(), ") in the other graph"));
      return;
    }
    MeetNodes(x, y);
  }

  void MeetNodes(Node x, Node y) {
    const uint64_t pair = static_cast<uint64_t>(x.id()) << 32 | static_cast<uint64_t>(y.id());
    if (met_.insert(pair).second) queue_.emplace_back(x.id(), y.id());
  }

  void Visit(Node x, Node y) {
    const std::string prefix = absl::StrCat("Node named '", x.name(), "'",
                                            x.name() == y.name() ? "" : absl::StrCat(" ('", y.name(), "')"));
    if (x.op() != y.op()) {
      return Differ(absl::StrCat(prefix, " has op '", x.op(), "' and '", y.op(), "' in the other graph"));
    }
    if (HasIdentity(x) && x.name() != y.name()) {
      return Differ(absl::StrCat(prefix, " is a ", x.op(), ", whose name counts"));
    }
    if (!options_.ignore_device && x.device() != y.device()) {
      return Differ(
          absl::StrCat(prefix, " has device '", x.device(), "' and '", y.device(), "' in the other graph"));
    }
    std::vector<std::string> attrs;
    CompareAttrs(x, y, prefix, options_, attrs);
    if (!attrs.empty()) return Differ(attrs[0]);
    if (x.num_inputs() != y.num_inputs()) {
      return Differ(absl::StrCat(prefix, " has ", x.num_inputs(), " inputs and ", y.num_inputs(),
                                 " in the other graph"));
    }
    for (int i = 0; i < x.num_inputs(); ++i) Meet(x.input(i), y.input(i), absl::StrCat(prefix, " input ", i));
    const std::vector<Node> a = Effects(x), e = Effects(y);
    if (a.size() != e.size()) {
      return Differ(absl::StrCat(prefix, " waits for ", a.size(), " nodes with effects, and for ", e.size(),
                                 " in the other graph"));
    }
    for (size_t i = 0; i < a.size(); ++i) MeetNodes(a[i], e[i]);
  }

  static std::vector<Node> Effects(Node node) {
    std::vector<Node> effects;
    for (const ControlEdge& edge : node.control_inputs()) {
      const Node from = node.graph().node(edge.node);
      if (HasEffect(from)) effects.push_back(from);
    }
    std::sort(effects.begin(), effects.end(), [](Node a, Node b) { return a.name() < b.name(); });
    return effects;
  }

  void Differ(std::string difference) {
    if (difference_.empty()) difference_ = std::move(difference);
  }

  Graph& actual_;
  Graph& expected_;
  const ComparisonOptions& options_;
  absl::flat_hash_set<uint64_t> met_;
  std::vector<std::pair<NodeId, NodeId>> queue_;
  size_t next_ = 0;
  std::string difference_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> CompareNodes(Model& actual, Model& expected,
                                                      const ComparisonOptions& options) {
  std::vector<std::string> differences;
  CompareGraph(actual.graph(), expected.graph(), options, differences);
  if (options.library) RETURN_IF_ERROR(CompareLibraries(actual, expected, options, differences));
  return differences;
}

absl::StatusOr<std::vector<std::string>> CompareOutputs(Model& actual, Model& expected,
                                                        absl::Span<const std::string> outputs,
                                                        const ComparisonOptions& options) {
  OutputComparison comparison(actual.graph(), expected.graph(), options);
  for (const std::string& output : outputs) {
    ASSIGN_OR_RETURN(std::string difference, comparison.Run(output));
    if (!difference.empty()) return std::vector<std::string>{std::move(difference)};
  }
  return std::vector<std::string>();
}

}  // namespace cryograph

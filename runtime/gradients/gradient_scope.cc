#include "runtime/gradients/gradient_scope.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

Tensor ScalarTensor(DataType dtype, double value) {
  switch (dtype) {
    case DT_DOUBLE:
      return Tensor::Of<double>(dtype, {}, {value});
    case DT_INT32:
      return Tensor::Of<int32_t>(dtype, {}, {static_cast<int32_t>(value)});
    default:
      return Tensor::Of<float>(DT_FLOAT, {}, {static_cast<float>(value)});
  }
}

}  // namespace

absl::Status SetTypesFromInputs(Graph& graph, const OpRegistry& ops, Node node) {
  const OpSchema* schema = ops.Find(node.op());
  if (schema == nullptr) return absl::UnimplementedError(absl::StrCat("no op '", node.op(), "' is known"));
  const auto is_list = [](const ArgSchema& arg) {
    return !arg.number_attr.empty() || !arg.type_list_attr.empty();
  };
  // Where there are several lists, they are of one length.
  const int lists = static_cast<int>(absl::c_count_if(schema->inputs, is_list));
  const int in_lists = node.num_inputs() - (static_cast<int>(schema->inputs.size()) - lists);
  if (in_lists < 0 || (lists == 0 ? in_lists != 0 : in_lists % lists != 0)) {
    return absl::InternalError(absl::StrCat(node.op(), " does not take ", node.num_inputs(), " inputs"));
  }
  int slot = 0;
  for (const ArgSchema& arg : schema->inputs) {
    const int count = is_list(arg) ? in_lists / lists : 1;
    std::vector<DataType> types;
    for (int i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const DataType type, ops.OutputType(graph, node.input(slot + i)));
      types.push_back(BaseType(type));
    }
    if (!arg.number_attr.empty()) graph.SetAttr(node, arg.number_attr, AttrInt(count));
    if (!arg.type_list_attr.empty()) graph.SetAttr(node, arg.type_list_attr, AttrTypeList(types));
    if (!arg.type_attr.empty() && !types.empty()) graph.SetAttr(node, arg.type_attr, AttrType(types[0]));
    slot += count;
  }
  return absl::OkStatus();
}

GradientScope::GradientScope(Graph& graph, const OpRegistry& ops, Node node, std::vector<Output> slopes)
    : graph_(graph), ops_(ops), node_(node), slopes_(std::move(slopes)), given_(node.num_inputs()) {}

Output GradientScope::dy(int index) {
  if (!HasSlope(index)) slopes_[index] = ZerosLike(y(index));
  return slopes_[index];
}

DataType GradientScope::TypeOf(Output output) {
  const absl::StatusOr<DataType> type = ops_.OutputType(graph_, output);
  status_.Update(type.status());
  return type.ok() ? BaseType(*type) : DT_INVALID;
}

AttrView GradientScope::attr(absl::string_view key) const {
  const OpSchema* schema = ops_.Find(node_.op());
  return schema == nullptr ? node_.attr(key) : AttrOrDefault(*schema, node_, key);
}

GradientScope::Attrs GradientScope::Same(std::initializer_list<absl::string_view> keys) const {
  Attrs attrs;
  for (const absl::string_view key : keys) {
    const AttrView value = node_.attr(key);
    if (value.kind() != AttrView::kNone) attrs.emplace_back(key, std::string(value.bytes()));
  }
  return attrs;
}

Output GradientScope::Add(absl::string_view op, absl::Span<const Output> inputs, const Attrs& attrs) {
  if (!status_.ok()) return Output();
  absl::StatusOr<Node> added =
      graph_.AddNode(graph_.UniqueName(absl::StrCat(node_.name(), "_grad/", op)), op, inputs);
  status_.Update(added.status());
  if (!added.ok()) return Output();
  for (const auto& [key, value] : attrs) graph_.SetAttr(*added, key, value);
  status_.Update(SetTypesFromInputs(graph_, ops_, *added));
  return added->out(0);
}

Output GradientScope::Scalar(DataType dtype, double value) {
  if (!status_.ok()) return Output();
  const Tensor tensor = ScalarTensor(dtype, value);
  const Node node = graph_.AddConst(absl::StrCat(node_.name(), "_grad/Const"), tensor);
  return tensor.dtype == dtype ? node.out(0) : Cast(node.out(0), dtype);
}

Output GradientScope::Ints(const std::vector<int32_t>& values) {
  if (!status_.ok()) return Output();
  const Tensor tensor = Tensor::Of<int32_t>(DT_INT32, {static_cast<int64_t>(values.size())}, values);
  return graph_.AddConst(absl::StrCat(node_.name(), "_grad/Const"), tensor).out(0);
}

Output GradientScope::Conjugate(Output a) {
  const DataType type = TypeOf(a);
  return type == DT_COMPLEX64 || type == DT_COMPLEX128 ? Add("Conj", {a}) : a;
}

Output GradientScope::Shape(Output a, DataType dtype) {
  return Add("Shape", {a}, {{"out_type", AttrType(dtype)}});
}

Output GradientScope::Cast(Output a, DataType dtype) {
  return TypeOf(a) == dtype ? a : Add("Cast", {a}, {{"DstT", AttrType(dtype)}});
}

Output GradientScope::SumLast(Output a) {
  return Add("Sum", {a, Ints({-1})}, {{"keep_dims", AttrBool(true)}});
}

Output GradientScope::SumTo(Output gradient, Output like) {
  const Output shape = Shape(like);
  const Output axes = Add("BroadcastGradientArgs", {shape, Shape(gradient)});
  return Reshape(Add("Sum", {gradient, axes}), shape);
}

void GradientScope::GiveSummed(int slot, Output gradient) { Give(slot, SumTo(gradient, x(slot))); }

}  // namespace cryograph

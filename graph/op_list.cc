#include "graph/op_list.h"

#include <map>
#include <set>

#include "base/wire.h"
#include "graph/proto/attr_value.pb.h"
#include "graph/proto/meta_graph.pb.h"

namespace cryograph {
namespace {

tensorflow::OpDef::ArgDef ArgDefOf(const ArgSchema& arg) {
  tensorflow::OpDef::ArgDef def;
  def.set_name(std::string(arg.name));
  def.set_type(static_cast<tensorflow::DataType>(arg.type));
  def.set_type_attr(std::string(arg.type_attr));
  def.set_number_attr(std::string(arg.number_attr));
  def.set_type_list_attr(std::string(arg.type_list_attr));
  def.set_is_ref(arg.is_ref);
  return def;
}

tensorflow::OpDef::AttrDef AttrDefOf(const AttrSchema& attr) {
  tensorflow::OpDef::AttrDef def;
  def.set_name(std::string(attr.name));
  def.set_type(std::string(attr.type));
  if (attr.has_default) def.mutable_default_value()->ParseFromString(attr.default_value);
  def.set_has_minimum(attr.has_minimum);
  def.set_minimum(attr.minimum);
  for (const DataType type : attr.allowed_types) {
    def.mutable_allowed_values()->mutable_list()->add_type(static_cast<tensorflow::DataType>(type));
  }
  for (const std::string& value : attr.allowed_strings)
    def.mutable_allowed_values()->mutable_list()->add_s(value);
  return def;
}

}  // namespace

tensorflow::OpDef OpDefOf(const OpSchema& schema) {
  tensorflow::OpDef def;
  def.set_name(std::string(schema.name));
  for (const ArgSchema& arg : schema.inputs) *def.add_input_arg() = ArgDefOf(arg);
  for (const ArgSchema& arg : schema.outputs) *def.add_output_arg() = ArgDefOf(arg);
  for (const AttrSchema& attr : schema.attrs) *def.add_attr() = AttrDefOf(attr);
  def.set_is_stateful(schema.is_stateful);
  def.set_is_commutative(schema.is_commutative);
  def.set_is_aggregate(schema.is_aggregate);
  def.set_allows_uninitialized_input(schema.allows_uninitialized_input);
  if (schema.deprecated > 0) def.mutable_deprecation()->set_version(schema.deprecated);
  return def;
}

std::vector<std::string> OpsInUse(const Model& model) {
  constexpr uint32_t kNodeDef = 3, kOp = 2;  // Of FunctionDef and NodeDef.
  Model reachable = model.Clone();
  reachable.PruneFunctions();
  std::set<std::string> ops;
  for (const Node node : reachable.graph().nodes()) ops.emplace(node.op());
  for (const Function& function : reachable.functions()) {
    WireReader reader(function.wire());
    for (WireField field; reader.Next(&field);) {
      if (field.number != kNodeDef) continue;
      WireReader node(field.bytes);
      for (WireField part; node.Next(&part);) {
        if (part.number == kOp) ops.emplace(part.bytes);
      }
    }
  }
  for (const Function& function : reachable.functions()) ops.erase(std::string(function.name()));
  return std::vector<std::string>(ops.begin(), ops.end());
}

tensorflow::OpList StrippedOpList(const Model& model, std::vector<std::string>* unknown) {
  constexpr uint32_t kMetaInfo = 1;
  std::map<std::string, tensorflow::OpDef> own;
  tensorflow::MetaGraphDef::MetaInfoDef info;
  if (info.ParseFromString(std::string(model.MetaField(kMetaInfo)))) {
    for (const tensorflow::OpDef& op : info.stripped_op_list().op()) own.emplace(op.name(), op);
  }
  tensorflow::OpList list;
  for (const std::string& op : OpsInUse(model)) {
    if (const auto found = own.find(op); found != own.end()) {
      *list.add_op() = found->second;
    } else if (const OpSchema* const schema = FindOp(op); schema != nullptr) {
      *list.add_op() = OpDefOf(*schema);
    } else if (unknown != nullptr) {
      unknown->push_back(op);
    }
  }
  return list;
}

}  // namespace cryograph

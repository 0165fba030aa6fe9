// The object graph of a TensorFlow 2 SavedModel as a document, and Python values as Python writes them.
#include <map>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "graph/dtype.h"
#include "graph/proto/saved_object_graph.pb.h"
#include "graph/proto/struct.pb.h"
#include "tools/model_document.h"

namespace cryograph {
namespace {

using tensorflow::SavedObject;
using tensorflow::StructuredValue;

// "tf.float32": the names of types in Python.
std::string PythonType(tensorflow::DataType dtype) {
  const std::string name = DataTypeName(static_cast<DataType>(dtype));
  static const auto* const kOtherNames = new std::map<std::string, std::string>{
      {"float", "float32"}, {"double", "float64"}, {"half", "float16"}};
  const auto other = kOtherNames->find(name);
  return absl::StrCat("tf.", other == kOtherNames->end() ? name : other->second);
}

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(absl::Utf8SafeCEscape(text), {{"\\\"", "\""}}), "'");
}

template <typename Repeated>
std::string ListText(const Repeated& values, absl::string_view open, absl::string_view close, bool tuple) {
  std::vector<std::string> parts;
  for (const StructuredValue& value : values) parts.push_back(PythonText(value));
  return absl::StrCat(open, absl::StrJoin(parts, ", "), tuple && parts.size() == 1 ? "," : "", close);
}

template <typename Spec>
std::string SpecText(absl::string_view type, const Spec& spec) {
  return absl::StrCat(type, "(shape=", PythonShape(spec.shape()), ", dtype=", PythonType(spec.dtype()),
                      ", name=", spec.name().empty() ? "None" : Quoted(spec.name()), ")");
}

Document VariableDocument(const tensorflow::SavedVariable& variable) {
  Document document = Document::Object();
  document.SetString("name", variable.name());
  document.Set("dtype", Document::String(DataTypeName(static_cast<DataType>(variable.dtype()))));
  document.Set("shape", Document::String(PythonShape(variable.shape())));
  document.Set("trainable", Document::Bool(variable.trainable()));
  document.SetString("device", variable.device());
  document.SetInt("components", variable.experimental_distributed_variable_components_size());
  return document;
}

void Describe(const SavedObject& object, Document* document) {
  switch (object.kind_case()) {
    case SavedObject::kUserObject:
      document->Set("object", Document::String(object.user_object().identifier()));
      break;
    case SavedObject::kAsset:
      document->Set("asset", Document::Int(object.asset().asset_file_def_index()));
      break;
    case SavedObject::kFunction: {
      Document functions = Document::Array();
      for (const std::string& name : object.function().concrete_functions())
        functions.Add(Document::String(name));
      document->Set("function", std::move(functions));
      break;
    }
    case SavedObject::kVariable:
      document->Set("variable", VariableDocument(object.variable()));
      break;
    case SavedObject::kBareConcreteFunction: {
      Document function = Document::Object();
      function.Set("name", Document::String(object.bare_concrete_function().concrete_function_name()));
      Document keywords = Document::Array();
      for (const std::string& name : object.bare_concrete_function().argument_keywords())
        keywords.Add(Document::String(name));
      function.SetIfAny("arguments", std::move(keywords));
      document->Set("concrete_function", std::move(function));
      break;
    }
    case SavedObject::kConstant:
      document->Set("constant", Document::String(object.constant().operation()));
      break;
    case SavedObject::kResource:
      document->Set("resource", Document::String(object.resource().device()));
      break;
    case SavedObject::kCapturedTensor:
      document->Set("captured_tensor", Document::String(object.captured_tensor().name()));
      break;
    case SavedObject::KIND_NOT_SET:
      break;
  }
  document->SetString("registered_name", object.registered_name());
  document->SetString("registered_saver", object.registered_saver());
}

}  // namespace

std::string PythonShape(const tensorflow::TensorShapeProto& shape) {
  if (shape.unknown_rank()) return "<unknown>";
  std::vector<std::string> dims;
  for (const auto& dim : shape.dim()) dims.push_back(dim.size() < 0 ? "None" : absl::StrCat(dim.size()));
  return absl::StrCat("(", absl::StrJoin(dims, ", "), dims.size() == 1 ? "," : "", ")");
}

std::string PythonText(const StructuredValue& value) {
  switch (value.kind_case()) {
    case StructuredValue::kNoneValue:
    case StructuredValue::KIND_NOT_SET:
      return "None";
    case StructuredValue::kFloat64Value: {
      const std::string number = absl::StrCat(value.float64_value());
      return number.find_first_of(".einf") == std::string::npos ? number + ".0" : number;
    }
    case StructuredValue::kInt64Value:
      return absl::StrCat(value.int64_value());
    case StructuredValue::kStringValue:
      return Quoted(value.string_value());
    case StructuredValue::kBoolValue:
      return value.bool_value() ? "True" : "False";
    case StructuredValue::kTensorShapeValue:
      return PythonShape(value.tensor_shape_value());
    case StructuredValue::kTensorDtypeValue:
      return PythonType(value.tensor_dtype_value());
    case StructuredValue::kTensorSpecValue:
      return SpecText("TensorSpec", value.tensor_spec_value());
    case StructuredValue::kBoundedTensorSpecValue:
      return SpecText("BoundedTensorSpec", value.bounded_tensor_spec_value());
    case StructuredValue::kTypeSpecValue:
      return absl::StrCat(value.type_spec_value().type_spec_class_name(), "(",
                          PythonText(value.type_spec_value().type_state()), ")");
    case StructuredValue::kListValue:
      return ListText(value.list_value().values(), "[", "]", false);
    case StructuredValue::kTupleValue:
      return ListText(value.tuple_value().values(), "(", ")", true);
    case StructuredValue::kDictValue: {
      std::map<std::string, std::string> parts;
      for (const auto& field : value.dict_value().fields()) parts[field.first] = PythonText(field.second);
      std::vector<std::string> texts;
      for (const auto& part : parts) texts.push_back(absl::StrCat(Quoted(part.first), ": ", part.second));
      return absl::StrCat("{", absl::StrJoin(texts, ", "), "}");
    }
    case StructuredValue::kNamedTupleValue: {
      std::vector<std::string> texts;
      for (const auto& pair : value.named_tuple_value().values())
        texts.push_back(absl::StrCat(pair.key(), "=", PythonText(pair.value())));
      return absl::StrCat(value.named_tuple_value().name(), "(", absl::StrJoin(texts, ", "), ")");
    }
    case StructuredValue::kTensorValue:
      return absl::StrCat("<tensor of ", PythonType(value.tensor_value().dtype()), ">");
    case StructuredValue::kNumpyValue:
      return absl::StrCat("<array of ", PythonType(value.numpy_value().dtype()), ">");
  }
  return "None";
}

Document ObjectGraphDocument(const tensorflow::SavedObjectGraph& object_graph) {
  Document nodes = Document::Array();
  for (int i = 0; i < object_graph.nodes_size(); ++i) {
    const SavedObject& object = object_graph.nodes(i);
    Document document = Document::Object();
    document.Set("id", Document::Int(i));
    Describe(object, &document);
    Document children = Document::Object();
    for (const auto& child : object.children())
      children.Set(child.local_name(), Document::Int(child.node_id()));
    document.SetIfAny("children", std::move(children));
    Document slots = Document::Array();
    for (const auto& slot : object.slot_variables()) {
      Document each = Document::Object();
      each.Set("slot", Document::String(slot.slot_name()));
      each.Set("of", Document::Int(slot.original_variable_node_id()));
      each.Set("variable", Document::Int(slot.slot_variable_node_id()));
      slots.Add(std::move(each));
    }
    document.SetIfAny("slots", std::move(slots));
    nodes.Add(std::move(document));
  }
  Document functions = Document::Object();
  std::map<std::string, const tensorflow::SavedConcreteFunction*> sorted;
  for (const auto& entry : object_graph.concrete_functions()) sorted[entry.first] = &entry.second;
  for (const auto& entry : sorted) {
    Document function = Document::Object();
    function.Set("arguments", Document::String(PythonText(entry.second->canonicalized_input_signature())));
    function.Set("returns", Document::String(PythonText(entry.second->output_signature())));
    Document bound = Document::Array();
    for (const int id : entry.second->bound_inputs()) bound.Add(Document::Int(id));
    function.SetIfAny("bound", std::move(bound));
    functions.Set(entry.first, std::move(function));
  }
  Document document = Document::Object();
  document.Set("objects", std::move(nodes));
  document.SetIfAny("concrete_functions", std::move(functions));
  return document;
}

}  // namespace cryograph

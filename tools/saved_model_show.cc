// saved_model_cli show: tag-sets, signatures, tensors, ops and functions, in the words of either TensorFlow
// or as JSON.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "graph/meta_graph.h"
#include "graph/op_list.h"
#include "tools/cli.h"
#include "tools/document.h"
#include "tools/model_document.h"
#include "tools/saved_model_cli.h"
#include "tools/saved_model_files.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;
using cli::UsageError;
using tensorflow::MetaGraphDef;
using tensorflow::SavedObject;
using tensorflow::StructuredValue;

struct Flags {
  std::string dir, tag_set, signature_def, format = "tf221";
  bool all = false, list_ops = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("show --dir=DIR [--all | --tag_set=TAGS [--signature_def=KEY]]");
  command.Add(&flags.dir, "dir", "The SavedModel's directory.").Value("DIR").Path();
  command.Add(&flags.all, "all", "Show everything of every MetaGraph.");
  command.Add(&flags.tag_set, "tag_set", "Tags of the MetaGraph, separated by commas: list its signatures.")
      .Value("TAG,TAG…");
  command.Add(&flags.signature_def, "signature_def", "Show the inputs and outputs of this signature.")
      .Value("KEY");
  command.Add(&flags.list_ops, "list_ops", "List the ops of the MetaGraph.");
  command
      .Add(&flags.format, "format",
           "Whose words to use: those of TensorFlow 1.15, those of 2.21 (sets sorted, which are in random "
           "order there), "
           "or JSON.")
      .Choices({"tf15", "tf221", "json"})
      .Value("FORMAT")
      .Extension();
}

// Appends lines to what is printed in the end.
class Page {
 public:
  void Line(int indent, absl::string_view text) {
    text_.append(static_cast<size_t>(2 * indent), ' ');
    absl::StrAppend(&text_, text, "\n");
  }
  void Raw(absl::string_view text) { absl::StrAppend(&text_, text); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void PrintTensors(absl::string_view kind,
                  const google::protobuf::Map<std::string, tensorflow::TensorInfo>& infos, int indent,
                  Page* page) {
  std::map<std::string, const tensorflow::TensorInfo*> sorted;
  for (const auto& info : infos) sorted[info.first] = &info.second;
  for (const auto& [key, info] : sorted) {
    page->Line(indent, absl::StrCat("  ", kind, "['", key, "'] tensor_info:"));
    page->Line(indent + 1,
               absl::StrCat("    dtype: ", DataTypeEnumName(static_cast<DataType>(info->dtype()))));
    std::vector<std::string> dims;
    for (const auto& dim : info->tensor_shape().dim()) dims.push_back(absl::StrCat(dim.size()));
    page->Line(indent + 1,
               absl::StrCat("    shape: ", info->tensor_shape().unknown_rank()
                                               ? "unknown_rank"
                                               : absl::StrCat("(", absl::StrJoin(dims, ", "), ")")));
    page->Line(indent + 1, absl::StrCat("    name: ", info->name()));
  }
}

void PrintSignature(const tensorflow::SignatureDef& signature, int indent, Page* page) {
  page->Line(indent, "The given SavedModel SignatureDef contains the following input(s):");
  PrintTensors("inputs", signature.inputs(), indent, page);
  page->Line(indent, "The given SavedModel SignatureDef contains the following output(s):");
  PrintTensors("outputs", signature.outputs(), indent, page);
  page->Line(indent, absl::StrCat("Method name is: ", signature.method_name()));
}

// The ops that TensorFlow lists: it enters functions that are ops and those that (Stateful)PartitionedCall
// calls, but no branches and bodies of If, Case and While.
std::vector<std::string> OpsThatTensorFlowLists(Model& model) {
  constexpr uint32_t kNodeDef = 3, kOp = 2, kAttr = 5;  // Of FunctionDef and NodeDef.
  std::map<absl::string_view, const Function*> functions;
  for (const Function& function : model.functions()) functions[function.name()] = &function;
  std::set<std::string> ops;
  std::vector<absl::string_view> called;
  std::set<absl::string_view> seen;
  const auto visit = [&](absl::string_view op, AttrView f) {
    if (functions.count(op) > 0) {
      called.push_back(op);
      return;
    }
    ops.emplace(op);
    if ((op == "PartitionedCall" || op == "StatefulPartitionedCall") && f.kind() == AttrView::kFunc)
      called.push_back(f.func_name());
  };
  for (const Node node : model.graph().nodes()) visit(node.op(), node.attr("f"));
  while (!called.empty()) {
    const absl::string_view name = called.back();
    called.pop_back();
    if (functions.count(name) == 0 || !seen.insert(name).second) continue;
    WireReader reader(functions[name]->wire());
    for (WireField field; reader.Next(&field);) {
      if (field.number != kNodeDef) continue;
      absl::string_view op;
      AttrView f;
      WireReader node(field.bytes);
      for (WireField part; node.Next(&part);) {
        if (part.number == kOp) op = part.bytes;
        if (part.number != kAttr) continue;
        absl::string_view key, value;
        WireReader entry(part.bytes);
        for (WireField side; entry.Next(&side);) (side.number == 1 ? key : value) = side.bytes;
        if (key == "f") f = AttrView(value);
      }
      visit(op, f);
    }
  }
  return std::vector<std::string>(ops.begin(), ops.end());
}

void PrintOps(Model& model, Page* page) {
  page->Line(
      0, absl::StrCat("The MetaGraph with tag set ", PythonList(TagsOf(model), '[', ']'),
                      " contains the following ops: ", PythonList(OpsThatTensorFlowLists(model), '{', '}')));
}

std::vector<std::string> SortedKeys(const MetaGraphDef& meta_graph) {
  std::vector<std::string> keys;
  for (const auto& signature : meta_graph.signature_def()) keys.push_back(signature.first);
  std::sort(keys.begin(), keys.end());
  return keys;
}

// Elements of a list or tuple; null for other values.
const google::protobuf::RepeatedPtrField<StructuredValue>* Elements(const StructuredValue& value) {
  if (value.has_list_value()) return &value.list_value().values();
  if (value.has_tuple_value()) return &value.tuple_value().values();
  return nullptr;
}

// The class of a Python value, as type(x).__name__ has it.
absl::string_view ClassOf(const StructuredValue& value) {
  switch (value.kind_case()) {
    case StructuredValue::kFloat64Value:
      return "float";
    case StructuredValue::kInt64Value:
      return "int";
    case StructuredValue::kStringValue:
      return "str";
    case StructuredValue::kBoolValue:
      return "bool";
    case StructuredValue::kListValue:
      return "list";
    case StructuredValue::kTupleValue:
      return "tuple";
    case StructuredValue::kDictValue:
      return "dict";
    case StructuredValue::kTensorShapeValue:
      return "TensorShape";
    case StructuredValue::kTensorDtypeValue:
      return "DType";
    case StructuredValue::kNamedTupleValue:
      return value.named_tuple_value().name();
    case StructuredValue::kTypeSpecValue: {
      absl::string_view name = value.type_spec_value().type_spec_class_name();
      return name.substr(name.rfind('.') + 1);
    }
    default:
      return "NoneType";
  }
}

// TensorFlow takes back the last comma with two backspaces.
constexpr absl::string_view kBackspaces = "\b\b";

void PrintArgument(const StructuredValue& value, Page* page) {
  constexpr int kIndent = 4;
  if (value.has_tensor_spec_value()) {
    const std::string& name = value.tensor_spec_value().name();
    page->Line(kIndent + 1, absl::StrCat(name.empty() ? "None" : name, ": ", PythonText(value)));
    return;
  }
  if (const auto* const elements = Elements(value); elements != nullptr) {
    page->Line(kIndent, absl::StrCat("  DType: ", ClassOf(value)));
    std::string list = "  Value: [";
    for (const StructuredValue& element : *elements) absl::StrAppend(&list, PythonText(element), ", ");
    page->Line(kIndent, absl::StrCat(list, kBackspaces, "]"));
    return;
  }
  page->Line(kIndent, absl::StrCat("  DType: ", ClassOf(value)));
  if (value.has_dict_value()) {
    std::map<std::string, std::string> fields;
    for (const auto& field : value.dict_value().fields()) fields[field.first] = PythonText(field.second);
    std::string dict = "  Value: {";
    for (const auto& field : fields) absl::StrAppend(&dict, "'", field.first, "': ", field.second, ", ");
    page->Line(kIndent, absl::StrCat(dict, kBackspaces, "}"));
  } else {
    page->Line(kIndent, absl::StrCat("  Value: ",
                                     value.has_string_value() ? value.string_value() : PythonText(value)));
  }
}

void PrintConcreteFunction(const tensorflow::SavedConcreteFunction* function, size_t number, bool tf15,
                           Page* page) {
  const auto* const parts =
      function == nullptr ? nullptr : Elements(function->canonicalized_input_signature());
  const auto* const args = parts == nullptr || parts->empty() ? nullptr : Elements(parts->Get(0));
  if (tf15 || (args != nullptr && !args->empty())) {
    page->Line(2, absl::StrCat("Option #", number));
    page->Line(3, "Callable with:");
  }
  for (int i = 0; args != nullptr && i < args->size(); ++i) {
    page->Line(4, absl::StrCat("Argument #", i + 1));
    PrintArgument(args->Get(i), page);
  }
  if (parts == nullptr || parts->size() < 2 || !parts->Get(1).has_dict_value()) return;
  std::vector<std::string> keywords;
  for (const auto& field : parts->Get(1).dict_value().fields()) keywords.push_back(field.first);
  std::sort(keywords.begin(), keywords.end());
  for (size_t i = 0; i < keywords.size(); ++i) {
    page->Line(4, absl::StrCat("Named Argument #", i + 1));
    page->Line(4, absl::StrCat("  ", keywords[i]));
  }
}

// The functions that the root object offers.
void PrintFunctions(const tensorflow::SavedObjectGraph& objects, bool tf15, Page* page) {
  page->Raw(tf15 ? "\nDefined Functions:" : "\nConcrete Functions:");
  std::map<std::string, const SavedObject*> children;
  if (objects.nodes_size() > 0) {
    for (const auto& child : objects.nodes(0).children()) {
      if (child.node_id() < 0 || child.node_id() >= objects.nodes_size()) continue;
      const SavedObject& object = objects.nodes(child.node_id());
      if (object.has_function() || (object.has_bare_concrete_function() && !tf15))
        children[child.local_name()] = &object;
    }
  }
  for (const auto& [name, object] : children) {
    page->Raw(absl::StrCat("\n  Function Name: '", name, "'\n"));
    std::vector<std::string> functions(object->function().concrete_functions().begin(),
                                       object->function().concrete_functions().end());
    if (object->has_bare_concrete_function())
      functions = {object->bare_concrete_function().concrete_function_name()};
    std::sort(functions.begin(), functions.end());
    for (size_t i = 0; i < functions.size(); ++i) {
      const auto found = objects.concrete_functions().find(functions[i]);
      PrintConcreteFunction(found == objects.concrete_functions().end() ? nullptr : &found->second, i + 1,
                            tf15, page);
    }
  }
  if (children.empty()) page->Raw("\n");
}

absl::Status ShowAll(OpenedFile& file, bool tf15, Page* page) {
  std::vector<std::pair<std::vector<std::string>, Model*>> sorted;
  for (Model& model : file.models) sorted.emplace_back(TagsOf(model), &model);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::optional<tensorflow::SavedObjectGraph> objects;
  for (const auto& [tags, model] : sorted) {
    ASSIGN_OR_RETURN(MetaGraphDef meta_graph, MetaGraphOf(*model));
    page->Line(0, absl::StrCat("\nMetaGraphDef with tag-set: '", absl::StrJoin(tags, ", "),
                               "' contains the following SignatureDefs:"));
    for (const std::string& key : SortedKeys(meta_graph)) {
      page->Line(0, absl::StrCat("\nsignature_def['", key, "']:"));
      PrintSignature(meta_graph.signature_def().at(key), 1, page);
    }
    if (!tf15) PrintOps(*model, page);
    if (meta_graph.has_object_graph_def() && !objects.has_value()) {
      objects.emplace();
      objects->Swap(meta_graph.mutable_object_graph_def());
    }
  }
  if (objects.has_value()) PrintFunctions(*objects, tf15, page);
  return absl::OkStatus();
}

absl::Status ShowJson(OpenedFile& file, const Flags& flags, Page* page) {
  Document meta_graphs = Document::Array();
  std::vector<Model*> models;
  if (flags.tag_set.empty()) {
    for (Model& model : file.models) models.push_back(&model);
  } else {
    ASSIGN_OR_RETURN(Model* const model, FindTagSet(file, flags.tag_set));
    models = {model};
  }
  for (Model* const model : models) {
    ASSIGN_OR_RETURN(const MetaGraphDef meta_graph, MetaGraphOf(*model));
    Document document = Document::Object();
    document.Set("tags", Document::Strings(TagsOf(*model)));
    Document signatures = Document::Object();
    for (const std::string& key : SortedKeys(meta_graph)) {
      if (!flags.signature_def.empty() && key != flags.signature_def) continue;
      signatures.Set(key, SignatureDocument(meta_graph.signature_def().at(key)));
    }
    document.Set("signatures", std::move(signatures));
    if (flags.all || flags.list_ops) document.Set("ops", Document::Strings(OpsInUse(*model)));
    if (flags.all && meta_graph.has_object_graph_def())
      document.Set("object_graph", ObjectGraphDocument(meta_graph.object_graph_def()));
    meta_graphs.Add(std::move(document));
  }
  Document document = Document::Object();
  document.Set("meta_graphs", std::move(meta_graphs));
  page->Raw(document.Json());
  return absl::OkStatus();
}

void ShowTagSets(const OpenedFile& file, bool tf15, Page* page) {
  page->Line(0, "The given SavedModel contains the following tag-sets:");
  std::vector<std::string> sets;
  for (const Model& model : file.models) {
    std::vector<std::string> tags = TagsOf(model);
    std::sort(tags.begin(), tags.end());
    sets.push_back(absl::StrJoin(tags, ", "));
  }
  std::sort(sets.begin(), sets.end());
  for (const std::string& set : sets) page->Line(0, tf15 ? set : absl::StrCat("'", set, "'"));
}

absl::Status Show(const Flags& flags) {
  if (flags.dir.empty()) return UsageError("--dir must name the SavedModel's directory");
  if (flags.list_ops && flags.tag_set.empty() && !flags.all)
    return UsageError("--list_ops must be paired with a tag-set or with --all.");
  if (!flags.signature_def.empty() && flags.tag_set.empty() && flags.format != "json" && !flags.all)
    return UsageError("--signature_def needs --tag_set, which says of which MetaGraph");
  ASSIGN_OR_RETURN(OpenedFile file, OpenSavedModel(flags.dir));
  Page page;
  const bool tf15 = flags.format == "tf15";
  Model* model = nullptr;
  if (!flags.tag_set.empty()) {
    ASSIGN_OR_RETURN(model, FindTagSet(file, flags.tag_set));
    ASSIGN_OR_RETURN(const MetaGraphDef meta_graph, MetaGraphOf(*model));
    const std::vector<std::string> keys = SortedKeys(meta_graph);
    if (!flags.signature_def.empty() && std::count(keys.begin(), keys.end(), flags.signature_def) == 0) {
      return absl::NotFoundError(absl::StrCat("Could not find signature \"", flags.signature_def,
                                              "\". Please choose from: ", absl::StrJoin(keys, ", ")));
    }
    if (flags.format != "json" && !flags.all && !flags.list_ops) {
      if (!flags.signature_def.empty()) {
        PrintSignature(meta_graph.signature_def().at(flags.signature_def), 0, &page);
      } else {
        page.Line(0, "The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:");
        for (const std::string& key : keys) page.Line(0, absl::StrCat("SignatureDef key: \"", key, "\""));
      }
    }
  }
  if (flags.format == "json") {
    RETURN_IF_ERROR(ShowJson(file, flags, &page));
  } else if (flags.all) {
    RETURN_IF_ERROR(ShowAll(file, tf15, &page));
  } else if (flags.tag_set.empty()) {
    ShowTagSets(file, tf15, &page);
  } else if (flags.list_ops) {
    PrintOps(*model, &page);
  }
  std::fputs(page.text().c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

std::string PythonList(const std::vector<std::string>& names, char open, char close) {
  if (names.empty()) return open == '{' ? "set()" : "[]";
  return absl::StrCat(std::string(1, open), "'", absl::StrJoin(names, "', '"), "'", std::string(1, close));
}

int RunSavedModelShow(absl::Span<const std::string> args) {
  Flags flags;
  Command command("saved_model_cli show", Family::kPython, "shows what a SavedModel offers.");
  Declare(flags, command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Show(flags));
}

}  // namespace cryograph

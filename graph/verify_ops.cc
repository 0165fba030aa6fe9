// Checks nodes against the definitions of their ops: attributes, number and types of inputs, tensors.
#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/wire.h"
#include "graph/tensor.h"
#include "graph/verify_internal.h"

namespace cryograph {
namespace {

struct KindName {
  absl::string_view type;
  AttrView::Kind kind;
  uint32_t list_field;  // Of an element in AttrValue.ListValue.
};
constexpr KindName kKindNames[] = {
    {"string", AttrView::kString, 2}, {"int", AttrView::kInt, 3},
    {"float", AttrView::kFloat, 4},   {"bool", AttrView::kBool, 5},
    {"type", AttrView::kType, 6},     {"shape", AttrView::kShape, 7},
    {"tensor", AttrView::kTensor, 8}, {"func", AttrView::kFunc, 9},
    {"list", AttrView::kList, 0},     {"placeholder", AttrView::kPlaceholder, 0},
};

const KindName* FindKind(absl::string_view type) {
  for (const KindName& name : kKindNames) {
    if (name.type == type) return &name;
  }
  return nullptr;
}

absl::string_view KindText(AttrView::Kind kind) {
  for (const KindName& name : kKindNames) {
    if (name.kind == kind) return name.type;
  }
  return kind == AttrView::kEmpty ? "nothing" : "something unknown";
}

// True if every element of the list is field `number` of ListValue.
bool OnlyElements(const AttrView& list, uint32_t number) {
  WireReader value(list.bytes());
  for (WireField field; value.Next(&field);) {
    if (field.number != 1 || field.type != WireType::kBytes) continue;
    WireReader elements(field.bytes);
    for (WireField element; elements.Next(&element);) {
      if (element.number != number && element.number >= 2 && element.number <= 9) return false;
    }
  }
  return true;
}

std::string TypesText(const TypeRuns& runs) {
  std::string text;
  int64_t shown = 0;
  for (const TypeRuns::Run& run : runs.runs()) {
    for (int64_t i = 0; i < run.count; ++i) {
      if (++shown > 8) return absl::StrCat(text, ", ...");
      absl::StrAppend(&text, text.empty() ? "" : ", ", DataTypeName(run.type));
    }
  }
  return text;
}

}  // namespace

AttrView OpVerifier::Attr(absl::string_view key) const {
  for (const auto& attr : attrs_) {
    if (attr.first == key) return attr.second;
  }
  return AttrView();
}

OpVerifier::Candidates& OpVerifier::CandidatesOf(Node node) {
  Candidates& result = candidates_[static_cast<size_t>(node.op_id())];
  if (result.looked_up) return result;
  result.looked_up = true;
  const absl::string_view op = node.op();
  const OpSchema* known = registry_.Find(op);
  if (known == nullptr) return result;
  result.since = known->since;
  if (known->is_function || (!known->in_1_15 && !known->in_2_21 && known != FindOp(op))) {
    result.schemas[0] = known;  // Of the model itself.
    return result;
  }
  if (options_.target.has_value()) {
    result.schemas[0] = FindOp(op, *options_.target);
    result.in_other_release = result.schemas[0] == nullptr;
    return result;
  }
  result.schemas[0] = known;
  const OpSchema* old = FindOp(op, Release::k1_15);
  if (old != known) result.schemas[1] = old;
  return result;
}

OpVerifier::Range OpVerifier::Store(const TypeRuns& runs) {
  Range range;
  range.begin = static_cast<uint32_t>(types_.size());
  int64_t end = 0;
  for (const TypeRuns::Run& run : runs.runs()) {
    end = std::min<int64_t>(end + std::min<int64_t>(run.count, int64_t{1} << 32),
                            std::numeric_limits<int32_t>::max());
    types_.push_back({static_cast<int32_t>(run.type), static_cast<int32_t>(end)});
  }
  range.end = static_cast<uint32_t>(types_.size());
  return range;
}

bool OpVerifier::TypeAt(Range range, int64_t index, DataType* type) const {
  const auto begin = types_.begin() + range.begin, end = types_.begin() + range.end;
  const auto run = std::upper_bound(begin, end, index,
                                    [](int64_t wanted, const TypeRun& each) { return wanted < each.end; });
  if (index < 0 || run == end) return false;
  *type = static_cast<DataType>(run->type);
  return true;
}

void OpVerifier::CheckValue(const AttrSchema& attr, const AttrView& value, bool in_body,
                            std::vector<Problem>* problems) {
  absl::string_view type = attr.type;
  const bool is_list = absl::ConsumePrefix(&type, "list(") && absl::ConsumeSuffix(&type, ")");
  const KindName* kind = FindKind(type);
  if (kind == nullptr || (in_body && value.kind() == AttrView::kPlaceholder)) return;
  if (value.kind() != (is_list ? AttrView::kList : kind->kind)) {
    problems->push_back({FindingCode::kAttrKind, true,
                         absl::StrCat("attribute '", attr.name, "' is a ", KindText(value.kind()),
                                      ", but its op declares ", attr.type)});
    return;
  }
  if (is_list && !OnlyElements(value, kind->list_field)) {
    problems->push_back(
        {FindingCode::kAttrKind, true,
         absl::StrCat("attribute '", attr.name, "' lists values of another kind than its op declares (",
                      attr.type, ")")});
    return;
  }
  if (kind->kind == AttrView::kType) {
    const std::vector<DataType> types = is_list ? value.list_type() : std::vector<DataType>{value.type()};
    for (DataType each : types) {
      const bool refused = each == DT_INVALID || IsRefType(each);
      const bool allowed =
          attr.allowed_types.empty() ||
          std::find(attr.allowed_types.begin(), attr.allowed_types.end(), each) != attr.allowed_types.end();
      if (!refused && allowed) continue;
      problems->push_back(
          {FindingCode::kValueNotAllowed, true,
           absl::StrCat("attribute '", attr.name, "' is ", DataTypeName(each),
                        refused ? ", which no attribute may be" : ", which its op does not take")});
      break;
    }
  } else if (kind->kind == AttrView::kString && !attr.allowed_strings.empty()) {
    const std::vector<absl::string_view> texts =
        is_list ? value.list_s() : std::vector<absl::string_view>{value.s()};
    for (absl::string_view each : texts) {
      if (std::find(attr.allowed_strings.begin(), attr.allowed_strings.end(), each) !=
          attr.allowed_strings.end()) {
        continue;
      }
      problems->push_back({FindingCode::kValueNotAllowed, true,
                           absl::StrCat("attribute '", attr.name, "' is '", each, "', but its op takes '",
                                        absl::StrJoin(attr.allowed_strings, "', '"), "'")});
      break;
    }
  }
  if (!attr.has_minimum) return;
  const int64_t number = is_list ? value.list_size() : value.i();
  if (number >= attr.minimum) return;
  problems->push_back({FindingCode::kBelowMinimum, true,
                       absl::StrCat("attribute '", attr.name, is_list ? "' has length " : "' is ", number,
                                    ", but its op asks for at least ", attr.minimum)});
}

void OpVerifier::CheckAttrs(const OpSchema& schema, bool in_body, std::vector<Problem>* problems) {
  problems->clear();
  const bool strict = options_.target == Release::k1_15;
  if (schema.deprecated > 0 && producer_ >= schema.deprecated) {
    problems->push_back({FindingCode::kDeprecatedOp, true,
                         absl::StrCat("op ", schema.name, " is refused in graphs of producer ",
                                      schema.deprecated, " and later, and this one is of ", producer_)});
  }
  for (const AttrSchema& attr : schema.attrs) {
    const AttrView value = Attr(attr.name);
    if (value.kind() == AttrView::kNone) {
      if (!attr.has_default) {
        problems->push_back({FindingCode::kMissingAttr, true,
                             absl::StrCat("lacks attribute '", attr.name, "' (", attr.type, ")")});
      }
    } else if (value.kind() == AttrView::kEmpty) {
      // Old graphs leave an empty list out; importers put a default in.
      if (!attr.has_default && !absl::StartsWith(attr.type, "list(")) {
        problems->push_back({FindingCode::kEmptyAttr, true,
                             absl::StrCat("attribute '", attr.name, "' (", attr.type, ") has no value")});
      }
    } else {
      CheckValue(attr, value, in_body, problems);
    }
  }
  for (const auto& attr : attrs_) {
    if (absl::StartsWith(attr.first, "_") || schema.FindAttr(attr.first) != nullptr) continue;
    problems->push_back({FindingCode::kUnknownAttr, strict,
                         absl::StrCat("op ", schema.name, " declares no attribute '", attr.first, "'")});
  }
}

const OpSchema* OpVerifier::Choose(Node node, bool in_body, FindingList* findings) {
  const Candidates& candidates = CandidatesOf(node);
  if (candidates.schemas[0] == nullptr) {
    if (node.op().empty()) return nullptr;
    if (candidates.in_other_release) {
      findings->Add(FindingCode::kOpNotInRelease, node.name(),
                    absl::StrCat("op '", node.op(), "' is not in the release asked for; it came with ",
                                 candidates.since.empty() ? "another" : candidates.since));
    } else {
      findings->Add(FindingCode::kUnknownOp, node.name(),
                    absl::StrCat("nothing is known of op '", node.op(), "'"));
    }
    return nullptr;
  }
  const auto errors = [](const std::vector<Problem>& problems) {
    return std::count_if(problems.begin(), problems.end(), [](const Problem& each) { return each.is_error; });
  };
  const OpSchema* schema = candidates.schemas[0];
  CheckAttrs(*schema, in_body, &problems_);
  if (!problems_.empty() && candidates.schemas[1] != nullptr) {
    CheckAttrs(*candidates.schemas[1], in_body, &others_);
    if (errors(others_) < errors(problems_)) {
      schema = candidates.schemas[1];
      problems_.swap(others_);
    }
  }
  for (Problem& problem : problems_) {
    if (problem.is_error) {
      findings->AddError(problem.code, node.name(), std::move(problem.text));
    } else {
      findings->Add(problem.code, node.name(), std::move(problem.text));
    }
  }
  return schema;
}

void OpVerifier::CheckTensors(Node node, FindingList* findings) {
  const bool is_const = node.op() == "Const";
  for (const auto& attr : attrs_) {
    const AttrView& value = attr.second;
    if (value.kind() != AttrView::kTensor) continue;
    DataType type = DT_INVALID;
    if (value.tensor_source() != nullptr) {
      type = value.tensor_source()->dtype();
    } else {
      const absl::Status status = CheckTensorProto(value.tensor_bytes());
      // A type that is newer than this program is kept, and is no defect.
      if (!status.ok() && !absl::IsUnimplemented(status)) {
        findings->Add(FindingCode::kBadTensor, node.name(),
                      absl::StrCat("attribute '", attr.first, "': ", status.message()));
      }
      const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(value.tensor_bytes());
      if (!header.ok()) continue;
      type = header->dtype;
    }
    if (!is_const || attr.first != "value") continue;
    const AttrView dtype = Attr("dtype");
    if (dtype.kind() == AttrView::kType && dtype.type() != type) {
      findings->Add(FindingCode::kConstType, node.name(),
                    absl::StrCat("attribute 'dtype' is ", DataTypeName(dtype.type()), ", but the tensor is ",
                                 DataTypeName(type)));
    }
  }
}

void OpVerifier::CheckCalls(Node node, FindingList* findings) {
  const auto check = [&](absl::string_view key, absl::string_view name) {
    if (name.empty() || registry_.Find(name) != nullptr) return;
    findings->Add(
        FindingCode::kMissingFunction, node.name(),
        absl::StrCat("attribute '", key, "' names function '", name, "', which the library does not have"));
  };
  for (const auto& attr : attrs_) {
    if (attr.second.kind() == AttrView::kFunc) {
      check(attr.first, attr.second.func_name());
    } else if (attr.second.kind() == AttrView::kList) {
      for (absl::string_view func : attr.second.list_func()) check(attr.first, NameOfNameAttrList(func));
    }
  }
}

void OpVerifier::Verify(Graph& graph, const OpSchema* signature, FindingList* findings) {
  signature_ = signature;
  const bool in_body = signature != nullptr;
  candidates_.assign(static_cast<size_t>(graph.num_ops()), Candidates());
  chosen_.assign(graph.id_limit(), nullptr);
  inputs_.assign(graph.id_limit(), Range());
  outputs_.assign(graph.id_limit(), Range());
  types_.clear();
  arguments_.clear();
  argument_begins_.clear();
  if (in_body) {
    for (const ArgSchema& arg : signature->inputs) {
      const bool single = arg.type_list_attr.empty() && arg.number_attr.empty() && arg.type_attr.empty();
      arguments_.emplace(arg.name, single ? (arg.is_ref ? RefType(arg.type) : arg.type) : DT_INVALID);
    }
  }
  for (Node node : graph.nodes()) {
    node.GetAttrs(&attrs_);
    CheckTensors(node, findings);
    if (options_.functions) CheckCalls(node, findings);
    const OpSchema* schema = Choose(node, in_body, findings);
    if (schema == nullptr) continue;
    const size_t id = static_cast<size_t>(node.id());
    chosen_[id] = schema;
    has_placeholder_ = in_body && std::any_of(attrs_.begin(), attrs_.end(), [](const auto& attr) {
                         return attr.second.kind() == AttrView::kPlaceholder;
                       });
    if (has_placeholder_) continue;
    const auto lookup = [this](absl::string_view key) { return Attr(key); };
    // What is wrong with an attribute was said above.
    if (ArgTypes(*schema, schema->outputs, lookup, &runs_).ok()) {
      outputs_[id] = Store(runs_);
      const AttrView shapes = in_body ? AttrView() : Attr("_output_shapes");
      if (shapes.kind() == AttrView::kList) {
        const int64_t count = static_cast<int64_t>(shapes.list_shape().size());
        if (count != runs_.size()) {
          findings->Add(count < runs_.size() ? FindingCode::kTooFewShapes : FindingCode::kTooManyShapes,
                        node.name(),
                        absl::StrCat("_output_shapes has ", count, " shapes for ", runs_.size(), " outputs"));
        }
      }
    }
    if (!ArgTypes(*schema, schema->inputs, lookup, &runs_).ok()) continue;
    if (runs_.size() == node.num_inputs()) {
      inputs_[id] = Store(runs_);
      continue;
    }
    findings->Add(FindingCode::kNumInputs, node.name(),
                  absl::StrCat("has ", node.num_inputs(), " data inputs, but ", node.op(),
                               " with its attributes takes ", runs_.size(),
                               runs_.size() == 0 ? "" : absl::StrCat(" (", TypesText(runs_), ")")));
  }
  for (Node node : graph.nodes()) CheckInputs(graph, node, findings);
}

void OpVerifier::CheckInputs(Graph& graph, Node node, FindingList* findings) {
  const Range expected = inputs_[static_cast<size_t>(node.id())];
  uint32_t run = expected.begin;
  for (int slot = 0; slot < node.num_inputs(); ++slot) {
    while (expected.known() && run < expected.end && slot >= types_[run].end) ++run;
    const Output input = node.input(slot);
    if (graph.node(input.node).is_missing()) continue;
    DataType type = DT_INVALID;
    std::string why;
    const absl::string_view producer = graph.node(input.node).name();
    if (!OutputType(graph, input, &type, &why)) {
      findings->Add(graph.is_function() ? FindingCode::kBadBodyInput : FindingCode::kNoSuchOutput,
                    node.name(),
                    absl::StrCat("input ", slot, " is '", producer,
                                 graph.is_function() ? std::string(graph.PortText(input.index))
                                                     : absl::StrCat(":", input.index),
                                 "', but ", why));
      continue;
    }
    if (!expected.known() || run >= expected.end || type == DT_INVALID) continue;
    const DataType wanted = static_cast<DataType>(types_[run].type);
    if (wanted == DT_INVALID || wanted == type || wanted == BaseType(type)) continue;
    const bool needs_reference = IsRefType(wanted) && BaseType(wanted) == type;
    findings->Add(needs_reference ? FindingCode::kInputNotReference : FindingCode::kInputType, node.name(),
                  absl::StrCat("input ", slot, " is ", DataTypeName(type), ", from '", producer,
                               graph.is_function() ? std::string(graph.PortText(input.index))
                                                   : absl::StrCat(":", input.index),
                               "', but ", DataTypeName(wanted), " is expected"));
  }
}

bool OpVerifier::ArgumentType(Node node, absl::string_view port, DataType* type, std::string* why) const {
  const auto found = arguments_.find(node.name());
  *type = found == arguments_.end() ? DT_INVALID : found->second;
  int64_t index = 0;
  if (port.empty() || port == ":0") return true;
  // An argument of several tensors has them one by one; how many is not known here.
  if (*type == DT_INVALID && absl::SimpleAtoi(port.substr(1), &index) && index >= 0) return true;
  *why = absl::StrCat("argument '", node.name(), "' is one tensor");
  return false;
}

bool OpVerifier::FlatIndex(Graph& graph, Node node, absl::string_view port, int64_t* index,
                           std::string* why) {
  const OpSchema* schema = chosen_[static_cast<size_t>(node.id())];
  const std::vector<absl::string_view> parts = absl::StrSplit(port, ':');
  int64_t offset = 0;
  if (parts.size() < 2 || parts.size() > 3 || parts[1].empty() ||
      absl::ascii_isdigit(static_cast<unsigned char>(parts[1][0])) ||
      (parts.size() == 3 && (!absl::SimpleAtoi(parts[2], &offset) || offset < 0))) {
    *why = absl::StrCat("a function body writes an output as '", node.name(), ":output_arg:index'");
    return false;
  }
  *index = -1;
  if (schema == nullptr) return true;
  std::vector<int64_t>& begins = argument_begins_[static_cast<uint32_t>(node.id())];
  if (begins.empty()) {
    begins.push_back(0);
    for (const ArgSchema& arg : schema->outputs) {
      const auto lookup = [&graph, node](absl::string_view key) {
        (void)graph;
        return node.attr(key);
      };
      if (!ArgTypes(*schema, {arg}, lookup, &runs_).ok()) break;
      begins.push_back(begins.back() + std::min<int64_t>(runs_.size(), int64_t{1} << 32));
    }
  }
  for (size_t i = 0; i < schema->outputs.size(); ++i) {
    if (schema->outputs[i].name != parts[1]) continue;
    if (i + 1 >= begins.size()) return true;  // Its attributes are placeholders, or wrong.
    if (offset >= begins[i + 1] - begins[i]) {
      *why = absl::StrCat("output '", parts[1], "' of '", node.name(), "' (", node.op(), ") is of ",
                          begins[i + 1] - begins[i], " tensors");
      return false;
    }
    *index = begins[i] + offset;
    return true;
  }
  *why = absl::StrCat("'", node.name(), "' (", node.op(), ") has no output '", parts[1], "'");
  return false;
}

bool OpVerifier::OutputType(Graph& graph, Output output, DataType* type, std::string* why) {
  const Node node = graph.node(output.node);
  *type = DT_INVALID;
  if (node.is_argument()) return ArgumentType(node, graph.PortText(output.index), type, why);
  int64_t index = output.index;
  if (graph.is_function() && !FlatIndex(graph, node, graph.PortText(output.index), &index, why)) return false;
  const Range range = outputs_[static_cast<size_t>(output.node)];
  if (!range.known() || index < 0) return true;
  if (TypeAt(range, index, type)) return true;
  const int64_t size = range.begin == range.end ? 0 : types_[range.end - 1].end;
  *why = absl::StrCat("'", node.name(), "' (", node.op(), ") has ", size, size == 1 ? " output" : " outputs");
  return false;
}

bool OpVerifier::ReferenceType(Graph& graph, absl::string_view reference, DataType* type, std::string* why) {
  *type = DT_INVALID;
  const size_t colon = reference.find(':');
  const absl::string_view name = reference.substr(0, colon);
  const absl::string_view port =
      colon == absl::string_view::npos ? absl::string_view() : reference.substr(colon);
  const Node node = graph.Find(name);
  if (!node) {
    const auto argument = arguments_.find(name);
    if (argument == arguments_.end()) {
      *why = absl::StrCat("the body has neither a node nor an argument '", name, "'");
      return false;
    }
    *type = argument->second;
    if (port.empty() || port == ":0" || *type == DT_INVALID) return true;
    *why = absl::StrCat("argument '", name, "' is one tensor");
    return false;
  }
  int64_t index = -1;
  if (!FlatIndex(graph, node, port, &index, why)) return false;
  const Range range = outputs_[static_cast<size_t>(node.id())];
  if (range.known() && index >= 0) TypeAt(range, index, type);
  return true;
}

}  // namespace cryograph

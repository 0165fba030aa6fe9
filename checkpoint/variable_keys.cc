#include "checkpoint/variable_keys.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/wire.h"

namespace cryograph {
namespace {

constexpr absl::string_view kEmaSuffix = "/ExponentialMovingAverage";
// The shared_name by which TF2 says that a handle shares with nobody.
constexpr absl::string_view kAnonymous = "cd2c89b7-88b7-44c8-ad83-06c2a9158347";

std::vector<int64_t> Int64List(absl::string_view message, uint32_t number) {
  std::vector<int64_t> values;
  WireReader reader(message);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number != number) continue;
    if (field.type == WireType::kVarint) values.push_back(static_cast<int64_t>(field.varint));
    if (field.type == WireType::kBytes) {
      absl::string_view packed = field.bytes;
      uint64_t value;
      while (ReadVarint(&packed, &value)) values.push_back(static_cast<int64_t>(value));
    }
  }
  return values;
}

// "4 2 0,2:0,2" for the part of `length` at `start` of a tensor of `full`.
std::string SliceSpecFrom(absl::Span<const int64_t> full, absl::Span<const int64_t> start,
                          absl::Span<const int64_t> length) {
  std::string spec;
  for (int64_t dim : full) absl::StrAppend(&spec, dim, " ");
  for (size_t i = 0; i < full.size(); ++i)
    absl::StrAppend(&spec, i == 0 ? "" : ":", start[i], ",", length[i]);
  return spec;
}

// "w/part_3" → "w" and 3.
bool SplitPart(absl::string_view name, absl::string_view* base, int* part) {
  const size_t slash = name.rfind("/part_");
  if (slash == absl::string_view::npos || slash == 0) return false;
  *base = name.substr(0, slash);
  return absl::SimpleAtoi(name.substr(slash + 6), part) && *part >= 0;
}

std::string StorageOf(Node variable) {
  const bool handle = variable.op() == "VarHandleOp";
  absl::string_view shared = variable.attr("shared_name", absl::string_view());
  if (shared.empty() || shared == kAnonymous) shared = variable.name();
  return absl::StrCat(handle ? "handle" : "variable", "\n", variable.attr("container", absl::string_view()),
                      "\n", shared);
}

}  // namespace

bool IsVariableOp(absl::string_view op) {
  return op == "VariableV2" || op == "Variable" || op == "VarHandleOp" || op == "AutoReloadVariable";
}

VariableType TypeOfVariable(Node variable) {
  VariableType type;
  type.dtype = variable.attr("dtype", DT_INVALID);
  const AttrView shape = variable.attr("shape");
  if (shape.kind() == AttrView::kShape) {
    type.shape = shape.shape();
    // The first variable op could not say "unknown", and wrote an empty shape for it.
    if (type.shape.dims.empty() && variable.op() == "Variable") type.shape.unknown_rank = true;
  } else {
    type.shape.unknown_rank = true;
  }
  return type;
}

bool ShapeAdmits(const PartialShape& shape, absl::Span<const int64_t> dims) {
  if (shape.unknown_rank) return true;
  if (shape.dims.size() != dims.size()) return false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (shape.dims[i] >= 0 && shape.dims[i] != dims[i]) return false;
  }
  return true;
}

VariableKeys::VariableKeys(Model& model, const RestoreMap& restore_map, const Checkpoint& checkpoint,
                           const KeyOptions& options)
    : model_(model), restore_map_(restore_map), checkpoint_(checkpoint), options_(options) {
  for (Node node : model_.graph().nodes()) {
    if (IsVariableOp(node.op())) storage_[StorageOf(node)].push_back(node);
  }
  ReadCollections();
  ReadObjectGraph();
}

void VariableKeys::ReadCollections() {
  // MetaGraphDef.collection_def is a map; every collection may hold VariableDefs, and only those parse as one
  // with a save_slice_info_def that makes sense.
  for (const RawField& field : model_.meta_fields) {
    if (field.number != 4) continue;
    absl::string_view name, collection;
    WireReader entry(field.payload);
    WireField part;
    while (entry.Next(&part)) {
      if (part.type != WireType::kBytes) continue;
      if (part.number == 1) name = part.bytes;
      if (part.number == 2) collection = part.bytes;
    }
    if (!absl::StrContains(name, "variables") && name != "global_step") continue;
    WireReader list(collection);
    while (list.Next(&part)) {
      if (part.number != 2 || part.type != WireType::kBytes) continue;  // bytes_list
      WireReader values(part.bytes);
      WireField value;
      while (values.Next(&value)) {
        if (value.number != 1 || value.type != WireType::kBytes) continue;
        absl::string_view variable_name, info;
        WireReader definition(value.bytes);
        WireField item;
        while (definition.Next(&item)) {
          if (item.type != WireType::kBytes) continue;
          if (item.number == 1) variable_name = item.bytes;
          if (item.number == 4) info = item.bytes;
        }
        if (info.empty()) continue;
        SliceInfo slice;
        WireReader reader(info);
        while (reader.Next(&item)) {
          if (item.number == 1 && item.type == WireType::kBytes) slice.full_name = std::string(item.bytes);
        }
        const std::vector<int64_t> full = Int64List(info, 2), start = Int64List(info, 3),
                                   length = Int64List(info, 4);
        if (slice.full_name.empty() || full.size() != start.size() || full.size() != length.size()) continue;
        slice.spec = SliceSpecFrom(full, start, length);
        slices_.emplace(std::string(variable_name.substr(0, variable_name.find(':'))), std::move(slice));
      }
    }
  }
}

void VariableKeys::ReadObjectGraph() {
  const absl::StatusOr<std::string> object_graph = checkpoint_.ObjectGraph();
  if (!object_graph.ok()) return;
  WireReader nodes(*object_graph);
  WireField node;
  while (nodes.Next(&node)) {
    if (node.number != 1 || node.type != WireType::kBytes) continue;
    WireReader fields(node.bytes);
    WireField attribute;
    while (fields.Next(&attribute)) {
      if (attribute.number != 2 || attribute.type != WireType::kBytes) continue;
      absl::string_view full_name, key;
      WireReader items(attribute.bytes);
      WireField item;
      while (items.Next(&item)) {
        if (item.type != WireType::kBytes) continue;
        if (item.number == 2) full_name = item.bytes;
        if (item.number == 3) key = item.bytes;
      }
      if (full_name.empty() || key.empty()) continue;
      std::vector<std::string>& keys = object_keys_[std::string(full_name)];
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.emplace_back(key);
    }
  }
}

const std::vector<Node>& VariableKeys::Aliases(Node variable) const {
  return storage_.find(StorageOf(variable))->second;  // The variable itself is among them.
}

bool VariableKeys::Fits(absl::string_view key, const VariableType& type) const {
  const CheckpointEntry* entry = checkpoint_.Find(key);
  return entry != nullptr && entry->dtype == type.dtype && ShapeAdmits(type.shape, entry->dims);
}

bool VariableKeys::FromMap(Node variable, KeyChoice* choice) const {
  const absl::string_view name = variable.name();
  for (const auto& [from, to] : options_.variable_map) {
    absl::string_view rest = name;
    absl::string_view scope = from;
    if (from == name) {
      choice->value.key = to;
    } else if (absl::ConsumeSuffix(&scope, "*") && absl::ConsumePrefix(&rest, scope)) {
      choice->value.key = absl::StrCat(absl::StripSuffix(to, "*"), rest);
    } else {
      continue;
    }
    choice->how = "variable map";
    // A part of a partitioned variable stays that part.
    if (const RestoredValue* restored = restore_map_.Of(variable.id()); restored != nullptr) {
      choice->value.slice_spec = restored->slice_spec;
    } else if (const auto slice = slices_.find(std::string(name)); slice != slices_.end()) {
      choice->value.slice_spec = slice->second.spec;
    }
    return true;
  }
  return false;
}

bool VariableKeys::FromRestoreOps(Node variable, KeyChoice* choice, std::vector<std::string>* notes) const {
  const RestoredValue* restored = restore_map_.Of(variable.id());
  Node bearer = variable;
  for (Node alias : Aliases(variable)) {
    const RestoredValue* other = restore_map_.Of(alias.id());
    if (other == nullptr) continue;
    if (restored == nullptr) {
      restored = other;
      bearer = alias;
    } else if (other->key != restored->key || other->slice_spec != restored->slice_spec) {
      notes->push_back(absl::StrCat("'", bearer.name(), "' and '", alias.name(),
                                    "' are one variable (shared_name), but are restored from the keys '",
                                    restored->key, "' and '", other->key, "'; the first was taken"));
      break;
    }
  }
  if (restored == nullptr) return false;
  choice->value = *restored;
  choice->how = bearer == variable ? restore_map_.origin()
                                   : absl::StrCat(restore_map_.origin(), " for '", bearer.name(), "'");
  return true;
}

bool VariableKeys::FromName(absl::string_view name, absl::string_view how, KeyChoice* choice) const {
  if (name.empty() || checkpoint_.Find(name) == nullptr) return false;
  choice->value = RestoredValue();
  choice->value.key = std::string(name);
  choice->how = std::string(how);
  return true;
}

bool VariableKeys::FromObjectGraph(Node variable, KeyChoice* choice) const {
  const VariableType type = TypeOfVariable(variable);
  for (absl::string_view name : {variable.name(), variable.attr("shared_name", absl::string_view())}) {
    const auto it = object_keys_.find(std::string(name));
    if (it == object_keys_.end() || it->second.size() != 1 || !Fits(it->second[0], type)) continue;
    choice->value = RestoredValue();
    choice->value.key = it->second[0];
    choice->how = "full name in the object graph";
    return true;
  }
  return false;
}

bool VariableKeys::FromPartition(Node variable, KeyChoice* choice) const {
  absl::string_view base;
  int part;
  if (!SplitPart(variable.name(), &base, &part)) return false;
  const CheckpointEntry* entry = checkpoint_.Find(base);
  if (entry == nullptr) return false;
  // The parts lie side by side along one axis: the one along which their lengths add up to the whole.
  std::vector<std::vector<int64_t>> parts;
  for (int i = 0;; ++i) {
    const Node other = model_.graph().Find(absl::StrCat(base, "/part_", i));
    if (!other || !IsVariableOp(other.op())) break;
    const PartialShape shape = TypeOfVariable(other).shape;
    if (shape.unknown_rank || shape.dims.size() != entry->dims.size()) return false;
    parts.push_back(shape.dims);
  }
  if (part >= static_cast<int>(parts.size())) return false;
  int found = -1;
  for (size_t axis = 0; axis < entry->dims.size(); ++axis) {
    int64_t sum = 0;
    bool fits = true;
    for (const std::vector<int64_t>& dims : parts) {
      for (size_t i = 0; i < dims.size(); ++i) fits = fits && (i == axis || dims[i] == entry->dims[i]);
      if (dims[axis] < 0 || dims[axis] > entry->dims[axis] - sum) fits = false;
      if (fits) sum += dims[axis];
    }
    if (!fits || sum != entry->dims[axis]) continue;
    found = static_cast<int>(axis);
    break;
  }
  if (found < 0) return false;
  std::vector<int64_t> start(entry->dims.size(), 0);
  for (int i = 0; i < part; ++i)
    start[static_cast<size_t>(found)] += parts[static_cast<size_t>(i)][static_cast<size_t>(found)];
  choice->value = RestoredValue();
  choice->value.key = std::string(base);
  choice->value.slice_spec = SliceSpecFrom(entry->dims, start, parts[static_cast<size_t>(part)]);
  choice->how = "part of a partitioned variable";
  return true;
}

// A scope that was added or removed since the checkpoint was written. All variables must agree on it, since a
// guess for one alone would sooner find the wrong weights than the right ones.
void VariableKeys::FromScopes(absl::Span<const Node> variables, std::vector<KeyChoice>& choices,
                              std::vector<std::string>* notes) const {
  if (variables.empty()) return;
  const std::string first(variables[0].name());
  struct Change {
    std::string removed, added;
  };
  std::vector<Change> changes;
  for (size_t slash = first.find('/'); slash != std::string::npos; slash = first.find('/', slash + 1)) {
    changes.push_back({first.substr(0, slash + 1), ""});
  }
  for (const CheckpointEntry& entry : checkpoint_.entries()) {
    absl::string_view scope = entry.name;
    if (absl::ConsumeSuffix(&scope, first) && absl::EndsWith(scope, "/"))
      changes.push_back({"", std::string(scope)});
  }
  std::vector<const Change*> good;
  for (const Change& change : changes) {
    const bool fits = std::all_of(variables.begin(), variables.end(), [&](Node variable) {
      absl::string_view rest = variable.name();
      return absl::ConsumePrefix(&rest, change.removed) &&
             Fits(absl::StrCat(change.added, rest), TypeOfVariable(variable));
    });
    if (fits) good.push_back(&change);
  }
  if (good.size() != 1) return;
  const Change& change = *good[0];
  const std::string how = change.removed.empty() ? absl::StrCat("scope '", change.added, "' added")
                                                 : absl::StrCat("scope '", change.removed, "' removed");
  for (size_t i = 0; i < variables.size(); ++i) {
    absl::string_view rest = variables[i].name();
    absl::ConsumePrefix(&rest, change.removed);
    choices[i].value = RestoredValue();
    choices[i].value.key = absl::StrCat(change.added, rest);
    choices[i].how = how;
  }
  notes->push_back(absl::StrCat("no key of the checkpoint is a variable's name; all ", variables.size(),
                                " are there with the ", how));
}

std::vector<KeyChoice> VariableKeys::Choose(absl::Span<const Node> variables,
                                            std::vector<std::string>* notes) {
  std::vector<KeyChoice> choices(variables.size());
  // What the graph's SaverDef says holds even if the checkpoint lacks the key; restore ops that were merely
  // found in the graph may belong to another checkpoint.
  const bool binding = absl::StartsWith(restore_map_.origin(), "restore op '");
  bool any = false;
  const bool by_name = std::any_of(variables.begin(), variables.end(), [this](Node variable) {
    return checkpoint_.Find(variable.name()) != nullptr;
  });
  for (size_t i = 0; i < variables.size(); ++i) {
    const Node variable = variables[i];
    KeyChoice& choice = choices[i];
    bool found = FromMap(variable, &choice);
    std::string doubtful_key;
    if (!found && FromRestoreOps(variable, &choice, notes)) {
      const RestoredValue& value = choice.value;
      found = binding || checkpoint_.Find(value.key) != nullptr;
      // Where names serve the other variables, one that has none in the checkpoint is rather missing than
      // renamed.
      if (found && !binding && by_name && value.key != variable.name() && value.slice_spec.empty() &&
          checkpoint_.Find(variable.name()) == nullptr) {
        doubtful_key = value.key;
        found = false;
      }
    }
    if (const auto slice = slices_.find(std::string(variable.name()));
        !found && slice != slices_.end() &&
        FromName(slice->second.full_name, "variables collection", &choice)) {
      choice.value.slice_spec = slice->second.spec;
      found = true;
    }
    found = found || FromName(variable.name(), "node name", &choice);
    for (Node alias : Aliases(variable)) {
      found = found || FromName(alias.name(), "name of another node of the same variable", &choice);
    }
    found = found || FromObjectGraph(variable, &choice) ||
            FromName(variable.attr("shared_name", absl::string_view()), "shared_name", &choice) ||
            FromPartition(variable, &choice);
    if (!found) {
      choice = KeyChoice();
      choice.doubtful_key = doubtful_key;
    }
    any = any || found;
  }
  if (!any) {
    FromScopes(variables, choices, notes);
  }
  num_with_ema_ = 0;
  for (KeyChoice& choice : choices) {
    const std::string average = absl::StrCat(choice.value.key, kEmaSuffix);
    if (choice.value.key.empty() || checkpoint_.Find(average) == nullptr) continue;
    if (options_.use_ema) {
      choice.value.key = average;
      choice.how += ", moving average";
    } else {
      ++num_with_ema_;
    }
  }
  return choices;
}

}  // namespace cryograph

#include "graph/function_merge.h"

#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "graph/export.h"
#include "graph/proto/graph.pb.h"

namespace cryograph {
namespace {

enum AttrValueField : uint32_t { kList = 1, kFunc = 10, kListFunc = 9 };
enum MapField : uint32_t { kKey = 1, kValue = 2 };
enum FunctionDefField : uint32_t { kSignature = 1, kNodeDef = 3, kFunctionAttr = 5 };
enum NodeDefField : uint32_t { kOp = 2, kAttr = 5 };
enum LibraryField : uint32_t { kGradient = 2, kRegisteredGradient = 3 };

absl::string_view LastBytes(absl::string_view message, uint32_t number) {
  absl::string_view result;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) result = field.bytes;
  }
  return result;
}

// Copies a message; `edit` may give another payload for a length-delimited field.
template <typename Edit>
std::string CopyMessage(absl::string_view message, const Edit& edit) {
  std::string copy;
  copy.reserve(message.size());
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    std::string payload;
    if (field.type == WireType::kBytes && edit(field, &payload)) {
      AppendBytesField(field.number, payload, &copy);
    } else {
      copy.append(field.raw.data(), field.raw.size());
    }
  }
  return copy;
}

bool NewName(absl::string_view name, const FunctionNames& names, std::string* renamed) {
  const auto found = names.find(name);
  if (found == names.end()) return false;
  *renamed = found->second;
  return true;
}

// NameAttrList {name 1, attr 2 (map of AttrValues)}. The reader has bounded how deep they nest.
std::string RenameInNameAttrList(absl::string_view func, const FunctionNames& names) {
  return CopyMessage(func, [&](const WireField& field, std::string* payload) {
    if (field.number == 1) return NewName(field.bytes, names, payload);
    if (field.number != 2) return false;
    *payload = CopyMessage(field.bytes, [&](const WireField& entry, std::string* value) {
      if (entry.number != kValue) return false;
      *value = RenameFunctionsInAttr(entry.bytes, names);
      return true;
    });
    return true;
  });
}

// A map entry whose value is an AttrValue.
std::string RenameInEntry(absl::string_view entry, const FunctionNames& names) {
  return CopyMessage(entry, [&](const WireField& field, std::string* payload) {
    if (field.number != kValue) return false;
    *payload = RenameFunctionsInAttr(field.bytes, names);
    return true;
  });
}

std::string RenameInFunctionDef(absl::string_view function, const FunctionNames& names) {
  return CopyMessage(function, [&](const WireField& field, std::string* payload) {
    switch (field.number) {
      case kSignature:
        *payload = CopyMessage(field.bytes, [&](const WireField& part, std::string* name) {
          return part.number == 1 && NewName(part.bytes, names, name);
        });
        return true;
      case kNodeDef:
        *payload = CopyMessage(field.bytes, [&](const WireField& part, std::string* text) {
          if (part.number == kOp) return NewName(part.bytes, names, text);
          if (part.number == kAttr) *text = RenameInEntry(part.bytes, names);
          return part.number == kAttr;
        });
        return true;
      case kFunctionAttr:
        *payload = RenameInEntry(field.bytes, names);
        return true;
      default:
        return false;
    }
  });
}

// One spelling for messages that mean the same: maps sorted, defaults left out.
bool Canonical(absl::string_view function_def, std::string* bytes) {
  tensorflow::FunctionDef message;
  if (!message.ParseFromArray(function_def.data(), static_cast<int>(function_def.size()))) return false;
  google::protobuf::io::StringOutputStream stream(bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  return message.SerializeToCodedStream(&coded);
}

bool SameFunction(absl::string_view a, absl::string_view b) {
  if (a == b) return true;
  std::string canonical_a, canonical_b;
  return Canonical(a, &canonical_a) && Canonical(b, &canonical_b) && canonical_a == canonical_b;
}

// Gradient entries {name 1, gradient or op type 2} of `source` that `target` lacks.
absl::Status PlanGradients(const Model& target, const Model& source, FunctionMerge* merge) {
  const auto key = [](const RawField& field, absl::string_view name) {
    return absl::StrCat(field.number, ":", name);
  };
  absl::flat_hash_map<std::string, absl::string_view> have;
  for (const RawField& field : target.library_fields) {
    have[key(field, LastBytes(field.payload, 1))] = LastBytes(field.payload, 2);
  }
  for (const RawField& field : source.library_fields) {
    if (field.number != kGradient && field.number != kRegisteredGradient) continue;
    std::string name(LastBytes(field.payload, 1)), gradient(LastBytes(field.payload, 2));
    NewName(name, merge->renamed, &name);
    if (field.number == kGradient) NewName(gradient, merge->renamed, &gradient);
    const auto found = have.find(key(field, name));
    if (found != have.end() && found->second == gradient) continue;
    if (found != have.end()) {
      return absl::InvalidArgumentError(absl::StrCat("function '", name, "' has the gradient '", gradient,
                                                     "' in one library and '", found->second,
                                                     "' in the other"));
    }
    std::string payload, raw;
    AppendBytesField(1, name, &payload);
    AppendBytesField(2, gradient, &payload);
    AppendBytesField(field.number, payload, &raw);
    merge->gradients.push_back(std::move(raw));
  }
  return absl::OkStatus();
}

}  // namespace

std::string RenameFunctionsInAttr(absl::string_view attr_value, const FunctionNames& names) {
  return CopyMessage(attr_value, [&](const WireField& field, std::string* payload) {
    if (field.number == kFunc) {
      *payload = RenameInNameAttrList(field.bytes, names);
      return true;
    }
    if (field.number != kList) return false;
    *payload = CopyMessage(field.bytes, [&](const WireField& element, std::string* func) {
      if (element.number != kListFunc) return false;
      *func = RenameInNameAttrList(element.bytes, names);
      return true;
    });
    return true;
  });
}

absl::StatusOr<FunctionMerge> PlanFunctionMerge(Model& target, Model& source, bool rename,
                                                absl::string_view stem) {
  FunctionMerge merge;
  absl::flat_hash_map<std::string, std::string> have;  // Name to FunctionDef.
  absl::flat_hash_set<std::string> taken;
  for (Function& function : target.functions()) {
    ASSIGN_OR_RETURN(std::string wire, SerializeFunction(function));
    taken.emplace(function.name());
    have.emplace(function.name(), std::move(wire));
  }
  std::vector<std::string> wires;
  for (Function& function : source.functions()) {
    ASSIGN_OR_RETURN(std::string wire, SerializeFunction(function));
    wires.push_back(std::move(wire));
    taken.emplace(function.name());
  }
  // A function is another one, too, if one that it calls has to be renamed: round by round until none is
  // added.
  std::vector<bool> shared(wires.size(), false);
  absl::flat_hash_set<absl::string_view> seen;
  const auto unique = [&](absl::string_view name) {
    const std::string wanted = absl::StrCat(stem, name);
    std::string free = wanted;
    for (int i = 1; !taken.insert(free).second; ++i) free = absl::StrCat(wanted, "_", i);
    return free;
  };
  constexpr int kMostRounds = 32;
  for (int round = 0;; ++round) {
    bool changed = false;
    for (size_t i = 0; i < wires.size(); ++i) {
      const absl::string_view name = source.functions()[i].name();
      const auto found = have.find(name);
      if (found == have.end() || merge.renamed.contains(name)) continue;
      const std::string mine =
          merge.renamed.empty() ? wires[i] : RenameInFunctionDef(wires[i], merge.renamed);
      shared[i] = SameFunction(mine, found->second);
      if (shared[i] && round < kMostRounds) continue;
      if (!rename) {
        return absl::InvalidArgumentError(
            absl::StrCat("both models have a function '", name, "', and the two differ"));
      }
      shared[i] = false;
      merge.renamed.emplace(name, unique(name));
      changed = true;
    }
    if (!changed) break;
  }
  for (size_t i = 0; i < wires.size(); ++i) {
    if (shared[i]) {
      ++merge.shared;
      continue;
    }
    if (!seen.insert(source.functions()[i].name()).second) continue;  // One that stands twice.
    if (merge.renamed.empty()) {
      merge.added.push_back(source.functions()[i].Clone());
      continue;
    }
    auto wire = std::make_shared<std::string>(RenameInFunctionDef(wires[i], merge.renamed));
    const absl::string_view bytes = *wire;
    merge.added.emplace_back(bytes, std::move(wire));
  }
  RETURN_IF_ERROR(PlanGradients(target, source, &merge));
  return merge;
}

void ApplyFunctionMerge(FunctionMerge merge, Model* target) {
  for (Function& function : merge.added) target->functions().push_back(std::move(function));
  for (std::string& gradient : merge.gradients) {
    auto owned = std::make_shared<std::string>(std::move(gradient));
    WireReader reader(*owned);
    WireField field;
    if (reader.Next(&field)) target->library_fields.push_back({field.number, field.raw, field.bytes});
    target->KeepAlive(std::move(owned));
  }
}

}  // namespace cryograph

#include "checkpoint/key_edit.h"

#include <algorithm>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "checkpoint/optimizer_keys.h"
#include "checkpoint/substitution.h"

namespace cryograph {
namespace {

constexpr absl::string_view kEmaSuffix = "/ExponentialMovingAverage";

// True for "scope/*" if `name` is below; the rest goes to *below.
bool FitsScope(absl::string_view pattern, absl::string_view name, absl::string_view* below) {
  if (pattern == "*") {
    *below = name;
    return true;
  }
  if (!absl::EndsWith(pattern, "/*") || !absl::StartsWith(name, pattern.substr(0, pattern.size() - 1))) {
    return false;
  }
  *below = name.substr(pattern.size() - 1);
  return true;
}

bool IsScope(absl::string_view pattern) { return pattern == "*" || absl::EndsWith(pattern, "/*"); }

absl::Status NoSuchName(absl::string_view name, const std::vector<CheckpointEntry>& entries) {
  std::vector<absl::string_view> names;
  for (const CheckpointEntry& entry : entries) names.push_back(entry.name);
  return absl::NotFoundError(absl::StrCat(
      IsScope(name) ? "no tensor is in the scope '" : "no tensor is named '", absl::Utf8SafeCHexEscape(name),
      "'", DidYouMean(NearestNames(absl::StripSuffix(name, "/*"), names))));
}

// Entries that are selected by name and by regular expressions.
class Selection {
 public:
  static absl::StatusOr<Selection> Make(const std::vector<CheckpointEntry>& entries, const KeyEdit& edit) {
    Selection selection;
    RETURN_IF_ERROR(CompileRegex(edit.match, &selection.match_));
    RETURN_IF_ERROR(CompileRegex(edit.exclude, &selection.exclude_));
    for (const std::string& wanted : edit.tensors) {
      const bool known = std::any_of(entries.begin(), entries.end(), [&](const CheckpointEntry& entry) {
        absl::string_view below;
        return entry.name == wanted || FitsScope(wanted, entry.name, &below);
      });
      if (!known) return NoSuchName(wanted, entries);
      if (IsScope(wanted)) {
        selection.scopes_.push_back(wanted);
      } else {
        selection.names_.insert(wanted);
      }
    }
    return selection;
  }

  bool Takes(absl::string_view name) const {
    if (match_ != nullptr && !RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *match_))
      return false;
    if (exclude_ != nullptr && RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *exclude_))
      return false;
    if (names_.empty() && scopes_.empty()) return true;
    absl::string_view below;
    return names_.contains(name) ||
           std::any_of(scopes_.begin(), scopes_.end(),
                       [&](const std::string& scope) { return FitsScope(scope, name, &below); });
  }

 private:
  std::unique_ptr<RE2> match_, exclude_;
  absl::flat_hash_set<std::string> names_;
  std::vector<std::string> scopes_;
};

// Decides about moving averages of the entries that are left in `kept`.
absl::Status ApplyEma(const std::vector<CheckpointEntry>& entries, EmaUse use, std::vector<bool>* kept,
                      std::vector<std::string>* names, EditedKeys* result) {
  if (use == EmaUse::kKeep) return absl::OkStatus();
  absl::flat_hash_map<absl::string_view, size_t> index;
  for (size_t i = 0; i < entries.size(); ++i) index.emplace(entries[i].name, i);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!(*kept)[i] || !absl::EndsWith(entries[i].name, kEmaSuffix)) continue;
    if (use == EmaUse::kStrip) {
      (*kept)[i] = false;
      result->averages.push_back(entries[i].name);
      continue;
    }
    const std::string variable(absl::StripSuffix(entries[i].name, kEmaSuffix));
    const auto own = index.find(variable);
    if (own != index.end()) {
      const CheckpointEntry& entry = entries[own->second];
      if (entry.dims != entries[i].dims || entry.dtype != entries[i].dtype) {
        return absl::InvalidArgumentError(
            absl::StrCat("the average '", entries[i].name, "' is ", DataTypeName(entries[i].dtype),
                         ShapeText(entries[i].dims), ", but its variable is ", DataTypeName(entry.dtype),
                         ShapeText(entry.dims), ": it cannot take its place"));
      }
      if ((*kept)[own->second]) result->replaced.push_back(variable);
      (*kept)[own->second] = false;
    }
    (*names)[i] = variable;
  }
  return absl::OkStatus();
}

absl::Status ApplyRename(const KeyEdit& edit, const std::vector<CheckpointEntry>& entries,
                         const std::vector<bool>& kept, std::vector<std::string>* names) {
  std::vector<bool> used(edit.rename.size(), false);
  ASSIGN_OR_RETURN(const Substitution substitution, Substitution::Parse(edit.substitute));
  for (size_t i = 0; i < names->size(); ++i) {
    if (!kept[i]) continue;
    std::string& name = (*names)[i];
    for (size_t k = 0; k < edit.rename.size(); ++k) {
      const auto& [from, to] = edit.rename[k];
      absl::string_view below;
      if (name != from && !FitsScope(from, name, &below)) continue;
      used[k] = true;
      name = name == from && !IsScope(from)
                 ? to
                 : absl::StrCat(absl::EndsWith(to, "*") ? to.substr(0, to.size() - 1) : to, below);
      break;
    }
    name = substitution.Apply(name);
    if (name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the new name of tensor '", absl::Utf8SafeCHexEscape(entries[i].name), "' is empty"));
    }
  }
  for (size_t k = 0; k < used.size(); ++k) {
    if (!used[k]) return NoSuchName(edit.rename[k].first, entries);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EditedKeys> EditKeys(const std::vector<CheckpointEntry>& entries,
                                    absl::string_view object_graph, const KeyEdit& edit) {
  for (const auto& [from, to] : edit.rename) {
    if (IsScope(from) != IsScope(to) && !(IsScope(from) && to.empty())) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", from, "' → '", to, "': both or none must end in /*"));
    }
  }
  EditedKeys result;
  ASSIGN_OR_RETURN(const Selection selection, Selection::Make(entries, edit));
  std::vector<bool> kept;
  std::vector<std::string> names;
  for (const CheckpointEntry& entry : entries) {
    kept.push_back(selection.Takes(entry.name));
    names.push_back(entry.name);
  }
  if (edit.strip_optimizer) {
    const std::vector<bool> optimizers = FindOptimizerKeys(entries, object_graph);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (kept[i] && optimizers[i]) result.optimizer.push_back(entries[i].name);
      kept[i] = kept[i] && !optimizers[i];
    }
  }
  RETURN_IF_ERROR(ApplyEma(entries, edit.ema, &kept, &names, &result));
  RETURN_IF_ERROR(ApplyRename(edit, entries, kept, &names));
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!kept[i]) continue;
    if (names[i] != entries[i].name) ++result.renamed;
    result.keys.push_back({&entries[i], std::move(names[i])});
  }
  if (result.keys.empty()) {
    return absl::NotFoundError(absl::StrCat("none of the ", entries.size(), " tensors is left"));
  }
  std::sort(result.keys.begin(), result.keys.end(),
            [](const EditedKey& a, const EditedKey& b) { return a.name < b.name; });
  for (size_t i = 1; i < result.keys.size(); ++i) {
    if (result.keys[i].name != result.keys[i - 1].name) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("'", absl::Utf8SafeCHexEscape(result.keys[i - 1].entry->name), "' and '",
                     absl::Utf8SafeCHexEscape(result.keys[i].entry->name), "' would both be '",
                     absl::Utf8SafeCHexEscape(result.keys[i].name), "'"));
  }
  return result;
}

}  // namespace cryograph

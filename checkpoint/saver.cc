#include "checkpoint/saver.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/directory.h"
#include "checkpoint/object_graph.h"
#include "checkpoint/slice_spec.h"
#include "graph/tensor_sources.h"

namespace cryograph {
namespace {

constexpr size_t kMaxListed = 20;

std::string Listed(const std::vector<std::string>& lines) {
  const size_t shown = std::min(lines.size(), kMaxListed);
  std::string text = absl::StrJoin(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(shown), "\n");
  if (shown < lines.size()) absl::StrAppend(&text, "\n  and ", lines.size() - shown, " more");
  return text;
}

bool IsKnown(const PartialShape& shape) {
  return !shape.unknown_rank &&
         std::all_of(shape.dims.begin(), shape.dims.end(), [](int64_t d) { return d >= 0; });
}

// True if a variable of that shape takes a value of those dimensions, as it is or in another shape.
bool Fits(const NamedVariable& variable, const std::vector<int64_t>& dims, bool reshape) {
  if (!IsKnown(variable.shape) || variable.shape.dims == dims) return true;
  if (!reshape) return false;
  const absl::StatusOr<int64_t> wanted = NumElements(variable.shape.dims);
  const absl::StatusOr<int64_t> stored = NumElements(dims);
  return wanted.ok() && stored.ok() && *wanted == *stored;
}

}  // namespace

absl::StatusOr<Saver> Saver::Create(std::vector<NamedVariable> variables, const Options& options) {
  if (variables.empty()) return absl::InvalidArgumentError("No variables to save");
  std::stable_sort(variables.begin(), variables.end(),
                   [](const NamedVariable& a, const NamedVariable& b) { return a.key < b.key; });
  std::map<std::string, std::string> key_of;
  for (size_t i = 0; i < variables.size(); ++i) {
    const NamedVariable& variable = variables[i];
    const bool sliced = !variable.slice_spec.empty();
    if (sliced) RETURN_IF_ERROR(ParseSliceSpec(variable.slice_spec).status());
    if (i > 0 && variables[i - 1].key == variable.key) {
      if (sliced != !variables[i - 1].slice_spec.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("Mixing slices and non-slices with the same name: ", variable.key));
      }
      if (!sliced || variables[i - 1].slice_spec == variable.slice_spec) {
        return absl::InvalidArgumentError(
            absl::StrCat("At least two variables have the same name: ", variable.key, "\nwhy: '",
                         variables[i - 1].variable, "' and '", variable.variable, "' are both saved as it"));
      }
    }
    const auto [place, is_new] = key_of.try_emplace(variable.variable, variable.key);
    if (!is_new) {
      return absl::InvalidArgumentError(
          absl::StrCat("The same saveable will be restored with two names: ", variable.variable, "\nwhy: '",
                       place->second, "' and '", variable.key, "' both lead to it"));
    }
  }
  return Saver(std::move(variables), options);
}

absl::StatusOr<std::vector<std::string>> Saver::KeysIn(const Checkpoint& checkpoint,
                                                       std::vector<std::string>* notes) const {
  std::vector<std::string> keys, missing;
  std::set<std::string> missing_keys;
  std::vector<absl::string_view> names;
  for (const CheckpointEntry& entry : checkpoint.entries()) names.push_back(entry.name);
  for (const NamedVariable& variable : variables_) {
    keys.push_back(variable.key);
    if (checkpoint.Find(variable.key) != nullptr || !missing_keys.insert(variable.key).second) continue;
    missing.push_back(absl::StrCat("  '", variable.key, "' for variable '", variable.variable, "'",
                                   DidYouMean(NearestNames(variable.key, names))));
  }
  if (missing.empty()) return keys;
  const absl::StatusOr<std::string> bytes = checkpoint.ObjectGraph();
  if (!bytes.ok()) {
    return absl::NotFoundError(absl::StrCat(checkpoint.prefix(), ": ", missing.size(), " of ",
                                            variables_.size(), " keys are not in the checkpoint (CG117)\n",
                                            Listed(missing)));
  }
  // Names of variables are not keys there, but the object graph knows them.
  absl::StatusOr<ObjectGraph> graph = ParseObjectGraph(*bytes);
  if (!graph.ok()) {
    return absl::Status(graph.status().code(),
                        absl::StrCat(checkpoint.prefix(), ": ", graph.status().message()));
  }
  const std::map<std::string, std::vector<std::string>> by_full_name = KeysByFullName(*graph);
  std::set<std::string> existing;
  for (const auto& each : by_full_name) existing.insert(each.first);
  std::vector<std::string> absent, several;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto found = by_full_name.find(keys[i]);
    if (found == by_full_name.end()) {
      absent.push_back(absl::StrCat("  '", keys[i], "'"));
      continue;
    }
    existing.erase(keys[i]);
    if (found->second.size() > 1) {
      several.push_back(
          absl::StrCat("  '", keys[i], "' is the name of ", absl::StrJoin(found->second, " and of ")));
    }
    keys[i] = found->second[0];
  }
  if (!absent.empty()) {
    std::vector<std::string> unused;
    for (const std::string& name : existing) unused.push_back(absl::StrCat("  '", name, "'"));
    return absl::NotFoundError(absl::StrCat(
        checkpoint.prefix(), ": an object-based checkpoint, of which ", absent.size(), " of ",
        variables_.size(), " variables are not found by name (CG121)\nVariables that it does not have:\n",
        Listed(absent), unused.empty() ? "" : "\nVariables of it that nobody asked for:\n", Listed(unused)));
  }
  if (!several.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(checkpoint.prefix(), ": names that several variables have (CG121)\n", Listed(several),
                     "\ntry: use these keys instead of the names"));
  }
  if (notes != nullptr) {
    notes->push_back(absl::StrCat("'", checkpoint.prefix(),
                                  "' is object-based: its keys were found by the names of its variables "
                                  "(CG121)"));
  }
  return keys;
}

absl::StatusOr<std::vector<Saver::Value>> Saver::Restore(const Checkpoint& checkpoint,
                                                         std::vector<std::string>* notes) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> keys, KeysIn(checkpoint, notes));
  std::vector<Value> values;
  std::vector<std::string> types, shapes;
  for (size_t i = 0; i < keys.size(); ++i) {
    const NamedVariable& variable = variables_[i];
    const CheckpointEntry* const entry = checkpoint.Find(keys[i]);
    if (entry == nullptr) {
      return absl::NotFoundError(absl::StrCat(checkpoint.prefix(), ": the object graph names key '", keys[i],
                                              "' for variable '", variable.variable,
                                              "', but there is none (CG117)"));
    }
    if (entry->dtype != BaseType(variable.dtype)) {
      types.push_back(absl::StrCat("  '", variable.variable, "' is ", DataTypeName(BaseType(variable.dtype)),
                                   ", '", keys[i], "' is ", DataTypeName(entry->dtype)));
      continue;
    }
    ASSIGN_OR_RETURN(Value value, checkpoint.Source(keys[i], variable.slice_spec));
    if (!Fits(variable, value->dims(), options_.reshape)) {
      shapes.push_back(absl::StrCat("  '", variable.variable, "' is ", PartialShapeText(variable.shape),
                                    ", '", keys[i], "' is ", ShapeText(value->dims())));
      continue;
    }
    if (IsKnown(variable.shape) && variable.shape.dims != value->dims()) {
      value = Reshaped(std::move(value), variable.shape.dims);
    }
    values.push_back(std::move(value));
  }
  if (!types.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(checkpoint.prefix(), ": ", types.size(),
                                                   " variables have another type (CG119)\n", Listed(types)));
  }
  if (!shapes.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(checkpoint.prefix(), ": ", shapes.size(), " variables have another shape (CG118)\n",
                     Listed(shapes), "\ntry: options.reshape, if the elements only lie in another shape"));
  }
  return values;
}

absl::StatusOr<std::vector<Saver::Value>> Saver::Restore(const std::string& path,
                                                         std::vector<std::string>* notes) const {
  if (path.empty()) return absl::InvalidArgumentError("Can't load save_path when it is None.");
  absl::StatusOr<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(path, notes);
  if (checkpoint.status().code() == absl::StatusCode::kNotFound) {
    return absl::InvalidArgumentError(absl::StrCat("The passed save_path is not a valid checkpoint: ", path,
                                                   ": ", checkpoint.status().message()));
  }
  RETURN_IF_ERROR(checkpoint.status());
  return Restore(**checkpoint, notes);
}

absl::StatusOr<std::string> Saver::Save(absl::Span<const Value> values, const std::string& save_path,
                                        absl::optional<int64_t> global_step, double now) const {
  if (values.size() != variables_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(values.size(), " values are given for ", variables_.size(), " variables"));
  }
  if (!global_step.has_value() && BaseName(save_path) == options_.history.state_file) {
    return absl::InvalidArgumentError(absl::StrCat("'latest_filename' collides with 'save_path': '",
                                                   options_.history.state_file, "' and '", save_path, "'"));
  }
  ASSIGN_OR_RETURN(CheckpointHistory history,
                   CheckpointHistory::Open(DirectoryOf(save_path), options_.history, now));
  const std::string prefix =
      global_step.has_value() ? CheckpointName(save_path, *global_step, options_.pad_step_number) : save_path;
  CheckpointWriterOptions writer_options;
  writer_options.version = options_.version;
  writer_options.num_shards = options_.num_shards;
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointWriter> writer,
                   CreateCheckpointWriter(prefix, writer_options));
  for (size_t i = 0; i < values.size(); ++i) {
    const NamedVariable& variable = variables_[i];
    if (values[i]->dtype() != BaseType(variable.dtype) || !Fits(variable, values[i]->dims(), false)) {
      return absl::InvalidArgumentError(
          absl::StrCat("variable '", variable.variable, "' is ", DataTypeName(BaseType(variable.dtype)),
                       PartialShapeText(variable.shape), ", but its value is ",
                       DataTypeName(values[i]->dtype()), ShapeText(values[i]->dims())));
    }
    // Shards get the variables one after the other, as many each.
    const int shard = static_cast<int>(i * static_cast<size_t>(options_.num_shards) / values.size());
    if (variable.slice_spec.empty()) {
      RETURN_IF_ERROR(writer->Add(variable.key, values[i], shard));
    } else {
      ASSIGN_OR_RETURN(const SliceSpec spec, ParseSliceSpec(variable.slice_spec));
      RETURN_IF_ERROR(writer->AddSlice(variable.key, spec.dims, spec.slice, values[i], shard));
    }
  }
  RETURN_IF_ERROR(writer->Finish());
  const std::string name =
      options_.version == 1 && options_.num_shards > 1 ? ShardPattern(prefix, options_.num_shards) : prefix;
  RETURN_IF_ERROR(history.Record(name, now).status());
  return name;
}

}  // namespace cryograph

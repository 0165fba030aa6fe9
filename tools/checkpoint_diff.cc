// checkpoint diff: what differs between two checkpoints or array files.
#include "tools/checkpoint_diff.h"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "graph/tensor.h"
#include "tools/checkpoint_verbs.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::JsonString;

struct Flags {
  std::vector<std::string> paths;
  KeyFlags keys;
  DifferenceOptions options;
  bool json = false;
};

std::string TypeText(const CheckpointEntry& entry) {
  return absl::StrCat(PythonTypeName(entry.dtype), " ", ShapeText(entry.dims));
}

// "[1,2]" of a row-major index.
std::string IndexText(uint64_t index, const std::vector<int64_t>& dims) {
  std::vector<int64_t> place(dims.size());
  for (size_t d = dims.size(); d > 0; --d) {
    const uint64_t size = static_cast<uint64_t>(dims[d - 1]);
    place[d - 1] = static_cast<int64_t>(index % size);
    index /= size;
  }
  return ShapeText(place);
}

std::string DifferenceText(const TensorDifference& difference) {
  const std::string name = PrintableName(difference.name);
  switch (difference.kind) {
    case TensorDifference::kOnlyInFirst:
      return absl::StrCat("- ", name, "  ", TypeText(*difference.first), "\n");
    case TensorDifference::kOnlyInSecond:
      return absl::StrCat("+ ", name, "  ", TypeText(*difference.second), "\n");
    case TensorDifference::kType:
    case TensorDifference::kShape:
      return absl::StrCat("~ ", name, "  ", TypeText(*difference.first), " -> ", TypeText(*difference.second),
                          "\n");
    default:
      break;
  }
  std::string text = absl::StrCat(
      "~ ", name, "  ", TypeText(*difference.first), ": ", difference.num_different, " of ",
      cli::Counted(difference.num_elements, "value"), difference.num_different == 1 ? " differs" : " differ");
  if (difference.first->dtype != DT_STRING && difference.largest > 0) {
    absl::StrAppendFormat(&text, ", at most by %g", difference.largest);
  }
  return absl::StrCat(text, "; first at ", IndexText(difference.first_different, difference.first->dims),
                      ": ", difference.first_value, " -> ", difference.second_value, "\n");
}

std::string JsonEntry(const CheckpointEntry* entry) {
  if (entry == nullptr) return "null";
  return absl::StrCat("{\"name\": ", JsonString(entry->name),
                      ", \"dtype\": ", JsonString(PythonTypeName(entry->dtype)),
                      ", \"shape\": ", JsonShape(entry->dims), "}");
}

std::string DifferenceJson(const TensorDifference& difference) {
  constexpr const char* kKinds[] = {"only_in_first", "only_in_second", "dtype", "shape", "values"};
  std::string json = absl::StrCat("  {\"name\": ", JsonString(difference.name), ", \"kind\": \"",
                                  kKinds[difference.kind], "\", \"first\": ", JsonEntry(difference.first),
                                  ", \"second\": ", JsonEntry(difference.second));
  if (difference.kind == TensorDifference::kValues) {
    absl::StrAppend(&json, ", \"num_elements\": ", difference.num_elements,
                    ", \"num_different\": ", difference.num_different,
                    ", \"first_index\": ", difference.first_different, ", \"largest\": ",
                    std::isfinite(difference.largest) ? absl::StrFormat("%.17g", difference.largest) : "null",
                    ", \"first_value\": ", JsonString(difference.first_value),
                    ", \"second_value\": ", JsonString(difference.second_value));
  }
  return json + "}";
}

absl::StatusOr<bool> Diff(const Flags& flags) {
  RETURN_IF_ERROR(CheckPaths(flags.paths, 2, 2, "diff", "two paths"));
  ASSIGN_OR_RETURN(const TensorFile first, OpenTensorFile(flags.paths[0]));
  ASSIGN_OR_RETURN(const TensorFile second, OpenTensorFile(flags.paths[1]));
  return PrintDifferences(first, second, flags.keys, flags.options, flags.json);
}

// Of the second file the same names are left out, but nothing need be left.
absl::StatusOr<EditedKeys> SecondKeys(const TensorFile& file, const KeyFlags& flags) {
  KeyFlags selection = flags;
  selection.rename.clear();
  selection.substitute.clear();
  selection.tensors.clear();
  selection.ema = flags.ema == "use" ? "keep" : flags.ema;
  ASSIGN_OR_RETURN(const KeyEdit edit, KeyEditOf(selection));
  absl::StatusOr<EditedKeys> keys = EditKeys(file.reader().entries(), file.ObjectGraph(), edit);
  if (absl::IsNotFound(keys.status())) return EditedKeys();
  return keys;
}

}  // namespace

absl::StatusOr<bool> PrintDifferences(const TensorFile& first, const TensorFile& second,
                                      const KeyFlags& flags, const DifferenceOptions& options, bool json) {
  ASSIGN_OR_RETURN(const EditedKeys first_keys, EditKeysOf(first, flags));
  ASSIGN_OR_RETURN(EditedKeys second_keys, SecondKeys(second, flags));
  if (!flags.tensors.empty()) {
    // Those that were asked for, under their new names.
    std::vector<EditedKey> wanted;
    for (const EditedKey& key : first_keys.keys) {
      for (const EditedKey& other : second_keys.keys) {
        if (other.name == key.name) wanted.push_back(other);
      }
    }
    second_keys.keys = std::move(wanted);
  }
  ASSIGN_OR_RETURN(
      const std::vector<TensorDifference> differences,
      CompareTensors(first.reader(), first_keys.keys, second.reader(), second_keys.keys, options));
  size_t only_first = 0, only_second = 0;
  for (const TensorDifference& difference : differences) {
    only_first += difference.kind == TensorDifference::kOnlyInFirst;
    only_second += difference.kind == TensorDifference::kOnlyInSecond;
  }
  const size_t differ = differences.size() - only_first - only_second;
  const size_t same = first_keys.keys.size() - only_first - differ;
  std::string text;
  if (json) {
    text = absl::StrCat("{\"first\": ", JsonString(first.name()), ", \"second\": ", JsonString(second.name()),
                        ", \"num_same\": ", same, ", \"differences\": [");
    for (size_t i = 0; i < differences.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? "\n" : ",\n", DifferenceJson(differences[i]));
    }
    text += "\n]}\n";
  } else {
    for (const TensorDifference& difference : differences) text += DifferenceText(difference);
    absl::StrAppend(&text, "# ", cli::Counted(same, "tensor"), same == 1 ? " is" : " are", " the same, ",
                    differ, differ == 1 ? " differs, " : " differ, ", only_first, " only in ", first.name(),
                    ", ", only_second, " only in ", second.name(), "\n");
  }
  PrintToStdout(text);
  return differences.empty();
}

int RunCheckpointDiff(absl::Span<const std::string> args) {
  Flags flags;
  Command command("checkpoint diff", cli::Family::kCpp,
                  "says what differs between two checkpoints or array files, of whatever kinds.");
  command.Positionals(&flags.paths, "FIRST SECOND");
  command.Section("What counts");
  command.Add(&flags.options.names_only, "names_only", "Names, types and shapes alone; values are not read.");
  command.Add(&flags.options.rtol, "rtol",
              "Values a and b are the same if |a - b| <= atol + rtol * |b|, or both are NaN. By default only "
              "equal bits are.");
  command.Add(&flags.options.atol, "atol", "See --rtol.");
  DeclareSelection(flags.keys, command);
  DeclareChanges(flags.keys, command);
  command.Section("Output");
  command.Add(&flags.json, "json", "Differences as JSON on stdout.");
  command.Example("checkpoint diff model.ckpt-1000 model.ckpt-2000 --atol=1e-6",
                  "What has training changed?");
  command.Example("checkpoint diff model.ckpt weights.npz", "Is that what was exported?");
  command.Epilogue("Lines",
                   "- only in the first, + only in the second, ~ in both and different. Changes of names are "
                   "made to the first before it is compared.");
  command.Epilogue("Exit status",
                   "0: nothing differs. 1: something differs, or cannot be read. 2: wrong usage.");
  if (std::optional<int> status = command.Parse(args)) return *status;
  const absl::StatusOr<bool> same = Diff(flags);
  const int status = cli::Finish(same.status());
  return status != cli::kSuccess ? status : *same ? cli::kSuccess : cli::kFailure;
}

}  // namespace cryograph

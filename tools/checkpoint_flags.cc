#include "tools/checkpoint_flags.h"

#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

// "'a', 'b' and 3 more".
std::string SomeNames(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", "'", PrintableName(names[i]), "'");
  }
  if (names.size() > kShown) absl::StrAppend(&text, " and ", names.size() - kShown, " more");
  return text;
}

}  // namespace

void DeclareSelection(KeyFlags& flags, cli::Command& command) {
  command.Section("Which tensors");
  command
      .Add(&flags.tensors, "tensors",
           "Only these; scope/* are all below a scope. A name that is not there is an error.")
      .Value("NAME,NAME…")
      .Alias("select");
  command.Add(&flags.match, "match", "Only those in whose name this regular expression (RE2) is found.")
      .Value("RE2");
  command
      .Add(&flags.exclude, "exclude", "Without those in whose name this regular expression (RE2) is found.")
      .Value("RE2");
}

void DeclareChanges(KeyFlags& flags, cli::Command& command) {
  command.Add(&flags.strip_optimizer, "strip_optimizer",
              "Without what optimizers keep: slots as w/Adam and w/Momentum, beta1_power, Keras' and "
              "TensorFlow 2's optimizer objects.");
  command
      .Add(
          &flags.ema, "ema",
          "Moving averages, w/ExponentialMovingAverage: keep them, use them in the place of their variables, "
          "or strip them.")
      .Choices({"keep", "use", "strip"});
  command.Section("Names");
  command
      .Add(&flags.rename, "rename",
           "New names; from/*=to/* renames all below a scope, from/*=* takes the scope away. Of several that "
           "fit the first counts.")
      .Value("FROM=TO,…");
  command
      .Add(&flags.substitute, "substitute",
           "Renames by regular expressions (RE2), as sed does: 's/^model\\/(.*)/\\1/'; several are separated "
           "by "
           "';'. After --rename.")
      .Value("s/RE2/NEW/")
      .Alias("sed");
}

absl::StatusOr<KeyEdit> KeyEditOf(const KeyFlags& flags) {
  KeyEdit edit;
  edit.tensors = flags.tensors;
  edit.match = flags.match;
  edit.exclude = flags.exclude;
  edit.strip_optimizer = flags.strip_optimizer;
  edit.ema = flags.ema == "use" ? EmaUse::kReplace : flags.ema == "strip" ? EmaUse::kStrip : EmaUse::kKeep;
  edit.substitute = flags.substitute;
  for (const std::string& pair : flags.rename) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      return cli::UsageError(absl::StrCat("--rename=", pair, ": write FROM=TO"));
    }
    edit.rename.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return edit;
}

absl::StatusOr<EditedKeys> EditKeysOf(const TensorFile& file, const KeyFlags& flags) {
  ASSIGN_OR_RETURN(const KeyEdit edit, KeyEditOf(flags));
  absl::StatusOr<EditedKeys> keys = EditKeys(file.reader().entries(), file.ObjectGraph(), edit);
  if (!keys.ok()) {
    return absl::Status(keys.status().code(), absl::StrCat(file.name(), ": ", keys.status().message()));
  }
  if (!keys->optimizer.empty()) {
    cli::PrintNote(absl::StrCat(cli::Counted(keys->optimizer.size(), "tensor"),
                                " of optimizers left out: ", SomeNames(keys->optimizer)));
  } else if (flags.strip_optimizer) {
    cli::PrintNote(absl::StrCat(file.name(), ": no tensor looks like an optimizer's"));
  }
  if (!keys->averages.empty()) {
    cli::PrintNote(absl::StrCat(cli::Counted(keys->averages.size(), "moving average"),
                                " left out: ", SomeNames(keys->averages)));
  } else if (flags.ema != "keep" && keys->replaced.empty()) {
    cli::PrintNote(absl::StrCat(file.name(), ": no moving average takes the place of a variable (CG120)"));
  }
  if (!keys->replaced.empty()) {
    cli::PrintNote(absl::StrCat(cli::Counted(keys->replaced.size(), "variable"),
                                " replaced by the moving average: ", SomeNames(keys->replaced)));
  }
  return keys;
}

absl::StatusOr<TensorFile> OpenTensorFile(const std::string& path) {
  std::vector<std::string> notes;
  absl::StatusOr<TensorFile> file = TensorFile::Open(path, &notes);
  for (const std::string& note : notes) cli::PrintNote(note);
  return file;
}

absl::Status CheckPaths(const std::vector<std::string>& paths, size_t least, size_t most,
                        absl::string_view verb, absl::string_view usage) {
  if (paths.size() >= least && paths.size() <= most) return absl::OkStatus();
  return cli::UsageError(absl::StrCat(
      "checkpoint ", verb, " takes ", usage, ", and ",
      paths.empty() ? "there is no path"
                    : absl::StrCat("there are ", paths.size(), " paths: ", absl::StrJoin(paths, " ")),
      "\ntry: checkpoint ", verb, " --help"));
}

std::string PythonTypeName(DataType dtype) {
  switch (dtype) {
    case DT_FLOAT:
      return "float32";
    case DT_DOUBLE:
      return "float64";
    case DT_HALF:
      return "float16";
    default:
      return DataTypeName(dtype);
  }
}

uint64_t ElementsOf(const CheckpointEntry& entry) {
  const absl::StatusOr<int64_t> count = NumElements(entry.dims);
  return count.ok() ? static_cast<uint64_t>(*count) : 0;
}

uint64_t StoredBytesOf(const CheckpointReader& reader, const CheckpointEntry& entry) {
  uint64_t bytes = 0;
  for (const StoredPart& part : reader.Parts(entry.name)) bytes += part.num_bytes;
  return bytes;
}

std::string PrintableName(absl::string_view name) {
  bool printable = IsUtf8(name);
  for (const char c : name) printable = printable && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  return printable ? std::string(name) : absl::CHexEscape(name);
}

std::string JsonShape(const std::vector<int64_t>& dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ", "), "]");
}

void PrintToStdout(absl::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace cryograph

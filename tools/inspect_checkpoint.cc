// inspect_checkpoint: TensorFlow's tool of that name, its flags and its output; and what it lacks.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "checkpoint/array_files.h"
#include "checkpoint/statistics.h"
#include "checkpoint/substitution.h"
#include "checkpoint/verify.h"
#include "graph/numpy_text.h"
#include "graph/tensor.h"
#include "tools/checkpoint_diff.h"
#include "tools/checkpoint_flags.h"
#include "tools/cli.h"
#include "tools/numpy_options.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::JsonString;

struct Flags {
  std::string file_name, tensor_name, count_exclude_pattern, format = "tf221", diff, dump, printoptions;
  bool all_tensors = false, all_tensor_names = false, stats = false, verify = false;
  NumpyTextOptions numpy;
};

constexpr char kUsage[] =
    "Usage: inspect_checkpoint --file_name=checkpoint_file_name [--tensor_name=tensor_to_print] "
    "[--all_tensors] "
    "[--all_tensor_names] [--count_exclude_pattern] [--printoptions]\n";

void Declare(Flags& flags, Command& command) {
  command.Section("Flags of TensorFlow's tool");
  command
      .Add(&flags.file_name, "file_name",
           "The checkpoint: a prefix, any of its files, its state file or folder, a SavedModel.")
      .Value("PATH")
      .Path();
  command.Add(&flags.tensor_name, "tensor_name", "Print the value of this tensor.").Value("NAME");
  command
      .Add(&flags.count_exclude_pattern, "count_exclude_pattern",
           "Tensors in whose name this regular expression (RE2) is found are not counted.")
      .Value("RE2");
  command.Add(&flags.all_tensors, "all_tensors", "Print names and values of all tensors.");
  command.Add(&flags.all_tensor_names, "all_tensor_names", "Print the names of all tensors.");
  command
      .Add(&flags.printoptions, "printoptions",
           "How numpy prints, any number of words: precision, threshold, edgeitems, linewidth, suppress, "
           "nanstr, "
           "infstr, floatmode, sign.")
      .Value("KEY=VALUE KEY=VALUE…");
  command.Section("Ours");
  command.Add(&flags.format, "format", "The layout of TensorFlow 1.15 or 2.21, or JSON.")
      .Choices({"tf15", "tf221", "json"})
      .Extension();
  command.Add(&flags.stats, "stats", "Below each tensor its least, largest and mean value, NaNs and so on.")
      .Extension();
  command.Add(&flags.verify, "verify", "Check the checksum of every tensor.").Extension();
  command.Add(&flags.diff, "diff", "Say what differs from another checkpoint (see checkpoint diff).")
      .Value("PATH")
      .Path()
      .Extension();
  command.Add(&flags.dump, "dump", "Write the tensors, or the one of --tensor_name, for numpy.")
      .Value("FILE.npz")
      .Path()
      .Extension();
  command.Example("inspect_checkpoint --file_name=model.ckpt-1000", "What is in it?");
  command.Example(
      "inspect_checkpoint --file_name=model.ckpt-1000 --tensor_name=dense/kernel --printoptions precision=3",
      "One value, as numpy prints it:");
  command.Epilogue("Exit status",
                   "0: done. 1: it cannot be read, a tensor is not there or damaged, --diff found something; "
                   "TensorFlow's ends with 0 then. 2: wrong usage.");
}

// Prints one tensor in the layout of the format.
class Printer {
 public:
  Printer(const TensorFile& file, const Flags& flags) : reader_(file.reader()), flags_(flags) {}

  // Name, type and shape, and the parts of partitioned ones.
  void Line(const CheckpointEntry& entry) const {
    std::string text;
    if (flags_.format == "tf15") {
      text = absl::StrCat("tensor_name:  ", PrintableName(entry.name), "\n");
    } else {
      text = absl::StrCat("tensor: ", PrintableName(entry.name), " (", PythonTypeName(entry.dtype), ") [",
                          absl::StrJoin(entry.dims, ", "), "]\n");
    }
    PrintToStdout(text);
    Parts(entry);
  }

  // As the reader of TensorFlow lists it.
  void Short(const CheckpointEntry& entry) const {
    PrintToStdout(absl::StrCat(PrintableName(entry.name), " (", DataTypeEnumName(entry.dtype), ") ",
                               ShapeText(entry.dims), "\n"));
    Parts(entry);
  }

  absl::Status Value(const CheckpointEntry& entry) const {
    ASSIGN_OR_RETURN(const Tensor tensor, reader_.Read(entry.name));
    const absl::Status status = NumpyText(tensor, flags_.numpy, PrintToStdout);
    if (status.code() == absl::StatusCode::kUnimplemented) {
      PrintToStdout(flags_.format == "tf15"
                        ? absl::StrCat("Tensorflow type ", entry.dtype, " not convertible to numpy dtype.")
                        : "<not convertible to a numpy dtype>");
    } else {
      RETURN_IF_ERROR(status);
    }
    PrintToStdout("\n");
    return absl::OkStatus();
  }

  absl::Status Stats(const CheckpointEntry& entry) const {
    ASSIGN_OR_RETURN(const Tensor tensor, reader_.Read(entry.name));
    PrintToStdout(absl::StrCat("  ", StatisticsText(StatisticsOf(tensor)), "\n"));
    return absl::OkStatus();
  }

 private:
  void Parts(const CheckpointEntry& entry) const {
    if (!entry.sliced) return;
    for (const StoredPart& part : reader_.Parts(entry.name)) {
      const absl::StatusOr<TensorSlice> extent = ResolveSlice(part.slice, entry.dims);
      PrintToStdout(absl::StrCat("    slice ", SliceText(part.slice),
                                 extent.ok() ? absl::StrCat(" ", ShapeText(SliceDims(*extent))) : "", "\n"));
    }
  }

  const CheckpointReader& reader_;
  const Flags& flags_;
};

absl::StatusOr<std::string> CountText(const CheckpointReader& reader, const std::string& exclude) {
  std::unique_ptr<RE2> pattern;
  if (const absl::Status status = CompileRegex(exclude, &pattern); !status.ok()) {
    return cli::UsageError(absl::StrCat("--count_exclude_pattern: ", status.message()));
  }
  uint64_t params = 0, excluded = 0, excluded_params = 0;
  for (const CheckpointEntry& entry : reader.entries()) {
    if (pattern != nullptr && RE2::PartialMatch(entry.name, *pattern)) {
      ++excluded;
      excluded_params += ElementsOf(entry);
    } else {
      params += ElementsOf(entry);
    }
  }
  std::string text;
  if (!exclude.empty()) {
    text = absl::StrCat("# Excluding ", excluded, " tensors (", excluded_params, " params) that match ",
                        exclude, " when counting.\n");
  }
  return absl::StrCat(text, "# Total number of params: ", params, "\n");
}

absl::Status NoSuchTensor(const TensorFile& file, const std::string& name) {
  std::vector<absl::string_view> names;
  for (const CheckpointEntry& entry : file.reader().entries()) names.push_back(entry.name);
  return absl::NotFoundError(
      absl::StrCat(file.name(), ": no tensor is named '", name, "'", DidYouMean(NearestNames(name, names))));
}

absl::Status PrintText(const TensorFile& file, const Flags& flags) {
  const CheckpointReader& reader = file.reader();
  const Printer printer(file, flags);
  ASSIGN_OR_RETURN(const std::string count, CountText(reader, flags.count_exclude_pattern));
  if (flags.all_tensors || flags.all_tensor_names) {
    for (const CheckpointEntry& entry : reader.entries()) {
      printer.Line(entry);
      if (flags.all_tensors) RETURN_IF_ERROR(printer.Value(entry));
      if (flags.stats) RETURN_IF_ERROR(printer.Stats(entry));
    }
  } else if (flags.tensor_name.empty()) {
    for (const CheckpointEntry& entry : reader.entries()) {
      printer.Short(entry);
      if (flags.stats) RETURN_IF_ERROR(printer.Stats(entry));
    }
    PrintToStdout("\n");
  } else {
    const CheckpointEntry* const entry = reader.Find(flags.tensor_name);
    if (entry == nullptr) {
      PrintToStdout(flags.format == "tf15"
                        ? absl::StrCat("tensor_name:  ", flags.tensor_name, "\nKey ", flags.tensor_name,
                                       " not found in checkpoint\n")
                        : absl::StrCat("Tensor ", flags.tensor_name, " not found in checkpoint\n"));
      return NoSuchTensor(file, flags.tensor_name);
    }
    printer.Line(*entry);
    RETURN_IF_ERROR(printer.Value(*entry));
    if (flags.stats) RETURN_IF_ERROR(printer.Stats(*entry));
  }
  PrintToStdout(count);
  return absl::OkStatus();
}

absl::Status PrintJson(const TensorFile& file, const Flags& flags) {
  const CheckpointReader& reader = file.reader();
  uint64_t elements = 0, bytes = 0;
  if (!flags.tensor_name.empty() && reader.Find(flags.tensor_name) == nullptr)
    return NoSuchTensor(file, flags.tensor_name);
  std::string text = absl::StrCat("{\"path\": ", JsonString(file.name()),
                                  ", \"kind\": ", JsonString(file.kind()), ", \"tensors\": [");
  const char* separator = "\n";
  for (const CheckpointEntry& entry : reader.entries()) {
    elements += ElementsOf(entry);
    bytes += StoredBytesOf(reader, entry);
    if (!flags.tensor_name.empty() && entry.name != flags.tensor_name) continue;
    absl::StrAppend(&text, separator, "  {\"name\": ", JsonString(entry.name),
                    ", \"dtype\": ", JsonString(PythonTypeName(entry.dtype)),
                    ", \"shape\": ", JsonShape(entry.dims), ", \"bytes\": ", StoredBytesOf(reader, entry),
                    ", \"parts\": [");
    const char* comma = "";
    for (const StoredPart& part : reader.Parts(entry.name)) {
      absl::StrAppend(&text, comma,
                      "{\"slice\": ", JsonString(part.slice.empty() ? "" : SliceText(part.slice)),
                      ", \"file\": ", JsonString(part.file), ", \"offset\": ", part.offset, "}");
      comma = ", ";
    }
    text += "]";
    if (flags.all_tensors || !flags.tensor_name.empty() || flags.stats) {
      ASSIGN_OR_RETURN(const Tensor tensor, reader.Read(entry.name));
      if (flags.all_tensors || !flags.tensor_name.empty()) {
        const absl::StatusOr<std::string> value = NumpyText(tensor, flags.numpy);
        absl::StrAppend(&text, ", \"text\": ", value.ok() ? JsonString(*value) : "null");
      }
      const Statistics stats = StatisticsOf(tensor);
      if (flags.stats && stats.numeric) {
        absl::StrAppend(&text, ", \"stats\": {\"min\": ", stats.min, ", \"max\": ", stats.max,
                        ", \"mean\": ", stats.mean, ", \"std\": ", stats.std, ", \"zeros\": ", stats.num_zero,
                        ", \"nan\": ", stats.num_nan, ", \"inf\": ", stats.num_inf, "}");
      }
    }
    text += "}";
    separator = ",\n";
    PrintToStdout(text);
    text.clear();
  }
  PrintToStdout(absl::StrCat(text, "\n], \"num_params\": ", elements, ", \"num_bytes\": ", bytes, "}\n"));
  return absl::OkStatus();
}

absl::Status Dump(const TensorFile& file, const Flags& flags) {
  std::vector<NamedSource> arrays;
  for (const CheckpointEntry& entry : file.reader().entries()) {
    if (flags.tensor_name.empty() ? entry.name == "_CHECKPOINTABLE_OBJECT_GRAPH"
                                  : entry.name != flags.tensor_name)
      continue;
    NamedSource& array = arrays.emplace_back();
    array.name = entry.name;
    ASSIGN_OR_RETURN(array.value, file.reader().Source(entry.name));
  }
  if (arrays.empty()) return NoSuchTensor(file, flags.tensor_name);
  ArrayFileOptions options;
  options.progress = cli::Progress();
  RETURN_IF_ERROR(WriteNpz(flags.dump, arrays, options));
  std::fprintf(stderr, "wrote %s to %s\n", cli::Counted(arrays.size(), "tensor").c_str(), flags.dump.c_str());
  return absl::OkStatus();
}

// The last defect is the error, the others are printed before.
absl::Status Verify(const TensorFile& file) {
  const CheckpointVerdict verdict = VerifyTensors(file.reader());
  if (verdict.defects.empty()) {
    std::fprintf(stderr, "%s: the checksums of %s are good\n", file.name().c_str(),
                 cli::Counted(verdict.tensors, "tensor").c_str());
    return absl::OkStatus();
  }
  for (size_t i = 0; i + 1 < verdict.defects.size(); ++i) cli::PrintError(verdict.defects[i].status);
  return verdict.defects.back().status;
}

absl::StatusOr<bool> Inspect(const Flags& flags) {
  ASSIGN_OR_RETURN(const TensorFile file, OpenTensorFile(flags.file_name));
  if (!flags.diff.empty()) {
    ASSIGN_OR_RETURN(const TensorFile other, OpenTensorFile(flags.diff));
    KeyFlags keys;
    if (!flags.tensor_name.empty()) keys.tensors = {flags.tensor_name};
    return PrintDifferences(file, other, keys, DifferenceOptions(), flags.format == "json");
  }
  if (!flags.dump.empty()) {
    RETURN_IF_ERROR(Dump(file, flags));
  } else {
    RETURN_IF_ERROR(flags.format == "json" ? PrintJson(file, flags) : PrintText(file, flags));
  }
  if (flags.verify) {
    std::fflush(stdout);
    RETURN_IF_ERROR(Verify(file));
  }
  return true;
}

int Run(absl::Span<const std::string> args) {
  Flags flags;
  Command command("inspect_checkpoint", cli::Family::kPython, "shows the tensors of a checkpoint.");
  command.Usage("--file_name=PATH");
  Declare(flags, command);
  std::vector<std::string> words;
  const std::vector<std::string> rest = TakePrintOptions(args, &words);
  if (std::optional<int> status = command.Parse(rest)) return *status;
  flags.numpy.old_numpy = flags.format == "tf15";
  if (const absl::Status status = SetPrintOptions(words, &flags.numpy); !status.ok())
    return cli::Finish(cli::UsageError(status.message()));
  if (flags.file_name.empty()) {
    PrintToStdout(kUsage);
    cli::Finish(absl::OkStatus());
    return cli::kFailure;
  }
  const absl::StatusOr<bool> same = Inspect(flags);
  const int status = cli::Finish(same.status());
  return status != cli::kSuccess ? status : *same ? cli::kSuccess : cli::kFailure;
}

CRYOGRAPH_REGISTER_TOOL(inspect_checkpoint, "The tensors of a checkpoint, as TensorFlow's tool shows them.",
                        Run);

}  // namespace
}  // namespace cryograph

// checkpoint export: tensors of a checkpoint into .npz, .npy files or safetensors.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/array_files.h"
#include "checkpoint/checkpoint.h"
#include "tools/checkpoint_flags.h"
#include "tools/checkpoint_verbs.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::UsageError;

constexpr absl::string_view kObjectGraph = "_CHECKPOINTABLE_OBJECT_GRAPH";

struct Flags {
  std::vector<std::string> paths, metadata;
  KeyFlags keys;
  std::string out, format, foreign_types = "keep", strings = "store";
};

// The format that the flags ask for, by name if they do not say.
absl::StatusOr<std::string> FormatOf(const Flags& flags) {
  if (!flags.format.empty()) return flags.format;
  for (const char* suffix : {"npz", "npy", "safetensors"}) {
    if (absl::EndsWith(flags.out, absl::StrCat(".", suffix))) return std::string(suffix);
  }
  if (absl::EndsWith(flags.out, "/")) return std::string("npy_folder");
  return UsageError(absl::StrCat("--out=", flags.out,
                                 ": the name does not tell the format\ntry: a name that ends in .npz, "
                                 ".safetensors, .npy or / (a folder of .npy files), or --format"));
}

absl::Status CheckUsage(Flags& flags) {
  if (flags.paths.size() == 2 && flags.out.empty()) {
    flags.out = flags.paths[1];
    flags.paths.pop_back();
  }
  RETURN_IF_ERROR(CheckPaths(flags.paths, 1, 1, "export", "a checkpoint, and --out"));
  if (flags.out.empty()) return UsageError("--out must name the file to write\ntry: --out=weights.npz");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> MetadataOf(const Flags& flags) {
  std::vector<std::pair<std::string, std::string>> metadata;
  for (const std::string& pair : flags.metadata) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return UsageError(absl::StrCat("--metadata=", pair, ": write KEY=VALUE"));
    metadata.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return metadata;
}

// The tensors that go into the file, with a note of those that do not.
absl::StatusOr<std::vector<NamedSource>> Choose(const TensorFile& file, const Flags& flags) {
  ASSIGN_OR_RETURN(const EditedKeys keys, EditKeysOf(file, flags.keys));
  std::vector<NamedSource> arrays;
  size_t skipped = 0, foreign = 0;
  for (const EditedKey& key : keys.keys) {
    if (key.entry->name == kObjectGraph) {
      cli::PrintNote("the object graph of TensorFlow 2 is left out: it is no array");
      continue;
    }
    if (key.entry->dtype == DT_STRING && flags.strings == "skip") {
      ++skipped;
      continue;
    }
    if (key.entry->dtype != DT_STRING && NumpyStorageType(key.entry->dtype) != key.entry->dtype) ++foreign;
    NamedSource array;
    array.name = key.name;
    ASSIGN_OR_RETURN(array.value, file.reader().Source(key.entry->name));
    arrays.push_back(std::move(array));
  }
  if (skipped > 0) cli::PrintNote(absl::StrCat(cli::Counted(skipped, "tensor"), " of strings left out"));
  if (foreign > 0 && flags.foreign_types == "keep") {
    cli::PrintNote(absl::StrCat(cli::Counted(foreign, "tensor"),
                                " of types that numpy does not know (bfloat16, quantized …): their bits are "
                                "stored, with the name of the type beside them where the format lacks it"));
  }
  if (arrays.empty()) {
    return absl::NotFoundError(absl::StrCat(file.name(), ": no tensor is left to be written"));
  }
  return arrays;
}

absl::Status Export(Flags flags) {
  RETURN_IF_ERROR(CheckUsage(flags));
  ASSIGN_OR_RETURN(const std::string format, FormatOf(flags));
  ArrayFileOptions options;
  options.foreign = flags.foreign_types == "bits"   ? ForeignTypes::kBits
                    : flags.foreign_types == "fail" ? ForeignTypes::kRefuse
                                                    : ForeignTypes::kKeep;
  options.progress = cli::Progress();
  ASSIGN_OR_RETURN(options.metadata, MetadataOf(flags));
  ASSIGN_OR_RETURN(const TensorFile file, OpenTensorFile(flags.paths[0]));
  ASSIGN_OR_RETURN(const std::vector<NamedSource> arrays, Choose(file, flags));
  if (format == "npz") {
    RETURN_IF_ERROR(WriteNpz(flags.out, arrays, options));
  } else if (format == "safetensors") {
    RETURN_IF_ERROR(WriteSafetensors(flags.out, arrays, options));
  } else if (format == "npy_folder") {
    RETURN_IF_ERROR(WriteNpyFolder(flags.out, arrays, options));
  } else {
    if (arrays.size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(flags.out, ": a .npy file holds one array, and ", arrays.size(),
                       " tensors are selected\ntry: --tensors=NAME, or --out=weights.npz"));
    }
    RETURN_IF_ERROR(WriteNpyFile(flags.out, arrays[0], options));
  }
  uint64_t bytes = 0;
  for (const NamedSource& array : arrays) {
    if (array.value->dtype() != DT_STRING) bytes += array.value->num_bytes();
  }
  std::fprintf(stderr, "wrote %s (%s) to %s\n", cli::Counted(arrays.size(), "tensor").c_str(),
               cli::BytesText(bytes).c_str(), flags.out.c_str());
  return absl::OkStatus();
}

}  // namespace

int RunCheckpointExport(absl::Span<const std::string> args) {
  Flags flags;
  Command command("checkpoint export", cli::Family::kCpp,
                  "writes tensors of a checkpoint to .npz, .npy files or safetensors.");
  command.Usage("--out=FILE");
  command.Positionals(&flags.paths, "CHECKPOINT");
  command
      .Add(&flags.out, "out", "What to write: FILE.npz, FILE.safetensors, FILE.npy (one tensor) or FOLDER/.")
      .Value("FILE")
      .Path();
  command.Add(&flags.format, "format", "The format, where the name does not tell it.")
      .Choices({"npz", "safetensors", "npy", "npy_folder"});
  command
      .Add(&flags.strings, "strings",
           "Tensors of strings: store them as bytes of a fixed width (numpy's S; safetensors cannot), or "
           "skip them.")
      .Choices({"store", "skip"});
  command
      .Add(&flags.foreign_types, "foreign_types",
           "Types that the format does not know, as bfloat16 in numpy: keep their bits with the type's name, "
           "from which import restores them; bits alone, as integers; or fail.")
      .Choices({"keep", "bits", "fail"});
  command
      .Add(&flags.metadata, "metadata", "For the header of safetensors; PyTorch's libraries want format=pt.")
      .Value("KEY=VALUE,…");
  DeclareSelection(flags.keys, command);
  DeclareChanges(flags.keys, command);
  command.Example("checkpoint export model.ckpt-1000 --out=weights.npz --strip_optimizer",
                  "All weights for numpy, without the optimizer:");
  command.Example("checkpoint export model.ckpt-1000 --out=model.safetensors --metadata=format=pt",
                  "For PyTorch:");
  command.Epilogue(
      "Formats",
      "npz: numpy.load(FILE)[NAME], not compressed, sorted by name. npy folder: FOLDER/NAME.npy. A "
      "foreign type that is kept is a record of one field of the type's name, [('bfloat16', '<u2')], "
      "as TensorFlow's numpy types for quantized numbers are: a['bfloat16'] are the bits. In "
      "safetensors the metadata says tensorflow_dtype:NAME.");
  command.Epilogue("Exit status", "0: done. 1: it failed, and nothing was written. 2: wrong usage.");
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(Export(flags));
}

}  // namespace cryograph

// checkpoint list: names, types and shapes of the tensors in a checkpoint or an array file.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/directory.h"
#include "graph/tensor.h"
#include "tools/checkpoint_flags.h"
#include "tools/checkpoint_verbs.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::JsonString;

struct Flags {
  std::vector<std::string> paths;
  KeyFlags keys;
  bool slices = false, json = false;
};

struct Totals {
  uint64_t tensors = 0, elements = 0, bytes = 0;
};

std::string SlicePlace(const StoredPart& part) {
  return absl::StrCat(part.slice.empty() ? "-" : SliceText(part.slice), "  ", cli::BytesText(part.num_bytes),
                      "  ", BaseName(part.file));
}

void PrintText(const TensorFile& file, const EditedKeys& keys, bool slices) {
  const CheckpointReader& reader = file.reader();
  size_t name_width = 4, type_width = 5, shape_width = 5;
  for (const EditedKey& key : keys.keys) {
    name_width = std::max(name_width, PrintableName(key.entry->name).size());
    type_width = std::max(type_width, PythonTypeName(key.entry->dtype).size());
    shape_width = std::max(shape_width, ShapeText(key.entry->dims).size());
  }
  name_width = std::min<size_t>(name_width, 100);
  Totals totals;
  std::string text;
  for (const EditedKey& key : keys.keys) {
    const CheckpointEntry& entry = *key.entry;
    const std::vector<StoredPart> parts = reader.Parts(entry.name);
    const uint64_t bytes = StoredBytesOf(reader, entry);
    absl::StrAppendFormat(&text, "%-*s  %-*s  %-*s  %s%s\n", name_width, PrintableName(entry.name),
                          type_width, PythonTypeName(entry.dtype), shape_width, ShapeText(entry.dims),
                          cli::BytesText(bytes),
                          entry.sliced ? absl::StrCat("  ", cli::Counted(parts.size(), "slice")) : "");
    if (slices) {
      for (const StoredPart& part : parts) absl::StrAppend(&text, "    ", SlicePlace(part), "\n");
    }
    ++totals.tensors;
    totals.elements += ElementsOf(entry);
    totals.bytes += bytes;
  }
  absl::StrAppend(&text, "# ", file.name(), ": ", file.kind(), ", ", cli::Counted(totals.tensors, "tensor"),
                  ", ", cli::Counted(totals.elements, "element"), ", ", cli::BytesText(totals.bytes), "\n");
  PrintToStdout(text);
}

void PrintJson(const TensorFile& file, const EditedKeys& keys) {
  const CheckpointReader& reader = file.reader();
  Totals totals;
  std::string text = absl::StrCat("{\"path\": ", JsonString(file.name()),
                                  ", \"kind\": ", JsonString(file.kind()), ", \"tensors\": [");
  const char* separator = "\n";
  for (const EditedKey& key : keys.keys) {
    const CheckpointEntry& entry = *key.entry;
    const uint64_t bytes = StoredBytesOf(reader, entry);
    absl::StrAppend(&text, separator, "  {\"name\": ", JsonString(entry.name),
                    ", \"dtype\": ", JsonString(PythonTypeName(entry.dtype)),
                    ", \"shape\": ", JsonShape(entry.dims), ", \"bytes\": ", bytes, ", \"parts\": [");
    const char* comma = "";
    for (const StoredPart& part : reader.Parts(entry.name)) {
      absl::StrAppend(&text, comma,
                      "{\"slice\": ", JsonString(part.slice.empty() ? "" : SliceText(part.slice)),
                      ", \"file\": ", JsonString(part.file), ", \"offset\": ", part.offset,
                      ", \"bytes\": ", part.num_bytes, "}");
      comma = ", ";
    }
    text += "]}";
    separator = ",\n";
    ++totals.tensors;
    totals.elements += ElementsOf(entry);
    totals.bytes += bytes;
  }
  absl::StrAppend(&text, "\n], \"num_tensors\": ", totals.tensors, ", \"num_elements\": ", totals.elements,
                  ", \"num_bytes\": ", totals.bytes, "}\n");
  PrintToStdout(text);
}

absl::Status List(const Flags& flags) {
  RETURN_IF_ERROR(CheckPaths(flags.paths, 1, 1, "list", "one path"));
  ASSIGN_OR_RETURN(const TensorFile file, OpenTensorFile(flags.paths[0]));
  EditedKeys keys;
  // A file without tensors can be listed, too.
  if (!file.reader().entries().empty()) {
    ASSIGN_OR_RETURN(keys, EditKeysOf(file, flags.keys));
  }
  if (flags.json) {
    PrintJson(file, keys);
  } else {
    PrintText(file, keys, flags.slices);
  }
  return absl::OkStatus();
}

}  // namespace

int RunCheckpointList(absl::Span<const std::string> args) {
  Flags flags;
  Command command("checkpoint list", cli::Family::kCpp,
                  "lists the tensors of a checkpoint or an array file.");
  command.Positionals(&flags.paths, "PATH");
  DeclareSelection(flags.keys, command);
  command.Section("Output");
  command.Add(&flags.slices, "slices", "Below each tensor where its parts are: slice, size, file.");
  command.Add(&flags.json, "json", "The same as JSON, with offsets.");
  command.Example("checkpoint list model.ckpt-1000", "All tensors:");
  command.Example("checkpoint list saved_model --match=kernel --json",
                  "Those of a SavedModel whose name says kernel:");
  command.Epilogue(
      "PATH",
      "The prefix of a checkpoint, any of its files, its state file or folder; a SavedModel; .npz, "
      ".npy, a folder of .npy files, safetensors.");
  command.Epilogue("Exit status", "0: done. 1: it cannot be read. 2: wrong usage.");
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(List(flags));
}

}  // namespace cryograph

// checkpoint copy, convert, reshard, merge and import: new checkpoints of tensors that are there already.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "checkpoint/directory.h"
#include "checkpoint/merge.h"
#include "checkpoint/object_graph_edit.h"
#include "checkpoint/state_file.h"
#include "checkpoint/transfer.h"
#include "graph/tensor.h"
#include "graph/tensor_sources.h"
#include "tools/checkpoint_flags.h"
#include "tools/checkpoint_verbs.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::UsageError;

struct Flags {
  std::vector<std::string> paths;
  KeyFlags keys;
  std::string on_conflict = "fail", object_graph = "keep", to;
  int64_t num_shards = 0, alignment = 1;  // 0 shards: as many as the input has, one for other files.
  bool join_slices = false, write_state = false, overwrite = false;
};

// An input with what is taken of it.
struct Input {
  TensorFile file;
  EditedKeys keys;
};

void DeclareOutput(Flags& flags, Command& command) {
  command.Section("The new checkpoint");
  command.Add(&flags.join_slices, "join_slices", "Store partitioned variables whole, not in their slices.");
  command
      .Add(&flags.alignment, "alignment",
           "V2: each tensor begins at a multiple of so many bytes of its file.")
      .AtLeast(1);
  command.Add(&flags.write_state, "write_state",
              "Write the state file 'checkpoint' beside it, so that it is the latest of its folder.");
  command
      .Add(&flags.object_graph, "object_graph",
           "The object graph of a TensorFlow 2 checkpoint: keep it, in step with the new names, or drop it.")
      .Choices({"keep", "drop"});
}

void DeclareVersion(Flags& flags, Command& command) {
  command
      .Add(&flags.to, "to", "The version of the new checkpoint; by default that of the input, V2 for others.")
      .Choices({"V1", "V2", "1", "2"});
}

void DeclareShards(Flags& flags, Command& command) {
  command
      .Add(&flags.num_shards, "num_shards",
           "How many data files; by default as many as the input has. Tensors are spread so that the files "
           "are "
           "of about one size.")
      .AtLeast(0);
}

int VersionOf(const Flags& flags, const TensorFile& first) {
  if (!flags.to.empty()) return flags.to == "V1" || flags.to == "1" ? 1 : 2;
  return first.checkpoint() == nullptr ? 2 : first.checkpoint()->version();
}

// Data files of a checkpoint.
int ShardsOf(const TensorFile& file) {
  if (file.checkpoint() == nullptr) return 1;
  const int files = static_cast<int>(file.Files().size());
  return std::max(1, file.checkpoint()->version() == 2 ? files - 1 : files);
}

// The object graph with the keys that `input` gives it; null if nothing of it is to be stored.
absl::StatusOr<std::shared_ptr<const TensorSource>> EditedObjectGraph(const Input& input) {
  std::map<std::string, std::string, std::less<>> names;
  for (const EditedKey& key : input.keys.keys) names.emplace(key.entry->name, key.name);
  const std::vector<CheckpointEntry>& entries = input.file.reader().entries();
  // A key of the graph may be what the keys of several tensors begin with.
  const auto all_kept = [&](absl::string_view prefix) {
    bool any = false, kept = true;
    for (const CheckpointEntry& entry : entries) {
      if (!absl::StartsWith(entry.name, prefix)) continue;
      any = true;
      const auto found = names.find(entry.name);
      kept = kept && found != names.end() && found->second == entry.name;
    }
    return any && kept;
  };
  size_t lost = 0;
  ASSIGN_OR_RETURN(
      const std::string edited,
      EditObjectGraph(input.file.ObjectGraph(), [&](absl::string_view key) -> absl::optional<std::string> {
        const auto found = names.find(key);
        if (found != names.end()) return found->second;
        // What the input lacks, the copy may lack, too.
        const bool there = input.file.reader().Find(key) != nullptr;
        if (!there && all_kept(key)) return std::string(key);
        ++lost;
        return absl::nullopt;
      }));
  if (lost > 0) {
    cli::PrintNote(absl::StrCat("the object graph is stored without ", cli::Counted(lost, "value"),
                                " that the new checkpoint does not hold"));
  }
  return SourceOf(Tensor::OfStrings({}, {edited}));
}

absl::Status AddItems(const Input& input, const Flags& flags, std::vector<TransferItem>* items) {
  for (const EditedKey& key : input.keys.keys) {
    TransferItem item;
    item.reader = &input.file.reader();
    item.entry = key.entry;
    item.name = key.name;
    if (key.entry->name == kObjectGraphKey && input.file.checkpoint() != nullptr) {
      if (flags.object_graph == "drop") {
        cli::PrintNote("the object graph of TensorFlow 2 is dropped: the new checkpoint is one of names");
        continue;
      }
      item.name = std::string(kObjectGraphKey);
      ASSIGN_OR_RETURN(item.value, EditedObjectGraph(input));
    }
    items->push_back(std::move(item));
  }
  return absl::OkStatus();
}

// Settles names that several inputs have.
absl::Status ResolveConflicts(const Flags& flags, std::vector<TransferItem>* items) {
  std::map<std::string, size_t> first;
  std::vector<TransferItem> kept;
  for (TransferItem& item : *items) {
    const auto [place, is_new] = first.try_emplace(item.name, kept.size());
    if (is_new) {
      kept.push_back(std::move(item));
      continue;
    }
    TransferItem& other = kept[place->second];
    // Slices of one tensor come together.
    if (other.entry->sliced && item.entry->sliced && other.entry->dims == item.entry->dims &&
        other.entry->dtype == item.entry->dtype && flags.on_conflict == "fail") {
      kept.push_back(std::move(item));
      continue;
    }
    if (flags.on_conflict == "first") continue;
    if (flags.on_conflict == "last") {
      other = std::move(item);
      continue;
    }
    if (item.name == kObjectGraphKey) {
      return absl::InvalidArgumentError(
          "several inputs have an object graph of TensorFlow 2, and these cannot be united\n"
          "try: --object_graph=drop, or --on_conflict=first");
    }
    return absl::InvalidArgumentError(absl::StrCat("tensor '", PrintableName(item.name),
                                                   "' is in two of the inputs\n",
                                                   "try: --on_conflict=first or =last, or --exclude"));
  }
  *items = std::move(kept);
  return absl::OkStatus();
}

absl::Status WriteState(const std::string& prefix, const TransferReport& report,
                        const TransferOptions& options) {
  CheckpointState state;
  state.latest = BaseName(prefix);
  if (options.writer.version == 1 && report.num_shards > 1) {
    state.latest = BaseName(ShardPattern(prefix, report.num_shards));
  }
  state.all = {state.latest};
  return WriteCheckpointState(JoinPath(DirectoryOf(prefix), "checkpoint"), state);
}

absl::Status CheckNotInput(const std::vector<Input>& inputs, const std::string& out) {
  for (const Input& input : inputs) {
    if (input.file.name() != out) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        out, ": the new checkpoint would replace what it is made of (CG145)\n", "try: another name"));
  }
  return absl::OkStatus();
}

// Writes a checkpoint `out` of the inputs.
absl::Status Write(const std::vector<std::string>& paths, const std::string& out, const Flags& flags) {
  std::vector<Input> inputs;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(TensorFile file, OpenTensorFile(path));
    ASSIGN_OR_RETURN(EditedKeys keys, EditKeysOf(file, flags.keys));
    inputs.push_back({std::move(file), std::move(keys)});
  }
  RETURN_IF_ERROR(CheckNotInput(inputs, out));
  TransferOptions options;
  options.writer.version = VersionOf(flags, inputs[0].file);
  options.writer.num_shards = static_cast<int>(flags.num_shards);
  options.writer.alignment = flags.alignment;
  options.join_slices = flags.join_slices;
  options.progress = cli::Progress();
  std::vector<TransferItem> items;
  for (const Input& input : inputs) {
    if (flags.num_shards == 0) options.writer.num_shards += ShardsOf(input.file);
    RETURN_IF_ERROR(AddItems(input, flags, &items));
  }
  RETURN_IF_ERROR(ResolveConflicts(flags, &items));
  if (items.empty()) return absl::NotFoundError(absl::StrCat(out, ": no tensor is left to be written"));
  ASSIGN_OR_RETURN(const TransferReport report, Transfer(std::move(items), out, options));
  if (flags.write_state) RETURN_IF_ERROR(WriteState(out, report, options));
  std::fprintf(stderr, "wrote %s (%s) to %s: V%d, %s\n", cli::Counted(report.num_tensors, "tensor").c_str(),
               cli::BytesText(report.num_bytes).c_str(), out.c_str(), options.writer.version,
               cli::Counted(static_cast<uint64_t>(report.num_shards), "data file").c_str());
  return absl::OkStatus();
}

absl::Status WriteOne(const Flags& flags, absl::string_view verb) {
  RETURN_IF_ERROR(CheckPaths(flags.paths, 2, 2, verb, "two paths, FROM and TO"));
  return Write({flags.paths[0]}, flags.paths[1], flags);
}

// Makes `out` of the very data files of the inputs, which are gone then.
absl::Status Move(const Flags& flags, const std::string& out) {
  std::vector<std::string> prefixes;
  for (const std::string& path : flags.paths) {
    ASSIGN_OR_RETURN(const TensorFile file, OpenTensorFile(path));
    if (file.checkpoint() == nullptr || file.checkpoint()->version() != 2) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": a ", file.kind(), " cannot be moved, only V2 checkpoints can\ntry: without --move"));
    }
    prefixes.push_back(file.name());
  }
  const absl::Status moved = MergeBundles(
      prefixes, out, [](uint64_t) {}, MergeInputs::kMove);
  if (absl::IsUnavailable(moved)) {
    return absl::UnavailableError(absl::StrCat(moved.message(), "\ntry: without --move, which copies"));
  }
  RETURN_IF_ERROR(moved);
  ASSIGN_OR_RETURN(const TensorFile merged, OpenTensorFile(out));
  TransferReport report;
  report.num_shards = ShardsOf(merged);
  if (flags.write_state) RETURN_IF_ERROR(WriteState(out, report, TransferOptions()));
  std::fprintf(stderr, "moved %s to %s: V2, %s\n",
               cli::Counted(merged.reader().entries().size(), "tensor").c_str(), out.c_str(),
               cli::Counted(static_cast<uint64_t>(report.num_shards), "data file").c_str());
  return absl::OkStatus();
}

// OK if nothing is asked for that --move cannot do.
absl::Status CheckMove(const Flags& flags) {
  const KeyFlags& keys = flags.keys;
  const bool keeps_keys = keys.tensors.empty() && keys.rename.empty() && keys.match.empty() &&
                          keys.exclude.empty() && keys.substitute.empty() && keys.ema == "keep" &&
                          !keys.strip_optimizer;
  if (keeps_keys && flags.num_shards == 0 && flags.to.empty() && !flags.join_slices && flags.alignment == 1 &&
      flags.on_conflict == "fail" && flags.object_graph == "keep") {
    return absl::OkStatus();
  }
  return UsageError(
      "--move renames data files and cannot change what is in them: no other flag than --write_state goes "
      "with it");
}

void ExitStatus(Command& command) {
  command.Epilogue("Exit status",
                   "0: done. 1: it failed, and nothing was written or changed. 2: wrong usage.");
}

}  // namespace

int RunCheckpointCopy(absl::Span<const std::string> args) {
  Flags flags;
  Command command("checkpoint copy", cli::Family::kCpp,
                  "writes a checkpoint of some tensors of another one, or under other names.");
  command.Positionals(&flags.paths, "FROM TO");
  DeclareSelection(flags.keys, command);
  DeclareChanges(flags.keys, command);
  DeclareOutput(flags, command);
  DeclareVersion(flags, command);
  DeclareShards(flags, command);
  command.Example("checkpoint copy model.ckpt-1000 lean.ckpt --strip_optimizer --ema=use",
                  "What a server needs, with averaged weights:");
  command.Example("checkpoint copy old.ckpt new.ckpt --rename='model/*=encoder/*,global_step=step'",
                  "The same values under other names:");
  ExitStatus(command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(WriteOne(flags, "copy"));
}

int RunCheckpointConvert(absl::Span<const std::string> args) {
  Flags flags;
  flags.to = "V2";
  Command command("checkpoint convert", cli::Family::kCpp,
                  "writes a V1 checkpoint as V2, or a V2 checkpoint as V1.");
  command.Positionals(&flags.paths, "FROM TO");
  DeclareVersion(flags, command);
  DeclareShards(flags, command);
  DeclareOutput(flags, command);
  DeclareSelection(flags.keys, command);
  command.Example("checkpoint convert old/model.ckpt-30 new/model.ckpt-30",
                  "For every TensorFlow since 1.0:");
  command.Example("checkpoint convert model.ckpt old.ckpt --to=V1", "For TensorFlow 0.x:");
  command.Epilogue(
      "What V1 cannot hold",
      "uint32, uint64, bfloat16, qint16, quint16, variants, newer types, and slices of 2 GiB: named, "
      "and nothing is written; --exclude leaves such tensors out.");
  ExitStatus(command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(WriteOne(flags, "convert"));
}

int RunCheckpointReshard(absl::Span<const std::string> args) {
  Flags flags;
  flags.num_shards = 1;
  Command command("checkpoint reshard", cli::Family::kCpp,
                  "writes the same tensors into more or fewer data files.");
  command.Positionals(&flags.paths, "FROM TO");
  DeclareShards(flags, command);
  DeclareVersion(flags, command);
  DeclareOutput(flags, command);
  command.Example("checkpoint reshard model.ckpt wide.ckpt --num_shards=8",
                  "Eight data files of about one size:");
  ExitStatus(command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(WriteOne(flags, "reshard"));
}

int RunCheckpointMerge(absl::Span<const std::string> args) {
  Flags flags;
  std::string out;
  bool move = false;
  Command command("checkpoint merge", cli::Family::kCpp, "writes one checkpoint of the tensors of several.");
  command.Usage("--out=PREFIX");
  command.Positionals(&flags.paths, "PATH…");
  command.Add(&out, "out", "The new checkpoint.").Value("PREFIX").Path();
  command
      .Add(&flags.on_conflict, "on_conflict",
           "A tensor that is in several inputs: fail, or take that of the first or last one. Slices of one "
           "partitioned tensor are united.")
      .Choices({"fail", "first", "last"});
  command.Add(
      &move, "move",
      "Rename the data files of the inputs instead of copying them, as TensorFlow does after a sharded save: "
      "it takes no time and no space, and the inputs are gone. V2, in one file system, unchanged.");
  DeclareShards(flags, command);
  DeclareVersion(flags, command);
  DeclareOutput(flags, command);
  DeclareSelection(flags.keys, command);
  DeclareChanges(flags.keys, command);
  command.Example("checkpoint merge worker-0.ckpt worker-1.ckpt --out=all.ckpt", "One of two:");
  command.Example("checkpoint merge model.ckpt_temp/*.index --out=model.ckpt --move",
                  "What a sharded save left unmerged:");
  ExitStatus(command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  const auto merge = [&]() -> absl::Status {
    RETURN_IF_ERROR(CheckPaths(flags.paths, 1, 1000000, "merge", "checkpoints, and --out"));
    if (out.empty()) return UsageError("--out must be the prefix of the checkpoint to write");
    if (!move) return Write(flags.paths, out, flags);
    RETURN_IF_ERROR(CheckMove(flags));
    return Move(flags, out);
  };
  return cli::Finish(merge());
}

int RunCheckpointImport(absl::Span<const std::string> args) {
  Flags flags;
  std::string out;
  Command command("checkpoint import", cli::Family::kCpp,
                  "writes a checkpoint of the arrays in .npz, .npy files or safetensors.");
  command.Usage("--out=PREFIX");
  command.Positionals(&flags.paths, "FILE…");
  command.Add(&out, "out", "The new checkpoint.").Value("PREFIX").Path();
  DeclareVersion(flags, command);
  DeclareShards(flags, command);
  DeclareSelection(flags.keys, command);
  DeclareChanges(flags.keys, command);
  DeclareOutput(flags, command);
  command.Example("checkpoint import weights.npz --out=model.ckpt", "What numpy.savez wrote:");
  command.Example("checkpoint import model.safetensors --out=model.ckpt --substitute='s/\\./\\//g'",
                  "PyTorch's names with slashes:");
  command.Epilogue(
      "What is read",
      ".npz of any writer, stored or deflated; .npy of version 1 to 3, of either byte and element "
      "order; strings of fixed width, bytes (S) or text (U, as UTF-8). Python objects are refused: "
      "they are pickled.");
  ExitStatus(command);
  if (std::optional<int> status = command.Parse(args)) return *status;
  const auto import = [&]() -> absl::Status {
    if (flags.paths.size() == 2 && out.empty()) {
      out = flags.paths[1];
      flags.paths.pop_back();
    }
    RETURN_IF_ERROR(CheckPaths(flags.paths, 1, 1000000, "import", "array files, and --out"));
    if (out.empty()) return UsageError("--out must be the prefix of the checkpoint to write");
    return Write(flags.paths, out, flags);
  };
  return cli::Finish(import());
}

}  // namespace cryograph

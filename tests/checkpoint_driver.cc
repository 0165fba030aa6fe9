// The checkpoint library as a program, for oracle scripts and benchmarks:
//   checkpoint_driver make PREFIX COUNT BYTES            COUNT float variables of BYTES each
//   checkpoint_driver list PATH                          names, types and shapes
//   checkpoint_driver read PATH NAME                     type, shape and checksum of one value
//   checkpoint_driver verify PATH THREADS                checks all values
//   checkpoint_driver rewrite PATH OUT VERSION SHARDS    another version, other data files; slices stay
//   slices checkpoint_driver merge OUT PREFIX… checkpoint_driver meta GRAPH OUT.meta PREFIX…        adds a
//   saver to a graph; PREFIX: only these variables
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/crc32c.h"
#include "checkpoint/merge.h"
#include "checkpoint/saver_graph.h"
#include "checkpoint/slice_spec.h"
#include "checkpoint/verify.h"
#include "graph/export.h"
#include "graph/model.h"
#include "graph/open.h"

namespace cryograph {
namespace {

using Arguments = std::vector<std::string>;

absl::StatusOr<std::unique_ptr<Checkpoint>> Open(const std::string& path) {
  std::vector<std::string> notes;
  absl::StatusOr<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(path, &notes);
  for (const std::string& note : notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  return checkpoint;
}

int64_t Number(const std::string& text) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : -1;
}

absl::Status Make(const Arguments& args) {
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointWriter> writer, CreateCheckpointWriter(args[0], {}));
  std::string bytes(static_cast<size_t>(Number(args[2])), '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 24);
  Tensor tensor = Tensor::OfBytes(DT_FLOAT, {static_cast<int64_t>(bytes.size() / 4)}, bytes);
  for (int64_t i = 0; i < Number(args[1]); ++i) {
    RETURN_IF_ERROR(writer->Add(absl::StrCat("layer_", i / 4, "/variable_", i % 4), tensor));
  }
  return writer->Finish();
}

absl::Status List(const Arguments& args) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Open(args[0]));
  for (const CheckpointEntry& entry : checkpoint->entries()) {
    std::printf("%s %s %s\n", entry.name.c_str(), DataTypeName(entry.dtype).c_str(),
                ShapeText(entry.dims).c_str());
  }
  return absl::OkStatus();
}

absl::Status Read(const Arguments& args) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Open(args[0]));
  ASSIGN_OR_RETURN(const Tensor tensor, checkpoint->Read(args[1]));
  std::printf("%s %s %08x\n", DataTypeName(tensor.dtype).c_str(), ShapeText(tensor.dims).c_str(),
              Crc32c(tensor.bytes));
  return absl::OkStatus();
}

absl::Status Verify(const Arguments& args) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Open(args[0]));
  const CheckpointVerdict verdict = VerifyCheckpoint(*checkpoint, static_cast<int>(Number(args[1])));
  for (const CheckpointDefect& defect : verdict.defects)
    std::printf("%s\n", defect.status.ToString().c_str());
  std::printf("%llu tensors, %llu bytes\n", static_cast<unsigned long long>(verdict.tensors),
              static_cast<unsigned long long>(verdict.bytes));
  return verdict.defects.empty() ? absl::OkStatus() : absl::DataLossError("damaged");
}

absl::Status Rewrite(const Arguments& args) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Open(args[0]));
  CheckpointWriterOptions options;
  options.version = static_cast<int>(Number(args[2]));
  options.num_shards = static_cast<int>(Number(args[3]));
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointWriter> writer, CreateCheckpointWriter(args[1], options));
  int next = 0;
  for (const CheckpointEntry& entry : checkpoint->entries()) {
    const std::vector<TensorSlice> slices = checkpoint->StoredSlices(entry.name);
    if (slices.empty()) {
      ASSIGN_OR_RETURN(const std::shared_ptr<const TensorSource> source, checkpoint->Source(entry.name));
      RETURN_IF_ERROR(writer->Add(entry.name, source, next++ % options.num_shards));
    }
    for (const TensorSlice& slice : slices) {
      ASSIGN_OR_RETURN(const std::shared_ptr<const TensorSource> source,
                       checkpoint->Source(entry.name, SliceSpecText({entry.dims, slice})));
      RETURN_IF_ERROR(writer->AddSlice(entry.name, entry.dims, slice, source, next++ % options.num_shards));
    }
  }
  return writer->Finish();
}

absl::Status Merge(const Arguments& args) {
  return MergeBundles(absl::MakeConstSpan(args).subspan(1), args[0]);
}

absl::Status Meta(const Arguments& args) {
  ASSIGN_OR_RETURN(Model model, OpenModel(args[0], OpenOptions(), nullptr));
  std::vector<SaverVariable> variables;
  for (const Node node : model.graph().nodes()) {
    if (node.op() != "VariableV2" && node.op() != "VarHandleOp") continue;
    bool wanted = args.size() == 2;
    for (size_t i = 2; i < args.size(); ++i) wanted = wanted || absl::StartsWith(node.name(), args[i]);
    if (!wanted) continue;
    variables.push_back({std::string(node.name()), node, node.attr("dtype", DT_INVALID), "", {}});
  }
  ASSIGN_OR_RETURN(const std::string saver, AddSaver(model.graph(), std::move(variables)));
  std::string field;
  AppendBytesField(3, saver, &field);
  const absl::string_view raw = model.graph().Keep(field);
  model.meta_fields.push_back({3, raw, raw.substr(raw.size() - saver.size())});
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Create(args[1]));
  RETURN_IF_ERROR(ExportMetaGraphDef(model, *sink, ExportOptions()));
  return sink->Commit();
}

struct Verb {
  const char* name;
  size_t min_args;
  absl::Status (*run)(const Arguments& args);
};

constexpr Verb kVerbs[] = {{"make", 3, Make},     {"list", 1, List},       {"read", 2, Read},
                           {"verify", 2, Verify}, {"rewrite", 4, Rewrite}, {"merge", 2, Merge},
                           {"meta", 2, Meta}};

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) {
  using namespace cryograph;  // NOLINT: a program has its own file.
  for (const Verb& verb : kVerbs) {
    if (argc < 2 || verb.name != std::string(argv[1])) continue;
    const Arguments args(argv + 2, argv + argc);
    if (args.size() < verb.min_args) break;
    const absl::Status status = verb.run(args);
    if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
    return status.ok() ? 0 : 1;
  }
  std::fprintf(stderr, "usage: see the top of tests/checkpoint_driver.cc\n");
  return 2;
}

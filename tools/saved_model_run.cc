// saved_model_cli run: a signature of a SavedModel on given inputs, in the words of TensorFlow's tool.
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "checkpoint/array_files.h"
#include "cryograph/inference.h"
#include "graph/meta_graph.h"
#include "graph/numpy_text.h"
#include "graph/tensor_sources.h"
#include "runtime/memory.h"
#include "tools/cli.h"
#include "tools/inference_values.h"
#include "tools/saved_model_cli.h"
#include "tools/saved_model_files.h"
#include "tools/saved_model_inputs.h"
#include "tools/value_report.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;

struct Flags {
  std::string dir, tag_set, signature_def = "serving_default", outdir, worker, format = "tf221";
  SavedModelInputFlags inputs;
  bool overwrite = false, tf_debug = false, init_tpu = false, use_tfrt = false;
};

void Declare(Flags& flags, Command& command) {
  command.Usage("run --dir=DIR [--tag_set=TAGS] [--signature_def=KEY] --inputs=KEY=FILE;…");
  command.Add(&flags.dir, "dir", "The SavedModel's directory.").Value("DIR").Path();
  command.Add(&flags.tag_set, "tag_set", "Tags of the MetaGraph, separated by commas; default: the only one.")
      .Value("TAG,TAG…");
  command.Add(&flags.signature_def, "signature_def", "The signature to run.").Value("KEY");
  command.Add(&flags.inputs.inputs, "inputs", "Inputs from numpy's files: FILE.npy, FILE.npz[NAME].")
      .Value("KEY=FILE;…");
  command
      .Add(&flags.inputs.input_exprs, "input_exprs",
           "Inputs as Python literals: [1.0, 2.0], 'text'; also np.zeros, np.ones, np.full, np.arange, "
           "np.linspace, np.random.rand(…, seed=1), np.array, .reshape and .astype.")
      .Value("KEY=EXPRESSION;…");
  command
      .Add(&flags.inputs.input_examples, "input_examples",
           "Inputs of serialized tf.Example messages, as a list of dictionaries: x=[{\"id\":[26]}].")
      .Value("KEY=LIST;…");
  command.Add(&flags.outdir, "outdir", "Where each output is written as KEY.npy.").Value("DIR").Path();
  command.Add(&flags.overwrite, "overwrite", "Replace files that are there.");
  command.Add(&flags.tf_debug, "tf_debug", "Has no effect here.");
  command.Add(&flags.worker, "worker", "Not supported: models run in this process.");
  command.Add(&flags.init_tpu, "init_tpu", "Has no effect here.");
  command.Add(&flags.use_tfrt, "use_tfrt", "Has no effect here.");
  command
      .Add(&flags.format, "format",
           "Whose numpy prints the outputs, that of TensorFlow 1.15 or of 2.21; or JSON.")
      .Choices({"tf15", "tf221", "json"})
      .Value("FORMAT")
      .Extension();
}

struct SignatureInput {
  std::string tensor;
  DataType dtype = DT_INVALID;
  bool needed = true;  // Its placeholder has no default.
};

struct RunnableSignature {
  std::string tags;  // Of its MetaGraph.
  std::map<std::string, SignatureInput> inputs;
  std::map<std::string, std::string> outputs;  // Key and tensor.
};

absl::StatusOr<RunnableSignature> FindSignature(const Flags& flags) {
  ASSIGN_OR_RETURN(OpenedFile file, OpenSavedModel(flags.dir));
  ASSIGN_OR_RETURN(Model* const model, FindTagSet(file, flags.tag_set));
  ASSIGN_OR_RETURN(const tensorflow::MetaGraphDef meta_graph, MetaGraphOf(*model));
  const auto found = meta_graph.signature_def().find(flags.signature_def);
  if (found == meta_graph.signature_def().end()) {
    std::set<std::string> keys;
    for (const auto& signature : meta_graph.signature_def()) keys.insert(signature.first);
    const std::vector<absl::string_view> names(keys.begin(), keys.end());
    return absl::NotFoundError(absl::StrCat("Could not find signature \"", flags.signature_def,
                                            "\". Please choose from: ", absl::StrJoin(keys, ", "),
                                            DidYouMean(NearestNames(flags.signature_def, names))));
  }
  RunnableSignature signature;
  signature.tags = absl::StrJoin(TagsOf(*model), ",");
  const auto whole = [&](const char* what, const std::string& key, const std::string& name) {
    if (!name.empty()) return absl::OkStatus();
    return absl::UnimplementedError(absl::StrCat(what, " '", key, "' of signature '", flags.signature_def,
                                                 "' is made of several tensors\ntry: run_graph with those"));
  };
  for (const auto& [key, info] : found->second.inputs()) {
    RETURN_IF_ERROR(whole("input", key, info.name()));
    const Node node = model->graph().Find(NodeOfTensor(info.name()));
    SignatureInput& input = signature.inputs[key];
    input.tensor = info.name();
    input.dtype = BaseType(static_cast<DataType>(info.dtype()));
    input.needed = !node || node.op() != "PlaceholderWithDefault";
  }
  for (const auto& [key, info] : found->second.outputs()) {
    RETURN_IF_ERROR(whole("output", key, info.name()));
    signature.outputs[key] = info.name();
  }
  return signature;
}

absl::Status CheckAllGiven(const RunnableSignature& signature, const std::map<std::string, Value>& values) {
  std::vector<std::string> missing;
  for (const auto& [key, input] : signature.inputs) {
    if (input.needed && values.count(key) == 0) missing.push_back(key);
  }
  if (missing.empty()) return absl::OkStatus();
  return cli::UsageError(absl::StrCat("no value is given for ", missing.size() == 1 ? "input " : "inputs ",
                                      absl::StrJoin(missing, ", "), "\ntry: --input_exprs='", missing[0],
                                      "=…' or --inputs=", missing[0], "=FILE.npy"));
}

// "outdir/key.npy". A key is no path: what would be a folder in it is part of the name.
std::string OutputPath(const Flags& flags, const std::string& key) {
  return absl::StrCat(flags.outdir, absl::EndsWith(flags.outdir, "/") ? "" : "/",
                      absl::StrReplaceAll(key, {{"/", "_"}}), ".npy");
}

absl::Status CheckOutputFiles(const Flags& flags, const RunnableSignature& signature) {
  if (flags.outdir.empty() || flags.overwrite) return absl::OkStatus();
  for (const auto& [key, tensor] : signature.outputs) {
    const std::string path = OutputPath(flags, key);
    if (std::FILE* file = std::fopen(path.c_str(), "rb"); file != nullptr) {
      std::fclose(file);
      return absl::AlreadyExistsError(
          absl::StrCat("Output file ", path,
                       " already exists. Add \"--overwrite\" to overwrite the existing output files."));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteOutput(const std::string& path, const std::string& key, const Value& value) {
  ASSIGN_OR_RETURN(Tensor tensor, value.ToTensor());
  return WriteNpyFile(path, {key, SourceOf(std::move(tensor))}, ArrayFileOptions());
}

absl::Status Report(const Flags& flags, const RunnableSignature& signature, const Inference& inference,
                    MemoryPool& pool) {
  NumpyTextOptions options;
  options.old_numpy = flags.format == "tf15";
  std::string json;
  for (const auto& [key, tensor_name] : signature.outputs) {
    ASSIGN_OR_RETURN(const Value value, FetchValue(inference, tensor_name, pool));
    if (flags.format == "json") {
      absl::StrAppend(&json, json.empty() ? "{\"outputs\": [\n  " : ",\n  ",
                      ValueJson(key, value, value.num_elements()));
    } else {
      ASSIGN_OR_RETURN(const Tensor tensor, value.ToTensor());
      ASSIGN_OR_RETURN(const std::string text, NumpyText(tensor, options));
      std::printf("Result for output key %s:\n%s\n", key.c_str(), text.c_str());
    }
    if (flags.outdir.empty()) continue;
    const std::string path = OutputPath(flags, key);
    RETURN_IF_ERROR(WriteOutput(path, key, value));
    if (flags.format != "json") std::printf("Output %s is saved to %s\n", key.c_str(), path.c_str());
  }
  if (flags.format == "json") std::printf("%s\n]}\n", json.empty() ? "{\"outputs\": [" : json.c_str());
  return absl::OkStatus();
}

absl::Status RunSignature(const Flags& flags) {
  if (flags.dir.empty()) return cli::UsageError("--dir must name the SavedModel's directory");
  if (!flags.worker.empty()) {
    return absl::UnimplementedError("--worker: models run in this process, not on a server");
  }
  ASSIGN_OR_RETURN(const RunnableSignature signature, FindSignature(flags));
  if (flags.inputs.empty() && !signature.inputs.empty()) {
    std::vector<std::string> keys;
    for (const auto& [key, input] : signature.inputs) keys.push_back(key);
    return cli::UsageError(
        absl::StrCat("At least one of --inputs, --input_exprs or --input_examples must be required\nwhy: the "
                     "signature '",
                     flags.signature_def, "' takes ", absl::StrJoin(keys, ", ")));
  }
  RETURN_IF_ERROR(CheckOutputFiles(flags, signature));
  std::map<std::string, DataType> types;
  for (const auto& [key, input] : signature.inputs) types[key] = input.dtype;
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  std::vector<std::string> notes;
  absl::StatusOr<std::map<std::string, Value>> values =
      ReadSavedModelInputs(flags.inputs, types, *pool, &notes);
  for (const std::string& note : notes) cli::PrintWarning(note);
  RETURN_IF_ERROR(values.status());
  RETURN_IF_ERROR(CheckAllGiven(signature, *values));

  Inference::Options options;
  options.tags = signature.tags;
  ASSIGN_OR_RETURN(Inference inference, Inference::Load(flags.dir, options));
  for (const std::string& note : inference.notes()) cli::PrintNote(note);
  for (const auto& [key, value] : *values) {
    RETURN_IF_ERROR(FeedValueTo(inference, signature.inputs.at(key).tensor, value));
  }
  std::vector<std::string> fetches;
  for (const auto& [key, tensor] : signature.outputs) fetches.push_back(tensor);
  if (fetches.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the signature '", flags.signature_def, "' has no outputs"));
  }
  RETURN_IF_ERROR(inference.Run(fetches));
  return Report(flags, signature, inference, *pool);
}

}  // namespace

int RunSavedModelRun(absl::Span<const std::string> args) {
  Flags flags;
  Command command("saved_model_cli run", Family::kPython, "runs a signature of a SavedModel.");
  Declare(flags, command);
  command.Example(
      "saved_model_cli run --dir=model --tag_set=serve --signature_def=serving_default "
      "--input_exprs='x=[[1.0, 2.0]]'",
      "");
  command.Example("saved_model_cli run --dir=model --inputs='image=photo.npy' --outdir=out", "");
  if (std::optional<int> status = command.Parse(args)) return *status;
  return cli::Finish(RunSignature(flags));
}

}  // namespace cryograph

#include "transforms/instrument/reproducer.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "graph/export.h"

namespace cryograph {
namespace {

std::string Names(const std::vector<TensorName>& tensors) {
  std::vector<std::string> names;
  for (const TensorName& tensor : tensors) {
    names.push_back(absl::StrCat(tensor.node, tensor.port > 0 ? absl::StrCat(":", tensor.port) : ""));
  }
  return absl::StrJoin(names, ",");
}

}  // namespace

absl::Status Reproducer::Before(const PassRun& run) {
  before_.emplace(run.model.Clone());
  return absl::OkStatus();
}

void Reproducer::OnFailure(const PassRun& run) {
  const absl::Status status = Write(run);
  run.context.run_report().warnings.push_back(
      status.ok() ? absl::StrCat("what is needed to see the failure again is in ", directory_)
                  : absl::StrCat("the reproducer could not be written: ", status.message()));
}

absl::Status Reproducer::Write(const PassRun& run) {
  if (!before_) return absl::FailedPreconditionError("the step never began");
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> graph, FileSink::Create(directory_ + "/reproducer.pb"));
  ExportOptions options;
  options.allow_defects = true;
  RETURN_IF_ERROR(ExportGraphDef(*before_, *graph, options));
  RETURN_IF_ERROR(graph->Commit());
  std::string text =
      "# transform_graph --in_graph=reproducer.pb --out_graph=out.pb --transforms_file=reproducer.transforms";
  if (!run.context.inputs().empty()) absl::StrAppend(&text, " --inputs=", Names(run.context.inputs()));
  if (!run.context.outputs().empty()) absl::StrAppend(&text, " --outputs=", Names(run.context.outputs()));
  if (!run.context.keep().empty()) absl::StrAppend(&text, " --keep=", absl::StrJoin(run.context.keep(), ","));
  if (run.context.compat()) absl::StrAppend(&text, " --compat");
  absl::StrAppend(&text, "\n", run.remaining_spec(), "\n");
  return WriteFile(directory_ + "/reproducer.transforms", text);
}

}  // namespace cryograph

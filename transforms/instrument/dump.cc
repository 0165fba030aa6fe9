#include "transforms/instrument/dump.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "graph/export_text.h"

namespace cryograph {

absl::Status Dump::Start(Model& model, PassContext&) { return Write(model, 0, "input"); }

absl::Status Dump::After(const PassRun& run) { return Write(run.model, run.report.number, run.pass.name()); }

absl::Status Dump::Write(Model& model, int number, absl::string_view name) {
  const std::string path = absl::StrCat(directory_, "/", absl::StrFormat("%02d_", number), name, ".pbtxt");
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSink> sink, FileSink::Create(path));
  ExportOptions options;
  options.allow_defects = true;
  RETURN_IF_ERROR(ExportGraphDefText(model, *sink, /*drop_unknown_fields=*/true, options));
  return sink->Commit();
}

}  // namespace cryograph

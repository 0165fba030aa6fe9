// Reading a model out of any container, and showing it, must bear any bytes.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "graph/import.h"
#include "graph/memmapped_package.h"
#include "graph/meta_graph_scope.h"
#include "graph/model.h"
#include "tools/model_document.h"

namespace {

void Check(absl::StatusOr<cryograph::Model> model) {
  if (!model.ok()) {
    if (model.status().message().empty()) std::abort();
    return;
  }
  // All that it says can be shown, and be put under a scope.
  cryograph::DocumentOptions options;
  options.nodes = true;
  const absl::StatusOr<cryograph::Document> document = cryograph::ModelDocument(*model, options);
  if (document.ok() && (document->Json().empty() || document->Text().empty())) std::abort();
  cryograph::ImportMetaGraphOptions scope;
  scope.scope = "a";
  const absl::StatusOr<cryograph::Model> imported = cryograph::ImportMetaGraph(*model, scope);
  if (!imported.ok() && imported.status().message().empty()) std::abort();
  cryograph::ExportMetaGraphOptions part;
  part.scope = "a";
  part.strip_default_attrs = true;
  part.clear_extraneous_savers = true;
  const absl::StatusOr<cryograph::Model> exported = cryograph::ExportMetaGraph(*model, part, nullptr);
  if (!exported.ok() && exported.status().message().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = std::make_shared<std::string>(reinterpret_cast<const char*>(data), size);
  Check(cryograph::ImportMetaGraphDef(*input, input, "x"));
  Check(cryograph::ImportMemmappedPackage(*input, input, "x"));
  const auto meta_graphs = cryograph::ListMetaGraphs(*input, "x");
  if (!meta_graphs.ok()) return 0;
  for (const cryograph::MetaGraphSlice& each : *meta_graphs) {
    Check(cryograph::ImportMetaGraphDef(each.bytes, input, "x"));
  }
  return 0;
}

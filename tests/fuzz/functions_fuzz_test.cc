// Any GraphDef, its functions inlined and lowered, its variables frozen in every form: an error or a graph
// that can be written and read again, within the bounds on size.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/byte_sink.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/verify.h"
#include "transforms/freeze_variables.h"
#include "transforms/function_inliner.h"

namespace cryograph {
namespace {

constexpr int64_t kMaxNodes = 2000;

void Require(bool condition, const char* what, const absl::Status& status) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  std::abort();
}

// What is written must be readable.
void CheckWritten(Model& model) {
  StringSink sink;
  if (!ExportGraphDef(model, sink).ok()) return;  // A defect that was there before.
  const absl::Status read = ImportGraphDef(sink.bytes(), nullptr, "written").status();
  Require(read.ok(), "the result cannot be read", read);
}

void Check(absl::string_view bytes) {
  absl::StatusOr<Model> model = ImportGraphDef(bytes, nullptr, "input");
  if (!model.ok()) return;
  for (const bool flow : {false, true}) {
    Model copy = model->Clone();
    const int before = copy.graph().num_nodes();
    InlineOptions options;
    options.control_flow = flow;
    options.max_nodes = kMaxNodes;
    if (!InlineFunctions(copy, options).ok()) continue;
    // Besides the copies there are a few nodes for each input and output of each call.
    Require(copy.graph().num_nodes() < before + 100 * kMaxNodes, "too many nodes", absl::OkStatus());
    (void)Verify(copy);
    CheckWritten(copy);
  }
  Node last;
  for (Node node : model->graph().nodes()) last = node;
  if (!last) return;
  for (const FunctionForm form : {FunctionForm::kLower, FunctionForm::kInline, FunctionForm::kKeep}) {
    Model copy = model->Clone();
    FreezeOptions options;
    options.outputs = {std::string(last.name())};
    options.missing = MissingPolicy::kZeros;
    options.functions = form;
    options.max_inlined_nodes = kMaxNodes;
    if (FreezeVariables(copy, options).ok()) CheckWritten(copy);
  }
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cryograph::Check(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}

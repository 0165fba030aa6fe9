#include "graph/export_text.h"

#include <string>

#include "base/status_macros.h"
#include "graph/text.h"

namespace cryograph {

absl::Status ExportGraphDefText(Model& model, ByteSink& sink, bool drop_unknown_fields,
                                const ExportOptions& options) {
  std::string text;
  for (const Node node : model.graph().nodes()) {
    ASSIGN_OR_RETURN(const std::string bytes, SerializeNode(node, options));
    text.clear();
    RETURN_IF_ERROR(AppendNodeText(bytes, drop_unknown_fields, &text));
    RETURN_IF_ERROR(sink.Append(text));
  }
  StringSink rest;
  RETURN_IF_ERROR(ExportAllButNodes(model, rest, options));
  text.clear();
  RETURN_IF_ERROR(AppendFieldsText(MessageKind::kGraphDef, rest.bytes(), 0, drop_unknown_fields, &text));
  return sink.Append(text);
}

}  // namespace cryograph

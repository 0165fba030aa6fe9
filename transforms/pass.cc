#include "transforms/pass.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cryograph {

ErrorBound DefaultErrorBound(Semantics semantics) {
  return semantics == Semantics::kExact ? ErrorBound() : ErrorBound{1e-5, 1e-4, 0};
}

absl::StatusOr<TensorName> ParseTensorName(absl::string_view text) {
  TensorName name;
  absl::string_view rest = text;
  name.control = absl::ConsumePrefix(&rest, "^");
  const size_t colon = rest.find(':');
  name.node = std::string(rest.substr(0, colon));
  if (name.node.empty()) return absl::InvalidArgumentError(absl::StrCat("'", text, "' names no node"));
  if (colon == absl::string_view::npos) return name;
  const absl::string_view port = rest.substr(colon + 1);
  if (port.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(port[0])) ||
      !absl::SimpleAtoi(port, &name.port)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text, "' names no output: after ':' there must be its number, as in '", name.node, ":0'"));
  }
  name.has_port = true;
  return name;
}

std::string PassContext::ResolvePath(absl::string_view path) const {
  return options_.resolve_path ? options_.resolve_path(path) : std::string(path);
}

void PassContext::Skip(Node node, absl::string_view why) {
  report().AddRemark(RemarkKind::kSkip, absl::StrCat(function_, node.name()), node.op(), why);
}

void PassContext::Remark(Node node, absl::string_view what) {
  report().AddRemark(RemarkKind::kNote, absl::StrCat(function_, node.name()), node.op(), what);
}

absl::Status PassContext::ForEachGraph(bool functions, const std::function<absl::Status(Graph&)>& body) {
  RETURN_IF_ERROR(body(model_->graph()));
  if (!functions) return absl::OkStatus();
  for (Function& function : model_->functions()) {
    absl::StatusOr<Graph*> graph = function.body();
    function_ = absl::StrCat(function.name(), "/");
    const absl::Status status = graph.ok() ? body(**graph) : graph.status();
    function_.clear();
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("function '", function.name(), "': ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace cryograph

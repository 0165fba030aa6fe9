#include "runtime/cases/run_case.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/import.h"
#include "graph/model.h"

namespace cryograph {

absl::StatusOr<std::vector<Value>> RunCase(const OpCase& op_case, const ExecutorOptions& executor_options,
                                           const RunOptions& run_options) {
  const auto bytes = std::make_shared<const std::string>(op_case.graph_def);
  ASSIGN_OR_RETURN(Model model,
                   ImportGraphDef(*bytes, bytes, absl::StrCat(op_case.op, " case ", op_case.index)));
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor,
                   Executor::Create(std::move(model), executor_options));
  std::vector<std::pair<std::string, Value>> feeds;
  for (const CaseFeed& feed : op_case.feeds) {
    const auto proto = std::make_shared<const std::string>(feed.tensor);
    ASSIGN_OR_RETURN(const Tensor tensor, DecodeTensorProto(*proto, proto));
    ASSIGN_OR_RETURN(Value value, Value::FromTensor(tensor, executor->pool()));
    feeds.emplace_back(std::string(feed.name), std::move(value));
  }
  std::vector<std::string> fetches;
  for (const CaseFetch& fetch : op_case.fetches) fetches.emplace_back(fetch.name);
  const std::vector<std::string> targets(op_case.targets.begin(), op_case.targets.end());
  return executor->RunOnce(feeds, fetches, targets, run_options);
}

std::string JudgeCase(const OpCase& op_case, const absl::StatusOr<std::vector<Value>>& result) {
  if (op_case.expected_error) {
    if (result.ok()) return absl::StrCat("must fail (", op_case.error_text, "), but gave a result");
    if (absl::IsUnimplemented(result.status())) {
      return absl::StrCat("must fail (", op_case.error_text, "), but: ", result.status().message());
    }
    return "";
  }
  if (!result.ok()) return result.status().ToString();
  for (size_t i = 0; i < op_case.fetches.size(); ++i) {
    const CaseFetch& fetch = op_case.fetches[i];
    const absl::StatusOr<Tensor> tensor = (*result)[i].ToTensor();
    if (!tensor.ok()) return absl::StrCat(fetch.name, ": ", tensor.status().ToString());
    const std::string why = CompareWithFetch(*tensor, fetch);
    if (!why.empty()) return absl::StrCat(fetch.name, ": ", why);
  }
  return "";
}

}  // namespace cryograph

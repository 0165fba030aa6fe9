#include "runtime/missing_kernels.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace cryograph {
namespace {

constexpr absl::string_view kPlainReason = "no kernel";

std::string OpText(const MissingKernel& kernel) {
  return absl::StrCat(kernel.op,
                      kernel.dtype == DT_INVALID ? "" : absl::StrCat(" (", DataTypeName(kernel.dtype), ")"));
}

}  // namespace

void MissingKernels::AddFunction(absl::string_view function, const MissingKernels& other) {
  for (const MissingKernel& each : other.list_) {
    MissingKernel kernel = each;
    if (kernel.functions.empty()) kernel.innermost = std::string(function);
    // The ways that lead to a function may be too many to go them all.
    if (!in_functions_.insert(absl::StrCat(kernel.innermost, "\n", kernel.node, "\n", OpText(kernel))).second)
      continue;
    absl::StrAppend(&kernel.functions, " (in function '", function, "')");
    list_.push_back(std::move(kernel));
  }
}

absl::Status MissingKernels::ToStatus() const {
  const MissingKernel& first = list_.front();
  std::string text = absl::StrCat("not implemented: op ", OpText(first), ", node '", first.node,
                                  "': ", first.why, first.functions);
  std::map<std::string, int> nodes;
  for (size_t i = 1; i < list_.size(); ++i) {
    const std::string why = list_[i].why == kPlainReason ? "" : absl::StrCat(": ", list_[i].why);
    ++nodes[absl::StrCat(OpText(list_[i]), why)];
  }
  if (nodes.empty()) return absl::UnimplementedError(text);
  constexpr size_t kMaxListed = 100;
  std::vector<std::string> groups;
  for (const auto& [group, count] : nodes) {
    if (groups.size() == kMaxListed) break;
    groups.push_back(absl::StrCat(group, count == 1 ? ", 1 node" : absl::StrCat(", ", count, " nodes")));
  }
  absl::StrAppend(&text, "\nmissing as well: ", absl::StrJoin(groups, "; "));
  if (nodes.size() > kMaxListed) absl::StrAppend(&text, "; and ", nodes.size() - kMaxListed, " more");
  return absl::UnimplementedError(text);
}

}  // namespace cryograph

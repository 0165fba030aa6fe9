// Pins placeholders and removes the branches that are never taken: the pass prune_branches.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transforms/pass.h"
#include "transforms/pin_placeholders.h"
#include "transforms/prune_branches.h"

namespace cryograph {
namespace {

class PruneBranchesPass final : public Pass {
 public:
  PruneBranchesPass()
      : Pass("prune_branches",
             "Gives placeholders a value for good, and removes the branches that constant predicates never "
             "take.") {}

  std::string doc() const override {
    return R"(`set="is_training=false"` makes a constant of the placeholder `is_training` (a PlaceholderWithDefault, too). The value is
written as text in the placeholder's own type, and fills its shape.

Then every Switch whose predicate is constant is opened: what stands in the other branch never runs and goes, and a Merge
that has one live input left forwards it. `If` and `Case` with a constant predicate become calls of the branch taken, also
in functions. Predicates follow from constants through logic, comparisons and casts, into loops and through other
branches that are known; `x && false` is known, whatever `x` is.

A batch norm that is built for training and for inference comes out in its inference form, without the update ops that no
frozen graph can hold. An output in a branch that is never taken stays, with a warning: it has no value.)";
  }

  absl::Status CheckParams() const override {
    for (const std::string& entry : *set_) RETURN_IF_ERROR(ParsePinnedValue(entry).status());
    return absl::OkStatus();
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    PinnedValues values;
    for (const std::string& entry : *set_) {
      ASSIGN_OR_RETURN(auto value, ParsePinnedValue(entry));
      values.push_back(std::move(value));
    }
    RETURN_IF_ERROR(PinPlaceholders(graph, values));
    if (!values.empty()) context.Count("placeholders pinned", static_cast<int64_t>(values.size()));
    PruneOptions options;
    for (const TensorName& name : context.inputs()) {
      bool is_set = false;
      for (const auto& [pinned, text] : values) is_set = is_set || pinned == name.node;
      if (!is_set) options.inputs.push_back(name.node);
    }
    for (const TensorName& name : context.outputs()) {
      options.outputs.push_back(absl::StrCat(name.node, ":", name.port));
    }
    options.outputs.insert(options.outputs.end(), context.keep().begin(), context.keep().end());
    ASSIGN_OR_RETURN(const PruneReport report, PruneBranches(context.model(), options));
    if (report.switches > 0) context.Count("switches opened", report.switches);
    if (report.merges > 0) context.Count("merges with fewer inputs", report.merges);
    if (report.functional > 0) context.Count("conditionals called directly", report.functional);
    if (report.removed > 0) context.Count("removed", report.removed);
    for (const auto& [name, why] : report.kept) {
      if (const Node node = graph.Find(name)) context.Skip(node, why);
    }
    if (!report.dead_outputs.empty()) {
      context.Warn(absl::StrCat("never computed, being in a branch that is not taken: ",
                                absl::StrJoin(report.dead_outputs, ", ")));
    }
    return absl::OkStatus();
  }

 private:
  Param<std::vector<std::string>> set_{
      this, "set", {}, "`placeholder=value`: a placeholder that becomes a constant."};
};
CRYOGRAPH_REGISTER_PASS(PruneBranchesPass);

}  // namespace
}  // namespace cryograph

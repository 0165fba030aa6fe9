// Repairs graphs that other tools froze badly: the pass repair_frozen_graph.
#include <string>

#include "absl/strings/str_cat.h"
#include "transforms/pass.h"
#include "transforms/repair.h"

namespace cryograph {
namespace {

class RepairFrozenGraph final : public Pass {
 public:
  RepairFrozenGraph()
      : Pass("repair_frozen_graph",
             "Repairs graphs that other tools froze badly: what takes a variable takes its constant instead.",
             Semantics::kNotKept) {}

  std::string doc() const override {
    std::string text = "Each repair is one of these, and is told with its reason (`--remarks`):\n\n";
    for (const RepairKind& kind : RepairKinds())
      absl::StrAppend(&text, "- `", kind.kind, "`: ", kind.what, "\n");
    absl::StrAppend(
        &text,
        "\nA graph that is sound is not touched. What cannot be repaired (functions or inputs that are gone) "
        "is for `lint` to tell.\n");
    return text;
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    RepairOptions options;
    options.pure = *state_ == "pure";
    options.producer = *producer_ < 0 ? RepairOptions::kKeepProducer : static_cast<int>(*producer_);
    ASSIGN_OR_RETURN(const std::vector<Repair> repairs, RepairModel(context.model(), options));
    for (const Repair& repair : repairs) {
      const std::string text = absl::StrCat(repair.what, ": ", repair.why);
      const Node node = repair.function.empty() ? graph.Find(repair.node) : Node();
      if (node) {
        context.Remark(node, text);
      } else {
        context.Remark(absl::StrCat(repair.node, repair.node.empty() ? "" : ": ", text));
      }
      context.Count(repair.kind);
    }
    return absl::OkStatus();
  }

 private:
  Param<std::string> state_{
      this, "state", "drop",
      "What an op gives that would change a constant: the constant (`drop`), or what its first "
      "run would give (`pure`).",
      OneOf({"drop", "pure"})};
  Param<int64_t> producer_{this, "producer", -1,
                           "The producer version to write where the graph has 0; -1 leaves it."};
};
CRYOGRAPH_REGISTER_PASS(RepairFrozenGraph);

}  // namespace
}  // namespace cryograph

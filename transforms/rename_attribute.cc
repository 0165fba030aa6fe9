// Gives an attribute another name.
#include "absl/strings/str_cat.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class RenameAttribute final : public Pass {
 public:
  RenameAttribute()
      : Pass("rename_attribute", "Renames an attribute on every node, or on nodes of certain op types.",
             Semantics::kNotKept) {}

  std::string doc() const override {
    return "If a node has both names already, transform_graph drops the old one's value without a word. That "
           "is an error\n"
           "here, unless `overwrite` says which of the two values to keep (or `--compat` is set).";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    if (*old_attribute_name_ == *new_attribute_name_) return absl::OkStatus();
    return context.ForEachGraph(*functions_, [&](Graph& graph) -> absl::Status {
      OpFilter selected(*op_name_, true);
      for (Node node : graph.nodes()) {
        if (!selected.Matches(node)) continue;
        const AttrView value = node.attr(*old_attribute_name_);
        if (value.kind() == AttrView::kNone) continue;
        if (node.has_attr(*new_attribute_name_)) {
          if (!overwrite_.given() && !context.compat()) {
            return absl::InvalidArgumentError(absl::StrCat(
                "node '", node.name(), "' (", node.op(), ") has both '", *old_attribute_name_, "' and '",
                *new_attribute_name_, "'; overwrite=true keeps the value of '", *old_attribute_name_,
                "', overwrite=false that of '", *new_attribute_name_, "'"));
          }
          if (!*overwrite_) {
            graph.RemoveAttr(node, *old_attribute_name_);
            context.Count("removed");
            continue;
          }
        }
        RETURN_IF_ERROR(Move(graph, node));
        context.Count("renamed");
      }
      return absl::OkStatus();
    });
  }

 private:
  absl::Status Move(Graph& graph, Node node) {
    const AttrView value = node.attr(*old_attribute_name_);
    if (value.tensor_source() != nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("node '", node.name(), "': the value of '", *old_attribute_name_,
                       "' is still in the checkpoint; rename attributes before freezing"));
    }
    std::string bytes(value.bytes());
    graph.RemoveAttr(node, *old_attribute_name_);
    graph.SetAttr(node, *new_attribute_name_, std::move(bytes));
    return absl::OkStatus();
  }

  Param<std::string> old_attribute_name_{this, "old_attribute_name", kRequired,
                                         "The attribute's present name."};
  Param<std::string> new_attribute_name_{this, "new_attribute_name", kRequired, "Its new name.", NotEmpty()};
  Param<std::vector<Regex>> op_name_{
      this, "op_name", {}, "Only nodes of these op types; none given or `*`: all."};
  Param<bool> overwrite_{
      this, "overwrite", false,
      "Which value stays on a node that has both names: true the old name's, false the new name's. "
      "Not given: such a node is an error."};
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(RenameAttribute);

}  // namespace
}  // namespace cryograph

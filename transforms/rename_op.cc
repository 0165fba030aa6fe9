// Gives nodes another op type.
#include "absl/strings/str_cat.h"
#include "graph/op_schema.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class RenameOp final : public Pass {
 public:
  RenameOp() : Pass("rename_op", "Changes the op type of every node of one type.", Semantics::kNotKept) {}

  std::string doc() const override {
    return "Names are literal and nothing but the type changes. A warning tells if no TensorFlow knows the "
           "new type, or\n"
           "if it has other attributes than the nodes bring along.";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    if (*old_op_name_ == *new_op_name_) return absl::OkStatus();
    const OpRegistry registry(context.model());
    const OpSchema* schema = registry.Find(*new_op_name_);
    int64_t renamed = 0;
    std::string unfit;  // The first thing about a node's attributes that the new type does not accept.
    RETURN_IF_ERROR(context.ForEachGraph(*functions_, [&](Graph& graph) {
      const int old_op = graph.OpId(*old_op_name_);
      if (old_op < 0) return absl::OkStatus();
      for (Node node : graph.nodes()) {
        if (node.op_id() != old_op) continue;
        if (schema != nullptr && unfit.empty()) unfit = Unfit(*schema, node);
        graph.SetOp(node, *new_op_name_);
        ++renamed;
      }
      return absl::OkStatus();
    }));
    if (renamed == 0) return absl::OkStatus();
    context.Count("renamed", renamed);
    if (schema == nullptr) {
      context.Warn(absl::StrCat("no release of TensorFlow has an op '", *new_op_name_,
                                "': the graph needs a runtime that brings it along"));
    } else if (!unfit.empty()) {
      context.Warn(unfit);
    }
    return absl::OkStatus();
  }

 private:
  static std::string Unfit(const OpSchema& schema, Node node) {
    for (absl::string_view key : node.attr_keys()) {
      if (key.empty() || key[0] == '_' || schema.FindAttr(key) != nullptr) continue;
      return absl::StrCat("node '", node.name(), "' has an attribute '", key, "', but op '", schema.name,
                          "' has not");
    }
    for (const AttrSchema& attr : schema.attrs) {
      if (attr.has_default || node.has_attr(attr.name)) continue;
      return absl::StrCat("node '", node.name(), "' has no attribute '", attr.name, "', but op '",
                          schema.name, "' needs one");
    }
    return "";
  }

  Param<std::string> old_op_name_{this, "old_op_name", kRequired, "The type to change."};
  Param<std::string> new_op_name_{this, "new_op_name", kRequired, "The type to have instead.", NotEmpty()};
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(RenameOp);

}  // namespace
}  // namespace cryograph

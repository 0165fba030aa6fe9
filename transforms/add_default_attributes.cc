// Writes the defaults of attributes out that whoever loads the graph would supply.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/op_schema.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

class AddDefaultAttributes final : public Pass {
 public:
  AddDefaultAttributes()
      : Pass("add_default_attributes",
             "Gives every node the attributes that its op has defaults for and it lacks.") {}

  std::string doc() const override {
    return "Attributes that are there are never changed, valid or not. The defaults are those of one "
           "release, since a newer\n"
           "one has more of them: a graph with the attributes of 2.21 is refused by TensorFlow 1.15. An op "
           "that the release\n"
           "does not have gets the defaults of the newest release that has it.\n"
           "\n"
           "transform_graph fails if there is one op that it does not know. Here such a node stays as it is, "
           "with a warning,\n"
           "unless `strict=true` or `--compat`.";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    Release release = Release::k1_15;
    ParseRelease(*release_, &release);
    const OpRegistry registry(context.model());
    absl::flat_hash_set<std::string> warned;
    return context.ForEachGraph(*functions_, [&](Graph& graph) -> absl::Status {
      std::vector<const OpSchema*> schemas(static_cast<size_t>(graph.num_ops()), nullptr);  // By op number.
      std::vector<std::pair<absl::string_view, AttrView>> attrs;
      for (Node node : graph.nodes()) {
        const OpSchema*& schema = schemas[static_cast<size_t>(node.op_id())];
        if (schema == nullptr) schema = registry.Find(node.op(), release);
        if (schema == nullptr) {
          if (*strict_ || context.compat()) {
            return absl::NotFoundError(absl::StrCat("node '", node.name(), "': nothing is known of op '",
                                                    node.op(), "', and it is no function of the graph"));
          }
          context.Skip(node, "nothing is known of its op");
          if (warned.insert(std::string(node.op())).second) {
            context.Warn(
                absl::StrCat("nothing is known of op '", node.op(), "', so its nodes stay as they are"));
          }
          continue;
        }
        if (schema->attrs.empty()) continue;
        node.GetAttrs(&attrs);
        std::vector<const AttrSchema*> missing;
        for (const AttrSchema& attr : schema->attrs) {
          if (!attr.has_default) continue;
          const auto has = [&](const auto& own) { return own.first == attr.name; };
          if (std::none_of(attrs.begin(), attrs.end(), has)) missing.push_back(&attr);
        }
        for (const AttrSchema* attr : missing) graph.SetAttr(node, attr->name, attr->default_value);
        if (!missing.empty()) context.Count("added", static_cast<int64_t>(missing.size()));
      }
      return absl::OkStatus();
    });
  }

 private:
  Param<std::string> release_{this, "release", "1.15", "The release whose defaults are meant.",
                              OneOf({"1.15", "2.21"})};
  Param<bool> strict_{this, "strict", false, "Fail if there is an op that nobody knows."};
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(AddDefaultAttributes);

}  // namespace
}  // namespace cryograph

// Gives nodes other names; all that refers to them follows.
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

// "block1/*" fits "block1/conv", and the star stands for "conv". Without a star only the text itself fits.
bool Fits(absl::string_view glob, absl::string_view name, absl::string_view* star) {
  const size_t position = glob.find('*');
  if (position == absl::string_view::npos) return glob == name;
  *star = name;
  return name.size() + 1 >= glob.size() && absl::ConsumePrefix(star, glob.substr(0, position)) &&
         absl::ConsumeSuffix(star, glob.substr(position + 1));
}

class RenameNode final : public Pass {
 public:
  RenameNode() : Pass("rename_node", "Renames nodes; inputs, control inputs and colocations follow.") {}

  std::string doc() const override {
    return "The n-th old name becomes the n-th new one, all at once, so that names can be swapped. One `*` "
           "in both stands\n"
           "for the same text: `rename_node(old_node_name=\"tower_0/*\", new_node_name=\"*\")` drops a "
           "prefix. A name that no\n"
           "node has is an error, as is a new name that another node keeps. An input or output of the graph "
           "keeps its\n"
           "name; to rename one, list the new name instead: it is an output from then on.";
  }

  absl::Status CheckParams() const override {
    if (old_node_name_->size() != new_node_name_->size()) {
      return absl::InvalidArgumentError(absl::StrCat("there are ", old_node_name_->size(),
                                                     " old_node_name and ", new_node_name_->size(),
                                                     " new_node_name; they go in pairs"));
    }
    for (size_t i = 0; i < old_node_name_->size(); ++i) {
      const std::string &from = (*old_node_name_)[i], &to = (*new_node_name_)[i];
      if (absl::StrContains(from, '*') != absl::StrContains(to, '*') || from.find('*') != from.rfind('*') ||
          to.find('*') != to.rfind('*')) {
        return absl::InvalidArgumentError(
            absl::StrCat("'", from, "' and '", to, "' must both have one '*', or neither may have any"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    std::vector<std::pair<Node, std::string>> renames;
    RETURN_IF_ERROR(Collect(graph, context, &renames));

    // Names that become free count as free.
    absl::flat_hash_map<std::string, Node> wanted;
    absl::flat_hash_map<NodeId, const std::string*> moves;
    for (const auto& [node, name] : renames) {
      const auto [first, added] = wanted.try_emplace(name, node);
      if (!added) {
        return absl::InvalidArgumentError(absl::StrCat("both '", first->second.name(), "' and '", node.name(),
                                                       "' would be named '", name, "'"));
      }
      moves[node.id()] = &name;
    }
    for (const auto& [node, name] : renames) {
      const Node holder = graph.Find(name);
      if (!holder || holder == node) continue;
      if (moves.count(holder.id()) == 0) {
        return absl::InvalidArgumentError(absl::StrCat("cannot rename '", node.name(), "' to '", name,
                                                       "': a node (", holder.op(), ") has that name"));
      }
      RETURN_IF_ERROR(graph.Rename(holder, graph.UniqueName(absl::StrCat(name, "_renamed"))));
    }
    for (const auto& [node, name] : renames) RETURN_IF_ERROR(graph.Rename(node, name));
    if (!renames.empty()) context.Count("renamed", static_cast<int64_t>(renames.size()));
    return absl::OkStatus();
  }

 private:
  // Later pairs do not see what earlier ones did; of several that fit a node the first counts.
  absl::Status Collect(Graph& graph, PassContext& context,
                       std::vector<std::pair<Node, std::string>>* renames) {
    absl::flat_hash_map<NodeId, bool> taken;
    for (size_t i = 0; i < old_node_name_->size(); ++i) {
      const std::string &from = (*old_node_name_)[i], &to = (*new_node_name_)[i];
      const auto add = [&](Node node, absl::string_view star) -> absl::Status {
        if (!taken.try_emplace(node.id(), true).second) return absl::OkStatus();
        std::string name = to;
        if (const size_t position = to.find('*'); position != std::string::npos) {
          name = absl::StrCat(to.substr(0, position), star, to.substr(position + 1));
        }
        if (name == node.name()) return absl::OkStatus();
        if (node.pinned() && !context.compat()) {
          return absl::InvalidArgumentError(
              absl::StrCat("node '", node.name(),
                           "' is an input or output of the graph, whose name is promised; to "
                           "rename it, list '",
                           name, "' instead"));
        }
        renames->emplace_back(node, std::move(name));
        return absl::OkStatus();
      };
      if (!absl::StrContains(from, '*')) {
        if (const Node node = graph.Find(from)) {
          RETURN_IF_ERROR(add(node, ""));
          continue;
        }
        RETURN_IF_ERROR(Missing(graph, context, from));
        continue;
      }
      bool any = false;
      for (Node node : graph.nodes()) {
        absl::string_view star;
        if (!Fits(from, node.name(), &star)) continue;
        any = true;
        if (node.pinned() && !context.compat()) {
          context.Skip(node, "its name is an input or output of the graph");
          continue;
        }
        RETURN_IF_ERROR(add(node, star));
      }
      if (!any) RETURN_IF_ERROR(Missing(graph, context, from));
    }
    return absl::OkStatus();
  }

  static absl::Status Missing(Graph& graph, PassContext& context, const std::string& name) {
    std::vector<absl::string_view> names;
    for (Node node : graph.nodes()) names.push_back(node.name());
    const std::string message =
        absl::StrCat("no node is named '", name, "'", DidYouMean(NearestNames(name, names, 3)));
    if (!context.compat()) return absl::NotFoundError(message);
    context.Warn(message);
    return absl::OkStatus();
  }

  Param<std::vector<std::string>> old_node_name_{this, "old_node_name", kRequired,
                                                 "Present names; one `*` stands for any text.", NotEmpty()};
  Param<std::vector<std::string>> new_node_name_{this, "new_node_name", kRequired,
                                                 "New names, in the same order.", NotEmpty()};
};
CRYOGRAPH_REGISTER_PASS(RenameNode);

}  // namespace
}  // namespace cryograph

// Colocation: strings in attributes that name nodes, kept true when nodes are renamed, replaced or erased.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "graph/graph.h"

namespace cryograph {

int Graph::FixColocations() {
  if (bearer_.empty()) return 0;
  constexpr absl::string_view kPrefix = "loc:@";
  int dropped = 0;
  for (const Node node : nodes()) {
    const AttrView attr = node.attr("_class");
    if (attr.kind() != AttrView::kList) continue;
    std::vector<std::string> fixed;
    bool changed = false;
    for (const absl::string_view entry : attr.list_s()) {
      const auto bearer =
          absl::StartsWith(entry, kPrefix) ? bearer_.find(absl::StripPrefix(entry, kPrefix)) : bearer_.end();
      if (bearer == bearer_.end()) {
        fixed.emplace_back(entry);
        continue;
      }
      NodeId target = bearer->second;
      while (target != kNoNode && record(target).kind == Kind::kErased) {
        const auto next = successor_.find(static_cast<uint32_t>(target));
        target = next == successor_.end() ? kNoNode : next->second;
      }
      // A node that names itself keeps doing so under its new name; one that now stands for its neighbour has
      // none.
      if (target == kNoNode || (target == node.id() && target != bearer->second)) {
        changed = true;
        ++dropped;
        continue;
      }
      fixed.push_back(absl::StrCat(kPrefix, record(target).name));
      if (fixed.back() != entry) changed = true;
    }
    if (!changed) continue;
    if (fixed.empty()) {
      RemoveAttr(node, "_class");
    } else {
      SetAttr(node, "_class", AttrStringList(fixed));
    }
  }
  bearer_.clear();
  successor_.clear();
  return dropped;
}

}  // namespace cryograph

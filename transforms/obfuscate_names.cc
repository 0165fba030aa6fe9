// Gives every node a short name that says nothing.
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

// 0, 1, … 9, a, … z, A, … Z, 10, …
std::string Base62(uint64_t number) {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[number % 62]);
    number /= 62;
  } while (number > 0);
  return text;
}

class ObfuscateNames final : public Pass {
 public:
  ObfuscateNames()
      : Pass("obfuscate_names", "Renames all nodes but inputs and outputs to short meaningless names.") {}

  std::string doc() const override {
    return "Names count up in file order: `0` to `9`, `a` to `z`, `A` to `Z`, `10` and so on. Inputs and "
           "outputs keep\n"
           "theirs, also when they are listed with a port. Colocations follow. transform_graph leaves the "
           "texts by which\n"
           "variables, tables and loops are known (`shared_name`, `frame_name`) as they are, and so does "
           "this pass unless\n"
           "`scrub=true`; a checkpoint can then no longer be found by them, so freeze first.";
  }

  absl::Status Run(Graph& graph, PassContext& context) override {
    RETURN_IF_ERROR(CheckReferences(graph));
    absl::flat_hash_set<std::string> taken;  // Names that are promised, whether a node has them or not.
    for (const TensorName& input : context.inputs()) taken.insert(input.node);
    for (const TensorName& output : context.outputs()) taken.insert(output.node);
    for (const std::string& name : context.keep()) taken.insert(name);
    for (Node node : graph.nodes()) {
      if (node.pinned()) taken.emplace(node.name());
    }

    std::string mapping;
    uint64_t next = 0;
    std::vector<bool> done(graph.id_limit());
    for (Node node : graph.nodes()) {
      done[static_cast<uint32_t>(node.id())] = true;
      if (node.pinned()) continue;
      std::string name = Base62(next++);
      while (taken.count(name) != 0) name = Base62(next++);
      if (!mapping_file_->empty()) absl::StrAppend(&mapping, name, "\t", original_.Of(node), "\n");
      if (node.name() == name) continue;
      // A node further down may have the name still; its own turn comes.
      if (const Node holder = graph.Find(name); holder && !done[static_cast<uint32_t>(holder.id())]) {
        if (!mapping_file_->empty()) original_.Note(holder);
        RETURN_IF_ERROR(graph.Rename(holder, graph.UniqueName(absl::StrCat(name, "_to_be_renamed"))));
      }
      RETURN_IF_ERROR(graph.Rename(node, name));
      context.Count("renamed");
    }
    original_.Clear();
    if (*scrub_) Scrub(graph, context);
    return mapping_file_->empty() ? absl::OkStatus()
                                  : WriteFile(context.ResolvePath(*mapping_file_), mapping);
  }

 private:
  // The names of nodes that made room for others before their own turn.
  class Originals {
   public:
    void Note(Node node) { names_.try_emplace(node.id(), std::string(node.name())); }
    absl::string_view Of(Node node) const {
      const auto found = names_.find(node.id());
      return found == names_.end() ? node.name() : absl::string_view(found->second);
    }
    void Clear() { names_.clear(); }

   private:
    absl::flat_hash_map<NodeId, std::string> names_;
  };

  // A new name could give a reference that dangles something to refer to.
  static absl::Status CheckReferences(Graph& graph) {
    const auto check = [&graph](Node node, NodeId read) -> absl::Status {
      if (!graph.node(read).is_missing()) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat("node '", node.name(), "' (", node.op(), ") reads '",
                                                     graph.node(read).name(),
                                                     "', but the graph has no node of that name"));
    };
    for (Node node : graph.nodes()) {
      for (const InputEdge& input : node.inputs()) RETURN_IF_ERROR(check(node, input.node));
      for (const ControlEdge& control : node.control_inputs()) RETURN_IF_ERROR(check(node, control.node));
    }
    return absl::OkStatus();
  }

  // Equal texts stay equal, so that what shared a resource or a frame still does.
  void Scrub(Graph& graph, PassContext& context) {
    for (const char* key : {"frame_name", "shared_name"}) {
      absl::flat_hash_map<std::string, std::string> renamed;
      for (Node node : graph.nodes()) {
        const AttrView attr = node.attr(key);
        if (attr.kind() != AttrView::kString || attr.s().empty()) continue;
        const std::string old(attr.s());
        const auto [entry, added] = renamed.try_emplace(old, "");
        // A resource without a shared_name goes by its node's name, and none of those has an "@".
        if (added) entry->second = absl::StrCat("@", Base62(renamed.size() - 1));
        if (entry->second == old) continue;
        graph.SetAttr(node, key, AttrString(entry->second));
        context.Count("texts scrubbed");
      }
    }
  }

  Param<bool> scrub_{this, "scrub", false,
                     "Also replace the texts of frame_name and shared_name; equal ones stay equal."};
  Param<std::string> mapping_file_{this, "mapping_file", "",
                                   "File to write with one line for each node: new name, tab, old name."};
  Originals original_;
};
CRYOGRAPH_REGISTER_PASS(ObfuscateNames, "obsfucate_names");

}  // namespace
}  // namespace cryograph

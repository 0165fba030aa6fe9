#include "checkpoint/object_graph.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/stubs/logging.h"
#include "graph/proto/trackable_object_graph.pb.h"

namespace cryograph {
namespace {

constexpr absl::string_view kAttributes = "/.ATTRIBUTES/";
constexpr absl::string_view kSlot = "/.OPTIMIZER_SLOT/";

std::string Escaped(absl::string_view name) {
  return absl::StrReplaceAll(absl::StrReplaceAll(name, {{".", ".."}}), {{"/", ".S"}});
}

absl::Status CheckObject(int index, size_t count, int from, absl::string_view what) {
  if (index >= 0 && static_cast<size_t>(index) < count) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("object ", from, " of the object graph: ", what,
                                                 " leads to object ", index, ", but there are ", count));
}

// The entries whose key is `key` or, if there is none, begins with it, as those of tables do.
absl::Span<const CheckpointEntry> EntriesOf(absl::string_view key,
                                            const std::vector<CheckpointEntry>& entries) {
  const auto begin = std::lower_bound(
      entries.begin(), entries.end(), key,
      [](const CheckpointEntry& entry, absl::string_view wanted) { return entry.name < wanted; });
  if (begin != entries.end() && begin->name == key) return absl::MakeConstSpan(&*begin, 1);
  auto end = begin;
  while (end != entries.end() && absl::StartsWith(end->name, absl::StrCat(key, "-"))) ++end;
  if (begin == end) return {};
  return absl::MakeConstSpan(&*begin, static_cast<size_t>(end - begin));
}

// The tree as text, without recursion: graphs may be deep.
class TreePrinter {
 public:
  TreePrinter(const ObjectGraph& graph, const std::vector<CheckpointEntry>& entries)
      : graph_(graph), entries_(entries), paths_(ObjectPaths(graph)), shown_(graph.objects.size(), false) {}

  std::string Print() {
    if (graph_.objects.empty()) return "(no objects)\n";
    Show(0, "(root)", 0);
    for (size_t i = 0; i < graph_.objects.size(); ++i) {
      if (!shown_[i] && !paths_[i].has_value()) {
        Show(static_cast<int>(i), absl::StrCat("(object ", i, ", not reached from the root)"), 0);
      }
    }
    return std::move(text_);
  }

 private:
  struct Step {
    int object;
    std::string label;
    int depth;
  };

  // Deeper levels are not indented further, so that the text of a long chain stays small.
  static std::string Indent(int depth) {
    constexpr int kMaxIndent = 20;
    return depth <= kMaxIndent ? std::string(static_cast<size_t>(2 * depth), ' ')
                               : absl::StrCat(std::string(2 * kMaxIndent, ' '), "(", depth, ") ");
  }

  void Show(int first, std::string first_label, int first_depth) {
    std::vector<Step> stack = {{first, std::move(first_label), first_depth}};
    while (!stack.empty()) {
      const Step step = std::move(stack.back());
      stack.pop_back();
      const size_t index = static_cast<size_t>(step.object);
      absl::StrAppend(&text_, Indent(step.depth), step.label);
      if (shown_[index]) {
        absl::StrAppend(&text_, " -> ", PathOf(step.object), "\n");
        continue;
      }
      shown_[index] = true;
      const ObjectGraph::Object& object = graph_.objects[index];
      if (!object.saver_name.empty()) {
        absl::StrAppend(&text_, " (saver ", object.saver_name, " of ", object.saver_object, ")");
      }
      text_.push_back('\n');
      for (const ObjectGraph::Attribute& attribute : object.attributes)
        ShowAttribute(attribute, step.depth + 1);
      for (const ObjectGraph::Slot& slot : object.slots) {
        absl::StrAppend(&text_, Indent(step.depth + 1), "slot ", slot.name, " of ", PathOf(slot.variable),
                        ": ", PathOf(slot.slot_variable), "\n");
      }
      for (auto child = object.children.rbegin(); child != object.children.rend(); ++child) {
        stack.push_back({child->object, child->name, step.depth + 1});
      }
      // Slot variables hang on no edge.
      for (auto slot = object.slots.rbegin(); slot != object.slots.rend(); ++slot) {
        if (!shown_[static_cast<size_t>(slot->slot_variable)]) {
          stack.push_back(
              {slot->slot_variable, absl::StrCat("[", PathOf(slot->slot_variable), "]"), step.depth + 1});
        }
      }
    }
  }

  std::string PathOf(int object) const {
    const absl::optional<std::string>& path = paths_[static_cast<size_t>(object)];
    constexpr size_t kMaxShown = 200;
    if (!path.has_value() || path->size() > kMaxShown) return absl::StrCat("object ", object);
    return path->empty() ? "(root)" : *path;
  }

  void ShowAttribute(const ObjectGraph::Attribute& attribute, int depth) {
    absl::StrAppend(&text_, Indent(depth), attribute.name);
    if (!attribute.full_name.empty()) absl::StrAppend(&text_, " '", attribute.full_name, "'");
    absl::StrAppend(&text_, ": ", attribute.key);
    const absl::Span<const CheckpointEntry> found = EntriesOf(attribute.key, entries_);
    if (found.empty()) absl::StrAppend(&text_, " (missing)");
    for (const CheckpointEntry& entry : found) {
      absl::StrAppend(&text_, " ", entry.name == attribute.key ? "" : entry.name.substr(attribute.key.size()),
                      entry.name == attribute.key ? "" : " ", DataTypeName(entry.dtype),
                      ShapeText(entry.dims));
    }
    text_.push_back('\n');
  }

  const ObjectGraph& graph_;
  const std::vector<CheckpointEntry>& entries_;
  const std::vector<absl::optional<std::string>> paths_;
  std::vector<bool> shown_;
  std::string text_;
};

}  // namespace

absl::StatusOr<ObjectGraph> ParseObjectGraph(absl::string_view bytes) {
  const google::protobuf::LogSilencer silencer;  // What it would print is in the status.
  tensorflow::TrackableObjectGraph message;
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("the object graph cannot be read");
  }
  ObjectGraph graph;
  const size_t count = static_cast<size_t>(message.nodes_size());
  graph.objects.reserve(count);
  for (const auto& node : message.nodes()) {
    const int self = static_cast<int>(graph.objects.size());
    ObjectGraph::Object& object = graph.objects.emplace_back();
    for (const auto& child : node.children()) {
      if (absl::Status status =
              CheckObject(child.node_id(), count, self, absl::StrCat("child '", child.local_name(), "'"));
          !status.ok()) {
        return status;
      }
      object.children.push_back({child.node_id(), child.local_name()});
    }
    for (const auto& attribute : node.attributes()) {
      object.attributes.push_back({attribute.name(), attribute.full_name(), attribute.checkpoint_key()});
    }
    for (const auto& slot : node.slot_variables()) {
      for (const int end : {slot.original_variable_node_id(), slot.slot_variable_node_id()}) {
        if (absl::Status status =
                CheckObject(end, count, self, absl::StrCat("slot '", slot.slot_name(), "'"));
            !status.ok()) {
          return status;
        }
      }
      object.slots.push_back(
          {slot.original_variable_node_id(), slot.slot_name(), slot.slot_variable_node_id()});
    }
    object.saver_name = node.registered_saver().name();
    object.saver_object = node.registered_saver().object_name();
  }
  return graph;
}

std::string ObjectPath(absl::Span<const std::string> names) {
  return absl::StrJoin(names, "/",
                       [](std::string* out, const std::string& name) { out->append(Escaped(name)); });
}

std::vector<absl::optional<std::string>> ObjectPaths(const ObjectGraph& graph) {
  const size_t count = graph.objects.size();
  // All paths together could be quadratic in the message; when they are too many, the rest is left out.
  constexpr size_t kMaxTotal = size_t{16} << 20;
  std::vector<absl::optional<std::string>> paths(count);
  size_t total = 0;
  if (count == 0) return paths;
  paths[0] = "";
  std::deque<int> queue = {0};
  const auto reach = [&](int object, std::string path) {
    absl::optional<std::string>& known = paths[static_cast<size_t>(object)];
    if (known.has_value() || total + path.size() > kMaxTotal) return;
    total += path.size();
    known = std::move(path);
    queue.push_back(object);
  };
  const auto walk = [&] {
    while (!queue.empty()) {
      const size_t at = static_cast<size_t>(queue.front());
      queue.pop_front();
      for (const ObjectGraph::Child& child : graph.objects[at].children) {
        if (paths[static_cast<size_t>(child.object)].has_value()) continue;
        reach(child.object, absl::StrCat(*paths[at], paths[at]->empty() ? "" : "/", Escaped(child.name)));
      }
    }
  };
  walk();
  for (size_t i = 0; i < count; ++i) {
    if (!paths[i].has_value()) continue;
    for (const ObjectGraph::Slot& slot : graph.objects[i].slots) {
      const absl::optional<std::string>& variable = paths[static_cast<size_t>(slot.variable)];
      if (!variable.has_value() || paths[static_cast<size_t>(slot.slot_variable)].has_value()) continue;
      reach(slot.slot_variable, absl::StrCat(*variable, kSlot, *paths[i], "/", Escaped(slot.name)));
    }
  }
  walk();
  return paths;
}

std::map<std::string, std::vector<std::string>> KeysByFullName(const ObjectGraph& graph) {
  std::map<std::string, std::vector<std::string>> keys;
  for (const ObjectGraph::Object& object : graph.objects) {
    for (const ObjectGraph::Attribute& attribute : object.attributes) {
      if (!attribute.full_name.empty()) keys[attribute.full_name].push_back(attribute.key);
    }
  }
  return keys;
}

ObjectKeys CompareObjectKeys(const ObjectGraph& graph, const std::vector<CheckpointEntry>& entries) {
  ObjectKeys result;
  const std::vector<absl::optional<std::string>> paths = ObjectPaths(graph);
  std::set<absl::string_view> named = {kObjectGraphKey};
  for (size_t i = 0; i < graph.objects.size(); ++i) {
    for (const ObjectGraph::Attribute& attribute : graph.objects[i].attributes) {
      const absl::Span<const CheckpointEntry> found = EntriesOf(attribute.key, entries);
      if (found.empty()) result.missing.push_back(attribute.key);
      for (const CheckpointEntry& entry : found) named.insert(entry.name);
      if (paths[i].has_value() &&
          attribute.key != absl::StrCat(*paths[i], kAttributes, Escaped(attribute.name))) {
        result.moved.push_back(attribute.key);
      }
    }
  }
  for (const CheckpointEntry& entry : entries) {
    if (named.count(entry.name) == 0) result.unnamed.push_back(entry.name);
  }
  return result;
}

std::string ObjectGraphText(const ObjectGraph& graph, const std::vector<CheckpointEntry>& entries) {
  return TreePrinter(graph, entries).Print();
}

}  // namespace cryograph

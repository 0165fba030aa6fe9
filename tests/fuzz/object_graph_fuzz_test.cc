// Object graphs of any bytes: what can be read is compared with keys and printed, in time and memory that the
// bytes justify.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "checkpoint/object_graph.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// Every second key of the graph is in the checkpoint.
std::vector<CheckpointEntry> EntriesOf(const ObjectGraph& graph) {
  std::set<std::string> keys = {std::string(kObjectGraphKey)};
  bool take = false;
  for (const ObjectGraph::Object& object : graph.objects) {
    for (const ObjectGraph::Attribute& attribute : object.attributes) {
      take = !take;
      if (take && !attribute.key.empty()) keys.insert(attribute.key);
      if (!take) keys.insert(attribute.key + "-values");
    }
  }
  std::vector<CheckpointEntry> entries;
  for (const std::string& key : keys) entries.push_back({key, DT_FLOAT, {2}, false});
  return entries;
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cryograph;  // NOLINT: a fuzz target has its own file.
  const absl::StatusOr<ObjectGraph> graph =
      ParseObjectGraph(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!graph.ok()) return 0;
  const std::vector<CheckpointEntry> entries = EntriesOf(*graph);
  const auto paths = ObjectPaths(*graph);
  Require(paths.size() == graph->objects.size(), "an object has no place among the paths");
  Require(paths.empty() || paths[0] == "", "the root has a path");
  const ObjectKeys keys = CompareObjectKeys(*graph, entries);
  std::set<absl::string_view> names;
  for (const CheckpointEntry& entry : entries) names.insert(entry.name);
  for (const std::string& key : keys.missing)
    Require(names.count(key) == 0, "a key that is there is missing");
  Require(!ObjectGraphText(*graph, entries).empty(), "a graph has no text");
  KeysByFullName(*graph);
  return 0;
}

#include "tests/end_to_end/graph_difference.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/text_format.h"
#include "graph/tensor.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

using tensorflow::AttrValue;
using tensorflow::GraphDef;
using tensorflow::NodeDef;

// Equal for attribute values that mean the same. AttrValue's maps (of a function's attributes) are few and
// small in our goldens, and protobuf sorts them when it writes text.
std::string Meaning(const AttrValue& value) {
  if (value.value_case() == AttrValue::kTensor) {
    const std::string wire = value.tensor().SerializeAsString();
    const absl::StatusOr<Tensor> tensor = DecodeTensorProto(wire, nullptr);
    if (tensor.ok()) {
      std::string meaning =
          absl::StrCat("tensor ", tensor->dtype, " ", ShapeText(tensor->dims), " ", tensor->bytes);
      for (const absl::string_view text : tensor->strings) absl::StrAppend(&meaning, text.size(), ":", text);
      return meaning;
    }
  }
  return value.DebugString();
}

std::string Shown(const AttrValue& value) { return value.ShortDebugString().substr(0, 100); }

struct Inputs {
  std::vector<std::string> data, control;
};

Inputs InputsOf(const NodeDef& node) {
  Inputs inputs;
  for (const std::string& text : node.input()) {
    if (absl::StartsWith(text, "^")) {
      inputs.control.push_back(text);
    } else {
      inputs.data.push_back(absl::StrContains(text, ":") ? text : absl::StrCat(text, ":0"));
    }
  }
  std::sort(inputs.control.begin(), inputs.control.end());
  return inputs;
}

std::map<std::string, const NodeDef*> ByName(const GraphDef& graph) {
  std::map<std::string, const NodeDef*> nodes;
  for (const NodeDef& node : graph.node()) nodes[node.name()] = &node;
  return nodes;
}

void CompareNodes(const NodeDef& expected, const NodeDef& actual, const std::set<std::string>& ignored,
                  std::vector<std::string>& found) {
  const auto differ = [&](absl::string_view what, absl::string_view is, absl::string_view should_be) {
    if (is != should_be) {
      found.push_back(
          absl::StrCat(expected.name(), ": ", what, " is '", is, "', expected '", should_be, "'"));
    }
  };
  differ("op", actual.op(), expected.op());
  differ("device", actual.device(), expected.device());
  const Inputs want = InputsOf(expected), have = InputsOf(actual);
  differ("data inputs", absl::StrJoin(have.data, " "), absl::StrJoin(want.data, " "));
  differ("control inputs", absl::StrJoin(have.control, " "), absl::StrJoin(want.control, " "));
  std::set<std::string> keys;
  for (const auto& [key, value] : expected.attr()) keys.insert(key);
  for (const auto& [key, value] : actual.attr()) keys.insert(key);
  for (const std::string& key : keys) {
    if (ignored.count(key) > 0) continue;
    const auto wanted = expected.attr().find(key), got = actual.attr().find(key);
    if (got == actual.attr().end()) {
      found.push_back(absl::StrCat(expected.name(), ": attribute '", key, "' is missing"));
    } else if (wanted == expected.attr().end()) {
      found.push_back(absl::StrCat(expected.name(), ": attribute '", key, "' is not expected"));
    } else if (Meaning(got->second) != Meaning(wanted->second)) {
      found.push_back(absl::StrCat(expected.name(), ": attribute '", key, "' is ", Shown(got->second),
                                   ", expected ", Shown(wanted->second)));
    }
  }
}

}  // namespace

GraphDef ReadGraph(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  GraphDef graph;
  const bool read = absl::EndsWith(path, "txt")
                        ? google::protobuf::TextFormat::ParseFromString(content.str(), &graph)
                        : graph.ParseFromString(content.str());
  EXPECT_TRUE(file.is_open() && read) << path << " cannot be read as a GraphDef";
  return graph;
}

std::vector<std::string> GraphDifferences(const GraphDef& expected, const GraphDef& actual,
                                          const std::set<std::string>& ignored) {
  const std::map<std::string, const NodeDef*> want = ByName(expected), have = ByName(actual);
  std::vector<std::string> found;
  if (have.size() != static_cast<size_t>(actual.node_size())) found.push_back("a name stands twice");
  for (const auto& [name, node] : want) {
    const auto got = have.find(name);
    if (got == have.end()) {
      found.push_back(absl::StrCat(name, " (", node->op(), ") is missing"));
    } else {
      CompareNodes(*node, *got->second, ignored, found);
    }
  }
  for (const auto& [name, node] : have) {
    if (want.count(name) == 0) found.push_back(absl::StrCat(name, " (", node->op(), ") is not expected"));
  }
  return found;
}

}  // namespace cryograph

// Checks what a graph says by its names and edges alone, without knowing any op.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "graph/frames.h"
#include "graph/topological_order.h"
#include "graph/verify_internal.h"

namespace cryograph {
namespace {

bool IsFirst(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.'; }
bool IsLater(char c) { return IsFirst(c) || c == '_' || c == '-' || c == '/'; }

// "did you mean" for a name that no node has. Comparing with every name costs something: the first few only.
class Suggestions {
 public:
  explicit Suggestions(Graph& graph) : graph_(graph) {}
  std::string For(absl::string_view wanted) {
    if (left_ == 0 || wanted.empty()) return "";
    --left_;
    if (names_.empty()) {
      for (Node node : graph_.nodes()) names_.push_back(node.name());
    }
    return DidYouMean(NearestNames(wanted, names_, 1));
  }

 private:
  Graph& graph_;
  int left_ = 3;
  std::vector<absl::string_view> names_;
};

bool IsReferenceText(absl::string_view name) {
  return !name.empty() && name[0] != '^' && !absl::StrContains(name, ':');
}

void CheckInputs(Node node, Suggestions* suggestions, FindingList* findings) {
  const bool bad = (node.defects() & kDefectBadInputText) != 0;
  bool told = false;
  const auto check = [&](int slot, Node producer) {
    if (!producer.is_missing()) return;
    const std::string what = slot == kControl ? "a control input" : absl::StrCat("input ", slot);
    const absl::string_view name = producer.name();
    if (bad && !IsReferenceText(name)) {
      told = true;
      findings->Add(FindingCode::kBadInput, node.name(),
                    absl::StrCat(what, " '", name, "' is no reference to a node"));
      return;
    }
    findings->Add(FindingCode::kMissingInput, node.name(),
                  absl::StrCat(what, " names '", name, "', but the graph has no node of that name",
                               suggestions->For(name)));
  };
  for (int slot = 0; slot < node.num_inputs(); ++slot) check(slot, node.input_node(slot));
  for (const ControlEdge& control : node.control_inputs()) check(kControl, node.graph().node(control.node));
  if (bad && !told)
    findings->Add(FindingCode::kBadInput, node.name(), "one of its inputs is no reference to a node");
}

// A full or partial device: "/job:worker/replica:0/task:1/device:GPU:0", "/cpu:0", "/gpu:*".
bool IsDevice(absl::string_view device) {
  for (absl::string_view part : absl::StrSplit(device, '/', absl::SkipEmpty())) {
    const std::vector<std::string> pieces = absl::StrSplit(absl::AsciiStrToLower(part), ':');
    const auto is_number = [](const std::string& text) {
      return text == "*" || (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
               return absl::ascii_isdigit(static_cast<unsigned char>(c));
             }));
    };
    const std::string& key = pieces[0];
    if (key == "job") {
      if (pieces.size() != 2 || pieces[1].empty()) return false;
    } else if (key == "replica" || key == "task" || key == "cpu" || key == "gpu") {
      if (pieces.size() != 2 || !is_number(pieces[1])) return false;
    } else if (key == "device") {
      if (pieces.size() < 2 || pieces.size() > 3 || pieces[1].empty()) return false;
      if (pieces.size() == 3 && !is_number(pieces[2])) return false;
    } else {
      return false;
    }
  }
  return true;
}

void CheckColocations(Graph& graph, Node node, FindingList* findings) {
  const AttrView colocations = node.attr("_class");
  if (colocations.kind() != AttrView::kList) return;
  for (absl::string_view entry : colocations.list_s()) {
    if (!absl::ConsumePrefix(&entry, "loc:@")) continue;
    if (graph.Find(entry)) continue;
    findings->Add(
        FindingCode::kMissingColocation, node.name(),
        absl::StrCat("wants to be placed with '", entry, "', but the graph has no node of that name"));
  }
}

}  // namespace

bool IsImportableName(absl::string_view name, bool is_body) {
  bool first = true;  // Of a piece: pieces are separated by '>'.
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (first ? IsFirst(c) || (is_body && i == 0 && c == '_') : IsLater(c)) {
      first = false;
    } else if (!first && c == '>') {
      first = true;
    } else {
      return false;
    }
  }
  return !first;
}

void VerifyEdges(Graph& graph, const StructureChecks& checks, FindingList* findings) {
  Suggestions suggestions(graph);
  absl::flat_hash_map<absl::string_view, bool> devices;
  for (Node node : graph.nodes()) {
    const absl::string_view name = node.name();
    const uint8_t defects = node.defects();
    if (!IsImportableName(name, checks.is_body)) {
      findings->Add(FindingCode::kBadName, name,
                    absl::StrCat("'", name, "' is no name that can be imported"));
    } else if (checks.old_names && absl::StrContains(name, '>')) {
      findings->Add(FindingCode::kNewName, name, "TensorFlow 1.15 takes no name with a '>'");
    }
    if ((defects & kDefectDuplicateName) != 0) {
      findings->Add(FindingCode::kDuplicateName, name,
                    checks.is_body ? "the body has an argument or an earlier node of this name"
                                   : "the graph has an earlier node of this name");
    }
    if (node.op().empty()) findings->Add(FindingCode::kNoOp, name, "has no op");
    if ((defects & kDefectControlBeforeData) != 0) {
      findings->Add(FindingCode::kControlBeforeData, name, "has a data input behind a control input");
    }
    CheckInputs(node, &suggestions, findings);
    if (!checks.places) continue;
    if (!node.device().empty()) {
      const auto [known, is_new] = devices.emplace(node.device(), false);
      if (is_new) known->second = IsDevice(node.device());
      if (!known->second) {
        findings->Add(FindingCode::kBadDevice, name, absl::StrCat("'", node.device(), "' is no device"));
      }
    }
    // Bodies are placed with their callers: TensorFlow resolves these names only after it has inlined the
    // function.
    if (!checks.is_body) CheckColocations(graph, node, findings);
  }
  if (!checks.cycles) return;
  const TopologicalOrder order = StableOrder(graph);
  for (const std::vector<NodeId>& cycle : FindCycles(graph, order.stuck)) {
    findings->Add(
        FindingCode::kCycle, graph.node(cycle.front()).name(),
        absl::StrCat(cycle.size() == 1 ? "reads itself: " : absl::StrCat(cycle.size(), " nodes in a cycle: "),
                     CycleText(graph, cycle)));
  }
  if (!checks.places || !order.stuck.empty()) return;
  const FrameInfo frames = FrameInfo::Analyze(graph);
  for (const FrameInfo::Defect& defect : frames.defects()) {
    findings->Add(FindingCode::kFramesMixed, graph.node(defect.node).name(), defect.text);
  }
}

}  // namespace cryograph

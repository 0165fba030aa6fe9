#include "transforms/training_leftovers.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace cryograph {
namespace {

constexpr const char* kKinds[] = {"mode_placeholder", "dropout", "random",  "batch_norm",
                                  "summary",          "queue",   "gradient"};

bool IsRandom(absl::string_view op) {
  return op == "RandomUniform" || op == "RandomStandardNormal" || op == "TruncatedNormal" ||
         op == "RandomUniformInt" || op == "Multinomial" || op == "RandomShuffle" ||
         absl::StartsWith(op, "StatelessRandom") || absl::StartsWith(op, "StatelessTruncatedNormal") ||
         op == "StatefulUniform" || op == "StatefulStandardNormalV2";
}

// One of kKinds; null for other nodes.
const char* KindOf(Node node) {
  const absl::string_view op = node.op();
  if (op == "Placeholder" || op == "PlaceholderV2" || op == "PlaceholderWithDefault") {
    return node.attr("dtype", DT_INVALID) == DT_BOOL ? "mode_placeholder" : nullptr;
  }
  if (IsRandom(op))
    return absl::StrContains(absl::AsciiStrToLower(node.name()), "dropout") ? "dropout" : "random";
  if (absl::StartsWith(op, "FusedBatchNorm") && !absl::StrContains(op, "Grad")) {
    return node.attr("is_training", true) ? "batch_norm" : nullptr;
  }
  if (absl::EndsWith(op, "Summary") || absl::EndsWith(op, "SummaryV2") ||
      absl::StartsWith(op, "WriteSummary")) {
    return "summary";
  }
  if (absl::StartsWith(op, "Queue") || absl::StrContains(op, "QueueV2")) return "queue";
  if (absl::StartsWith(op, "Apply") || absl::EndsWith(op, "BackpropInput") ||
      absl::EndsWith(op, "BackpropFilter")) {
    // Deconvolution is the gradient of a convolution, and no sign of training unless it is called so.
    return absl::StrContains(node.name(), "gradients") ? "gradient" : nullptr;
  }
  return nullptr;
}

// "a, b and 3 more", each in quotes.
std::string Names(const std::vector<std::string>& names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < limit; ++i)
    absl::StrAppend(&text, i == 0 ? "" : ", ", "'", names[i], "'");
  if (names.size() > limit) absl::StrAppend(&text, " and ", names.size() - limit, " more");
  return text;
}

}  // namespace

std::vector<TrainingLeftover> FindTrainingLeftovers(Model& model) {
  std::map<std::string, std::vector<std::string>> found;
  for (Node node : model.graph().nodes()) {
    if (const char* kind = KindOf(node)) found[kind].emplace_back(node.name());
  }
  for (Function& function : model.functions()) {
    const absl::StatusOr<Graph*> body = function.body();
    if (!body.ok()) continue;
    for (Node node : (*body)->nodes()) {
      if (const char* kind = KindOf(node))
        found[kind].push_back(absl::StrCat(function.name(), "/", node.name()));
    }
  }
  std::vector<TrainingLeftover> leftovers;
  for (const char* kind : kKinds) {
    if (const auto nodes = found.find(kind); nodes != found.end()) leftovers.push_back({kind, nodes->second});
  }
  return leftovers;
}

std::vector<std::string> TrainingNotes(const std::vector<TrainingLeftover>& leftovers) {
  std::vector<std::string> notes;
  bool chosen = false;
  std::vector<std::string> randoms;
  for (const TrainingLeftover& leftover : leftovers) {
    const std::vector<std::string>& nodes = leftover.nodes;
    if (leftover.kind == "mode_placeholder") {
      chosen = true;
      notes.push_back(absl::StrCat("whether the graph trains may be an input of it: ", Names(nodes, 5),
                                   "; --set=", nodes[0], "=false settles it (CG133)"));
    } else if (leftover.kind == "dropout" || leftover.kind == "random") {
      randoms.insert(randoms.end(), nodes.begin(), nodes.end());
    } else if (leftover.kind == "batch_norm" && !chosen) {
      // Where both modes are there and a predicate chooses, a batch norm for training is no sign.
      notes.push_back(absl::StrCat(nodes.size(), " batch norms compute the statistics of their batch (",
                                   Names(nodes, 3), "): was the model exported in training mode? (CG135)"));
    } else if (leftover.kind == "summary") {
      notes.push_back(
          absl::StrCat("the outputs need ", nodes.size(), " summary ops (", Names(nodes, 3), ")"));
    } else if (leftover.kind == "queue") {
      notes.push_back(
          absl::StrCat("the outputs need ", nodes.size(), " ops of queues (", Names(nodes, 3), ")"));
    } else if (leftover.kind == "gradient") {
      notes.push_back(
          absl::StrCat("the outputs need ", nodes.size(), " ops of gradients (", Names(nodes, 3), ")"));
    }
  }
  if (!randoms.empty()) {
    notes.push_back(absl::StrCat(randoms.size(), " random ops are alive (", Names(randoms, 3),
                                 "): was the model exported in training mode? (CG134)"));
  }
  return notes;
}

}  // namespace cryograph

#include "tools/output_guesses.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "tools/cli.h"
#include "tools/model_names.h"

namespace cryograph {
namespace {

constexpr size_t kShown = 5;

bool IsPlaceholder(absl::string_view op) {
  return op == "Placeholder" || op == "PlaceholderV2" || op == "PlaceholderWithDefault";
}

bool Contains(absl::string_view op, std::initializer_list<absl::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [op](absl::string_view part) { return absl::StrContains(op, part); });
}

// Ops that change state, or only watch. What reads their value may be a result all the same: a batch norm
// reads its updated average.
bool IsSideEffect(absl::string_view op) {
  for (absl::string_view exact :
       {"NoOp", "Assert", "Save", "SaveV2", "SaveSlices", "MergeV2Checkpoints", "CountUpTo"}) {
    if (op == exact) return true;
  }
  return Contains(op, {"Assign", "Scatter", "Apply", "Summary", "Restore", "InitializeTable", "Enqueue",
                       "LookupTableImport"});
}

// Ops that serve training and judging; what is made of their value does, too.
bool IsTraining(absl::string_view op) {
  return op == "InTopK" || op == "InTopKV2" ||
         Contains(op, {"CrossEntropy", "L2Loss", "CTCLoss", "SquaredDifference", "Grad"});
}

bool IsLeftoverScope(absl::string_view component) {
  for (absl::string_view word : {"gradients",      "save",        "report_uninitialized_variables",
                                 "init",           "train",       "train_op",
                                 "training",       "optimizer",   "adam",
                                 "momentum",       "rmsprop",     "gradientdescent",
                                 "loss",           "losses",      "cost",
                                 "total_loss",     "accuracy",    "metrics",
                                 "evaluation",     "eval",        "group_deps",
                                 "cross_entropy",  "initializer", "global_step",
                                 "input_producer", "batch",       "shuffle_batch",
                                 "labels"}) {
    if (component == word) return true;
  }
  return absl::StartsWith(component, "gradients_") || absl::StartsWith(component, "save_") ||
         absl::EndsWith(component, "_loss");
}

bool HasLeftoverName(absl::string_view name) {
  for (absl::string_view component : absl::StrSplit(name, '/')) {
    if (IsLeftoverScope(absl::AsciiStrToLower(component))) return true;
  }
  return false;
}

// "predictions_1" → "predictions".
std::string LastWord(absl::string_view name) {
  const size_t slash = name.rfind('/');
  std::string word = absl::AsciiStrToLower(slash == absl::string_view::npos ? name : name.substr(slash + 1));
  while (!word.empty() &&
         (absl::ascii_isdigit(static_cast<unsigned char>(word.back())) || word.back() == '_')) {
    word.pop_back();
  }
  return word;
}

int ScoreOfName(absl::string_view name) {
  const std::string word = LastWord(name);
  for (absl::string_view strong :
       {"softmax", "predictions", "prediction", "probabilities", "prob", "probs", "output", "outputs",
        "final_result", "result", "scores", "detections", "output_node", "detection_boxes",
        "detection_scores", "detection_classes", "num_detections", "predict", "pred"}) {
    if (word == strong) return 40;
  }
  for (absl::string_view likely :
       {"logits", "sigmoid", "embeddings", "embedding", "classes", "boxes", "argmax", "labels_softmax",
        "topkv", "features", "heatmaps", "mask", "masks"}) {
    if (word == likely) return 25;
  }
  for (absl::string_view part : {"softmax", "predict", "prob", "output", "logits", "score"}) {
    if (absl::StrContains(word, part)) return 15;
  }
  return 0;
}

int ScoreOfOp(absl::string_view op) {
  if (op == "Softmax" || op == "Sigmoid") return 10;
  if (op == "ArgMax" || op == "TopKV2" || op == "TopK" || op == "LogSoftmax" || op == "Tanh") return 6;
  if (op == "Reshape" || op == "Squeeze" || op == "Identity" || op == "BiasAdd" || op == "MatMul") return 3;
  return 0;
}

class Guesser {
 public:
  explicit Guesser(Graph& graph) : graph_(graph) {}

  std::vector<OutputGuess> Run() {
    const size_t size = graph_.id_limit();
    fed_.assign(size, 0);
    leftover_.assign(size, 0);
    Mark(fed_, [](Node node) { return IsPlaceholder(node.op()); });
    Mark(leftover_, [](Node node) { return IsTraining(node.op()) || HasLeftoverName(node.name()); });
    for (Node node : graph_.nodes()) {
      if (IsSideEffect(node.op())) leftover_[static_cast<size_t>(node.id())] = 1;
    }
    std::vector<OutputGuess> guesses;
    for (Node node : graph_.nodes()) {
      if (IsCandidate(node)) guesses.push_back(Judge(node));
    }
    std::stable_sort(guesses.begin(), guesses.end(),
                     [](const OutputGuess& a, const OutputGuess& b) { return a.score > b.score; });
    return guesses;
  }

 private:
  // Marks what `starts` is true of, and all that reads it.
  template <typename F>
  void Mark(std::vector<char>& marks, F starts) {
    std::vector<NodeId> work;
    for (Node node : graph_.nodes()) {
      if (!starts(node)) continue;
      marks[static_cast<size_t>(node.id())] = 1;
      work.push_back(node.id());
    }
    while (!work.empty()) {
      const Node node = graph_.node(work.back());
      work.pop_back();
      for (const Use& use : node.uses()) {
        char& mark = marks[static_cast<size_t>(use.user)];
        if (use.slot == kControl || mark != 0) continue;
        mark = 1;
        work.push_back(use.user);
      }
    }
  }

  bool IsLeftover(NodeId id) const { return leftover_[static_cast<size_t>(id)] != 0; }

  bool IsCandidate(Node node) {
    if (IsLeftover(node.id()) || node.op() == "Const" || IsPlaceholder(node.op()) || node.num_inputs() == 0) {
      return false;
    }
    const absl::Span<const Use> uses = node.uses();
    if (std::any_of(uses.begin(), uses.end(),
                    [this](const Use& use) { return use.slot != kControl && !IsLeftover(use.user); })) {
      return false;
    }
    // The pivot of a branch decides where others run.
    if (node.op() == "Identity" && node.input_node(0).op() == "Switch" && node.HasControlReaders())
      return false;
    // A variable's own value is none of the graph's results.
    return !IsVariableRead(node);
  }

  bool IsVariableRead(Node node) {
    if (node.op() == "ReadVariableOp" || node.op() == "VarIsInitializedOp") return true;
    return node.op() == "Identity" &&
           (absl::StartsWith(node.input_node(0).op(), "Variable") ||
            node.input_node(0).op() == "ReadVariableOp" || node.input_node(0).op() == "Const");
  }

  OutputGuess Judge(Node node) {
    OutputGuess guess;
    guess.node = std::string(node.name());
    std::vector<std::string> reasons;
    bool trained = false;
    for (const Use& use : node.uses()) trained = trained || use.slot != kControl;
    reasons.emplace_back(trained ? "only training and summaries read it" : "nothing reads it");
    if (fed_[static_cast<size_t>(node.id())] != 0) {
      guess.score += 30;
      reasons.emplace_back("it depends on an input");
    }
    if (const int score = ScoreOfName(node.name()); score > 0) {
      guess.score += score;
      reasons.emplace_back("it is named like a result");
    }
    if (const int score = ScoreOfOp(node.op()); score > 0) {
      guess.score += score;
      if (score >= 6) reasons.push_back(absl::StrCat("it is a ", node.op()));
    }
    guess.why = absl::StrJoin(reasons, ", ");
    return guess;
  }

  Graph& graph_;
  std::vector<char> fed_, leftover_;  // By node id.
};

}  // namespace

std::vector<OutputGuess> GuessOutputs(Model& model) { return Guesser(model.graph()).Run(); }

absl::StatusOr<std::vector<std::string>> OutputsOfSignature(Model& model, std::string* note) {
  std::vector<std::string> signatures, outputs;
  const std::vector<SignatureTensor> all = SignatureOutputs(model);
  for (const SignatureTensor& output : all) {
    if (signatures.empty() || signatures.back() != output.signature) signatures.push_back(output.signature);
  }
  if (signatures.empty()) return outputs;
  std::string taken = "serving_default";
  if (std::find(signatures.begin(), signatures.end(), taken) == signatures.end()) {
    if (signatures.size() > 1) {
      return absl::InvalidArgumentError(absl::StrCat("the model has ", signatures.size(), " signatures (",
                                                     absl::StrJoin(signatures, ", "), "), none of them '",
                                                     taken, "'"));
    }
    taken = signatures[0];
  }
  for (const SignatureTensor& output : all) {
    if (output.signature != taken) continue;
    const std::string node(NodeNameOf(output.tensor));
    if (std::find(outputs.begin(), outputs.end(), node) == outputs.end()) outputs.push_back(node);
  }
  *note = absl::StrCat("outputs are those of the signature '", taken, "': ", absl::StrJoin(outputs, ", "));
  return outputs;
}

absl::StatusOr<std::vector<std::string>> ChooseOutputs(Model& model, bool take_guess, absl::string_view flag,
                                                       std::vector<std::string>* notes) {
  std::string note;
  const absl::StatusOr<std::vector<std::string>> signed_outputs = OutputsOfSignature(model, &note);
  if (!signed_outputs.ok()) {
    return cli::UsageError(absl::StrCat(flag, " must say what to keep: ", signed_outputs.status().message(),
                                        " (CG104)\ntry: ", flag, "=NAME,NAME"));
  }
  if (!signed_outputs->empty()) {
    notes->push_back(note);
    return signed_outputs;
  }
  const std::vector<OutputGuess> guesses = GuessOutputs(model);
  if (guesses.empty()) return NoOutputsGiven(model, flag);
  std::vector<std::string> best;
  for (const OutputGuess& guess : guesses) {
    if (guess.score == guesses[0].score) best.push_back(guess.node);
  }
  if (take_guess) {
    notes->push_back(
        absl::StrCat("outputs are guessed: ", absl::StrJoin(best, ", "), " (", guesses[0].why, ")"));
    return best;
  }
  std::string message = absl::StrCat(flag, " must name at least one node of ", model.path,
                                     " (CG104)\nwhy: likely outputs are, the likeliest first:");
  for (size_t i = 0; i < guesses.size() && i < kShown; ++i) {
    absl::StrAppend(&message, "\n     ", guesses[i].node, " (", guesses[i].why, ")");
  }
  if (guesses.size() > kShown) absl::StrAppend(&message, "\n     and ", guesses.size() - kShown, " more");
  absl::StrAppend(&message, "\ntry: ", flag, "=", absl::StrJoin(best, ","), ", or --guess_outputs to take ",
                  best.size() == 1 ? "it" : "them");
  return cli::UsageError(message);
}

}  // namespace cryograph

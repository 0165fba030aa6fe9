#include "checkpoint/optimizer_keys.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "checkpoint/object_graph.h"

namespace cryograph {
namespace {

// Slots of the optimizers of TensorFlow 1 and its contrib, and of BERT's.
constexpr absl::string_view kSlots[] = {"Adadelta",
                                        "Adagrad",
                                        "AdagradDA",
                                        "Adam",
                                        "AdaMax",
                                        "AdamWOptimizer",
                                        "AddSign",
                                        "Ftrl",
                                        "LARS",
                                        "LazyAdam",
                                        "LARSOptimizer",
                                        "Momentum",
                                        "Nadam",
                                        "PowerSign",
                                        "ProximalAdagrad",
                                        "RMSProp",
                                        "adam_m",
                                        "adam_v",
                                        "GradientDescent",
                                        "MomentumW",
                                        "AdamW",
                                        "gradient_accumulator"};
// Slots of Keras' optimizers in TensorFlow 1, below the optimizer's name.
constexpr absl::string_view kKerasSlots[] = {"m",  "v",           "vhat",       "momentum",  "rms",
                                             "mg", "accumulator", "accum_grad", "accum_var", "linear"};
constexpr absl::string_view kKerasOptimizers[] = {"Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl",
                                                  "Nadam",    "RMSprop", "SGD",  "AdamW"};
constexpr absl::string_view kHyper[] = {"iter",    "iterations",    "beta_1",   "beta_2",         "decay",
                                        "epsilon", "learning_rate", "momentum", "momentum_cache", "rho",
                                        "lr"};

template <size_t N>
bool IsOneOf(absl::string_view word, const absl::string_view (&list)[N]) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// The child of a Keras optimizer that lists the variables of the model.
constexpr absl::string_view kModelVariables = "_trainable_variables";

bool IsOptimizerName(absl::string_view name) { return name == "optimizer" || name == "_optimizer"; }

// "Adam_1" → "Adam".
absl::string_view WithoutNumber(absl::string_view word) {
  size_t end = word.size();
  while (end > 0 && absl::ascii_isdigit(word[end - 1])) --end;
  return end < word.size() && end > 1 && word[end - 1] == '_' ? word.substr(0, end - 1) : word;
}

// Splits at the last "/".
absl::string_view LastPart(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == absl::string_view::npos ? name : name.substr(slash + 1);
}
absl::string_view BeforeLast(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : name.substr(0, slash);
}

class Finder {
 public:
  Finder(const std::vector<CheckpointEntry>& entries, absl::string_view object_graph) : entries_(entries) {
    for (const CheckpointEntry& entry : entries) by_name_.emplace(entry.name, &entry);
    ReadObjects(object_graph);
  }

  bool IsOptimizers(const CheckpointEntry& entry) const {
    const absl::string_view name = entry.name;
    const auto known = by_object_.find(name);
    if (known != by_object_.end()) return known->second;
    return IsTf2Key(name) || IsPower(name) || IsSlot(entry) || IsKerasKey(name);
  }

 private:
  // What can be reached without passing through an optimizer is the model's.
  void ReadObjects(absl::string_view bytes) {
    if (bytes.empty()) return;
    const absl::StatusOr<ObjectGraph> graph = ParseObjectGraph(bytes);
    if (!graph.ok() || graph->objects.empty()) return;
    const std::vector<ObjectGraph::Object>& objects = graph->objects;
    std::vector<bool> is_optimizer(objects.size(), false);
    for (size_t i = 0; i < objects.size(); ++i) {
      bool has_variables = false, has_iterations = false;
      for (const ObjectGraph::Child& child : objects[i].children) {
        if (IsOptimizerName(child.name)) is_optimizer[static_cast<size_t>(child.object)] = true;
        has_variables = has_variables || child.name == "_variables";
        has_iterations = has_iterations || child.name == "_iterations";
      }
      if (!objects[i].slots.empty() || (has_variables && has_iterations)) is_optimizer[i] = true;
    }
    std::vector<size_t> models = {0}, optimizers;
    for (size_t i = 0; i < objects.size(); ++i) {
      if (!is_optimizer[i]) continue;
      optimizers.push_back(i);
      for (const ObjectGraph::Child& child : objects[i].children) {
        if (child.name == kModelVariables) models.push_back(static_cast<size_t>(child.object));
      }
    }
    const std::vector<bool> of_model = Reach(objects, models, is_optimizer, false);
    const std::vector<bool> of_optimizer = Reach(objects, optimizers, of_model, true);
    for (size_t i = 0; i < objects.size(); ++i) {
      for (const ObjectGraph::Attribute& attribute : objects[i].attributes) {
        by_object_.emplace(attribute.key, !of_model[i] && of_optimizer[i]);
      }
    }
  }

  // The objects that edges (and slots, if asked for) lead to from `open`, without entering `closed` ones.
  static std::vector<bool> Reach(const std::vector<ObjectGraph::Object>& objects, std::vector<size_t> open,
                                 const std::vector<bool>& closed, bool through_slots) {
    std::vector<bool> reached(objects.size(), false);
    for (const size_t each : open) reached[each] = true;
    while (!open.empty()) {
      const size_t at = open.back();
      open.pop_back();
      const auto enter = [&](int next) {
        const size_t index = static_cast<size_t>(next);
        if (reached[index] || closed[index]) return;
        reached[index] = true;
        open.push_back(index);
      };
      for (const ObjectGraph::Child& child : objects[at].children) enter(child.object);
      if (!through_slots) continue;
      for (const ObjectGraph::Slot& slot : objects[at].slots) enter(slot.slot_variable);
    }
    return reached;
  }

  bool Has(absl::string_view name) const { return by_name_.contains(name); }

  static bool IsPower(absl::string_view name) {
    const absl::string_view last = WithoutNumber(LastPart(name));
    return last == "beta1_power" || last == "beta2_power";
  }

  // A slot has the shape of its variable, or is a number beside it.
  bool IsSlot(const CheckpointEntry& entry) const {
    if (!IsOneOf(WithoutNumber(LastPart(entry.name)), kSlots)) return false;
    absl::string_view variable = BeforeLast(entry.name);
    // An optimizer that was made inside of a scope puts the scope before the variable: "train/w/Adam".
    while (!variable.empty()) {
      const auto found = by_name_.find(variable);
      if (found != by_name_.end() && (found->second->dims == entry.dims || entry.dims.size() <= 1))
        return true;
      const size_t slash = variable.find('/');
      if (slash == absl::string_view::npos) return false;
      variable.remove_prefix(slash + 1);
    }
    return false;
  }

  // "Adam/iter", "training/Adam/dense/kernel/m".
  bool IsKerasKey(absl::string_view name) const {
    const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
    for (size_t i = 0; i + 1 < parts.size() && i < 2; ++i) {
      if (!IsOneOf(WithoutNumber(parts[i]), kKerasOptimizers)) continue;
      if (i + 2 == parts.size() && IsOneOf(parts.back(), kHyper)) return true;
      const absl::string_view inner = name.substr(static_cast<size_t>(parts[i + 1].data() - name.data()));
      if (IsOneOf(WithoutNumber(parts.back()), kKerasSlots) && Has(BeforeLast(inner))) return true;
    }
    return false;
  }

  bool IsTf2Key(absl::string_view name) const {
    if (absl::StrContains(name, "/.OPTIMIZER_SLOT/")) return true;
    const size_t attribute = name.find("/.ATTRIBUTES/");
    if (attribute == absl::string_view::npos) return false;
    const std::vector<absl::string_view> parts = absl::StrSplit(name.substr(0, attribute), '/');
    const auto optimizer = std::find_if(parts.begin(), parts.end(), IsOptimizerName);
    // Keras' optimizers list the variables of the model, too, and those may be stored under that path.
    return optimizer != parts.end() && (optimizer + 1 == parts.end() || *(optimizer + 1) != kModelVariables);
  }

  const std::vector<CheckpointEntry>& entries_;
  absl::flat_hash_map<absl::string_view, const CheckpointEntry*> by_name_;
  absl::flat_hash_map<std::string, bool> by_object_;  // Keys of the object graph, with the answer.
};

}  // namespace

std::vector<bool> FindOptimizerKeys(const std::vector<CheckpointEntry>& entries,
                                    absl::string_view object_graph) {
  const Finder finder(entries, object_graph);
  std::vector<bool> result;
  for (const CheckpointEntry& entry : entries) result.push_back(finder.IsOptimizers(entry));
  return result;
}

}  // namespace cryograph

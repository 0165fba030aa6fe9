#include "transforms/freeze_tables.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "graph/control_flow.h"
#include "transforms/freeze_ops.h"

namespace cryograph {
namespace {

bool IsFind(absl::string_view op) { return op == "LookupTableFind" || op == "LookupTableFindV2"; }
bool IsSize(absl::string_view op) { return op == "LookupTableSize" || op == "LookupTableSizeV2"; }

class TableFreezer {
 public:
  TableFreezer(Model& model, TablePolicy policy, ConstantEvaluator* evaluator)
      : graph_(model.graph()), finder_(model, evaluator), policy_(policy) {}

  absl::StatusOr<FrozenTables> Run(const std::vector<Node>& outputs) {
    std::vector<Node> tables;
    const std::vector<char> needed = Needed(outputs);
    for (Node node : graph_.nodes()) {
      if (needed[Index(node)] != 0 && ClassifyForFreezing(node.op()) == FreezeOp::kTable)
        tables.push_back(node);
    }
    for (Node table : tables) {
      FrozenTable frozen;
      frozen.node = std::string(table.name());
      frozen.key_dtype = table.attr("key_dtype", DT_INVALID);
      frozen.value_dtype = table.attr("value_dtype", DT_INVALID);
      if (policy_ == TablePolicy::kError) {
        return Refuse(table, "the graph uses it", "keeps it with what fills it (--tables=keep_init), or");
      }
      if (policy_ == TablePolicy::kBake) {
        RETURN_IF_ERROR(Bake(table, needed, frozen));
      } else if (policy_ == TablePolicy::kKeepInit) {
        RETURN_IF_ERROR(Keep(table, frozen));
      } else {
        frozen.what = "kept without what fills it";
      }
      result_.tables.push_back(std::move(frozen));
    }
    if (!initializers_.empty()) RETURN_IF_ERROR(AddInitNode());
    return std::move(result_);
  }

 private:
  static size_t Index(Node node) { return static_cast<size_t>(node.id()); }

  std::vector<char> Needed(const std::vector<Node>& outputs) {
    std::vector<char> seen(graph_.id_limit(), 0);
    std::vector<NodeId> stack;
    const auto visit = [&](NodeId id) {
      char& mark = seen[static_cast<size_t>(id)];
      if (mark == 0) stack.push_back(id);
      mark = 1;
    };
    for (Node node : outputs) visit(node.id());
    while (!stack.empty()) {
      const Node node = graph_.node(stack.back());
      stack.pop_back();
      if (!graph_.alive(node.id())) continue;
      for (const InputEdge& edge : node.inputs()) visit(edge.node);
      for (const ControlEdge& edge : node.control_inputs()) visit(edge.node);
    }
    return seen;
  }

  static absl::Status Refuse(Node table, absl::string_view why, absl::string_view alternative) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the lookup table '", table.name(), "' (", table.op(), ") cannot be part of the frozen graph: ", why,
        " (CG136)\ntry: a form that ", alternative, " name an output before the look-up"));
  }

  // Readers of the table's handle, through what hands it on.
  std::vector<Node> Users(Node table, const std::vector<char>& needed) {
    std::vector<Node> users;
    std::vector<Node> work = {table};
    absl::flat_hash_map<NodeId, bool> seen;
    while (!work.empty()) {
      const Node node = work.back();
      work.pop_back();
      for (const Use& use : node.uses()) {
        const Node user = graph_.node(use.user);
        if (use.slot == kControl || needed[Index(user)] == 0 || !seen.emplace(user.id(), true).second)
          continue;
        const FreezeOp type = ClassifyForFreezing(user.op());
        if (type == FreezeOp::kForward || type == FreezeOp::kRefForward) {
          work.push_back(user);
        } else {
          users.push_back(user);
        }
      }
    }
    std::sort(users.begin(), users.end(), [](Node a, Node b) { return a.id() < b.id(); });
    return users;
  }

  absl::Status Bake(Node table, const std::vector<char>& needed, FrozenTable& frozen) {
    const absl::StatusOr<TableContents> contents = finder_.Find(table);
    if (!contents.ok()) {
      return Refuse(table, contents.status().message(), "keeps it (--tables=keep_init), or");
    }
    RETURN_IF_ERROR(CheckKeys(table, contents->contents));
    const std::vector<Node> users = Users(table, needed);
    for (Node user : users) {
      if ((IsFind(user.op()) && user.num_inputs() == 3) || (IsSize(user.op()) && user.num_inputs() == 1) ||
          user == contents->initializer) {
        continue;
      }
      return Refuse(table, absl::StrCat("'", user.name(), "' (", user.op(), ") does more than look up in it"),
                    "keeps it (--tables=keep_init), or");
    }
    frozen.size = contents->contents.keys.num_elements();
    frozen.source = contents->source;
    frozen.what = "baked";
    int lookups = 0;
    for (Node user : users) {
      if (IsFind(user.op())) {
        RETURN_IF_ERROR(BakeLookup(graph_, user, contents->contents));
        ++lookups;
      } else if (IsSize(user.op())) {
        RETURN_IF_ERROR(BakeSize(user, frozen.size));
      }
    }
    result_.notes.push_back(absl::StrCat("baked the lookup table '", table.name(), "' of ", frozen.size,
                                         " entries into ", lookups, " look-ups (from ", frozen.source, ")"));
    return absl::OkStatus();
  }

  // One key with two values is refused by the table itself, and by us.
  static absl::Status CheckKeys(Node table, const KeyValues& contents);

  absl::Status BakeSize(Node node, int64_t size) {
    ASSIGN_OR_RETURN(const std::string value, EncodeTensorProto(Tensor::Of<int64_t>(DT_INT64, {}, {size})));
    // In its place: what the handle came through decided when it ran.
    const Node source = node.input_node(0);
    const bool guarded = IsControlFlow(source.op());
    if (guarded)
      return Refuse(node, "its size is asked for in a branch or loop", "keeps it (--tables=keep_init), or");
    graph_.RemoveInput(node, 0);
    std::vector<std::string> gone;
    for (absl::string_view key : node.attr_keys()) gone.emplace_back(key);
    for (const std::string& key : gone) graph_.RemoveAttr(node, key);
    graph_.SetOp(node, "Const");
    graph_.SetAttr(node, "dtype", AttrType(DT_INT64));
    graph_.SetAttr(node, "value", AttrTensor(value));
    return absl::OkStatus();
  }

  absl::Status Keep(Node table, FrozenTable& frozen) {
    const absl::StatusOr<TableContents> contents = finder_.Find(table);
    const std::vector<Node> initializers = finder_.Initializers(table);
    if (initializers.empty()) {
      frozen.what = "kept without what fills it";
      result_.notes.push_back(absl::StrCat("nothing in the graph fills the lookup table '", table.name(),
                                           "'; whoever runs it must (CG136)"));
      return absl::OkStatus();
    }
    frozen.what = "kept with its initializer";
    frozen.initializer = std::string(initializers[0].name());
    initializers_.insert(initializers_.end(), initializers.begin(), initializers.end());
    if (!contents.ok()) {
      result_.notes.push_back(absl::StrCat("the contents of the lookup table '", table.name(),
                                           "' are not written into the graph: ", contents.status().message(),
                                           " (CG136)"));
      return absl::OkStatus();
    }
    frozen.size = contents->contents.keys.num_elements();
    frozen.source = contents->source;
    const absl::string_view op = contents->initializer.op();
    const bool is_call = !InitializesTable(op);
    if (!is_call && frozen.source == "constants") return absl::OkStatus();
    // A file, or the constants of a function's body, become part of the graph.
    const Node node = contents->initializer;
    const bool resource = absl::EndsWith(table.op(), "V2") || absl::StartsWith(table.op(), "Anonymous");
    while (node.num_inputs() > 0) graph_.RemoveInput(node, node.num_inputs() - 1);
    std::vector<std::string> gone;
    for (absl::string_view key : node.attr_keys()) gone.emplace_back(key);
    for (const std::string& key : gone) graph_.RemoveAttr(node, key);
    const bool can_import = absl::StrContains(table.op(), "Mutable");
    graph_.SetOp(node,
                 absl::StrCat(can_import ? "LookupTableImport" : "InitializeTable", resource ? "V2" : ""));
    graph_.AddInput(node, table.out());
    const Node keys = graph_.AddConst(absl::StrCat(node.name(), "/keys"), contents->contents.keys, node);
    const Node values =
        graph_.AddConst(absl::StrCat(node.name(), "/values"), contents->contents.values, node);
    graph_.AddInput(node, keys.out());
    graph_.AddInput(node, values.out());
    graph_.SetAttr(node, can_import ? "Tin" : "Tkey", AttrType(contents->contents.keys.dtype));
    graph_.SetAttr(node, can_import ? "Tout" : "Tval", AttrType(contents->contents.values.dtype));
    return absl::OkStatus();
  }

  // A node that is there already and waits for just these will do.
  absl::Status AddInitNode() {
    constexpr absl::string_view kName = "init_all_tables";
    std::sort(initializers_.begin(), initializers_.end(), [](Node a, Node b) { return a.id() < b.id(); });
    initializers_.erase(std::unique(initializers_.begin(), initializers_.end()), initializers_.end());
    const Node old = graph_.Find(kName);
    if (old && old.op() == "NoOp" && old.num_inputs() == 0 &&
        old.control_inputs().size() == initializers_.size() &&
        std::all_of(initializers_.begin(), initializers_.end(),
                    [&](Node node) { return graph_.HasControlEdge(old, node); })) {
      result_.init_node = std::string(kName);
    } else {
      ASSIGN_OR_RETURN(const Node node, graph_.AddNode(graph_.UniqueName(kName), "NoOp", {}));
      for (Node initializer : initializers_) graph_.AddControlInput(node, initializer);
      result_.init_node = std::string(node.name());
    }
    result_.notes.push_back(absl::StrCat("the graph uses ", result_.tables.size(),
                                         result_.tables.size() == 1 ? " lookup table" : " lookup tables",
                                         "; run '", result_.init_node,
                                         "' once before anything else (CG136)"));
    return absl::OkStatus();
  }

  Graph& graph_;
  TableFinder finder_;
  TablePolicy policy_;
  FrozenTables result_;
  std::vector<Node> initializers_;
};

absl::Status TableFreezer::CheckKeys(Node table, const KeyValues& contents) {
  const int64_t n = contents.keys.num_elements();
  if (contents.keys.dims.size() != 1 || contents.values.dims.empty() || contents.values.dims[0] != n) {
    return Refuse(table, "its keys and values are not of one length", "keeps it (--tables=keep_init), or");
  }
  if (contents.keys.dtype != DT_STRING && contents.keys.dtype != DT_INT32 &&
      contents.keys.dtype != DT_INT64) {
    return Refuse(
        table, absl::StrCat("keys of type ", DataTypeName(contents.keys.dtype), " cannot be compared here"),
        "keeps it (--tables=keep_init), or");
  }
  const bool text = contents.keys.dtype == DT_STRING;
  const size_t width = text ? 0 : static_cast<size_t>(DataTypeBytes(contents.keys.dtype));
  const bool text_value = contents.values.dtype == DT_STRING;
  const size_t row = n == 0 || text_value ? 0 : contents.values.bytes.size() / static_cast<size_t>(n);
  const size_t texts = n == 0 || !text_value ? 0 : contents.values.strings.size() / static_cast<size_t>(n);
  absl::flat_hash_map<absl::string_view, size_t> places;
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    const absl::string_view key =
        text ? contents.keys.strings[i] : contents.keys.bytes.substr(i * width, width);
    const auto [place, is_new] = places.emplace(key, i);
    if (is_new) continue;
    const size_t j = place->second;
    bool same = text_value ||
                contents.values.bytes.substr(i * row, row) == contents.values.bytes.substr(j * row, row);
    for (size_t k = 0; same && k < texts; ++k) {
      same = contents.values.strings[i * texts + k] == contents.values.strings[j * texts + k];
    }
    if (!same) {
      return Refuse(table, absl::StrCat("entries ", j, " and ", i, " have one key and two values"),
                    "keeps it (--tables=keep_init), or");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FrozenTables> FreezeTables(Model& model, const std::vector<Node>& outputs, TablePolicy policy,
                                          ConstantEvaluator* evaluator) {
  return TableFreezer(model, policy, evaluator).Run(outputs);
}

}  // namespace cryograph

#include "checkpoint/saver_nodes.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "graph/attr.h"
#include "graph/meta_graph.h"
#include "graph/proto/variable.pb.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

class Builder {
 public:
  Builder(Graph* graph, absl::Span<const VariableNodes> variables) : graph_(*graph), variables_(variables) {}

  absl::StatusOr<SaverNodes> Build() {
    scope_ = "save";
    for (int i = 1;
         graph_.Find(absl::StrCat(scope_, "/Const")) || graph_.Find(absl::StrCat(scope_, "/restore_all"));
         ++i) {
      scope_ = absl::StrCat("save_", i);
    }
    file_ = graph_.AddConst(Name("Const"), Tensor::OfStrings({}, {"model"}));
    std::vector<std::string> keys;
    for (const VariableNodes& variable : variables_) {
      keys.push_back(variable.key);
      dtypes_.push_back(variable.dtype);
    }
    const std::vector<int64_t> dims = {static_cast<int64_t>(keys.size())};
    names_ = graph_.AddConst(Name("tensor_names"), Tensor::OfStrings(dims, keys));
    slices_ = graph_.AddConst(Name("shape_and_slices"),
                              Tensor::OfStrings(dims, std::vector<std::string>(keys.size())));
    ASSIGN_OR_RETURN(const Node saved, AddSave());
    ASSIGN_OR_RETURN(const Node restore_all, AddRestore());

    SaverNodes result;
    result.saver.set_filename_tensor_name(absl::StrCat(file_.name(), ":0"));
    result.saver.set_save_tensor_name(absl::StrCat(saved.name(), ":0"));
    result.saver.set_restore_op_name(std::string(restore_all.name()));
    result.saver.set_version(tensorflow::SaverDef::V2);
    for (size_t i = 0; i < variables_.size(); ++i) result.variable_defs.push_back(VariableDefOf(i));
    return result;
  }

 private:
  std::string Name(absl::string_view name) const { return absl::StrCat(scope_, "/", name); }

  absl::StatusOr<Node> AddSave() {
    std::vector<Output> saved = {file_.out(), names_.out(), slices_.out()};
    for (const VariableNodes& variable : variables_) {
      saved.push_back(variable.is_resource ? variable.snapshot.out() : variable.node.out());
    }
    ASSIGN_OR_RETURN(const Node save, graph_.AddNode(Name("SaveV2"), "SaveV2", saved));
    graph_.SetAttr(save, "dtypes", AttrTypeList(dtypes_));
    ASSIGN_OR_RETURN(const Node done, graph_.AddNode(Name("control_dependency"), "Identity", {file_.out()}));
    graph_.SetAttr(done, "T", AttrType(DT_STRING));
    graph_.AddControlInput(done, save);
    return done;
  }

  absl::StatusOr<Node> AddRestore() {
    ASSIGN_OR_RETURN(const Node restore, graph_.AddNode(Name("RestoreV2"), "RestoreV2",
                                                        {file_.out(), names_.out(), slices_.out()}));
    graph_.SetAttr(restore, "dtypes", AttrTypeList(dtypes_));
    ASSIGN_OR_RETURN(const Node restore_all, graph_.AddNode(Name("restore_all"), "NoOp", {}));
    int refs = 0, resources = 0;
    for (size_t i = 0; i < variables_.size(); ++i) {
      const VariableNodes& variable = variables_[i];
      Output value = restore.out(static_cast<int>(i));
      if (variable.is_resource) {
        // The Saver puts an Identity between, too.
        const std::string identity = Numbered("Identity", resources);
        ASSIGN_OR_RETURN(const Node copy, graph_.AddNode(identity, "Identity", {value}, restore_all));
        graph_.SetAttr(copy, "T", AttrType(variable.dtype));
        value = copy.out();
      }
      const std::string name =
          variable.is_resource ? Numbered("AssignVariableOp", resources++) : Numbered("Assign", refs++);
      ASSIGN_OR_RETURN(const Node assign,
                       graph_.AddNode(name, variable.is_resource ? "AssignVariableOp" : "Assign",
                                      {variable.node.out(), value}, restore_all));
      if (variable.is_resource) {
        graph_.SetAttr(assign, "dtype", AttrType(variable.dtype));
      } else {
        graph_.SetAttr(assign, "T", AttrType(variable.dtype));
        graph_.SetAttr(assign, "_class", AttrStringList({absl::StrCat("loc:@", variable.node.name())}));
        graph_.SetAttr(assign, "use_locking", AttrBool(true));
        graph_.SetAttr(assign, "validate_shape", AttrBool(true));
      }
      graph_.AddControlInput(restore_all, assign);
      assigns_.push_back(assign);
    }
    return restore_all;
  }

  std::string Numbered(absl::string_view name, int number) const {
    return Name(number == 0 ? std::string(name) : absl::StrCat(name, "_", number));
  }

  std::string VariableDefOf(size_t i) const {
    const VariableNodes& variable = variables_[i];
    tensorflow::VariableDef def;
    def.set_variable_name(absl::StrCat(variable.node.name(), ":0"));
    def.set_initializer_name(
        std::string(variable.initializer ? variable.initializer.name() : assigns_[i].name()));
    def.set_snapshot_name(
        absl::StrCat(variable.snapshot ? variable.snapshot.name() : variable.node.name(), ":0"));
    if (variable.initial_value) def.set_initial_value_name(absl::StrCat(variable.initial_value.name(), ":0"));
    def.set_is_resource(variable.is_resource);
    def.set_trainable(variable.trainable);
    return DeterministicBytes(def);
  }

  Graph& graph_;
  const absl::Span<const VariableNodes> variables_;
  std::string scope_;
  Node file_, names_, slices_;
  std::vector<DataType> dtypes_;
  std::vector<Node> assigns_;
};

}  // namespace

absl::StatusOr<SaverNodes> AddSaverNodes(Graph& graph, absl::Span<const VariableNodes> variables) {
  return Builder(&graph, variables).Build();
}

}  // namespace cryograph

// Checks the function library: names, returns, gradients, recursion, and each body.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/wire.h"
#include "base/wire_field.h"
#include "graph/verify_internal.h"

namespace cryograph {
namespace {

// FunctionDef: ret 4, control_ret 6.
void CheckReturns(const Function& function, const OpSchema& signature, Graph& body, OpVerifier* ops,
                  FindingList* findings) {
  absl::flat_hash_map<absl::string_view, absl::string_view> returns;
  WireReader reader(function.wire());
  for (WireField field; reader.Next(&field);) {
    if (field.type != WireType::kBytes) continue;
    const auto [name, reference] = MapEntry(field.bytes);
    if (field.number == 4) returns[name] = reference;
    if (field.number == 6 && !body.Find(reference)) {
      findings->Add(FindingCode::kBadReturn, "",
                    absl::StrCat("control output '", name, "' is node '", reference,
                                 "', which the body does not have"));
    }
  }
  for (const ArgSchema& output : signature.outputs) {
    const auto found = returns.find(output.name);
    if (found == returns.end()) {
      findings->Add(FindingCode::kBadReturn, "",
                    absl::StrCat("does not say what its output '", output.name, "' is"));
      continue;
    }
    DataType type = DT_INVALID;
    std::string why;
    if (!ops->ReferenceType(body, found->second, &type, &why)) {
      findings->Add(FindingCode::kBadReturn, "",
                    absl::StrCat("output '", output.name, "' is '", found->second, "', but ", why));
      continue;
    }
    const bool known = output.type != DT_INVALID && output.type_list_attr.empty() && type != DT_INVALID;
    if (known && output.type != BaseType(type)) {
      findings->Add(FindingCode::kInputType, "",
                    absl::StrCat("output '", output.name, "' is ", DataTypeName(type), ", from '",
                                 found->second, "', but the signature says ", DataTypeName(output.type)));
    }
  }
}

// Which functions call which: by op, or by an attribute that names one.
class CallGraph {
 public:
  explicit CallGraph(Model& model) : model_(model) {
    for (size_t i = 0; i < model.functions().size(); ++i) by_name_.emplace(model.functions()[i].name(), i);
  }

  void CheckRecursion(FindingList* findings) {
    // Depth first, without recursion of our own. 0 new, 1 on the way, 2 done.
    std::vector<int8_t> state(model_.functions().size(), 0);
    struct Step {
      size_t function;
      std::vector<size_t> callees;
      size_t next = 0;
    };
    for (size_t start = 0; start < state.size(); ++start) {
      if (state[start] != 0) continue;
      std::vector<Step> way;
      way.push_back({start, Callees(start)});
      state[start] = 1;
      while (!way.empty()) {
        Step& step = way.back();
        if (step.next == step.callees.size()) {
          state[step.function] = 2;
          way.pop_back();
          continue;
        }
        const size_t callee = step.callees[step.next++];
        if (state[callee] == 0) {
          state[callee] = 1;
          way.push_back({callee, Callees(callee)});
        } else if (state[callee] == 1) {
          std::vector<absl::string_view> names;
          bool inside = false;
          for (const Step& each : way) {
            inside = inside || each.function == callee;
            if (inside && names.size() < 8) names.push_back(model_.functions()[each.function].name());
          }
          names.push_back(model_.functions()[callee].name());
          findings->BeginGraph(model_.functions()[callee].name());
          findings->Add(FindingCode::kRecursion, "",
                        absl::StrCat("calls itself: ", absl::StrJoin(names, " -> ")));
        }
      }
    }
  }

 private:
  std::vector<size_t> Callees(size_t function) {
    std::vector<size_t> callees;
    absl::StatusOr<Graph*> body = model_.functions()[function].body();
    if (!body.ok()) return callees;
    const auto add = [&](absl::string_view name) {
      if (const auto found = by_name_.find(name); found != by_name_.end()) callees.push_back(found->second);
    };
    std::vector<std::pair<absl::string_view, AttrView>> attrs;
    for (Node node : (*body)->nodes()) {
      add(node.op());
      node.GetAttrs(&attrs);
      for (const auto& attr : attrs) {
        if (attr.second.kind() == AttrView::kFunc) add(attr.second.func_name());
        if (attr.second.kind() != AttrView::kList) continue;
        for (absl::string_view func : attr.second.list_func()) add(NameOfNameAttrList(func));
      }
    }
    std::sort(callees.begin(), callees.end());
    callees.erase(std::unique(callees.begin(), callees.end()), callees.end());
    return callees;
  }

  Model& model_;
  absl::flat_hash_map<absl::string_view, size_t> by_name_;
};

}  // namespace

void VerifyFunctions(Model& model, const OpRegistry& registry, const VerifyOptions& options,
                     FindingList* findings) {
  absl::flat_hash_map<absl::string_view, const Function*> seen;
  for (Function& function : model.functions()) {
    const absl::string_view name = function.name();
    findings->BeginGraph(name);
    const auto [earlier, is_first] = seen.emplace(name, &function);
    if (!is_first) {
      if (earlier->second->wire() != function.wire()) {
        findings->Add(FindingCode::kFunctionDiffers, "", "the library has another function of this name");
      }
      continue;  // Equal ones are one to TensorFlow; calls mean the first.
    }
    if (const OpSchema* op = FindOp(name);
        op != nullptr && !op->is_extension && (op->in_1_15 || op->in_2_21)) {
      findings->Add(FindingCode::kFunctionHidesOp, "", "an op has this name");
    }
    const absl::StatusOr<OpSchema> signature = ParseOpDef(function.signature());
    if (!signature.ok()) {
      findings->Add(FindingCode::kBadBody, "", std::string(signature.status().message()));
      continue;
    }
    const absl::StatusOr<Graph*> body = function.body();
    if (!body.ok()) {
      findings->Add(FindingCode::kBadBody, "", std::string(body.status().message()));
      continue;
    }
    StructureChecks checks;
    checks.is_body = true;
    checks.old_names = options.target == Release::k1_15;
    VerifyEdges(**body, checks, findings);
    if (options.ops) {
      OpVerifier ops(registry, options, model.versions().producer);
      ops.Verify(**body, &*signature, findings);
      CheckReturns(function, *signature, **body, &ops, findings);
    }
    findings->EndGraph(**body);
  }
  CallGraph(model).CheckRecursion(findings);
  // FunctionDefLibrary: gradient 2 = GradientDef {function_name 1, gradient_func 2}.
  for (const RawField& field : model.library_fields) {
    if (field.number != 2) continue;
    const auto [name, gradient] = MapEntry(field.payload);
    for (absl::string_view each : {name, gradient}) {
      if (seen.contains(each)) continue;
      findings->BeginGraph("");
      findings->Add(FindingCode::kMissingGradient, "",
                    absl::StrCat("the library names '", gradient, "' as gradient of function '", name,
                                 "', but has no function '", each, "'"));
    }
  }
}

}  // namespace cryograph

#include "tests/contract/contract_runs.h"

#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/text.h"
#include "transforms/registry.h"

namespace cryograph {
namespace {

// Values for what passes require.
const std::map<std::string, std::string>& Parameters() {
  static const auto& parameters = *new std::map<std::string, std::string>{
      {"remove_attribute", "(attribute_name=T)"},
      {"remove_nodes", "(op=\"Identity|Relu|Neg|Cast|FakeQuant.*\", max_inputs=3)"},
      {"rename_attribute", "(old_attribute_name=T, new_attribute_name=T_new)"},
      {"rename_node", "(old_node_name=\"*\", new_node_name=\"renamed/*\")"},
      {"rename_op", "(old_op_name=Relu, new_op_name=Relu6)"},
      {"set_device", "(device=\"/device:GPU:3\", if_default=true)"},
  };
  return parameters;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ContractSpecs() {
  std::vector<std::string> specs;
  for (const std::string& name : PassRegistry::Global().names()) {
    const auto found = Parameters().find(name);
    if (found != Parameters().end()) {
      specs.push_back(name + found->second);
      continue;
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<Pass> pass, PassRegistry::Global().Create(name));
    for (const ParamBase* param : pass->params()) {
      if (param->required()) {
        return absl::NotFoundError(absl::StrCat("pass '", name, "' requires '", param->name(),
                                                "': give it a value in tests/contract/contract_runs.cc"));
      }
    }
    specs.push_back(name);
  }
  return specs;
}

std::vector<std::string> GoldenInputs(int argc, char** argv) {
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    if (absl::EndsWith(argv[i], ".in.pbtxt")) paths.emplace_back(argv[i]);
  }
  return paths;
}

absl::StatusOr<Model> LoadGolden(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot open ", path));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ASSIGN_OR_RETURN(std::string bytes, GraphDefFromText(text, path));
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  return ImportGraphDef(*owner, owner, path);
}

PassOptions PromisesOf(Model& model) {
  PassOptions options;
  for (Node node : model.graph().nodes()) {
    TensorName name;
    name.node = std::string(node.name());
    if (node.op() == "Placeholder") options.inputs.push_back(name);
    if (node.uses().empty()) options.outputs.push_back(name);
  }
  return options;
}

std::string BytesOf(Model& model) {
  StringSink sink;
  ExportOptions options;
  options.allow_defects = true;
  const absl::Status status = ExportGraphDef(model, sink, options);
  return status.ok() ? std::move(sink.bytes()) : absl::StrCat("not written: ", status.message());
}

}  // namespace cryograph

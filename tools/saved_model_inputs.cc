#include "tools/saved_model_inputs.h"

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/attr.h"
#include "graph/model.h"
#include "graph/tensor.h"
#include "runtime/executor.h"
#include "tools/array_expression.h"
#include "tools/array_feeds.h"
#include "tools/cli.h"
#include "tools/python_expression.h"
#include "tools/tf_example.h"

namespace cryograph {
namespace {

struct Item {
  std::string key, value;
};

// Items between semicolons, but for those in strings; empty ones are left out. `wrong` makes the error for
// one without a key.
absl::StatusOr<std::vector<Item>> SplitItems(absl::string_view text,
                                             const std::function<absl::Status(absl::string_view)>& wrong) {
  std::vector<Item> items;
  char quote = '\0';
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ';';
    if (i < text.size() && quote != '\0') {
      if (c == '\\') ++i;
      if (c == quote) quote = '\0';
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c != ';') continue;
    const absl::string_view item = text.substr(begin, i - begin);
    begin = i + 1;
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    if (equals == absl::string_view::npos || equals == 0) return wrong(item);
    items.push_back({std::string(item.substr(0, equals)), std::string(item.substr(equals + 1))});
  }
  return items;
}

absl::Status WrongFile(absl::string_view item) {
  return cli::UsageError(absl::StrCat("--inputs \"", item,
                                      "\" format is incorrect. Please follow\"<input_key>=<filename>\", "
                                      "or\"<input_key>=<filename>[<variable_name>]\""));
}

absl::Status WrongExpression(absl::string_view item) {
  return cli::UsageError(absl::StrCat("--input_exprs \"", item,
                                      "\" format is incorrect. Please follow\"<input_key>=<python "
                                      "expression>\""));
}

// numpy's array in `text`, FILE or FILE[NAME].
absl::StatusOr<Value> ReadFile(const Item& item, MemoryPool& pool, std::vector<std::string>* notes) {
  std::string path = item.value, name;
  const size_t bracket = path.find('[');
  if (bracket != std::string::npos) {
    name = path.substr(bracket + 1);
    if (name.size() < 2 || name.find(']') != name.size() - 1 || bracket == 0) {
      return WrongFile(absl::StrCat(item.key, "=", item.value));
    }
    name.pop_back();
    path.resize(bracket);
  }
  path = cli::ExpandHome(path);
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointReader> arrays, OpenArrayFile(path));
  if (arrays->entries().empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": it has no arrays"));
  std::vector<absl::string_view> names;
  for (const CheckpointEntry& entry : arrays->entries()) names.push_back(entry.name);
  // Told by content: a .npy file has one array, of the file's name.
  const bool single = names.size() == 1 && !absl::EndsWith(path, ".npz");
  if (single && !name.empty()) {
    notes->push_back(absl::StrCat("input file ", path, " holds one array; its name '", name, "' is ignored"));
    name.clear();
  }
  if (name.empty() && names.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Input file ", path,
                     " contains more than one ndarrays. Please specify the name of ndarray to use.\nwhy: it "
                     "holds ",
                     absl::StrJoin(names, ", "), "\ntry: ", item.key, "=", path, "[", names[0], "]"));
  }
  if (!name.empty() && arrays->Find(name) == nullptr) {
    return absl::NotFoundError(absl::StrCat("Input file ", path, " does not contain variable with name \"",
                                            name, "\".", DidYouMean(NearestNames(name, names))));
  }
  ASSIGN_OR_RETURN(const Tensor tensor, arrays->Read(name.empty() ? names[0] : absl::string_view(name)));
  return Value::FromTensor(tensor, pool);
}

absl::StatusOr<Value> Examples(const std::string& text, MemoryPool& pool) {
  ASSIGN_OR_RETURN(const PythonValue list, ParsePythonExpression(text));
  ASSIGN_OR_RETURN(std::vector<std::string> examples, ExamplesOf(list));
  ASSIGN_OR_RETURN(Value value, Value::Allocate(DT_STRING, {static_cast<int64_t>(examples.size())}, pool));
  for (size_t i = 0; i < examples.size(); ++i) value.mutable_data<std::string>()[i] = std::move(examples[i]);
  return value;
}

// By the runtime's own Cast.
absl::StatusOr<Value> CastTo(DataType dtype, Value value) {
  Model model;
  Graph& graph = model.graph();
  ASSIGN_OR_RETURN(const Node from, graph.AddNode("from", "Placeholder", {}));
  graph.SetAttr(from, "dtype", AttrType(value.dtype()));
  ASSIGN_OR_RETURN(const Node cast, graph.AddNode("cast", "Cast", {from.out()}));
  graph.SetAttr(cast, "SrcT", AttrType(value.dtype()));
  graph.SetAttr(cast, "DstT", AttrType(dtype));
  ASSIGN_OR_RETURN(const std::unique_ptr<Executor> executor, Executor::Create(std::move(model)));
  ASSIGN_OR_RETURN(std::vector<Value> results, executor->RunOnce({{"from", std::move(value)}}, {"cast"}));
  return std::move(results[0]);
}

class Inputs {
 public:
  Inputs(const std::map<std::string, DataType>& types, std::vector<std::string>* notes)
      : types_(types), notes_(notes) {}

  absl::Status Add(const Item& item, const char* flag, absl::StatusOr<Value> value) {
    if (!value.ok()) {
      if (cli::IsUsageError(value.status())) return value.status();
      return absl::Status(value.status().code(),
                          absl::StrCat(flag, ": ", item.key, ": ", value.status().message()));
    }
    const DataType wanted = types_.at(item.key);
    if (value->dtype() != wanted) {
      const bool numbers = value->dtype() != DT_STRING && wanted != DT_STRING;
      const DataType given = value->dtype();
      if (numbers) value = CastTo(wanted, *std::move(value));
      if (!numbers || !value.ok()) {
        return absl::InvalidArgumentError(absl::StrCat(flag, ": ", item.key, " is of type ",
                                                       DataTypeName(given), ", and the signature wants ",
                                                       DataTypeName(wanted)));
      }
      notes_->push_back(absl::StrCat("input '", item.key, "' is cast from ", DataTypeName(given), " to ",
                                     DataTypeName(wanted)));
    }
    if (const auto before = flags_.find(item.key); before != flags_.end()) {
      notes_->push_back(absl::StrCat("input '", item.key, "' is given by ", before->second, " and by ", flag,
                                     "; the latter counts"));
    }
    flags_[item.key] = flag;
    values_[item.key] = *std::move(value);
    return absl::OkStatus();
  }

  absl::Status CheckKey(const Item& item) const {
    if (types_.count(item.key) > 0) return absl::OkStatus();
    std::vector<std::string> keys;
    std::vector<absl::string_view> names;
    for (const auto& [key, type] : types_) {
      keys.push_back(absl::StrCat("\"", key, "\""));
      names.push_back(key);
    }
    return cli::UsageError(absl::StrCat("\"", item.key, "\" is not a valid input key. Please choose from ",
                                        keys.empty() ? "\"\"" : absl::StrJoin(keys, ", "),
                                        ", or use --show option.",
                                        DidYouMean(NearestNames(item.key, names))));
  }

  std::map<std::string, Value> Take() { return std::move(values_); }
  DataType TypeOf(const Item& item) const { return types_.at(item.key); }

 private:
  const std::map<std::string, DataType>& types_;
  std::vector<std::string>* notes_;
  std::map<std::string, Value> values_;
  std::map<std::string, std::string> flags_;  // By key.
};

}  // namespace

absl::StatusOr<std::map<std::string, Value>> ReadSavedModelInputs(
    const SavedModelInputFlags& flags, const std::map<std::string, DataType>& types, MemoryPool& pool,
    std::vector<std::string>* notes) {
  ASSIGN_OR_RETURN(const std::vector<Item> files, SplitItems(flags.inputs, WrongFile));
  ASSIGN_OR_RETURN(const std::vector<Item> expressions, SplitItems(flags.input_exprs, WrongExpression));
  ASSIGN_OR_RETURN(const std::vector<Item> examples, SplitItems(flags.input_examples, WrongExpression));
  Inputs inputs(types, notes);
  for (const std::vector<Item>* items : {&files, &expressions, &examples}) {
    for (const Item& item : *items) RETURN_IF_ERROR(inputs.CheckKey(item));
  }
  for (const Item& item : files) RETURN_IF_ERROR(inputs.Add(item, "--inputs", ReadFile(item, pool, notes)));
  for (const Item& item : expressions) {
    RETURN_IF_ERROR(inputs.Add(item, "--input_exprs", EvaluateArray(item.value, inputs.TypeOf(item), pool)));
  }
  for (const Item& item : examples) {
    RETURN_IF_ERROR(inputs.Add(item, "--input_examples", Examples(item.value, pool)));
  }
  return inputs.Take();
}

}  // namespace cryograph

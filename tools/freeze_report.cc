#include "tools/freeze_report.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/dtype.h"
#include "graph/tensor.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

std::string JsonList(const std::vector<std::string>& values) {
  return absl::StrCat("[",
                      absl::StrJoin(values, ", ",
                                    [](std::string* out, const std::string& value) {
                                      absl::StrAppend(out, cli::JsonString(value));
                                    }),
                      "]");
}

// {"x": "serving_default_x:0"}
std::string JsonKeys(const std::vector<SignatureTensor>& tensors) {
  return absl::StrCat("{",
                      absl::StrJoin(tensors, ", ",
                                    [](std::string* out, const SignatureTensor& tensor) {
                                      absl::StrAppend(out, cli::JsonString(tensor.key), ": ",
                                                      cli::JsonString(tensor.tensor));
                                    }),
                      "}");
}

// Cells in columns, two blanks apart; the last one is not padded.
std::string Columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&text, row[i]);
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string FreezeReportJson(const FreezeReport& report, const SignatureUse& signature) {
  std::string json = "{\n  \"variables\": [";
  const char* separator = "\n";
  for (const FrozenVariable& variable : report.variables) {
    absl::StrAppend(&json, separator, "    {\"node\": ", cli::JsonString(variable.node),
                    ", \"key\": ", cli::JsonString(variable.key),
                    ", \"slice\": ", cli::JsonString(variable.slice_spec),
                    ", \"how\": ", cli::JsonString(variable.how),
                    ", \"dtype\": ", cli::JsonString(DataTypeName(variable.dtype)), ", \"shape\": [",
                    absl::StrJoin(variable.dims, ", "), "], \"bytes\": ", variable.bytes, "}");
    separator = ",\n";
  }
  absl::StrAppend(&json, "\n  ],\n  \"tables\": [");
  separator = "\n";
  for (const FrozenTable& table : report.tables) {
    absl::StrAppend(&json, separator, "    {\"node\": ", cli::JsonString(table.node),
                    ", \"key_dtype\": ", cli::JsonString(DataTypeName(table.key_dtype)),
                    ", \"value_dtype\": ", cli::JsonString(DataTypeName(table.value_dtype)),
                    ", \"size\": ", table.size, ", \"source\": ", cli::JsonString(table.source),
                    ", \"initializer\": ", cli::JsonString(table.initializer),
                    ", \"what\": ", cli::JsonString(table.what), "}");
    separator = ",\n";
  }
  absl::StrAppend(&json, report.tables.empty() ? "]" : "\n  ]",
                  ",\n  \"init_node\": ", cli::JsonString(report.init_node), ",\n  \"leftovers\": [");
  separator = "\n";
  for (const TrainingLeftover& leftover : report.leftovers) {
    absl::StrAppend(&json, separator, "    {\"kind\": ", cli::JsonString(leftover.kind),
                    ", \"nodes\": ", JsonList(leftover.nodes), "}");
    separator = ",\n";
  }
  absl::StrAppend(
      &json, report.leftovers.empty() ? "]" : "\n  ]", ",\n  \"left\": ", JsonList(report.left),
      ",\n  \"unused_keys\": ", JsonList(report.unused_keys), ",\n  \"inputs\": ", JsonList(report.inputs),
      ",\n  \"notes\": ", JsonList(report.notes), ",\n  \"bytes\": ", report.bytes,
      ",\n  \"nodes_total\": ", report.nodes_total, ",\n  \"nodes_kept\": ", report.nodes_kept,
      ",\n  \"dropped_updates\": ", report.dropped_updates, ",\n  \"inlined\": ", report.inlined,
      ",\n  \"lowered\": ", report.lowered, ",\n  \"functions_pruned\": ", report.functions_pruned,
      ",\n  \"signature\": {\"name\": ", cli::JsonString(signature.name),
      ", \"inputs\": ", JsonKeys(signature.inputs), ", \"outputs\": ", JsonKeys(signature.outputs), "}\n}\n");
  return json;
}

std::string FreezeReportText(const FreezeReport& report, const SignatureUse& signature) {
  std::vector<std::vector<std::string>> rows = {{"variable", "key", "type", "shape", "bytes", "found by"}};
  for (const FrozenVariable& variable : report.variables) {
    rows.push_back(
        {variable.node,
         variable.key.empty()
             ? "-"
             : absl::StrCat(variable.key, variable.slice_spec.empty() ? "" : " ", variable.slice_spec),
         DataTypeName(variable.dtype), ShapeText(variable.dims), absl::StrCat(variable.bytes), variable.how});
  }
  std::string text = rows.size() > 1 ? Columns(rows) : "";
  if (!report.tables.empty()) {
    rows = {{"table", "keys", "values", "entries", "became", "from"}};
    for (const FrozenTable& table : report.tables) {
      rows.push_back({table.node, DataTypeName(table.key_dtype), DataTypeName(table.value_dtype),
                      table.size < 0 ? "?" : absl::StrCat(table.size), table.what,
                      table.source.empty() ? "-" : table.source});
    }
    absl::StrAppend(&text, "\n", Columns(rows));
    if (!report.init_node.empty()) absl::StrAppend(&text, "run first: ", report.init_node, "\n");
  }
  const auto list = [&](absl::string_view title, const std::vector<std::string>& names) {
    if (!names.empty()) absl::StrAppend(&text, "\n", title, "\n  ", absl::StrJoin(names, "\n  "), "\n");
  };
  for (const TrainingLeftover& leftover : report.leftovers) {
    list(absl::StrCat("looks like training (", leftover.kind, "):"), leftover.nodes);
  }
  list("variables that stay:", report.left);
  list("keys of the checkpoint that were not used:", report.unused_keys);
  list("inputs:", report.inputs);
  if (const std::string line = signature.Text(); !line.empty()) absl::StrAppend(&text, "\n", line, "\n");
  list("notes:", report.notes);
  absl::StrAppend(&text, text.empty() ? "" : "\n", report.Summary(), "\n");
  return text;
}

}  // namespace cryograph

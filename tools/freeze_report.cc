#include "tools/freeze_report.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/dtype.h"
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

}  // namespace

std::string FreezeReportJson(const FreezeReport& report) {
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
  absl::StrAppend(&json, "\n  ],\n  \"left\": ", JsonList(report.left),
                  ",\n  \"unused_keys\": ", JsonList(report.unused_keys),
                  ",\n  \"inputs\": ", JsonList(report.inputs), ",\n  \"notes\": ", JsonList(report.notes),
                  ",\n  \"bytes\": ", report.bytes, ",\n  \"nodes_total\": ", report.nodes_total,
                  ",\n  \"nodes_kept\": ", report.nodes_kept,
                  ",\n  \"dropped_updates\": ", report.dropped_updates,
                  ",\n  \"functions_pruned\": ", report.functions_pruned, "\n}\n");
  return json;
}

}  // namespace cryograph

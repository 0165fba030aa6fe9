#include "tools/doctor_report.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/dtype.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using cli::JsonString;

// Repairs of one kind that are shown one by one.
constexpr int kShown = 20;

std::string Place(const Repair& repair) {
  std::string text;
  if (!repair.function.empty()) absl::StrAppend(&text, "function '", repair.function, "'");
  if (!repair.node.empty()) absl::StrAppend(&text, text.empty() ? "" : ", ", "node '", repair.node, "'");
  return text.empty() ? "graph" : text;
}

std::string JsonStrings(const std::vector<std::string>& values) {
  return absl::StrCat("[",
                      absl::StrJoin(values, ", ",
                                    [](std::string* out, const std::string& value) {
                                      absl::StrAppend(out, JsonString(value));
                                    }),
                      "]");
}

void AppendRepairs(const std::vector<Repair>& repairs, std::string* text) {
  for (size_t i = 0; i < repairs.size();) {
    // In the order in which they were made, runs of one kind are cut short.
    size_t end = i;
    while (end < repairs.size() && repairs[end].kind == repairs[i].kind) ++end;
    for (size_t k = i; k < end && k < i + kShown; ++k) {
      absl::StrAppend(text, Place(repairs[k]), ": ", repairs[k].what, " [", repairs[k].kind,
                      "]\n  why: ", repairs[k].why, "\n");
    }
    if (end - i > kShown)
      absl::StrAppend(text, "and ", end - i - kShown, " more of the kind ", repairs[i].kind, "\n");
    i = end;
  }
}

}  // namespace

std::string FirstErrorText(const std::vector<Finding>& findings) {
  std::string first;
  int more = -1;
  for (const Finding& finding : findings) {
    if (finding.severity != Severity::kError) continue;
    if (first.empty()) first = FindingText(finding);
    ++more;
  }
  return more > 0 ? absl::StrCat(first, "; and ", more, " more") : first;
}

std::string DoctorReportText(const DoctorReport& report) {
  std::string text;
  AppendRepairs(report.repairs, &text);
  if (report.swap) {
    for (const SwappedWeight& weight : report.swap->swapped) {
      absl::StrAppend(&text, "node '", weight.node, "': value of '", weight.key, "' ",
                      DataTypeName(weight.dtype), " ", ShapeText(weight.dims),
                      weight.how == "node name" ? "" : absl::StrCat(" (", weight.how, ")"), "\n");
    }
    absl::StrAppend(&text, "swapped ", cli::Counted(report.swap->swapped.size(), "constant"), ", ",
                    cli::BytesText(report.swap->bytes), "; ", report.swap->unused_keys.size(),
                    " keys of the checkpoint not used\n");
    if (!report.swap->kept.empty()) {
      absl::StrAppend(&text,
                      "kept, since the checkpoint has no such key: ", absl::StrJoin(report.swap->kept, ", "),
                      "\n");
    }
  }
  int errors = 0;
  for (const Finding& finding : report.left) {
    if (finding.severity != Severity::kError) continue;
    if (++errors <= kShown) absl::StrAppend(&text, "left: ", FindingText(finding), "\n");
  }
  if (errors > kShown) absl::StrAppend(&text, "left: and ", errors - kShown, " more\n");
  absl::StrAppend(&text, report.path, ": ",
                  cli::Counted(static_cast<uint64_t>(report.errors_before), "error"), " before, ",
                  cli::Counted(report.repairs.size(), "repair"), ", ",
                  cli::Counted(static_cast<uint64_t>(errors), "error"), " left\n");
  return text;
}

std::string DoctorReportJson(const DoctorReport& report) {
  std::string json = absl::StrCat("{\n  \"path\": ", JsonString(report.path),
                                  ",\n  \"errors_before\": ", report.errors_before, ",\n  \"repairs\": [");
  const char* separator = "\n";
  for (const Repair& repair : report.repairs) {
    absl::StrAppend(&json, separator, "    {\"kind\": ", JsonString(repair.kind),
                    ", \"function\": ", JsonString(repair.function), ", \"node\": ", JsonString(repair.node),
                    ", \"what\": ", JsonString(repair.what), ", \"why\": ", JsonString(repair.why), "}");
    separator = ",\n";
  }
  absl::StrAppend(&json, report.repairs.empty() ? "]" : "\n  ]");
  if (report.swap) {
    absl::StrAppend(&json, ",\n  \"swapped\": [");
    separator = "\n";
    for (const SwappedWeight& weight : report.swap->swapped) {
      absl::StrAppend(&json, separator, "    {\"node\": ", JsonString(weight.node),
                      ", \"key\": ", JsonString(weight.key), ", \"slice\": ", JsonString(weight.slice_spec),
                      ", \"how\": ", JsonString(weight.how),
                      ", \"dtype\": ", JsonString(DataTypeName(weight.dtype)), ", \"shape\": [",
                      absl::StrJoin(weight.dims, ", "), "], \"bytes\": ", weight.bytes, "}");
      separator = ",\n";
    }
    absl::StrAppend(&json, "\n  ],\n  \"kept\": ", JsonStrings(report.swap->kept),
                    ",\n  \"unused_keys\": ", JsonStrings(report.swap->unused_keys));
  }
  absl::StrAppend(&json, ",\n  \"left\": [");
  separator = "\n";
  for (const Finding& finding : report.left) {
    absl::StrAppend(&json, separator, "    {\"code\": ", JsonString(CodeText(finding.code)),
                    ", \"severity\": ", JsonString(SeverityName(finding.severity)),
                    ", \"function\": ", JsonString(finding.function),
                    ", \"node\": ", JsonString(finding.node), ", \"text\": ", JsonString(finding.text),
                    ", \"hint\": ", JsonString(finding.hint), "}");
    separator = ",\n";
  }
  absl::StrAppend(&json, report.left.empty() ? "]" : "\n  ]",
                  ",\n  \"written\": ", JsonString(report.written), "\n}\n");
  return json;
}

std::vector<std::string> MissingFunctions(Model& model) {
  std::set<std::string> missing;
  const auto look = [&](Graph& graph) {
    for (Node node : graph.nodes()) {
      for (absl::string_view key : node.attr_keys()) {
        const AttrView attr = node.attr(key);
        std::vector<absl::string_view> names;
        if (attr.kind() == AttrView::kFunc) names.push_back(attr.func_name());
        if (attr.kind() == AttrView::kList) {
          for (absl::string_view function : attr.list_func()) names.push_back(NameOfNameAttrList(function));
        }
        for (absl::string_view name : names) {
          if (!name.empty() && model.FindFunction(name) == nullptr) missing.emplace(name);
        }
      }
    }
  };
  look(model.graph());
  for (Function& function : model.functions()) {
    if (const absl::StatusOr<Graph*> body = function.body(); body.ok()) look(**body);
  }
  return {missing.begin(), missing.end()};
}

}  // namespace cryograph

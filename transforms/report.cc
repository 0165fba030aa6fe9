#include "transforms/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace cryograph {
namespace {

// JSON string with its quotes. Bytes that are no UTF-8 cannot occur: importers refuse them.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

absl::string_view KindName(RemarkKind kind) {
  switch (kind) {
    case RemarkKind::kSkip:
      return "skipped";
    case RemarkKind::kNote:
      return "note";
    case RemarkKind::kWarning:
      return "warning";
  }
  return "";
}

std::string StateOf(const StepReport& step) {
  if (step.skipped) return "not run";
  if (step.error_ignored) return absl::StrCat("error ignored: ", step.status.message());
  if (!step.status.ok()) return absl::StrCat("failed: ", step.status.message());
  std::string text;
  for (const auto& [what, n] : step.counts) absl::StrAppend(&text, text.empty() ? "" : ", ", n, " ", what);
  int64_t skipped = 0;
  for (const auto& [why, n] : step.skips) skipped += n;
  if (skipped > 0) absl::StrAppend(&text, text.empty() ? "" : ", ", skipped, " skipped");
  return text.empty() && step.edits == 0 ? "no change" : text;
}

}  // namespace

void StepReport::Count(absl::string_view what, int64_t n) {
  for (auto& [name, total] : counts) {
    if (name == what) {
      total += n;
      return;
    }
  }
  counts.emplace_back(std::string(what), n);
}

void StepReport::AddRemark(RemarkKind kind, absl::string_view node, absl::string_view op,
                           absl::string_view text) {
  if (kind == RemarkKind::kSkip) {
    const auto [found, added] = skip_index_.try_emplace(std::string(text), skips.size());
    if (added) {
      skips.emplace_back(std::string(text), 1);
    } else {
      ++skips[found->second].second;
    }
  }
  // Warnings are few and wanted; the others are as many as nodes.
  if (remarks.size() >= kMaxRemarks && kind != RemarkKind::kWarning) {
    ++remarks_dropped;
    return;
  }
  remarks.push_back({kind, std::string(node), std::string(op), std::string(text)});
}

std::string RunReport::Table(bool remarks) const {
  size_t width = 4;
  bool timed = false;
  for (const StepReport& step : steps) {
    width = std::max(width, step.pass.size());
    timed |= step.ms >= 0;
  }
  std::string text = absl::StrFormat("%4s  %-*s  %9s  %9s%s  %s\n", "step", static_cast<int>(width), "pass",
                                     "nodes", "after", timed ? "         ms" : "", "result");
  for (const StepReport& step : steps) {
    absl::StrAppendFormat(&text, "%4d  %-*s  %9d  %9d", step.number, static_cast<int>(width), step.pass,
                          step.nodes_before, step.nodes_after);
    if (timed) absl::StrAppend(&text, step.ms >= 0 ? absl::StrFormat("  %9.1f", step.ms) : "           ");
    absl::StrAppend(&text, "  ", StateOf(step), "\n");
    if (!remarks) continue;
    for (const Remark& remark : step.remarks) {
      absl::StrAppend(&text, "      ", KindName(remark.kind), ": ");
      if (!remark.node.empty()) absl::StrAppend(&text, remark.node, " (", remark.op, "): ");
      absl::StrAppend(&text, remark.text, "\n");
    }
    if (step.remarks_dropped > 0) {
      absl::StrAppend(&text, "      … and ", step.remarks_dropped, " remarks more\n");
      for (const auto& [why, n] : step.skips)
        absl::StrAppend(&text, "      skipped ", n, " times: ", why, "\n");
    }
  }
  return text;
}

std::string RunReport::Json() const {
  std::string text = "{\"steps\": [";
  for (const StepReport& step : steps) {
    absl::StrAppend(&text, &step == &steps.front() ? "" : ",", "\n  {\"number\": ", step.number,
                    ", \"pass\": ", Quoted(step.pass), ", \"spec\": ", Quoted(step.spec),
                    ", \"nodes_before\": ", step.nodes_before, ", \"nodes_after\": ", step.nodes_after,
                    ", \"edits\": ", step.edits);
    if (step.ms >= 0) absl::StrAppendFormat(&text, ", \"ms\": %.3f", step.ms);
    if (step.skipped) text += ", \"not_run\": true";
    if (step.error_ignored) text += ", \"error_ignored\": true";
    if (!step.status.ok()) absl::StrAppend(&text, ", \"error\": ", Quoted(step.status.message()));
    text += ", \"counts\": {";
    for (size_t i = 0; i < step.counts.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ", ", Quoted(step.counts[i].first), ": ", step.counts[i].second);
    }
    text += "}, \"skips\": {";
    for (size_t i = 0; i < step.skips.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ", ", Quoted(step.skips[i].first), ": ", step.skips[i].second);
    }
    text += "}, \"remarks\": [";
    for (size_t i = 0; i < step.remarks.size(); ++i) {
      const Remark& remark = step.remarks[i];
      absl::StrAppend(&text, i == 0 ? "" : ", ", "{\"kind\": ", Quoted(KindName(remark.kind)));
      if (!remark.node.empty()) {
        absl::StrAppend(&text, ", \"node\": ", Quoted(remark.node), ", \"op\": ", Quoted(remark.op));
      }
      absl::StrAppend(&text, ", \"text\": ", Quoted(remark.text), "}");
    }
    absl::StrAppend(&text, "], \"remarks_dropped\": ", step.remarks_dropped, "}");
  }
  text += "\n], \"warnings\": [";
  for (size_t i = 0; i < warnings.size(); ++i)
    absl::StrAppend(&text, i == 0 ? "" : ", ", Quoted(warnings[i]));
  return text + "]}\n";
}

std::vector<std::string> RunReport::AllWarnings() const {
  std::vector<std::string> all = warnings;
  for (const StepReport& step : steps) {
    for (const Remark& remark : step.remarks) {
      if (remark.kind == RemarkKind::kWarning) all.push_back(absl::StrCat(step.pass, ": ", remark.text));
    }
  }
  return all;
}

}  // namespace cryograph

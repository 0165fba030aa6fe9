#include "tools/benchmark_profile.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

double Share(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

// What a run takes on average; no run, no time.
template <typename T>
double PerRun(T total, const BenchmarkProfile& profile) {
  return profile.runs() == 0 ? 0 : static_cast<double>(total) / static_cast<double>(profile.runs());
}

}  // namespace

std::string ProfileTitle(absl::string_view title) {
  const std::string rule(30, '=');
  return absl::StrCat(rule, " ", title, " ", rule, "\n");
}

void BenchmarkProfile::BeginRun() {
  ++runs_;
  events_.clear();
  run_bytes_.push_back(0);
}

void BenchmarkProfile::OnStep(const NodeInfo& node, absl::Span<const Value> outputs, absl::Time begin,
                              absl::Time end) {
  const auto [it, is_new] =
      index_.try_emplace({std::string(node.name()), std::string(node.op())}, nodes_.size());
  if (is_new) {
    nodes_.emplace_back();
    nodes_.back().name = it->first.first;
    nodes_.back().op = it->first.second;
  }
  NodeProfile& profile = nodes_[it->second];
  const double ms = absl::ToDoubleMilliseconds(end - begin);
  if (runs_ == 1) profile.first_ms += ms;
  profile.total_ms += ms;
  total_ms_ += ms;
  ++profile.calls;
  profile.outputs.resize(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].has_value()) continue;
    const uint64_t bytes = outputs[i].num_bytes();
    profile.outputs[i] = {outputs[i].dtype(), outputs[i].shape(), bytes};
    profile.output_bytes += bytes;
    if (!run_bytes_.empty()) run_bytes_.back() += static_cast<int64_t>(bytes);
  }
  events_.push_back({it->second, begin, end});
}

std::vector<OpProfile> BenchmarkProfile::Ops() const {
  std::map<std::string, OpProfile> by_op;
  for (const NodeProfile& node : nodes_) {
    OpProfile& op = by_op[node.op];
    op.op = node.op;
    ++op.nodes;
    op.calls += node.calls;
    op.total_ms += node.total_ms;
    op.output_bytes += node.output_bytes;
  }
  std::vector<OpProfile> ops;
  ops.reserve(by_op.size());
  for (auto& [name, op] : by_op) ops.push_back(std::move(op));
  std::stable_sort(ops.begin(), ops.end(),
                   [](const OpProfile& a, const OpProfile& b) { return a.total_ms > b.total_ms; });
  return ops;
}

std::string BenchmarkProfile::ChromeTrace() const {
  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [";
  absl::Time start = absl::InfiniteFuture();
  for (const ProfileEvent& event : events_) start = std::min(start, event.begin);
  for (size_t i = 0; i < events_.size(); ++i) {
    const ProfileEvent& event = events_[i];
    const NodeProfile& node = nodes_[event.node];
    absl::StrAppendFormat(&text,
                          "%s\n  {\"name\": %s, \"cat\": %s, \"ph\": \"X\", \"pid\": 1, \"tid\": 1, "
                          "\"ts\": %.3f, \"dur\": %.3f, \"args\": {\"op\": %s, \"shape\": %s}}",
                          i == 0 ? "" : ",", cli::JsonString(node.name), cli::JsonString(node.op),
                          absl::ToDoubleMicroseconds(event.begin - start),
                          absl::ToDoubleMicroseconds(event.end - event.begin), cli::JsonString(node.op),
                          cli::JsonString(node.outputs.empty() ? "" : ShapeText(node.outputs[0].shape)));
  }
  return absl::StrCat(text, "\n]}\n");
}

std::string NodeTable(const BenchmarkProfile& profile, absl::string_view title, NodeOrder order,
                      int64_t limit) {
  std::vector<const NodeProfile*> nodes;
  nodes.reserve(profile.nodes().size());
  for (const NodeProfile& node : profile.nodes()) nodes.push_back(&node);
  if (order != NodeOrder::kRun) {
    std::stable_sort(nodes.begin(), nodes.end(), [&](const NodeProfile* a, const NodeProfile* b) {
      return order == NodeOrder::kTime ? a->total_ms > b->total_ms : a->output_bytes > b->output_bytes;
    });
  }
  if (limit > 0 && nodes.size() > static_cast<size_t>(limit)) nodes.resize(static_cast<size_t>(limit));
  std::string text = ProfileTitle(title);
  absl::StrAppendFormat(&text, "\t%24s\t%9s\t%9s\t%8s\t%8s\t%10s\t%9s\t%s\n", "[node type]", "[first]",
                        "[avg ms]", "[%]", "[cdf%]", "[mem KB]", "[times called]", "[Name]");
  double share_so_far = 0;
  for (const NodeProfile* node : nodes) {
    const double share = Share(node->total_ms, profile.total_ms());
    share_so_far += share;
    absl::StrAppendFormat(&text, "\t%24s\t%9.3f\t%9.3f\t%7.3f%%\t%7.3f%%\t%10.3f\t%9.3f\t%s\n", node->op,
                          node->first_ms, PerRun(node->total_ms, profile), share, share_so_far,
                          PerRun(node->output_bytes, profile) / 1000, PerRun(node->calls, profile),
                          node->name);
  }
  return text + "\n";
}

std::string OpTable(const BenchmarkProfile& profile) {
  std::string text = absl::StrCat("Number of nodes executed: ", profile.nodes().size(), "\n",
                                  ProfileTitle("Summary by node type"));
  absl::StrAppendFormat(&text, "\t%24s\t%9s\t%10s\t%11s\t%11s\t%10s\t%10s\n", "[Node type]", "[count]",
                        "[avg ms]", "[avg %]", "[cdf %]", "[mem KB]", "[times called]");
  double share_so_far = 0;
  for (const OpProfile& op : profile.Ops()) {
    const double share = Share(op.total_ms, profile.total_ms());
    share_so_far += share;
    absl::StrAppendFormat(&text, "\t%24s\t%9d\t%10.3f\t%10.3f%%\t%10.3f%%\t%10.3f\t%10.3f\n", op.op, op.nodes,
                          PerRun(op.total_ms, profile), share, share_so_far,
                          PerRun(op.output_bytes, profile) / 1000, PerRun(op.calls, profile));
  }
  return text + "\n";
}

std::string NodesJson(const BenchmarkProfile& profile) {
  std::string text = "[";
  for (const NodeProfile& node : profile.nodes()) {
    absl::StrAppendFormat(
        &text,
        "%s\n    {\"name\": %s, \"op\": %s, \"first_ms\": %.6g, \"avg_ms\": %.6g, \"percent\": %.6g, "
        "\"output_bytes\": %.15g, \"calls\": %.6g}",
        text.size() == 1 ? "" : ",", cli::JsonString(node.name), cli::JsonString(node.op), node.first_ms,
        PerRun(node.total_ms, profile), Share(node.total_ms, profile.total_ms()),
        PerRun(node.output_bytes, profile), PerRun(node.calls, profile));
  }
  return text + "]";
}

std::string OpsJson(const BenchmarkProfile& profile) {
  std::string text = "[";
  for (const OpProfile& op : profile.Ops()) {
    absl::StrAppendFormat(&text,
                          "%s\n    {\"op\": %s, \"nodes\": %d, \"avg_ms\": %.6g, \"percent\": %.6g, "
                          "\"output_bytes\": %.15g, \"calls\": %.6g}",
                          text.size() == 1 ? "" : ",", cli::JsonString(op.op), op.nodes,
                          PerRun(op.total_ms, profile), Share(op.total_ms, profile.total_ms()),
                          PerRun(op.output_bytes, profile), PerRun(op.calls, profile));
  }
  return text + "]";
}

}  // namespace cryograph

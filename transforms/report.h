// What a run of a pipeline did: per step the time, the figures, the remarks; as a table for people and as
// JSON.
#ifndef CRYOGRAPH_TRANSFORMS_REPORT_H_
#define CRYOGRAPH_TRANSFORMS_REPORT_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace cryograph {

enum class RemarkKind { kSkip, kNote, kWarning };

struct Remark {
  RemarkKind kind = RemarkKind::kNote;
  std::string node, op;  // Empty if it is not about one node.
  std::string text;
};

// One execution of one pass.
struct StepReport {
  int number = 0;    // 1 for the first pass that the run came to; a pass in a repeat{} counts each time.
  std::string pass;  // "remove_nodes"
  std::string spec;  // "remove_nodes(op=Identity)"
  double ms = -1;    // Wall time; negative if nobody measured it.
  int64_t nodes_before = 0, nodes_after = 0;
  uint64_t edits = 0;          // 0: the pass changed nothing.
  bool skipped = false;        // An instrumentation kept it from running.
  bool error_ignored = false;  // It failed and ignore_errors put the graph back.
  absl::Status status;
  std::vector<std::pair<std::string, int64_t>> counts;  // In the order of their first mention.
  std::vector<Remark> remarks;                          // The first kMaxRemarks.
  int64_t remarks_dropped = 0;

  static constexpr size_t kMaxRemarks = 1000;

  void Count(absl::string_view what, int64_t n);
  void AddRemark(RemarkKind kind, absl::string_view node, absl::string_view op, absl::string_view text);
  // How many candidates were skipped for each reason, beyond kMaxRemarks too.
  std::vector<std::pair<std::string, int64_t>> skips;

 private:
  absl::flat_hash_map<std::string, size_t> skip_index_;  // Reason → index in skips.
};

struct RunReport {
  std::deque<StepReport> steps;
  std::vector<std::string> warnings;  // That belong to no step.

  // Columns: step, pass, nodes before and after, time if measured, figures. With `remarks` also every remark.
  std::string Table(bool remarks) const;
  // An object with "steps" and "warnings"; strings escaped, so any node name is safe.
  std::string Json() const;
  // Warnings of the run and of its steps, in order: "strip_unused_nodes: …".
  std::vector<std::string> AllWarnings() const;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_REPORT_H_

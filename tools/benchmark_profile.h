// Where the time of a model's runs goes: node by node, op by op, and as a trace.
#ifndef CRYOGRAPH_TOOLS_BENCHMARK_PROFILE_H_
#define CRYOGRAPH_TOOLS_BENCHMARK_PROFILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "graph/dtype.h"
#include "runtime/run_state.h"
#include "runtime/value.h"

namespace cryograph {

// An output as it was last.
struct OutputProfile {
  DataType dtype = DT_INVALID;  // None: of a dead branch.
  Shape shape;
  uint64_t bytes = 0;
};

// A node over all runs. Nodes of function bodies that have the same name and op count as one, and their time
// is in that of the node that calls them, too.
struct NodeProfile {
  std::string name, op;
  double first_ms = 0;        // In the first run that was watched.
  double total_ms = 0;        // In all of them.
  int64_t calls = 0;          // In all of them.
  uint64_t output_bytes = 0;  // In all of them.
  std::vector<OutputProfile> outputs;
};

// A node of the last run.
struct ProfileEvent {
  size_t node;  // Among nodes().
  absl::Time begin, end;
};

// Nodes of one op.
struct OpProfile {
  std::string op;
  int64_t nodes = 0, calls = 0;
  double total_ms = 0;
  uint64_t output_bytes = 0;
};

// Watches runs, one after the other.
class BenchmarkProfile final : public StepObserver {
 public:
  // Before each run.
  void BeginRun();
  void OnStep(const NodeInfo& node, absl::Span<const Value> outputs, absl::Time begin,
              absl::Time end) override;

  int64_t runs() const { return runs_; }
  double total_ms() const { return total_ms_; }
  // In the order in which they ran first.
  const std::vector<NodeProfile>& nodes() const { return nodes_; }
  // Longest first.
  std::vector<OpProfile> Ops() const;
  const std::vector<ProfileEvent>& last_run() const { return events_; }
  // Of all outputs of a run, for each run.
  const std::vector<int64_t>& run_bytes() const { return run_bytes_; }

  // The last run in the format of chrome://tracing and Perfetto.
  std::string ChromeTrace() const;

 private:
  int64_t runs_ = 0;
  double total_ms_ = 0;
  std::vector<NodeProfile> nodes_;
  std::map<std::pair<std::string, std::string>, size_t> index_;  // By name and op.
  std::vector<ProfileEvent> events_;
  std::vector<int64_t> run_bytes_;
};

// "====== TITLE ======\n".
std::string ProfileTitle(absl::string_view title);

enum class NodeOrder { kRun, kTime, kMemory };

// A table of nodes under a title, in the columns of TensorFlow's benchmark_model. `limit` 0: all nodes.
std::string NodeTable(const BenchmarkProfile& profile, absl::string_view title, NodeOrder order,
                      int64_t limit);
// "Number of nodes executed" and a line for each op.
std::string OpTable(const BenchmarkProfile& profile);
// Arrays of objects, times in milliseconds for each run.
std::string NodesJson(const BenchmarkProfile& profile);
std::string OpsJson(const BenchmarkProfile& profile);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_BENCHMARK_PROFILE_H_

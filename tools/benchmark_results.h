// What benchmark_model leaves for other programs, in TensorFlow's messages; and the sizes of tensors as text.
#ifndef CRYOGRAPH_TOOLS_BENCHMARK_RESULTS_H_
#define CRYOGRAPH_TOOLS_BENCHMARK_RESULTS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/benchmark_profile.h"

namespace cryograph {

struct BenchmarkEntry {
  std::string name;
  int64_t iterations = 0;
  double seconds = 0;               // Of all iterations.
  double megabytes_per_second = 0;  // 0: not told.
};

// "PREFIXa__b" for the benchmark "a/b".
std::string BenchmarkEntryPath(absl::string_view prefix, absl::string_view name);
// A serialized tensorflow.BenchmarkEntries with one entry: wall_time is that of an iteration, in seconds.
std::string BenchmarkEntriesBytes(const BenchmarkEntry& entry);
// Writes `entry` and, named NAME_OP, one for each op of the profile. AlreadyExists, before anything is
// written, if one of the files is there.
absl::Status WriteBenchmarkEntries(const std::string& prefix, const BenchmarkEntry& entry,
                                   const BenchmarkProfile& profile);

// A serialized tensorflow.StepStats of the last run that the profile watched; times are in microseconds of
// the system's clock.
std::string StepStatsBytes(const BenchmarkProfile& profile);

// A line for each node with type and shape of its outputs, in the order in which they ran.
std::string SizesTable(const BenchmarkProfile& profile);

// AlreadyExists if there is a file of that name.
absl::Status CheckNoSuchFile(const std::string& path);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_BENCHMARK_RESULTS_H_

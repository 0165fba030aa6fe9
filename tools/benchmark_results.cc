#include "tools/benchmark_results.h"

#include <unistd.h>

#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/dtype.h"

namespace cryograph {
namespace {

void AppendDoubleField(uint32_t number, double value, std::string* out) {
  constexpr uint32_t kFixed64 = 1;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  AppendVarint(number << 3 | kFixed64, out);
  AppendFixed64(bits, out);
}

std::string TensorShapeBytes(const Shape& shape) {
  std::string bytes;
  for (const int64_t dim : shape) {
    std::string size;
    if (dim != 0) AppendVarintField(1, static_cast<uint64_t>(dim), &size);
    AppendBytesField(2, size, &bytes);
  }
  return bytes;
}

// tensorflow.NodeOutput.
std::string NodeOutputBytes(size_t slot, const OutputProfile& output) {
  std::string allocation, description, bytes;
  AppendVarintField(1, output.bytes, &allocation);   // requested_bytes
  AppendVarintField(2, output.bytes, &allocation);   // allocated_bytes
  AppendBytesField(3, "cpu", &allocation);           // allocator_name
  AppendVarintField(1, output.dtype, &description);  // dtype
  AppendBytesField(2, TensorShapeBytes(output.shape), &description);
  AppendBytesField(4, allocation, &description);
  if (slot > 0) AppendVarintField(1, slot, &bytes);
  AppendBytesField(3, description, &bytes);
  return bytes;
}

}  // namespace

std::string BenchmarkEntryPath(absl::string_view prefix, absl::string_view name) {
  return absl::StrCat(prefix, absl::StrReplaceAll(name, {{"/", "__"}}));
}

std::string BenchmarkEntriesBytes(const BenchmarkEntry& entry) {
  const double iterations = static_cast<double>(entry.iterations);
  std::string message, all;
  AppendBytesField(1, entry.name, &message);
  AppendVarintField(2, static_cast<uint64_t>(entry.iterations), &message);
  AppendDoubleField(4, entry.iterations > 0 ? entry.seconds / iterations : 0, &message);
  if (entry.megabytes_per_second > 0) AppendDoubleField(5, entry.megabytes_per_second, &message);
  AppendBytesField(1, message, &all);
  return all;
}

absl::Status CheckNoSuchFile(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(path, ": is there already\ntry: another name, or remove it"));
}

absl::Status WriteBenchmarkEntries(const std::string& prefix, const BenchmarkEntry& entry,
                                   const BenchmarkProfile& profile) {
  std::vector<BenchmarkEntry> entries = {entry};
  for (const OpProfile& op : profile.Ops()) {
    entries.push_back({absl::StrCat(entry.name, "_", op.op), profile.runs(), op.total_ms / 1000, 0});
  }
  for (const BenchmarkEntry& each : entries) {
    RETURN_IF_ERROR(CheckNoSuchFile(BenchmarkEntryPath(prefix, each.name)));
  }
  for (const BenchmarkEntry& each : entries) {
    RETURN_IF_ERROR(WriteFile(BenchmarkEntryPath(prefix, each.name), BenchmarkEntriesBytes(each)));
  }
  return absl::OkStatus();
}

std::string StepStatsBytes(const BenchmarkProfile& profile) {
  std::string device, all;
  AppendBytesField(1, "/device:CPU:0", &device);
  for (const ProfileEvent& event : profile.last_run()) {
    const NodeProfile& node = profile.nodes()[event.node];
    const auto micros = static_cast<uint64_t>(absl::ToInt64Microseconds(event.end - event.begin));
    std::string stats;
    AppendBytesField(1, node.name, &stats);
    AppendVarintField(2, static_cast<uint64_t>(absl::ToUnixMicros(event.begin)), &stats);
    AppendVarintField(4, micros, &stats);  // op_end_rel_micros
    AppendVarintField(5, micros, &stats);  // all_end_rel_micros
    for (size_t slot = 0; slot < node.outputs.size(); ++slot) {
      if (node.outputs[slot].dtype == DT_INVALID) continue;
      AppendBytesField(7, NodeOutputBytes(slot, node.outputs[slot]), &stats);
    }
    AppendBytesField(8, absl::StrCat(node.name, " = ", node.op, "()"), &stats);  // timeline_label
    AppendBytesField(2, stats, &device);
  }
  AppendBytesField(1, device, &all);
  return all;
}

std::string SizesTable(const BenchmarkProfile& profile) {
  std::string text = ProfileTitle("Node output tensor sizes in run order");
  for (const NodeProfile& node : profile.nodes()) {
    std::vector<std::string> outputs;
    for (const OutputProfile& output : node.outputs) {
      outputs.push_back(output.dtype == DT_INVALID
                            ? "none"
                            : absl::StrCat(DataTypeName(output.dtype), " ", ShapeText(output.shape)));
    }
    absl::StrAppend(&text, node.name, " : ", outputs.size(),
                    outputs.size() == 1 ? " output: " : " outputs: ", absl::StrJoin(outputs, ", "), "\n");
  }
  return text + "\n";
}

}  // namespace cryograph

#include "checkpoint/verify.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "checkpoint/slice_spec.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

// What one thread checks at a time.
struct Step {
  const CheckpointEntry* entry;
  std::string slice_spec;  // Empty: the whole tensor.
  bool read = true;        // False: only whether its parts fit.
  absl::Status status;
  uint64_t bytes = 0;
};

class NowhereSink final : public ByteSink {
 public:
  absl::Status Append(absl::string_view) override { return absl::OkStatus(); }
};

std::vector<Step> StepsOf(const CheckpointReader& reader) {
  std::vector<Step> steps;
  for (const CheckpointEntry& entry : reader.entries()) {
    const std::vector<TensorSlice> slices = reader.StoredSlices(entry.name);
    steps.push_back({&entry, "", slices.empty(), absl::OkStatus(), 0});
    for (const TensorSlice& slice : slices) {
      // A slice that is none is told by the step of the whole.
      if (ResolveSlice(slice, entry.dims).ok()) {
        steps.push_back({&entry, SliceSpecText({entry.dims, slice}), true, absl::OkStatus(), 0});
      }
    }
  }
  return steps;
}

absl::Status Check(const CheckpointReader& reader, Step* step) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const TensorSource> source,
                   reader.Source(step->entry->name, step->slice_spec));
  if (!step->read) return absl::OkStatus();
  if (DataTypeBytes(source->dtype()) == 0) {
    ASSIGN_OR_RETURN(const Tensor tensor, source->Load());
    for (const absl::string_view text : tensor.strings) step->bytes += text.size();
    return absl::OkStatus();
  }
  NowhereSink nowhere;
  RETURN_IF_ERROR(source->Write(nowhere));
  step->bytes = source->num_bytes();
  return absl::OkStatus();
}

}  // namespace

CheckpointVerdict VerifyTensors(const CheckpointReader& reader, int num_threads,
                                absl::FunctionRef<void(uint64_t)> progress) {
  std::vector<Step> steps = StepsOf(reader);
  std::atomic<size_t> next{0};
  std::mutex mutex;
  const auto work = [&] {
    for (size_t i = next++; i < steps.size(); i = next++) {
      steps[i].status = Check(reader, &steps[i]);
      const std::lock_guard<std::mutex> lock(mutex);
      progress(steps[i].bytes);
    }
  };
  const size_t wanted =
      num_threads > 0 ? static_cast<size_t>(num_threads) : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(wanted, steps.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();

  CheckpointVerdict verdict;
  verdict.tensors = reader.entries().size();
  for (Step& step : steps) {
    verdict.bytes += step.bytes;
    if (!step.status.ok()) verdict.defects.push_back({step.entry->name, std::move(step.status)});
  }
  return verdict;
}

}  // namespace cryograph

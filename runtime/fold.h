// What both kinds of planning do with a node: its constant value, the preparing and the folding of its
// kernel.
#ifndef CRYOGRAPH_RUNTIME_FOLD_H_
#define CRYOGRAPH_RUNTIME_FOLD_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runtime/graph_plan.h"
#include "runtime/needed_nodes.h"

namespace cryograph {

// What takes longer to fold is computed when the graph runs, where the caller's limits hold.
inline constexpr absl::Duration kFoldingTime = absl::Seconds(5);

// The value of a Const. Large ones show the bytes of the graph, which `owner` keeps (null: they are copied),
// and may not be aligned.
absl::StatusOr<Value> ConstantValue(const NeededNode& needed, std::shared_ptr<const void> owner,
                                    RunState& run);

// Makes `constant` a copy if it is not aligned. Of a mapped file, what has been copied needs no memory then.
absl::Status Align(Value* constant, RunState& run);

// The value is needed no longer, and nor is the memory of the mapped file that it may show.
void Drop(Value* constant);

// An op that passes its input on without a look at the elements.
bool OnlyForwards(absl::string_view op);

// Kernel::Prepare(). `constants`: null for inputs that are known only when the graph runs. Sets
// step->released.
absl::Status PrepareStep(PlanStep* step, absl::Span<const Value* const> constants, RunState& run);

bool AllConstant(absl::Span<const Value* const> constants);

// The outputs of a step whose inputs are all constant; empty if they are not, if the op must run every time,
// if the kernel fails, or if the result is too large to keep.
std::vector<Value> FoldStep(const PlanStep& step, absl::Span<const Value* const> constants, RunState& run);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_FOLD_H_

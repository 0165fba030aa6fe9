#include "runtime/fold.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mapped_pages.h"
#include "base/status_macros.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

// Folded results above this size are computed in each run rather than kept.
constexpr uint64_t kMaxFoldedBytes = 64 << 20;

// Constants up to this size are copied, so that the pages of the file which they are scattered over need no
// memory.
constexpr uint64_t kSmallBytes = 64 << 10;

bool CanFold(const NodeInfo& info) {
  if (info.schema()->is_stateful || info.num_outputs() == 0) return false;
  for (const auto& [key, value] : info.attrs()) {
    // The body may have effects.
    if (value.kind() == AttrView::kFunc) return false;
    if (value.kind() == AttrView::kList && !value.list_func().empty()) return false;
  }
  const auto holds_handles = [](DataType type) {
    return type == DT_RESOURCE || type == DT_VARIANT || IsRefType(type);
  };
  return !info.schema()->is_function &&
         std::none_of(info.output_types().begin(), info.output_types().end(), holds_handles) &&
         info.op() != "Placeholder" && info.op() != "PlaceholderV2" && info.op() != "PlaceholderWithDefault";
}

// A few bytes may stand for any number of elements: not for more than the limit.
absl::Status CheckExpandedSize(absl::string_view proto, MemoryPool& pool) {
  const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(proto);
  if (!header.ok()) return absl::OkStatus();  // Decoding says why.
  const absl::StatusOr<int64_t> count = NumElements(header->dims);
  const auto width = static_cast<uint64_t>(ValueElementBytes(header->dtype));
  if (!count.ok() || width == 0) return absl::OkStatus();
  if (static_cast<uint64_t>(*count) <= std::max<uint64_t>(proto.size(), pool.limit()) / width) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat("a constant of shape ", ShapeText(header->dims),
                                                   " does not fit: the memory limit is ", pool.limit(),
                                                   " bytes"));
}

}  // namespace

absl::StatusOr<Value> ConstantValue(const NeededNode& needed, std::shared_ptr<const void> owner,
                                    RunState& run) {
  const AttrView attr = needed.node.attr("value");
  const bool in_graph = attr.kind() == AttrView::kTensor && attr.tensor_source() == nullptr;
  if (in_graph) RETURN_IF_ERROR(CheckExpandedSize(attr.tensor_bytes(), *run.pool));
  ASSIGN_OR_RETURN(const Tensor tensor, needed.node.constant());
  if (tensor.dtype != needed.info->output_type(0)) {
    return absl::InvalidArgumentError("attribute 'dtype' is not the type of attribute 'value'");
  }
  const bool shows_graph = tensor.owner == nullptr && owner != nullptr && DataTypeBytes(tensor.dtype) > 0;
  if (shows_graph && tensor.bytes.size() > kSmallBytes) return Value::View(tensor, std::move(owner));
  ASSIGN_OR_RETURN(Value value, Value::FromTensor(tensor, *run.pool));
  // What decoding made anew counts as all values do.
  if (in_graph && tensor.owner != nullptr && !value.writable_alone()) return value.Copy(*run.pool);
  return value;
}

absl::Status Align(Value* constant, RunState& run) {
  if (constant->aligned()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Value copy, Value::Allocate(constant->dtype(), constant->shape(), *run.pool));
  constexpr uint64_t kPiece = 1 << 20;
  const uint64_t bytes = constant->num_bytes();
  for (uint64_t done = 0; done < bytes; done += kPiece) {
    const absl::string_view piece(constant->raw() + done, std::min(kPiece, bytes - done));
    std::memcpy(copy.mutable_raw() + done, piece.data(), piece.size());
    ReleaseIfMapped(piece);
  }
  *constant = std::move(copy);
  return absl::OkStatus();
}

void Drop(Value* constant) {
  if (DataTypeBytes(constant->dtype()) > 0 && constant->num_bytes() > kSmallBytes) {
    ReleaseIfMapped(absl::string_view(constant->raw(), constant->num_bytes()));
  }
  *constant = Value();
}

bool OnlyForwards(absl::string_view op) {
  return op == "Identity" || op == "StopGradient" || op == "PreventGradient" || op == "Snapshot" ||
         op == "GuaranteeConst";
}

absl::Status PrepareStep(PlanStep* step, absl::Span<const Value* const> constants, RunState& run) {
  PrepareContext context(constants, *run.pool, run.threads);
  RETURN_IF_ERROR(step->kernel->Prepare(context));
  step->released = context.released();
  return absl::OkStatus();
}

bool AllConstant(absl::Span<const Value* const> constants) {
  return std::none_of(constants.begin(), constants.end(),
                      [](const Value* value) { return value == nullptr; });
}

std::vector<Value> FoldStep(const PlanStep& step, absl::Span<const Value* const> constants, RunState& run) {
  if (!AllConstant(constants) || !CanFold(*step.node)) return std::vector<Value>();
  std::vector<Value> outputs(step.node->num_outputs());
  std::vector<Value> copies;  // Shared, so that the kernel does not write into them.
  for (const Value* constant : constants) copies.push_back(*constant);
  std::vector<Value*> inputs;
  for (Value& copy : copies) inputs.push_back(&copy);
  // If it fails, it fails when it runs; it may be in a function that is never called.
  if (!RunStep(step, inputs, absl::MakeSpan(outputs), /*all_outputs=*/true, run).ok())
    return std::vector<Value>();
  uint64_t bytes = 0;
  for (const Value& output : outputs) bytes += output.num_bytes();
  if (bytes > kMaxFoldedBytes) return std::vector<Value>();
  return outputs;
}

}  // namespace cryograph

#include "transforms/half_weights.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"

namespace cryograph {
namespace {

// Converts floats on their way into another sink.
class HalfSink final : public ByteSink {
 public:
  HalfSink(ByteSink& sink, const std::string& name) : sink_(sink), name_(name) {}

  absl::Status Append(absl::string_view bytes) override {
    // An element may be cut between two pieces.
    while (!bytes.empty() && !rest_.empty()) {
      rest_.push_back(bytes[0]);
      bytes.remove_prefix(1);
      if (rest_.size() < sizeof(float)) continue;
      const std::string whole = std::move(rest_);
      rest_.clear();
      RETURN_IF_ERROR(Convert(whole));
    }
    const size_t whole = bytes.size() / sizeof(float) * sizeof(float);
    rest_.append(bytes.data() + whole, bytes.size() - whole);
    bytes = bytes.substr(0, whole);
    while (!bytes.empty()) {
      const absl::string_view piece = bytes.substr(0, kPiece);
      bytes.remove_prefix(piece.size());
      RETURN_IF_ERROR(Convert(piece));
    }
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kPiece = 1 << 16;

  absl::Status Convert(absl::string_view floats) {
    halves_.resize(floats.size() / 2);
    for (size_t i = 0; i < floats.size() / sizeof(float); ++i) {
      float value;
      std::memcpy(&value, floats.data() + i * sizeof(float), sizeof(float));
      const uint16_t half = HalfOf(value);
      if ((half & 0x7fff) == 0x7c00 && std::isfinite(value)) {
        return absl::InvalidArgumentError(
            absl::StrCat("constant '", name_, "' has the value ", value, ", which is too large for a half"));
      }
      std::memcpy(&halves_[i * sizeof(half)], &half, sizeof(half));
    }
    return sink_.Append(halves_);
  }

  ByteSink& sink_;
  const std::string& name_;
  std::string rest_, halves_;
};

// The floats of another source, or of a constant of the graph, as halves.
class HalfSource final : public TensorSource {
 public:
  HalfSource(std::string name, std::shared_ptr<const TensorSource> source)
      : name_(std::move(name)), source_(std::move(source)), dims_(source_->dims()) {}
  HalfSource(std::string name, Tensor value)
      : name_(std::move(name)), value_(std::move(value)), dims_(value_.dims) {}

  DataType dtype() const override { return DT_HALF; }
  const std::vector<int64_t>& dims() const override { return dims_; }
  uint64_t num_bytes() const override {
    return (source_ != nullptr ? source_->num_bytes() : value_.bytes.size()) / 2;
  }
  absl::StatusOr<Tensor> Load() const override {
    StringSink halves;
    RETURN_IF_ERROR(Write(halves));
    return Tensor::OfBytes(DT_HALF, dims_, std::move(halves.bytes()));
  }
  absl::Status Write(ByteSink& sink) const override {
    HalfSink halves(sink, name_);
    return source_ != nullptr ? source_->Write(halves) : halves.Append(value_.bytes);
  }

 private:
  std::string name_;
  std::shared_ptr<const TensorSource> source_;
  Tensor value_;
  std::vector<int64_t> dims_;
};

// Null if the constant is not to be touched. *before is made when it is first needed: a clone of the graph,
// which owns the sources of its values.
absl::StatusOr<std::shared_ptr<const TensorSource>> HalvesOf(Node node, int64_t min_elements,
                                                             std::shared_ptr<Graph>* before) {
  const std::shared_ptr<const TensorSource> nothing;
  const AttrView value = node.attr("value");
  if (node.op() != "Const" || value.kind() != AttrView::kTensor) return nothing;
  const std::string name(node.name());
  if (value.tensor_source() != nullptr) {
    const absl::StatusOr<int64_t> count = NumElements(value.tensor_source()->dims());
    if (value.tensor_source()->dtype() != DT_FLOAT || !count.ok() || *count < min_elements) return nothing;
    if (*before == nullptr) *before = std::make_shared<Graph>(node.graph().Clone());
    std::shared_ptr<const TensorSource> source(*before,
                                               (*before)->node(node.id()).attr("value").tensor_source());
    return std::shared_ptr<const TensorSource>(std::make_shared<HalfSource>(name, std::move(source)));
  }
  const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(value.tensor_bytes());
  if (!header.ok() || header->unknown_rank || header->dtype != DT_FLOAT) return nothing;
  const absl::StatusOr<int64_t> count = NumElements(header->dims);
  if (!count.ok() || *count < min_elements) return nothing;
  ASSIGN_OR_RETURN(Tensor tensor, node.constant());
  return std::shared_ptr<const TensorSource>(std::make_shared<HalfSource>(name, std::move(tensor)));
}

}  // namespace

uint16_t HalfOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);   // Not a number.
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7c00);  // 65536 and more.
  if (magnitude >= 0x38800000) {
    // Exponents differ by 112; 13 bits of the fraction go. Rounding up may carry into the exponent, as it
    // should.
    const uint32_t shifted = magnitude - (112u << 23);
    return static_cast<uint16_t>(sign | ((shifted + 0xfff + (shifted >> 13 & 1)) >> 13));
  }
  if (magnitude < 0x33000000) return sign;  // Less than half of the least half.
  // A half without a leading one: fraction and leading one of the float move down to units of 2^-24.
  const uint32_t shift = 126 - (magnitude >> 23);
  const uint32_t fraction = (magnitude & 0x7fffff) | 0x800000;
  const uint32_t halfway = (1u << (shift - 1)) - 1;
  return static_cast<uint16_t>(sign | ((fraction + halfway + (fraction >> shift & 1)) >> shift));
}

absl::StatusOr<HalfWeights> StoreWeightsAsHalf(Graph& graph, int64_t min_elements) {
  HalfWeights result;
  std::shared_ptr<Graph> before;
  for (Node node : graph.nodes()) {
    ASSIGN_OR_RETURN(std::shared_ptr<const TensorSource> halves, HalvesOf(node, min_elements, &before));
    if (halves == nullptr) continue;
    ++result.constants;
    result.saved_bytes += halves->num_bytes();
    // The name and the readers stay with the node, which becomes the Cast.
    const Node stored = graph.AddConst(absl::StrCat(node.name(), "/half"), std::move(halves), node);
    graph.SetDevice(stored, node.device());
    std::vector<std::string> gone;
    for (absl::string_view key : node.attr_keys()) {
      if (key != "_class" && key != "_output_shapes") gone.emplace_back(key);
    }
    for (const std::string& key : gone) graph.RemoveAttr(node, key);
    graph.SetOp(node, "Cast");
    graph.AddInput(node, stored.out());
    graph.SetAttr(node, "SrcT", AttrType(DT_HALF));
    graph.SetAttr(node, "DstT", AttrType(DT_FLOAT));
    // What held the constant in a loop or branch holds the Cast there, and its input with it.
    std::vector<Node> controls;
    for (const ControlEdge& edge : node.control_inputs()) controls.push_back(graph.node(edge.node));
    for (Node control : controls) graph.AddControlInput(stored, control);
  }
  return result;
}

}  // namespace cryograph

#include "graph/node_encoder.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

enum NodeDefField : uint32_t { kName = 1, kOp = 2, kInput = 3, kDevice = 4, kAttr = 5 };
constexpr uint32_t kAttrValueTensor = 8;
constexpr uint32_t kTensorContent = 4;

// Values above this are written from where they are, not gathered with the rest of the node.
constexpr size_t kLargeBytes = 4096;

}  // namespace

bool NodeEncoder::WireStillTrue(NodeId id) const {
  const Graph::Record& record = graph_.record(id);
  if (!record.verbatim) return false;
  for (const InputEdge& edge : graph_.inputs_.Items(record.inputs)) {
    if (graph_.record(edge.node).renamed) return false;
  }
  for (const ControlEdge& edge : graph_.controls_.Items(record.controls)) {
    if (graph_.record(edge.node).renamed) return false;
  }
  return true;
}

absl::Status NodeEncoder::CheckDefects(Node node) const {
  if (allow_defects_) return absl::OkStatus();
  const std::string subject = absl::StrCat("node '", node.name(), "' (", node.op(), ") ");
  if (node.defects() & kDefectDuplicateName) {
    return absl::InvalidArgumentError(absl::StrCat(subject, "has the name of another node"));
  }
  if (node.defects() & kDefectBadNodeText)
    return absl::InvalidArgumentError(absl::StrCat(subject, "lacks name or op"));
  for (const InputEdge& edge : node.inputs()) {
    if (!graph_.node(edge.node).is_missing()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(subject, "reads '", InputText(edge), "', but the graph has no node of that name"));
  }
  for (const ControlEdge& edge : node.control_inputs()) {
    if (!graph_.node(edge.node).is_missing()) continue;
    return absl::InvalidArgumentError(absl::StrCat(subject, "waits for '^", graph_.node(edge.node).name(),
                                                   "', but the graph has no node of that name"));
  }
  return absl::OkStatus();
}

std::string NodeEncoder::InputText(const InputEdge& edge) const {
  const absl::string_view name = graph_.node(edge.node).name();
  if (graph_.is_function()) return absl::StrCat(name, graph_.PortText(edge.index));
  return edge.index == 0 && !edge.explicit_zero ? std::string(name) : absl::StrCat(name, ":", edge.index);
}

void NodeEncoder::CloseHead() {
  if (head_.size() == head_begin_) return;
  Piece piece;
  piece.begin = head_begin_;
  piece.end = head_.size();
  size_ += piece.end - piece.begin;
  pieces_.push_back(piece);
  head_begin_ = head_.size();
}

void NodeEncoder::AppendOutside(absl::string_view bytes) {
  if (bytes.size() < kLargeBytes) {
    head_.append(bytes.data(), bytes.size());
    return;
  }
  CloseHead();
  Piece piece;
  piece.bytes = bytes;
  size_ += bytes.size();
  pieces_.push_back(piece);
}

absl::Status NodeEncoder::AppendAttrs(const std::vector<Graph::AttrEntry>& attrs,
                                      absl::string_view node_name) {
  for (const Graph::AttrEntry& attr : attrs) {
    const uint64_t key_size = BytesFieldSize(1, attr.key.size());
    if (attr.source == nullptr) {
      AppendBytesHeader(kAttr, key_size + BytesFieldSize(2, attr.value.size()), &head_);
      AppendBytesField(1, attr.key, &head_);
      AppendBytesHeader(2, attr.value.size(), &head_);
      AppendOutside(attr.value);
      continue;
    }
    const TensorSource& source = *attr.source;
    const bool fixed_size = DataTypeBytes(source.dtype()) > 0;
    const uint64_t content = fixed_size ? source.num_bytes() : 0;
    std::string proto =
        fixed_size ? TensorContentPrefix(source.dtype(), source.dims(), content, form_) : std::string();
    const bool streamed = !proto.empty();
    if (!streamed) {
      absl::StatusOr<Tensor> value = source.Load();
      if (value.ok()) {
        absl::StatusOr<std::string> encoded = EncodeTensorProto(*value, form_);
        if (!encoded.ok()) value = encoded.status();
        if (encoded.ok()) proto = *std::move(encoded);
      }
      if (!value.ok()) {
        return absl::Status(value.status().code(),
                            absl::StrCat("node '", node_name, "': ", value.status().message()));
      }
    }
    const uint64_t tensor_size = proto.size() + (streamed ? content : 0);
    const uint64_t value_size = BytesFieldSize(kAttrValueTensor, tensor_size);
    AppendBytesHeader(kAttr, key_size + BytesFieldSize(2, value_size), &head_);
    AppendBytesField(1, attr.key, &head_);
    AppendBytesHeader(2, value_size, &head_);
    AppendBytesHeader(kAttrValueTensor, tensor_size, &head_);
    head_.append(proto);
    if (!streamed) continue;
    CloseHead();
    Piece piece;
    piece.source = &source;
    size_ += content;
    pieces_.push_back(piece);
  }
  return absl::OkStatus();
}

absl::Status NodeEncoder::Encode(Node node) {
  static_assert(kTensorContent == 4, "TensorContentPrefix ends with the header of this field");
  pieces_.clear();
  head_.clear();
  head_begin_ = 0;
  size_ = 0;
  RETURN_IF_ERROR(CheckDefects(node));
  const Graph::Record& record = graph_.record(node.id());
  if (WireStillTrue(node.id())) {
    AppendOutside(record.wire);
    CloseHead();
    return absl::OkStatus();
  }
  AppendBytesField(kName, node.name(), &head_);
  AppendBytesField(kOp, node.op(), &head_);
  for (const InputEdge& edge : node.inputs()) AppendBytesField(kInput, InputText(edge), &head_);
  for (const ControlEdge& edge : node.control_inputs()) {
    AppendBytesField(kInput, absl::StrCat("^", graph_.node(edge.node).name()), &head_);
  }
  if (!node.device().empty()) AppendBytesField(kDevice, node.device(), &head_);
  if (record.attrs != Graph::kFromWire) {
    RETURN_IF_ERROR(AppendAttrs(graph_.attr_lists_[record.attrs], node.name()));
  } else {
    RETURN_IF_ERROR(AppendAttrs(graph_.SortedWireAttrs(record.wire), node.name()));
  }
  WireReader reader(record.wire);
  for (WireField field; reader.Next(&field);) {
    if (field.number > kAttr) AppendOutside(field.raw);
  }
  CloseHead();
  return absl::OkStatus();
}

absl::Status NodeEncoder::Write(ByteSink& sink) const {
  for (const Piece& piece : pieces_) {
    if (piece.source != nullptr) {
      RETURN_IF_ERROR(piece.source->Write(sink));
    } else if (!piece.bytes.empty()) {
      RETURN_IF_ERROR(sink.Append(piece.bytes));
    } else {
      RETURN_IF_ERROR(sink.Append(absl::string_view(head_).substr(piece.begin, piece.end - piece.begin)));
    }
  }
  return absl::OkStatus();
}

}  // namespace cryograph

#include "tools/attr_summary.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/wire.h"

namespace cryograph {
namespace {

constexpr size_t kMaxText = 80;
// A list of this many elements shows the first and last kEndsOfList.
constexpr size_t kMaxList = 15, kEndsOfList = 5;
constexpr int64_t kMaxValues = 3;

// As few digits as give the value back, in TensorFlow's way: six, or else nine.
std::string FloatText(float value) {
  std::string text = absl::StrFormat("%.6g", value);
  return std::strtof(text.c_str(), nullptr) == value || std::isnan(value) ? text
                                                                          : absl::StrFormat("%.9g", value);
}

// Fifteen, or else seventeen.
std::string DoubleText(double value) {
  std::string text = absl::StrFormat("%.15g", value);
  return std::strtod(text.c_str(), nullptr) == value || std::isnan(value) ? text
                                                                          : absl::StrFormat("%.17g", value);
}

std::string StringText(absl::string_view text) {
  const std::string escaped = absl::CEscape(text);
  if (escaped.size() < kMaxText) return absl::StrCat("\"", escaped, "\"");
  return absl::StrCat("\"", escaped.substr(0, 10), "...", escaped.substr(escaped.size() - 10), "\"");
}

template <typename List, typename Text>
std::string ListText(const List& list, const Text& text) {
  std::vector<std::string> pieces;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list.size() >= kMaxList && i == kEndsOfList) {
      pieces.push_back("...");
      i = list.size() - kEndsOfList;
    }
    pieces.push_back(text(list[i]));
  }
  return absl::StrCat("[", absl::StrJoin(pieces, ", "), "]");
}

std::string FuncText(const AttrView& func) {
  std::vector<std::string> pieces;
  for (const auto& [key, value] : func.func_attrs())
    pieces.push_back(absl::StrCat(key, "=", SummarizeAttr(value)));
  return absl::StrCat(func.func_name(), "[", absl::StrJoin(pieces, ", "), "]");
}

std::string TensorProtoText(absl::string_view proto) {
  // A value that is a few bytes in the file and gigabytes in memory is not expanded to show three of its
  // elements.
  constexpr uint64_t kMaxBytes = uint64_t{64} << 20;
  const absl::StatusOr<Tensor> tensor = DecodeTensorProto(proto, nullptr, kMaxBytes);
  if (tensor.ok()) return SummarizeTensor(*tensor);
  const absl::StatusOr<TensorHeader> header = DecodeTensorHeader(proto);
  if (!header.ok() || tensor.status().code() != absl::StatusCode::kResourceExhausted) {
    return absl::StrCat("<Invalid TensorProto: ", tensor.status().message(), ">");
  }
  return absl::StrCat("Tensor<type: ", DataTypeName(header->dtype), " shape: ", ShapeText(header->dims),
                      " values: ...>");
}

template <typename T>
T Load(absl::string_view bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

float HalfToFloat(uint16_t bits) {
  const float sign = bits & 0x8000 ? -1.0f : 1.0f;
  const int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 0x1f) {
    return fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                         : sign * std::numeric_limits<float>::infinity();
  }
  return sign * (exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                               : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25));
}

std::string ElementText(const Tensor& tensor, int64_t index) {
  switch (tensor.dtype) {
    case DT_FLOAT:
      return FloatText(Load<float>(tensor.bytes, index));
    case DT_DOUBLE:
      return DoubleText(Load<double>(tensor.bytes, index));
    case DT_HALF:
      return FloatText(HalfToFloat(Load<uint16_t>(tensor.bytes, index)));
    case DT_INT32:
      return absl::StrCat(Load<int32_t>(tensor.bytes, index));
    case DT_UINT32:
      return absl::StrCat(Load<uint32_t>(tensor.bytes, index));
    case DT_INT64:
      return absl::StrCat(Load<int64_t>(tensor.bytes, index));
    case DT_UINT64:
      return absl::StrCat(Load<uint64_t>(tensor.bytes, index));
    case DT_INT16:
      return absl::StrCat(Load<int16_t>(tensor.bytes, index));
    case DT_UINT16:
      return absl::StrCat(Load<uint16_t>(tensor.bytes, index));
    case DT_INT8:
    case DT_QINT8:
      return absl::StrCat(Load<int8_t>(tensor.bytes, index));
    case DT_UINT8:
    case DT_QUINT8:
    case DT_BOOL:
      return absl::StrCat(Load<uint8_t>(tensor.bytes, index));
    case DT_STRING:
      return absl::CEscape(tensor.strings[static_cast<size_t>(index)]);
    default:
      return "?";
  }
}

// The first values, a group of brackets for each innermost row.
std::string ValuesText(const Tensor& tensor) {
  const int64_t count = tensor.num_elements(), shown = std::min(count, kMaxValues);
  const size_t rank = tensor.dims.size();
  const std::string cut = shown < count ? "..." : "";
  std::string text;
  if (rank < 2) {
    for (int64_t i = 0; i < shown; ++i) absl::StrAppend(&text, i > 0 ? " " : "", ElementText(tensor, i));
    return text + cut;
  }
  // How many of the outer dimensions go on to a new index at element i.
  const auto boundaries = [&](int64_t i) {
    size_t opens = 0;
    int64_t inner = 1;
    for (size_t d = rank - 1; d > 0; --d) {
      inner *= tensor.dims[d];
      if (i % inner == 0) ++opens;
    }
    return opens;
  };
  for (int64_t i = 0; i < shown; ++i) {
    const size_t opens = boundaries(i);
    text += std::string(opens, '[');
    if (opens == 0) text += ' ';
    text += ElementText(tensor, i);
    if (i + 1 < shown) text += std::string(boundaries(i + 1), ']');
  }
  if (shown == 0) return text;
  if (shown < count && boundaries(shown) == 0) text += "...";
  // What is open is closed: of a cut tensor the outer levels, too.
  return absl::StrCat(text, std::string(rank - 1, ']'), cut);
}

}  // namespace

std::string SummarizeTensor(const Tensor& tensor) {
  return absl::StrCat("Tensor<type: ", DataTypeName(tensor.dtype), " shape: ", ShapeText(tensor.dims),
                      " values: ", ValuesText(tensor), ">");
}

std::string SummarizeAttr(const AttrView& attr) {
  switch (attr.kind()) {
    case AttrView::kString:
      return StringText(attr.s());
    case AttrView::kInt:
      return absl::StrCat(attr.i());
    case AttrView::kFloat:
      return FloatText(attr.f());
    case AttrView::kBool:
      return attr.b() ? "true" : "false";
    case AttrView::kType:
      return DataTypeEnumName(attr.type());
    case AttrView::kShape:
      return PartialShapeText(attr.shape());
    case AttrView::kTensor: {
      if (attr.tensor_source() == nullptr) return TensorProtoText(attr.tensor_bytes());
      const absl::StatusOr<Tensor> tensor = attr.tensor_source()->Load();
      return tensor.ok() ? SummarizeTensor(*tensor) : std::string(tensor.status().message());
    }
    case AttrView::kFunc:
      return FuncText(attr);
    case AttrView::kPlaceholder:
      return absl::StrCat("$", attr.s());
    case AttrView::kList: {
      const auto as_is = [](const auto& value) { return absl::StrCat(value); };
      if (!attr.list_s().empty()) return ListText(attr.list_s(), StringText);
      if (!attr.list_i().empty()) return ListText(attr.list_i(), as_is);
      if (!attr.list_f().empty()) return ListText(attr.list_f(), FloatText);
      if (!attr.list_b().empty()) return ListText(attr.list_b(), [](bool b) { return b ? "true" : "false"; });
      if (!attr.list_type().empty()) return ListText(attr.list_type(), DataTypeEnumName);
      if (!attr.list_shape().empty()) return ListText(attr.list_shape(), PartialShapeText);
      if (!attr.list_tensor().empty()) return ListText(attr.list_tensor(), TensorProtoText);
      return ListText(attr.list_func(), [](absl::string_view func) {
        std::string value;  // AttrValue.func
        AppendBytesField(10, func, &value);
        return FuncText(AttrView(value));
      });
    }
    default:
      return "<Unknown AttrValue type>";
  }
}

std::string InputText(Node producer, int index) {
  if (index == kControl) return absl::StrCat("^", producer.name());
  if (producer.graph().is_function()) return absl::StrCat(producer.name(), producer.graph().PortText(index));
  return index == 0 ? std::string(producer.name()) : absl::StrCat(producer.name(), ":", index);
}

std::string SummarizeNode(Node node) {
  std::vector<std::string> attrs, inputs;
  for (const absl::string_view key : node.attr_keys()) {
    attrs.push_back(absl::StrCat(key, "=", SummarizeAttr(node.attr(key))));
  }
  if (!node.device().empty()) attrs.push_back(absl::StrCat("_device=\"", node.device(), "\""));
  for (int i = 0; i < node.num_inputs(); ++i)
    inputs.push_back(InputText(node.input_node(i), node.input(i).index));
  for (const ControlEdge& edge : node.control_inputs()) {
    inputs.push_back(InputText(node.graph().node(edge.node), kControl));
  }
  return absl::StrCat("{{node ", node.name(), "}} = ", node.op(), "[", absl::StrJoin(attrs, ", "), "](",
                      absl::StrJoin(inputs, ", "), ")");
}

}  // namespace cryograph

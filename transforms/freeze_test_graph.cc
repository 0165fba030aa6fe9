#include "transforms/freeze_test_graph.h"

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/wire.h"
#include "checkpoint/bundle_writer.h"
#include "graph/import.h"
#include "gtest/gtest.h"

namespace cryograph {
namespace {

[[noreturn]] void Die(absl::string_view what) {
  std::fprintf(stderr, "freeze_test_graph: %s\n", std::string(what).c_str());
  std::abort();
}

template <typename T>
std::vector<T> Numbers(absl::string_view text) {
  std::vector<T> values;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    double value;
    if (!absl::SimpleAtod(part, &value)) Die(text);
    values.push_back(static_cast<T>(value));
  }
  return values;
}

// "[]" before the values makes a vector of one.
std::vector<int64_t> DimsFor(absl::string_view* text, size_t count) {
  const bool vector = absl::ConsumePrefix(text, "[]");
  return count == 1 && !vector ? std::vector<int64_t>{} : std::vector<int64_t>{static_cast<int64_t>(count)};
}

std::string TensorAttr(const Tensor& tensor) {
  const absl::StatusOr<std::string> proto = EncodeTensorProto(tensor);
  if (!proto.ok()) Die(proto.status().ToString());
  return AttrTensor(*proto);
}

template <typename T>
std::string NumberTensor(DataType dtype, absl::string_view text) {
  absl::string_view numbers = absl::StripPrefix(text, "[]");
  const std::vector<T> values = Numbers<T>(numbers);
  return TensorAttr(Tensor::Of<T>(dtype, DimsFor(&text, values.size()), values));
}

PartialShape ShapeOf(absl::string_view text) {
  PartialShape shape;
  shape.unknown_rank = text == "unknown";
  if (shape.unknown_rank) return shape;
  for (absl::string_view dim : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    shape.dims.push_back(dim == "?" ? -1 : std::atoll(std::string(dim).c_str()));
  }
  return shape;
}

std::string AttrOf(absl::string_view text) {
  DataType dtype;
  int64_t number;
  if (absl::ConsumePrefix(&text, "t:")) {
    if (!ParseDataType(text, &dtype)) Die(text);
    return AttrType(dtype);
  }
  if (absl::ConsumePrefix(&text, "i:")) {
    if (!absl::SimpleAtoi(text, &number)) Die(text);
    return AttrInt(number);
  }
  if (absl::ConsumePrefix(&text, "b:")) return AttrBool(text == "true");
  if (absl::ConsumePrefix(&text, "s:")) return AttrString(text);
  if (absl::ConsumePrefix(&text, "f:")) return AttrFunc(text);
  if (absl::ConsumePrefix(&text, "l:")) {
    const std::vector<std::string> values = absl::StrSplit(text, ',');
    return AttrStringList(values);
  }
  if (absl::ConsumePrefix(&text, "tl:")) {
    std::vector<DataType> types;
    for (absl::string_view name : absl::StrSplit(text, ',')) {
      if (!ParseDataType(name, &dtype)) Die(text);
      types.push_back(dtype);
    }
    return AttrTypeList(types);
  }
  if (absl::ConsumePrefix(&text, "shape:")) return AttrShape(ShapeOf(text));
  if (absl::ConsumePrefix(&text, "shapes:")) {
    std::vector<PartialShape> shapes;
    for (absl::string_view shape : absl::StrSplit(text, ';')) shapes.push_back(ShapeOf(shape));
    return AttrShapeList(shapes);
  }
  if (absl::ConsumePrefix(&text, "i32:")) return NumberTensor<int32_t>(DT_INT32, text);
  if (absl::ConsumePrefix(&text, "i64:")) return NumberTensor<int64_t>(DT_INT64, text);
  if (absl::ConsumePrefix(&text, "f32:")) return NumberTensor<float>(DT_FLOAT, text);
  if (absl::ConsumePrefix(&text, "bool:")) return NumberTensor<uint8_t>(DT_BOOL, text);
  if (absl::ConsumePrefix(&text, "str:")) {
    const std::vector<std::string> values = absl::StrSplit(text, ',');
    return TensorAttr(Tensor::OfStrings({static_cast<int64_t>(values.size())}, values));
  }
  Die(absl::StrCat("attribute ", text));
}

std::string NodeOf(absl::string_view line) {
  const size_t equals = line.find(" = "), open = line.find('('), close = line.find(')');
  if (equals == absl::string_view::npos || open == absl::string_view::npos ||
      close == absl::string_view::npos) {
    Die(line);
  }
  std::string node;
  AppendBytesField(1, line.substr(0, equals), &node);
  AppendBytesField(2, line.substr(equals + 3, open - equals - 3), &node);
  for (absl::string_view input :
       absl::StrSplit(line.substr(open + 1, close - open - 1), ", ", absl::SkipEmpty())) {
    AppendBytesField(3, input, &node);
  }
  for (absl::string_view attr : absl::StrSplit(line.substr(close + 1), ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(attr, absl::MaxSplits('=', 1));
    if (parts.first == "device") {
      AppendBytesField(4, parts.second, &node);
      continue;
    }
    std::string entry;
    AppendBytesField(1, parts.first, &entry);
    AppendBytesField(2, AttrOf(parts.second), &entry);
    AppendBytesField(5, entry, &node);
  }
  return node;
}

template <typename T>
std::string Joined(const Tensor& tensor) {
  return absl::StrCat(tensor.dims.size() == 1 && tensor.dims[0] == 1 ? "[]" : "",
                      absl::StrJoin(tensor.Copy<T>(), ","));
}

std::string TextOf(AttrView attr, Node node) {
  switch (attr.kind()) {
    case AttrView::kType:
      return absl::StrCat("t:", DataTypeName(attr.type()));
    case AttrView::kInt:
      return absl::StrCat("i:", attr.i());
    case AttrView::kBool:
      return attr.b() ? "b:true" : "b:false";
    case AttrView::kString:
      return absl::StrCat("s:", attr.s());
    case AttrView::kFunc:
      return absl::StrCat("f:", attr.func_name());
    case AttrView::kShape: {
      const PartialShape shape = attr.shape();
      return absl::StrCat("shape:", shape.unknown_rank ? "unknown" : absl::StrJoin(shape.dims, ","));
    }
    case AttrView::kList: {
      if (!attr.list_type().empty()) {
        std::vector<std::string> names;
        for (DataType type : attr.list_type()) names.push_back(DataTypeName(type));
        return absl::StrCat("tl:", absl::StrJoin(names, ","));
      }
      return absl::StrCat("l:", absl::StrJoin(attr.list_s(), ","));
    }
    case AttrView::kTensor: {
      const absl::StatusOr<Tensor> tensor = node.constant();
      if (!tensor.ok()) return tensor.status().ToString();
      switch (tensor->dtype) {
        case DT_INT32:
          return absl::StrCat("i32:", Joined<int32_t>(*tensor));
        case DT_INT64:
          return absl::StrCat("i64:", Joined<int64_t>(*tensor));
        case DT_FLOAT:
          return absl::StrCat("f32:", Joined<float>(*tensor));
        case DT_BOOL:
          return absl::StrCat("bool:", tensor->bytes == std::string(1, 1) ? "1" : "0");
        case DT_STRING:
          return absl::StrCat("str:", absl::StrJoin(tensor->strings, ","));
        default:
          return absl::StrCat(DataTypeName(tensor->dtype), ":", tensor->bytes.size());
      }
    }
    default:
      return "?";
  }
}

}  // namespace

std::string NodesOf(const std::string& lines, int number) {
  std::string bytes;
  for (absl::string_view line : absl::StrSplit(lines, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty()) AppendBytesField(static_cast<uint32_t>(number), NodeOf(line), &bytes);
  }
  return bytes;
}

Model GraphOf(const std::string& lines) {
  auto bytes = std::make_shared<const std::string>(NodesOf(lines));
  absl::StatusOr<Model> model = ImportGraphDef(*bytes, bytes, "test.pb");
  if (!model.ok()) Die(model.status().ToString());
  return *std::move(model);
}

std::string LinesOf(Graph& graph) {
  std::string lines;
  for (Node node : graph.nodes()) {
    std::vector<std::string> inputs;
    for (const InputEdge& edge : node.inputs()) {
      inputs.push_back(
          absl::StrCat(graph.node(edge.node).name(), edge.index == 0 ? "" : absl::StrCat(":", edge.index)));
    }
    for (const ControlEdge& edge : node.control_inputs()) {
      inputs.push_back(absl::StrCat("^", graph.node(edge.node).name()));
    }
    absl::StrAppend(&lines, node.name(), " = ", node.op(), "(", absl::StrJoin(inputs, ", "), ")");
    if (!node.device().empty()) absl::StrAppend(&lines, " device=", node.device());
    for (absl::string_view key : node.attr_keys()) {
      absl::StrAppend(&lines, " ", key, "=", TextOf(node.attr(key), node));
    }
    lines += "\n";
  }
  return lines;
}

Tensor Floats(std::vector<int64_t> dims, float first) {
  int64_t count = 1;
  for (int64_t dim : dims) count *= dim;
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(first + static_cast<float>(i));
  return Tensor::Of<float>(DT_FLOAT, std::move(dims), values);
}

std::shared_ptr<const Checkpoint> CheckpointOf(const std::vector<TestTensor>& tensors) {
  static int number = 0;
  const std::string prefix = absl::StrCat(testing::TempDir(), "/ckpt", number++);
  absl::StatusOr<std::unique_ptr<BundleWriter>> writer = BundleWriter::Create(prefix);
  if (!writer.ok()) Die(writer.status().ToString());
  for (const TestTensor& tensor : tensors) {
    const absl::Status status =
        tensor.full.empty() ? (*writer)->Add(tensor.key, tensor.value)
                            : (*writer)->AddSlice(tensor.key, tensor.full, tensor.slice, tensor.value);
    if (!status.ok()) Die(status.ToString());
  }
  if (const absl::Status status = (*writer)->Finish(); !status.ok()) Die(status.ToString());
  absl::StatusOr<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(prefix);
  if (!checkpoint.ok()) Die(checkpoint.status().ToString());
  return *std::move(checkpoint);
}

}  // namespace cryograph

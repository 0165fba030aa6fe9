#include "graph/meta_graph.h"

#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace cryograph {

absl::StatusOr<tensorflow::MetaGraphDef> MetaGraphOf(const Model& model) {
  std::string bytes;
  for (const RawField& field : model.meta_fields) bytes.append(field.raw.data(), field.raw.size());
  tensorflow::MetaGraphDef meta_graph;
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()) ||
      !meta_graph.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat(model.path, ": what the MetaGraph says beside its graph, ",
                                            bytes.size(), " bytes, is no message"));
  }
  return meta_graph;
}

void SetMetaGraph(tensorflow::MetaGraphDef meta_graph, Model* model) {
  meta_graph.clear_graph_def();
  const auto bytes = std::make_shared<std::string>(DeterministicBytes(meta_graph));
  model->meta_fields.clear();
  WireReader reader(*bytes);
  for (WireField field; reader.Next(&field);)
    model->meta_fields.push_back({field.number, field.raw, field.bytes});
  model->KeepAlive(bytes);
}

std::string DeterministicBytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

absl::string_view NodeOfTensor(absl::string_view tensor) {
  if (!tensor.empty() && tensor[0] == '^') tensor.remove_prefix(1);
  return tensor.substr(0, tensor.find(':'));
}

}  // namespace cryograph

#include "graph/export.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "graph/node_encoder.h"

namespace cryograph {
namespace {

enum GraphDefField : uint32_t { kNode = 1, kLibrary = 2, kVersions = 4 };
enum LibraryField : uint32_t { kFunction = 1 };
enum FunctionField : uint32_t { kNodeDef = 3 };
enum MetaGraphField : uint32_t { kGraphDef = 2 };

// Counts only.
class SizeSink final : public ByteSink {
 public:
  absl::Status Append(absl::string_view bytes) override {
    size += bytes.size();
    return absl::OkStatus();
  }
  uint64_t size = 0;
};

// A FunctionDef whose body was edited: its other fields as they were, around the nodes.
absl::StatusOr<std::string> SerializeEdited(const Function& function, Graph* body,
                                            const ExportOptions& options) {
  StringSink sink;
  NodeEncoder encoder(body, options.tensor_form, options.allow_defects);
  bool nodes_written = false;
  const auto write_nodes = [&]() -> absl::Status {
    nodes_written = true;
    for (const Node node : body->nodes()) {
      RETURN_IF_ERROR(encoder.Encode(node));
      AppendBytesHeader(kNodeDef, encoder.size(), &sink.bytes());
      RETURN_IF_ERROR(encoder.Write(sink));
    }
    return absl::OkStatus();
  };
  WireReader reader(function.wire());
  for (WireField field; reader.Next(&field);) {
    if (field.number == kNodeDef) continue;
    if (field.number > kNodeDef && !nodes_written) RETURN_IF_ERROR(write_nodes());
    RETURN_IF_ERROR(sink.Append(field.raw));
  }
  if (!nodes_written) RETURN_IF_ERROR(write_nodes());
  return std::move(sink.bytes());
}

// One walk over all that a GraphDef holds, for both sizing and writing.
class GraphWriter {
 public:
  GraphWriter(Model* model, const ExportOptions& options) : model_(*model), options_(options) {
    std::stable_sort(model_.graph_fields.begin(), model_.graph_fields.end(),
                     [](const RawField& a, const RawField& b) { return a.number < b.number; });
  }

  absl::StatusOr<uint64_t> Size() {
    SizeSink sizes;
    NodeEncoder encoder(&model_.graph(), options_.tensor_form, options_.allow_defects);
    uint64_t nodes = 0;
    for (const Node node : model_.graph().nodes()) {
      RETURN_IF_ERROR(encoder.Encode(node));
      nodes += BytesFieldSize(kNode, encoder.size());
    }
    RETURN_IF_ERROR(WriteRest(sizes));
    return nodes + sizes.size;
  }

  // `total` is for progress only.
  absl::Status Write(ByteSink& sink, uint64_t total) {
    NodeEncoder encoder(&model_.graph(), options_.tensor_form, options_.allow_defects);
    std::string header;
    uint64_t done = 0;
    for (const Node node : model_.graph().nodes()) {
      RETURN_IF_ERROR(encoder.Encode(node));
      header.clear();
      AppendBytesHeader(kNode, encoder.size(), &header);
      RETURN_IF_ERROR(sink.Append(header));
      RETURN_IF_ERROR(encoder.Write(sink));
      done += header.size() + encoder.size();
      if (options_.progress != nullptr) options_.progress(done, total);
    }
    RETURN_IF_ERROR(WriteRest(sink));
    if (options_.progress != nullptr) options_.progress(total, total);
    return absl::OkStatus();
  }

  // What follows the nodes.
  absl::Status WriteRest(ByteSink& sink) {
    RETURN_IF_ERROR(WriteLibrary(sink));
    bool versions_written = model_.versions_wire().empty();
    const auto write_versions = [&]() -> absl::Status {
      versions_written = true;
      std::string field;
      AppendBytesField(kVersions, model_.versions_wire(), &field);
      return sink.Append(field);
    };
    for (const RawField& field : model_.graph_fields) {
      if (field.number > kVersions && !versions_written) RETURN_IF_ERROR(write_versions());
      RETURN_IF_ERROR(sink.Append(field.raw));
    }
    return versions_written ? absl::OkStatus() : write_versions();
  }

 private:
  absl::Status WriteLibrary(ByteSink& sink) {
    std::vector<std::string> edited(model_.functions().size());
    uint64_t size = 0;
    for (size_t i = 0; i < model_.functions().size(); ++i) {
      Function& function = model_.functions()[i];
      if (function.edited()) {
        ASSIGN_OR_RETURN(Graph * body, function.body());
        ASSIGN_OR_RETURN(edited[i], SerializeEdited(function, body, options_));
      }
      size += BytesFieldSize(kFunction, function.edited() ? edited[i].size() : function.wire().size());
    }
    for (const RawField& field : model_.library_fields) size += field.raw.size();
    if (size == 0) return absl::OkStatus();
    std::string header;
    AppendBytesHeader(kLibrary, size, &header);
    RETURN_IF_ERROR(sink.Append(header));
    for (size_t i = 0; i < model_.functions().size(); ++i) {
      const Function& function = model_.functions()[i];
      const absl::string_view bytes = function.edited() ? absl::string_view(edited[i]) : function.wire();
      header.clear();
      AppendBytesHeader(kFunction, bytes.size(), &header);
      RETURN_IF_ERROR(sink.Append(header));
      RETURN_IF_ERROR(sink.Append(bytes));
    }
    for (const RawField& field : model_.library_fields) RETURN_IF_ERROR(sink.Append(field.raw));
    return absl::OkStatus();
  }

  Model& model_;
  const ExportOptions& options_;
};

uint64_t RawSize(const std::vector<RawField>& fields) {
  uint64_t size = 0;
  for (const RawField& field : fields) size += field.raw.size();
  return size;
}

std::string BytesText(uint64_t bytes) {
  if (bytes >= 1000000000) return absl::StrFormat("%.1f GB", static_cast<double>(bytes) / 1e9);
  if (bytes >= 1000000) return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / 1e6);
  return absl::StrFormat("%.1f kB", static_cast<double>(bytes) / 1e3);
}

}  // namespace

absl::StatusOr<uint64_t> GraphDefSize(Model& model, const ExportOptions& options) {
  return GraphWriter(&model, options).Size();
}

absl::Status ExportGraphDef(Model& model, ByteSink& sink, const ExportOptions& options) {
  uint64_t total = 0;
  if (options.progress != nullptr) {
    ASSIGN_OR_RETURN(total, GraphDefSize(model, options));
  }
  return GraphWriter(&model, options).Write(sink, total);
}

absl::Status ExportAllButNodes(Model& model, ByteSink& sink, const ExportOptions& options) {
  return GraphWriter(&model, options).WriteRest(sink);
}

absl::StatusOr<uint64_t> MetaGraphDefSize(Model& model, const ExportOptions& options) {
  ASSIGN_OR_RETURN(const uint64_t graph, GraphDefSize(model, options));
  return BytesFieldSize(kGraphDef, graph) + RawSize(model.meta_fields);
}

absl::Status ExportMetaGraphDef(Model& model, ByteSink& sink, const ExportOptions& options) {
  ASSIGN_OR_RETURN(const uint64_t graph, GraphDefSize(model, options));
  std::stable_sort(model.meta_fields.begin(), model.meta_fields.end(),
                   [](const RawField& a, const RawField& b) { return a.number < b.number; });
  bool graph_written = false;
  const auto write_graph = [&]() -> absl::Status {
    graph_written = true;
    std::string header;
    AppendBytesHeader(kGraphDef, graph, &header);
    RETURN_IF_ERROR(sink.Append(header));
    return GraphWriter(&model, options).Write(sink, graph);
  };
  for (const RawField& field : model.meta_fields) {
    if (field.number > kGraphDef && !graph_written) RETURN_IF_ERROR(write_graph());
    RETURN_IF_ERROR(sink.Append(field.raw));
  }
  return graph_written ? absl::OkStatus() : write_graph();
}

absl::StatusOr<std::string> SerializeNode(Node node, const ExportOptions& options) {
  StringSink sink;
  NodeEncoder encoder(&node.graph(), options.tensor_form, options.allow_defects);
  RETURN_IF_ERROR(encoder.Encode(node));
  RETURN_IF_ERROR(encoder.Write(sink));
  return std::move(sink.bytes());
}

absl::StatusOr<std::string> SerializeFunction(Function& function, const ExportOptions& options) {
  if (!function.edited()) return std::string(function.wire());
  ASSIGN_OR_RETURN(Graph * body, function.body());
  return SerializeEdited(function, body, options);
}

std::vector<std::string> LargestConstants(Model& model, int count) {
  std::vector<std::pair<uint64_t, Node>> constants;
  for (const Node node : model.graph().nodes()) {
    if (node.op() != "Const") continue;
    const AttrView value = node.attr("value");
    const TensorSource* source = value.tensor_source();
    const bool sized = source != nullptr && DataTypeBytes(source->dtype()) > 0;
    constants.emplace_back(sized ? source->num_bytes() : value.tensor_bytes().size(), node);
  }
  std::stable_sort(constants.begin(), constants.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> names;
  for (const auto& constant : constants) {
    if (static_cast<int>(names.size()) == count) break;
    names.push_back(absl::StrCat(constant.second.name(), " (", BytesText(constant.first), ")"));
  }
  return names;
}

}  // namespace cryograph

// Importing, merging, cutting and setting inputs, and the shapes of it all, on graphs that a fuzzer makes.
// The first byte of an input chooses options; then come two texts of GraphDefs with a line "====" between
// them (one text: the graph is imported into itself).
//
// Whatever the graphs: no crash; and what is made from graphs of sound structure has a sound structure, can
// be written and read again, and has nothing new that lint calls an error.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "google/protobuf/stubs/logging.h"
#include "graph/export.h"
#include "graph/extract.h"
#include "graph/import.h"
#include "graph/import_into.h"
#include "graph/set_input.h"
#include "graph/shape_inference.h"
#include "graph/text.h"
#include "graph/verify.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what, absl::string_view detail) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(detail).c_str());
  std::abort();
}

absl::StatusOr<Model> Read(absl::string_view text) {
  absl::StatusOr<std::string> bytes = GraphDefFromText(text, "input");
  if (!bytes.ok()) return bytes.status();
  const auto file = MappedFile::FromString("input", *std::move(bytes));
  return ImportGraphDef(file->bytes(), file, "input");
}

std::set<FindingCode> Errors(Model& model) {
  std::set<FindingCode> codes;
  for (const Finding& finding : Verify(model)) {
    if (finding.severity == Severity::kError) codes.insert(finding.code);
  }
  return codes;
}

void CheckWritable(Model& model) {
  const absl::Status structure = VerifyStructure(model);
  Require(structure.ok(), "the result is broken", structure.ToString());
  StringSink sink;
  const absl::Status written = ExportGraphDef(model, sink);
  Require(written.ok(), "the result cannot be written", written.ToString());
  const auto file = MappedFile::FromString("output", std::move(sink.bytes()));
  absl::StatusOr<Model> again = ImportGraphDef(file->bytes(), file, "output");
  Require(again.ok(), "the result cannot be read", again.status().ToString());
  Require(again->graph().num_nodes() == model.graph().num_nodes(), "nodes were lost", "");
}

void CheckShapes(Model& model) {
  const GraphShapes shapes = InferShapes(model);
  for (Node node : model.graph().nodes()) {
    for (int i = 0; i < 3; ++i) {
      const PartialShape& shape = shapes.shape(node.out(i));
      const ShapeValue* value = shapes.value(node.out(i));
      int64_t elements = 1;
      for (const int64_t dim : shape.dims) {
        Require(dim >= -1, "a negative dimension", node.name());
        elements *= value == nullptr ? 1 : dim;
      }
      Require(value == nullptr || elements == static_cast<int64_t>(value->size()), "a value of another size",
              node.name());
    }
  }
}

void Check(uint8_t choice, absl::string_view text) {
  const google::protobuf::LogSilencer silencer;
  constexpr absl::string_view kBetween = "\n====\n";
  const size_t between = text.find(kBetween);
  const absl::string_view first = text.substr(0, between);
  const absl::string_view second =
      between == absl::string_view::npos ? first : text.substr(between + kBetween.size());
  absl::StatusOr<Model> target = Read(first), source = Read(second);
  if (!target.ok() || !source.ok()) return;
  CheckShapes(*target);
  std::set<FindingCode> before = Errors(*target);
  const std::set<FindingCode> more = Errors(*source);
  before.insert(more.begin(), more.end());

  ImportIntoOptions options;
  options.prefix = (choice & 1) != 0 ? "" : (choice & 2) != 0 ? "p/" : "p";
  options.rename_functions = (choice & 4) != 0;
  options.separate_resources = (choice & 8) != 0;
  options.keep_output_shapes = (choice & 16) != 0;
  std::string read, mapped;
  for (Node node : source->graph().nodes()) {
    if ((choice & 32) == 0 || node.num_inputs() == 0) continue;
    read = absl::StrCat(node.input_node(0).name(), ":", node.input(0).index);
  }
  for (Node node : target->graph().nodes()) mapped = std::string(node.name());
  if (!read.empty() && !mapped.empty()) options.input_map.emplace_back(read, mapped);
  const int nodes = target->graph().num_nodes();
  const absl::StatusOr<ImportIntoResult> result = ImportInto(*target, *source, options);
  if (!result.ok()) {
    Require(target->graph().num_nodes() == nodes, "a refused import left something",
            result.status().ToString());
    return;
  }
  Require(target->graph().num_nodes() == nodes + result->nodes, "the count of nodes is wrong", "");
  CheckWritable(*target);
  CheckShapes(*target);
  if (options.input_map.empty() && !options.keep_output_shapes) {
    for (const FindingCode code : Errors(*target)) {
      Require(before.count(code) > 0, "a new error", CodeText(code));
    }
  }

  std::vector<std::string> placeholders, some;
  for (Node node : target->graph().nodes()) {
    if (node.op() == "Placeholder") placeholders.emplace_back(node.name());
    if (some.size() < 2) some.emplace_back(node.name());
  }
  if (!placeholders.empty()) {
    InputChange change;
    change.name = placeholders.front();
    change.shape = PartialShape{false, {2, 3}};
    if ((choice & 64) != 0) change.dtype = DT_UINT8;
    change.cast = true;
    if (SetInputs(*target, {change}).ok()) CheckWritable(*target);
  }
  ExtractOptions extract;
  extract.drop_colocation = (choice & 128) != 0;
  extract.prune_functions = (choice & 64) != 0;
  if (ExtractSubGraph(*target, some, extract).ok()) CheckWritable(*target);
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  cryograph::Check(data[0], absl::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/byte_sink.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "base/wire.h"
#include "gmock/gmock.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "graph/export.h"
#include "graph/import.h"
#include "graph/proto/graph.pb.h"
#include "gtest/gtest.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Field(uint32_t number, absl::string_view payload) {
  std::string bytes;
  AppendBytesField(number, payload, &bytes);
  return bytes;
}

std::string Attr(absl::string_view key, absl::string_view value) {
  return Field(5, absl::StrCat(Field(1, key), Field(2, value)));
}

// Serialized NodeDef with fields in canonical order.
std::string NodeDef(absl::string_view name, absl::string_view op, std::vector<std::string> inputs = {},
                    absl::string_view rest = "") {
  std::string bytes = absl::StrCat(Field(1, name), Field(2, op));
  for (const std::string& input : inputs) bytes += Field(3, input);
  return absl::StrCat(bytes, rest);
}

std::string GraphDef(std::vector<std::string> nodes, absl::string_view rest = "") {
  std::string bytes;
  for (const std::string& node : nodes) bytes += Field(1, node);
  return absl::StrCat(bytes, rest);
}

Model Import(const std::string& bytes) {
  const auto file = MappedFile::FromString("test.pb", bytes);
  absl::StatusOr<Model> model = ImportGraphDef(file->bytes(), file, "test.pb");
  EXPECT_OK(model);
  return model.ok() ? *std::move(model) : Model();
}

std::string Export(Model& model, const ExportOptions& options = {}) {
  StringSink sink;
  EXPECT_OK(ExportGraphDef(model, sink, options));
  const absl::StatusOr<uint64_t> size = GraphDefSize(model, options);
  EXPECT_OK(size);
  EXPECT_EQ(*size, sink.bytes().size());
  return sink.bytes();
}

TEST(ImportTest, ReadsNodesEdgesAndAttributes) {
  Model model = Import(GraphDef({
      NodeDef("out", "Add", {"x", "split:1", "^init"},
              absl::StrCat(Field(4, "/cpu:0"), Attr("T", AttrType(DT_FLOAT)))),
      NodeDef("x", "Placeholder"),
      NodeDef("split", "Split", {"x:0"}),
      NodeDef("init", "NoOp"),
  }));
  Graph& graph = model.graph();
  const Node out = graph.Find("out");
  ASSERT_TRUE(out);
  EXPECT_EQ(out.op(), "Add");
  EXPECT_EQ(out.device(), "/cpu:0");
  EXPECT_EQ(out.input_node(0).name(), "x");
  EXPECT_EQ(out.input(1).index, 1);
  EXPECT_EQ(graph.node(out.control_inputs()[0].node).name(), "init");
  EXPECT_EQ(out.attr("T", DT_INVALID), DT_FLOAT);
  EXPECT_EQ(graph.num_nodes(), 4);
  EXPECT_EQ(graph.Find("x").uses().size(), 2u);
}

TEST(ExportTest, WritesUntouchedNodesAsTheyWere) {
  // "x:0" and an unknown field 99 stay; versions keep their unknown field, too.
  const std::string bytes =
      GraphDef({NodeDef("x", "Placeholder", {}, Field(99, "future")), NodeDef("y", "Relu", {"x:0"})},
               absl::StrCat(Field(4, "\x08\x15"), Field(50, "more")));
  Model model = Import(bytes);
  EXPECT_EQ(Export(model), bytes);
  EXPECT_EQ(model.versions().producer, 21);
}

TEST(ExportTest, SortsAttributesAndFields) {
  const std::string a = Attr("a", AttrInt(1)), b = Attr("b", AttrInt(2));
  Model model = Import(GraphDef({absl::StrCat(b, Field(2, "Op"), a, Field(1, "n"))}));
  EXPECT_EQ(Export(model), GraphDef({NodeDef("n", "Op", {}, absl::StrCat(a, b))}));
}

TEST(ExportTest, TheLastOfTwoAttributesOfOneKeyCounts) {
  Model model =
      Import(GraphDef({NodeDef("n", "Op", {}, absl::StrCat(Attr("a", AttrInt(1)), Attr("a", AttrInt(2))))}));
  EXPECT_EQ(model.graph().Find("n").attr<int64_t>("a", 0), 2);
  EXPECT_EQ(Export(model), GraphDef({NodeDef("n", "Op", {}, Attr("a", AttrInt(2)))}));
}

TEST(ExportTest, ReadersOfARenamedNodeAreRewritten) {
  const std::string rest = absl::StrCat(Attr("T", AttrType(DT_FLOAT)), Field(99, "future"));
  Model model = Import(GraphDef({NodeDef("x", "Split"), NodeDef("y", "Relu", {"x:1", "^x"}, rest)}));
  ASSERT_OK(model.graph().Rename(model.graph().Find("x"), "input"));
  EXPECT_EQ(Export(model),
            GraphDef({NodeDef("input", "Split"), NodeDef("y", "Relu", {"input:1", "^input"}, rest)}));
}

TEST(ExportTest, NewConstantsCarryTypeAndValueOnly) {
  Model model = Import("");
  model.graph().AddConst("c", Tensor::Of<float>(DT_FLOAT, {2}, {1.f, 2.f}));
  // TensorProto {dtype 1, shape {dim 2}, tensor_content}.
  const std::string tensor = absl::StrCat(absl::string_view("\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08", 10),
                                          absl::string_view("\0\0\x80\x3f\0\0\0\x40", 8));
  EXPECT_EQ(Export(model), GraphDef({NodeDef("c", "Const", {},
                                             absl::StrCat(Attr("dtype", AttrType(DT_FLOAT)),
                                                          Attr("value", AttrTensor(tensor))))}));
}

// A value that is fetched on writing.
class FakeSource final : public TensorSource {
 public:
  FakeSource(Tensor value) : value_(std::move(value)) {}
  DataType dtype() const override { return value_.dtype; }
  const std::vector<int64_t>& dims() const override { return value_.dims; }
  uint64_t num_bytes() const override { return value_.bytes.size(); }
  absl::StatusOr<Tensor> Load() const override { return value_; }
  absl::Status Write(ByteSink& sink) const override { return sink.Append(value_.bytes); }

 private:
  Tensor value_;
};

TEST(ExportTest, AFetchedValueIsWrittenLikeOneInMemory) {
  const std::vector<Tensor> values = {
      Tensor::Of<float>(DT_FLOAT, {2, 3}, {1, 2, 3, 4, 5, 6}),
      Tensor::Of<float>(DT_FLOAT, {}, {1}),
      Tensor::Of<float>(DT_FLOAT, {0}, {}),
      Tensor::Of<uint8_t>(DT_BOOL, {2}, {1, 0}),
      Tensor::OfStrings({2}, {"a", ""}),
  };
  for (const Tensor& value : values) {
    Model in_memory = Import(""), fetched = Import("");
    in_memory.graph().AddConst("c", value);
    fetched.graph().AddConst("c", std::make_shared<FakeSource>(value));
    EXPECT_EQ(Export(fetched), Export(in_memory)) << DataTypeName(value.dtype) << ShapeText(value.dims);
    ASSERT_OK_AND_ASSIGN(const Tensor back, fetched.graph().Find("c").constant());
    EXPECT_EQ(back.bytes, value.bytes);
  }
}

TEST(ImportTest, DanglingInputsAreRepresentedAndRefusedByTheWriter) {
  const std::string bytes = GraphDef({NodeDef("y", "Relu", {"gone:2"})});
  Model model = Import(bytes);
  const Node y = model.graph().Find("y");
  EXPECT_TRUE(y.input_node(0).is_missing());
  EXPECT_EQ(y.input_node(0).name(), "gone");
  EXPECT_FALSE(model.graph().Find("gone"));
  EXPECT_EQ(model.graph().num_nodes(), 1);
  StringSink sink;
  EXPECT_THAT(ExportGraphDef(model, sink),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("node 'y' (Relu) reads 'gone:2'")));
  ExportOptions as_it_is;
  as_it_is.allow_defects = true;
  EXPECT_EQ(Export(model, as_it_is), bytes);
  ASSERT_OK(model.graph().AddNode("gone", "Split", {}));
  EXPECT_FALSE(y.input_node(0).is_missing());
}

TEST(ImportTest, DefectsAreMarked) {
  Model model = Import(GraphDef({
      NodeDef("a", "NoOp"),
      NodeDef("a", "Relu", {"^a", "x"}),
      NodeDef("b", "Add", {"", "a:b:c", "a:-1", "a:99999999999"}),
      NodeDef("c", "NoOp", {"^", "^a:0"}),
      NodeDef("x", ""),
      NodeDef("ok", "Relu", {"a:00"}),
  }));
  std::vector<int> defects;
  for (const Node node : model.graph().nodes()) defects.push_back(node.defects());
  EXPECT_THAT(defects, ElementsAre(0, kDefectDuplicateName | kDefectControlBeforeData, kDefectBadInputText,
                                   kDefectBadInputText, kDefectBadNodeText, 0));
  EXPECT_EQ(model.graph().Find("a").op(), "Relu") << "references go to the last bearer";
}

TEST(ImportTest, ADamagedFileIsDataLoss) {
  const std::string whole = GraphDef({NodeDef("x", "Placeholder", {}, Attr("dtype", AttrType(DT_FLOAT)))});
  const auto import = [](absl::string_view bytes) {
    return ImportGraphDef(bytes, nullptr, "cut.pb").status();
  };
  ASSERT_OK(import(whole));
  for (size_t size = 1; size < whole.size(); ++size) {
    EXPECT_THAT(import(absl::string_view(whole).substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cut.pb")))
        << size;
  }
}

std::string FunctionDef(absl::string_view name, std::vector<std::string> args, std::vector<std::string> nodes,
                        absl::string_view ret) {
  std::string signature = Field(1, name);
  for (const std::string& arg : args) signature += Field(2, Field(1, arg));
  std::string bytes = Field(1, signature);
  for (const std::string& node : nodes) bytes += Field(3, node);
  return absl::StrCat(bytes, Field(4, absl::StrCat(Field(1, "out"), Field(2, ret))));
}

TEST(FunctionTest, BodiesAreGraphsWithArguments) {
  const std::string function = FunctionDef(
      "f", {"x"}, {NodeDef("s", "Split", {"x"}), NodeDef("n", "Neg", {"s:output:1", "^s"})}, "n:y:0");
  const std::string bytes = GraphDef({NodeDef("call", "f")}, Field(2, Field(1, function)));
  Model model = Import(bytes);
  ASSERT_EQ(model.functions().size(), 1u);
  ASSERT_OK_AND_ASSIGN(Graph * body, model.functions()[0].body());
  const Node n = body->Find("n");
  EXPECT_EQ(n.input_node(0).name(), "s");
  EXPECT_EQ(body->PortText(n.input(0).index), ":output:1");
  EXPECT_TRUE(n.pinned());
  EXPECT_TRUE(body->Find("s").input_node(0).is_argument());
  EXPECT_EQ(Export(model), bytes);

  body->SetDevice(n, "/gpu:0");
  const std::string edited = FunctionDef(
      "f", {"x"},
      {NodeDef("s", "Split", {"x"}), NodeDef("n", "Neg", {"s:output:1", "^s"}, Field(4, "/gpu:0"))}, "n:y:0");
  EXPECT_EQ(Export(model), GraphDef({NodeDef("call", "f")}, Field(2, Field(1, edited))));
}

TEST(FunctionTest, PruningKeepsWhatIsReached) {
  const std::string f = FunctionDef("f", {}, {NodeDef("n", "g")}, "n:y:0");
  const std::string g = FunctionDef("g", {}, {}, "x");
  const std::string h = FunctionDef("h", {}, {}, "x");
  const std::string grad_g = FunctionDef("grad_g", {}, {}, "x");
  const std::string gradients = absl::StrCat(Field(2, absl::StrCat(Field(1, "g"), Field(2, "grad_g"))),
                                             Field(2, absl::StrCat(Field(1, "h"), Field(2, "grad_g"))));
  Model model = Import(
      GraphDef({NodeDef("call", "PartitionedCall", {}, Attr("f", AttrFunc("f")))},
               Field(2, absl::StrCat(Field(1, f), Field(1, g), Field(1, h), Field(1, grad_g), gradients))));
  EXPECT_EQ(model.PruneFunctions(), 1);
  std::vector<std::string> names;
  for (const Function& function : model.functions()) names.emplace_back(function.name());
  EXPECT_THAT(names, ElementsAre("f", "g", "grad_g"));
  EXPECT_EQ(model.library_fields.size(), 1u);
  EXPECT_EQ(model.PruneFunctions(), 0);
}

TEST(MetaGraphTest, FieldsAroundTheGraphAreCarriedAlong) {
  const std::string graph = GraphDef({NodeDef("x", "Placeholder")});
  const std::string bytes = absl::StrCat(Field(1, Field(5, "1.15.5")), Field(2, graph),
                                         Field(3, Field(1, "save/Const:0")), Field(77, "future"));
  const auto file = MappedFile::FromString("m.meta", bytes);
  ASSERT_OK_AND_ASSIGN(Model model, ImportMetaGraphDef(file->bytes(), file, "m.meta"));
  EXPECT_EQ(model.MetaField(3), Field(1, "save/Const:0"));
  StringSink sink;
  ASSERT_OK(ExportMetaGraphDef(model, sink));
  EXPECT_EQ(sink.bytes(), bytes);
}

TEST(MetaGraphTest, TagSetsAreChosenAsSets) {
  const auto meta_graph = [](std::vector<std::string> tags) {
    std::string info;
    for (const std::string& tag : tags) info += Field(4, tag);
    return Field(2, Field(1, info));
  };
  const std::string saved = absl::StrCat("\x08\x01", meta_graph({"serve"}), meta_graph({"train", "gpu"}));
  ASSERT_OK_AND_ASSIGN(const auto meta_graphs, ListMetaGraphs(saved, "saved_model.pb"));
  ASSERT_OK_AND_ASSIGN(const MetaGraphSlice train,
                       ChooseMetaGraph(meta_graphs, " gpu, train", "saved_model.pb"));
  EXPECT_THAT(train.tags, ElementsAre("train", "gpu"));
  ASSERT_OK_AND_ASSIGN(const MetaGraphSlice serve, ChooseMetaGraph(meta_graphs, "", "saved_model.pb"));
  EXPECT_THAT(serve.tags, ElementsAre("serve"));
  EXPECT_THAT(ChooseMetaGraph(meta_graphs, "tpu", "saved_model.pb"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'serve'; 'train,gpu'")));
}

// What protobuf itself writes when told to be deterministic: maps sorted by key, fields by number.
std::string Deterministic(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    EXPECT_TRUE(message.SerializeToCodedStream(&coded));
  }
  return bytes;
}

TEST(SharedDataTest, RealGraphsAreWrittenAsProtobufWritesThem) {
  const std::string root = SharedData("models");
  if (root.empty()) GTEST_SKIP() << "../shared/data is not there";
  int graphs = 0, same_bytes = 0;
  for (const auto& folder : std::filesystem::directory_iterator(root)) {
    for (const char* name : {"frozen.pb", "graph.pb"}) {
      const std::string path = (folder.path() / name).string();
      if (!std::filesystem::exists(path)) continue;
      SCOPED_TRACE(path);
      ASSERT_OK_AND_ASSIGN(const auto file, MappedFile::Open(path));
      tensorflow::GraphDef graph;
      ASSERT_TRUE(graph.ParseFromString(std::string(file->bytes())));
      if (graph.has_library() && graph.library().ByteSizeLong() == 0) graph.clear_library();
      ASSERT_OK_AND_ASSIGN(Model model, ImportGraphDef(file->bytes(), file, path));
      ExportOptions as_it_is;
      as_it_is.allow_defects = true;
      const std::string bytes = Export(model, as_it_is);
      // Values that nobody edits stay as they were: a map inside a function's attribute keeps its file's
      // order.
      same_bytes += bytes == Deterministic(graph);
      tensorflow::GraphDef exported;
      ASSERT_TRUE(exported.ParseFromString(bytes));
      EXPECT_TRUE(Deterministic(exported) == Deterministic(graph));
      // Every node goes through the encoder when it was edited and the edit taken back.
      for (const Node node : model.graph().nodes()) {
        const std::string device(node.device());
        model.graph().SetDevice(node, "/device:TPU:9");
        model.graph().SetDevice(node, device);
      }
      tensorflow::GraphDef again;
      ASSERT_TRUE(again.ParseFromString(Export(model, as_it_is)));
      EXPECT_EQ(again.node_size(), graph.node_size());
      for (int i = 0; i < graph.node_size() && i < again.node_size(); ++i) {
        EXPECT_EQ(Deterministic(again.node(i)), Deterministic(graph.node(i)));
      }
      ++graphs;
    }
  }
  EXPECT_GT(graphs, 50);
  EXPECT_GE(same_bytes, graphs - 2);
}

}  // namespace
}  // namespace cryograph

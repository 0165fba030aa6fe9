// The verifier against what TensorFlow itself said of graphs, good and bad, and one case for each kind of
// finding.
#include "graph/verify.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mapped_file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/import.h"
#include "graph/text.h"
#include "gtest/gtest.h"
#include "tests/json.h"
#include "tests/shared_data.h"

namespace cryograph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Bytes that live as long as the test.
std::shared_ptr<const MappedFile> Keep(std::string bytes) {
  return MappedFile::FromString("test", std::move(bytes));
}

Model ModelOf(absl::string_view text) {
  absl::StatusOr<std::string> bytes = GraphDefFromText(text, "test");
  EXPECT_OK(bytes);
  if (!bytes.ok()) return Model();
  const auto file = Keep(*std::move(bytes));
  absl::StatusOr<Model> model = ImportGraphDef(file->bytes(), file, "test");
  EXPECT_OK(model);
  return model.ok() ? *std::move(model) : Model();
}

std::string ListText(const std::vector<Finding>& findings) {
  return absl::StrJoin(
      findings, "\n", [](std::string* out, const Finding& each) { absl::StrAppend(out, FindingText(each)); });
}

std::vector<std::string> Texts(const std::vector<Finding>& findings) {
  std::vector<std::string> texts;
  for (const Finding& finding : findings) texts.push_back(FindingText(finding));
  return texts;
}

std::vector<std::string> Check(absl::string_view text, VerifyOptions options = {}) {
  Model model = ModelOf(text);
  return Texts(Verify(model, options));
}

// ---- What TensorFlow answered.

// Cases in which our answer without a target is another than TensorFlow's, and why.
const std::map<std::string, std::string>& Differences() {
  static const auto* cases = new std::map<std::string, std::string>{
      {"unk_op", "an op that nobody knows is a warning: the program that loads the graph may bring it"},
      {"fn_body_unknown_op", "the same in a function"},
      {"self_recursive", "TensorFlow loads recursion and dies when it runs: a warning"},
      {"mutual", "the same"},
  };
  return *cases;
}

class CasesTest : public testing::TestWithParam<const char*> {};

TEST_P(CasesTest, AnswersAsTensorFlow) {
  const std::string path = SharedData(absl::StrCat("formats/", GetParam()));
  if (path.empty()) GTEST_SKIP() << "../shared/data/formats is not there";
  ASSERT_OK_AND_ASSIGN(const Json cases, ReadJson(path));
  EXPECT_GT(Elements(cases).size(), 20);
  for (const Json& each : Elements(cases)) {
    const std::string name = Text(each, "case");
    SCOPED_TRACE(name);
    for (const char* release : {"tf221", "tf115"}) {
      VerifyOptions options;
      options.target = std::string(release) == "tf221" ? Release::k2_21 : Release::k1_15;
      Model model = ModelOf(Text(each, "text"));
      const std::vector<Finding> findings = Verify(model, options);
      const bool accepted = Member(Member(each, release), "ok").bool_value();
      if (Differences().count(name) != 0) {
        EXPECT_FALSE(accepted);
        EXPECT_FALSE(HasErrors(findings)) << ListText(findings);
        EXPECT_FALSE(findings.empty());
      } else {
        EXPECT_EQ(!HasErrors(findings), accepted) << release << "\n" << ListText(findings);
      }
    }
    // Without a target, what one of the two takes is good.
    Model model = ModelOf(Text(each, "text"));
    const std::vector<Finding> findings = Verify(model);
    const bool accepted = Member(Member(each, "tf221"), "ok").bool_value() ||
                          Member(Member(each, "tf115"), "ok").bool_value() || Differences().count(name) != 0;
    EXPECT_EQ(!HasErrors(findings), accepted) << ListText(findings);
  }
}

INSTANTIATE_TEST_SUITE_P(All, CasesTest, testing::Values("graphdef_cases.json", "function_cases.json"));

// The models of a case: its graph, meta graph, saved model.
std::vector<std::pair<std::string, Model>> ModelsOf(const std::string& folder, const Json& files) {
  std::vector<std::pair<std::string, Model>> models;
  const auto read = [&](const std::string& path, MessageKind kind) {
    absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(path);
    EXPECT_OK(file) << path;
    if (!file.ok()) return;
    if (absl::EndsWith(path, "txt")) {
      absl::StatusOr<std::string> bytes = MessageFromText(kind, (*file)->bytes(), path);
      EXPECT_OK(bytes);
      if (!bytes.ok()) return;
      *file = Keep(*std::move(bytes));
    }
    const absl::string_view bytes = (*file)->bytes();
    if (kind == MessageKind::kSavedModel) {
      absl::StatusOr<std::vector<MetaGraphSlice>> slices = ListMetaGraphs(bytes, path);
      EXPECT_OK(slices);
      if (!slices.ok()) return;
      for (const MetaGraphSlice& slice : *slices) {
        absl::StatusOr<Model> model = ImportMetaGraphDef(slice.bytes, *file, path);
        EXPECT_OK(model);
        if (model.ok()) models.emplace_back(path, *std::move(model));
      }
      return;
    }
    absl::StatusOr<Model> model = kind == MessageKind::kGraphDef ? ImportGraphDef(bytes, *file, path)
                                                                 : ImportMetaGraphDef(bytes, *file, path);
    EXPECT_OK(model) << path;
    if (model.ok()) models.emplace_back(path, *std::move(model));
  };
  for (const char* key : {"graph", "graph_pbtxt", "tf_frozen"}) {
    if (const std::string file = Text(files, key); !file.empty())
      read(folder + "/" + file, MessageKind::kGraphDef);
  }
  if (const std::string file = Text(files, "meta"); !file.empty()) {
    read(folder + "/" + file, MessageKind::kMetaGraphDef);
  }
  if (const std::string file = Text(files, "saved_model"); !file.empty()) {
    const std::string base = folder + "/" + file + "/saved_model.pb";
    read(MappedFile::Open(base).ok() ? base : base + "txt", MessageKind::kSavedModel);
  }
  return models;
}

TEST(ModelsTest, GoodModelsHaveNoErrors) {
  const std::string root = SharedData("models");
  if (root.empty()) GTEST_SKIP() << "../shared/data/models is not there";
  ASSERT_OK_AND_ASSIGN(const Json manifest, ReadJson(root + "/manifest.json"));
  const std::map<std::string, std::string> broken = {{"t1_bad_cycle", "L108"},
                                                     {"t1_bad_dangling_input", "L107"},
                                                     {"t1_bad_duplicate_node", "L103"},
                                                     {"t1_bad_dtype_mismatch", "L210"},
                                                     {"t1_bad_shape_mismatch", "L217"}};
  int models = 0;
  for (const Json& entry : Elements(manifest)) {
    const std::string name = Text(entry, "name");
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(const Json model_case, ReadJson(absl::StrCat(root, "/", name, "/case.json")));
    for (auto& [path, model] : ModelsOf(absl::StrCat(root, "/", name), Member(model_case, "files"))) {
      ++models;
      const std::vector<Finding> findings = Verify(model);
      const auto want = broken.find(name);
      if (want == broken.end()) {
        EXPECT_FALSE(HasErrors(findings)) << path << "\n" << ListText(findings);
        EXPECT_OK(VerifyStructure(model));
      } else {
        EXPECT_TRUE(HasErrors(findings));
        EXPECT_THAT(ListText(findings), HasSubstr(want->second));
        EXPECT_EQ(VerifyStructure(model).ok(), absl::StartsWith(want->second, "L2"));
      }
    }
  }
  EXPECT_GT(models, 80);
}

// ---- One by one.

constexpr char kA[] =
    "node { name: 'a' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { "
    "tensor { "
    "dtype: DT_FLOAT tensor_shape {} float_val: 1 } } } } ";
constexpr char kFloat[] = "attr { key: 'T' value { type: DT_FLOAT } } ";

std::string WithA(const std::string& node) { return absl::StrCat(kA, "node { ", node, " }"); }

TEST(VerifyTest, NamesAndInputs) {
  EXPECT_THAT(
      Check(WithA(absl::StrCat("name: 'n' op: 'Relu' input: 'aa' ", kFloat))),
      ElementsAre("error L107: node 'n': input 0 names 'aa', but the graph has no node of that name"));
  EXPECT_THAT(Check("node { name: 'input' op: 'NoOp' } node { name: 'n' op: 'NoOp' input: '^inptu' }"),
              ElementsAre(HasSubstr("has no node of that name; did you mean 'input'?")));
  EXPECT_THAT(Check(WithA("name: 'n' op: 'NoOp' input: '^b'")),
              ElementsAre(HasSubstr("L107: node 'n': a control input names 'b'")));
  EXPECT_THAT(Check(WithA("name: 'n' op: 'NoOp' input: '^a:0'")),
              ElementsAre("error L106: node 'n': a control input 'a:0' is no reference to a node"));
  EXPECT_THAT(Check(WithA(absl::StrCat("name: 'n' op: 'Relu' input: 'a:1' ", kFloat))),
              ElementsAre("error L110: node 'n': input 0 is 'a:1', but 'a' (Const) has 1 output"));
  EXPECT_THAT(Check(WithA("name: 'n>' op: 'NoOp'")), ElementsAre(HasSubstr("L101: node 'n>'")));
  EXPECT_THAT(Check(WithA("name: 'n'")), ElementsAre("error L104: node 'n': has no op"));
  EXPECT_THAT(Check(WithA("name: 'n' op: 'NoOp' device: '/gpu:x'")),
              ElementsAre("error L111: node 'n': '/gpu:x' is no device"));
  for (const char* device : {"/cpu:0", "/GPU:*", "/job:w/replica:0/task:3/device:TPU:1", "/device:GPU:*",
                             "/job:ps", "/job:a/cpu:0", "/"}) {
    EXPECT_THAT(Check(WithA(absl::StrCat("name: 'n' op: 'NoOp' device: '", device, "'"))), IsEmpty())
        << device;
  }
  EXPECT_THAT(
      Check(WithA(
          "name: 'n' op: 'NoOp' attr { key: '_class' value { list { s: 'loc:@a' s: 'loc:@x' s: 'y' } } }")),
      ElementsAre(HasSubstr("L109: node 'n': wants to be placed with 'x'")));
}

TEST(VerifyTest, CyclesNameTheirNodes) {
  EXPECT_THAT(Check(absl::StrCat("node { name: 'p' op: 'Relu' input: 'q' ", kFloat,
                                 "} node { name: 'q' op: 'Relu' "
                                 "input: 'p' ",
                                 kFloat, "} node { name: 'r' op: 'Relu' input: 'q' ", kFloat, "}")),
              ElementsAre("error L108: node 'p': 2 nodes in a cycle: p -> q -> p"));
}

TEST(VerifyTest, OpsAndAttributes) {
  EXPECT_THAT(Check("node { name: 'n' op: 'Zork' }"),
              ElementsAre("warning L201: node 'n': nothing is known of op 'Zork'"));
  EXPECT_THAT(Check(WithA("name: 'n' op: 'Relu' input: 'a' attr { key: 'T' value { type: DT_STRING } }")),
              ElementsAre("error L207: node 'n': attribute 'T' is string, which its op does not take",
                          "error L210: node 'n': input 0 is float, from 'a:0', but string is expected"));
  EXPECT_THAT(
      Check(WithA(absl::StrCat("name: 'n' op: 'Relu' input: 'a' attr { key: 'x' value { i: 1 } }", kFloat))),
      ElementsAre("warning L204: node 'n': op Relu declares no attribute 'x'"));
  EXPECT_THAT(
      Check(WithA(absl::StrCat("name: 'n' op: 'AddN' input: 'a' attr { key: 'N' value { i: 0 } }", kFloat))),
      ElementsAre("error L208: node 'n': attribute 'N' is 0, but its op asks for at least 1",
                  "error L209: node 'n': has 1 data inputs, but AddN with its attributes takes 0"));
  EXPECT_THAT(Check(WithA("name: 'n' op: 'IdentityN' input: 'a' attr { key: 'T' value { list { i: 1 } } }")),
              ElementsAre(HasSubstr("L205: node 'n': attribute 'T' lists values of another kind"),
                          HasSubstr("L209")));
  EXPECT_THAT(Check(WithA("name: 'n' op: 'TopK' input: 'a' attr { key: 'k' value { i: 1 } } "
                          "attr { key: 'T' value { type: DT_FLOAT } }") +
                    " versions { producer: 7 }"),
              ElementsAre(HasSubstr("L202: node 'n': op TopK is refused in graphs of producer 7 and later")));
  EXPECT_THAT(Check(WithA("name: 'n' op: 'TopK' input: 'a' attr { key: 'k' value { i: 1 } } "
                          "attr { key: 'T' value { type: DT_FLOAT } }") +
                    " versions { producer: 6 }"),
              IsEmpty());
}

TEST(VerifyTest, Targets) {
  VerifyOptions old, now;
  old.target = Release::k1_15;
  now.target = Release::k2_21;
  const std::string grad_a = absl::StrCat(
      "node { name: 'm' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } } ",
      "node { name: 'n' op: 'MatMul' input: 'm' input: 'm' attr { key: 'grad_a' value { b: false } }", kFloat,
      "}");
  EXPECT_THAT(Check(grad_a), IsEmpty());
  EXPECT_THAT(Check(grad_a, now), IsEmpty());
  EXPECT_THAT(Check(grad_a, old),
              ElementsAre("error L204: node 'n': op MatMul declares no attribute 'grad_a'"));
  const std::string batch = WithA(
      "name: 'n' op: 'BatchMatMulV3' input: 'a' input: 'a' attr { key: 'Ta' value { type: DT_FLOAT } } attr "
      "{ key: "
      "'Tb' value { type: DT_FLOAT } } attr { key: 'Tout' value { type: DT_FLOAT } }");
  EXPECT_THAT(Check(batch), IsEmpty());
  EXPECT_THAT(
      Check(batch, old),
      ElementsAre(
          "error L216: node 'n': op 'BatchMatMulV3' is not in the release asked for; it came with 2.6.0"));
  EXPECT_THAT(Check("versions { producer: 1000 min_consumer: 1000 }"), IsEmpty());
  EXPECT_THAT(Check("versions { producer: 1000 min_consumer: 1000 }", old), ElementsAre(HasSubstr("L501")));
}

TEST(VerifyTest, References) {
  const std::string variable =
      "node { name: 'v' op: 'VariableV2' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'shape' "
      "value { "
      "shape {} } } } ";
  const std::string assign = absl::StrCat("name: 'n' op: 'Assign' input: 'v' input: 'a' ", kFloat);
  EXPECT_THAT(Check(variable + WithA(assign)), IsEmpty());
  EXPECT_THAT(Check(variable + WithA(absl::StrCat("name: 'n' op: 'Relu' input: 'v' ", kFloat))), IsEmpty());
  EXPECT_THAT(Check(WithA(absl::StrCat("name: 'n' op: 'Assign' input: 'a' input: 'a' ", kFloat))),
              ElementsAre("error L211: node 'n': input 0 is float, from 'a:0', but float_ref is expected"));
}

TEST(VerifyTest, Tensors) {
  const auto constant = [](const std::string& tensor) {
    return absl::StrCat(
        "node { name: 'c' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' "
        "value { tensor { ",
        tensor, " } } } }");
  };
  EXPECT_THAT(Check(constant("dtype: DT_INT32 tensor_shape {} int_val: 1")),
              ElementsAre("error L212: node 'c': attribute 'dtype' is float, but the tensor is int32"));
  EXPECT_THAT(Check(constant("dtype: DT_FLOAT tensor_shape { dim { size: 2 } } tensor_content: 'abcd'")),
              ElementsAre(HasSubstr("L213: node 'c': attribute 'value': ")));
}

TEST(VerifyTest, OutputShapes) {
  const auto shapes = [](const std::string& list) {
    return Check(
        WithA(absl::StrCat("name: 'n' op: 'Relu' input: 'a' attr { key: '_output_shapes' value { list { ",
                           list, " } } }", kFloat)));
  };
  EXPECT_THAT(shapes("shape {}"), IsEmpty());
  EXPECT_THAT(shapes(""), ElementsAre("error L214: node 'n': _output_shapes has 0 shapes for 1 outputs"));
  EXPECT_THAT(shapes("shape {} shape {}"), ElementsAre(HasSubstr("warning L215")));
  EXPECT_THAT(shapes("shape { unknown_rank: true }"), IsEmpty());
  EXPECT_THAT(shapes("shape { dim { size: 2 } }"),
              ElementsAre("error L218: node 'n': _output_shapes says that output 0 is [2], but it is []"));
}

TEST(VerifyTest, Frames) {
  EXPECT_THAT(
      Check(WithA(absl::StrCat(
                "name: 'e' op: 'Enter' input: 'a' attr { key: 'frame_name' value { s: 'loop' } }", kFloat)) +
            absl::StrCat("node { name: 'n' op: 'Add' input: 'e' input: 'a' ", kFloat, "}")),
      ElementsAre("error L401: node 'n': reads 'a' of the root frame, but is in frame 'loop'"));
}

TEST(VerifyTest, FindingsComeInTheOrderOfNodesAndAreCapped) {
  std::string text;
  for (int i = 0; i < 20; ++i)
    absl::StrAppend(&text, "node { name: 'n", i, "' op: 'NoOp' input: '^x' device: 'zork' } ");
  VerifyOptions options;
  options.most_of_a_kind = 2;
  EXPECT_THAT(Check(text, options),
              ElementsAre(HasSubstr("L107: node 'n0'"), HasSubstr("L111: node 'n0'"),
                          HasSubstr("L107: node 'n1'"), HasSubstr("L111: node 'n1'"),
                          "error L107: and 18 more of this kind", "error L111: and 18 more of this kind"));
}

TEST(VerifyTest, StructureStatus) {
  Model model = ModelOf(WithA("name: 'n' op: 'Zork' input: 'b' input: 'c'"));
  EXPECT_THAT(VerifyStructure(model), StatusIs(absl::StatusCode::kInvalidArgument,
                                               testing::AllOf(HasSubstr("L107: node 'n': input 0 names 'b'"),
                                                              HasSubstr("(and 1 more errors)"))));
  Model good = ModelOf(WithA("name: 'n' op: 'Zork' input: 'a:7'"));
  EXPECT_OK(VerifyStructure(good));
}

TEST(VerifyTest, SignaturesAndSaver) {
  const absl::StatusOr<std::string> bytes = MessageFromText(
      MessageKind::kMetaGraphDef,
      absl::StrCat(
          "graph_def { ", kA,
          "} saver_def { filename_tensor_name: 'save/Const:0' } signature_def { key: 's' "
          "value { inputs { key: 'x' value { name: 'a:0' } } outputs { key: 'y' value { name: 'a:1' } } "
          "outputs { key: 'z' value { coo_sparse { values_tensor_name: 'q:0' } } } } }"),
      "test");
  ASSERT_OK(bytes);
  const auto file = Keep(*bytes);
  ASSERT_OK_AND_ASSIGN(Model model, ImportMetaGraphDef(file->bytes(), file, "test"));
  EXPECT_THAT(Texts(Verify(model)),
              testing::UnorderedElementsAre(
                  "warning L602: the saver's filename_tensor_name is 'save/Const:0', but the graph has no "
                  "node of that "
                  "name",
                  "error L601: signature 's', output 'y' is 'a:1', but 'a' (Const) has 1 output",
                  "error L601: signature 's', output 'z' is 'q:0', but the graph has no node of that name"));
}

TEST(FindingTest, EveryKindIsInTheTableOnce) {
  std::set<int> codes;
  for (const FindingKind& kind : FindingKinds()) {
    EXPECT_TRUE(codes.insert(static_cast<int>(kind.code)).second) << kind.name;
    EXPECT_EQ(*codes.rbegin(), static_cast<int>(kind.code)) << "not sorted: " << kind.name;
    EXPECT_FALSE(kind.what.empty());
    EXPECT_FALSE(kind.hint.empty());
  }
  EXPECT_THAT(FindingKindsMarkdown(), HasSubstr("| L107 | `missing_input` | error |"));
}

TEST(VerifyTest, AMillionNodesTakeSeconds) {
  std::string bytes;
  absl::StatusOr<std::string> head = GraphDefFromText(kA, "test");
  ASSERT_OK(head);
  bytes = *head;
  for (int i = 0; i < 1000000; ++i) {
    std::string node, inputs;
    const std::string name = absl::StrCat("n", i), from = i == 0 ? "a" : absl::StrCat("n", i - 1);
    node = absl::StrCat("\x0a", std::string(1, static_cast<char>(name.size())), name, "\x12\x04Relu\x1a",
                        std::string(1, static_cast<char>(from.size())), from,
                        "\x2a\x07\x0a\x01T\x12\x02\x30\x01");
    absl::StrAppend(&bytes, "\x0a", std::string(1, static_cast<char>(node.size())), node);
  }
  const auto file = Keep(std::move(bytes));
  ASSERT_OK_AND_ASSIGN(Model model, ImportGraphDef(file->bytes(), file, "test"));
  ASSERT_EQ(model.graph().num_nodes(), 1000001);
  const absl::Time start = absl::Now();
  EXPECT_THAT(Verify(model), IsEmpty());
  const absl::Duration all = absl::Now() - start;
  EXPECT_OK(VerifyStructure(model));
  const absl::Duration structure = absl::Now() - start - all;
  RecordProperty("verify_ms", static_cast<int>(absl::ToInt64Milliseconds(all)));
  RecordProperty("structure_ms", static_cast<int>(absl::ToInt64Milliseconds(structure)));
  // A quadratic step would take hours; machines differ, and others use this one.
  EXPECT_LT(all, absl::Seconds(30));
}

}  // namespace
}  // namespace cryograph

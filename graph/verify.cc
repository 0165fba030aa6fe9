#include "graph/verify.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/wire.h"
#include "graph/verify_internal.h"

namespace cryograph {

void FindingList::BeginGraph(absl::string_view function) {
  function_ = std::string(function);
  begin_ = findings_.size();
}

void FindingList::Add(FindingCode code, absl::string_view node, std::string text, std::string hint) {
  if (++counts_[code] > most_) return;
  const FindingKind& kind = KindOf(code);
  findings_.push_back({code, kind.severity, function_, std::string(node), std::move(text),
                       hint.empty() ? std::string(kind.hint) : std::move(hint)});
}

void FindingList::AddError(FindingCode code, absl::string_view node, std::string text) {
  const size_t before = findings_.size();
  Add(code, node, std::move(text));
  if (findings_.size() > before) findings_.back().severity = Severity::kError;
}

void FindingList::EndGraph(Graph& graph) {
  if (findings_.size() - begin_ < 2) return;
  absl::flat_hash_map<absl::string_view, size_t> place;
  for (size_t i = begin_; i < findings_.size(); ++i) place.emplace(findings_[i].node, graph.id_limit());
  size_t position = 0;
  for (Node node : graph.nodes()) {
    if (const auto found = place.find(node.name()); found != place.end()) found->second = position;
    ++position;
  }
  std::vector<size_t> places;  // Before anything moves: `place` shows the names in findings_.
  for (size_t i = begin_; i < findings_.size(); ++i) {
    places.push_back(findings_[i].node.empty() ? position + 1 : place[findings_[i].node]);
  }
  std::vector<std::pair<size_t, Finding>> sorted;
  for (size_t i = begin_; i < findings_.size(); ++i) {
    sorted.emplace_back(places[i - begin_], std::move(findings_[i]));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < sorted.size(); ++i) findings_[begin_ + i] = std::move(sorted[i].second);
}

std::vector<Finding> FindingList::Finish() {
  for (const auto& [code, count] : counts_) {
    if (count <= most_) continue;
    const FindingKind& kind = KindOf(code);
    findings_.push_back({code, kind.severity, "", "",
                         absl::StrCat("and ", count - most_, " more of this kind"), std::string(kind.hint)});
  }
  return std::move(findings_);
}

void VerifyVersions(const Model& model, const VerifyOptions& options, FindingList* findings) {
  const Versions& versions = model.versions();
  const Release release = options.target.value_or(Release::k2_21);
  const int consumer = GraphVersion(release);
  const absl::string_view name = release == Release::k2_21 ? "TensorFlow 2.21" : "TensorFlow 1.15";
  if (versions.producer < 0) {
    findings->Add(FindingCode::kBadProducer, "", absl::StrCat("versions.producer is ", versions.producer));
  }
  if (versions.min_consumer > consumer) {
    findings->Add(
        FindingCode::kMinConsumer, "",
        absl::StrCat("versions.min_consumer is ", versions.min_consumer, ", but ", name, " is ", consumer));
  }
  if (std::find(versions.bad_consumers.begin(), versions.bad_consumers.end(), consumer) !=
      versions.bad_consumers.end()) {
    findings->Add(FindingCode::kBadConsumer, "",
                  absl::StrCat("versions.bad_consumers excludes ", consumer, ", which is ", name));
  }
}

namespace {

absl::string_view FirstBytes(absl::string_view message, uint32_t number) {
  absl::string_view result;
  WireReader reader(message);
  for (WireField field; reader.Next(&field);) {
    if (field.number == number && field.type == WireType::kBytes) result = field.bytes;
  }
  return result;
}

// "name:port", or "name" alone (an operation).
void CheckTensorName(Model& model, OpVerifier* ops, absl::string_view tensor, FindingCode code,
                     absl::string_view what, FindingList* findings) {
  if (tensor.empty()) return;
  const size_t colon = tensor.rfind(':');
  int port = 0;
  const bool has_port =
      colon != absl::string_view::npos && absl::SimpleAtoi(tensor.substr(colon + 1), &port) && port >= 0;
  const absl::string_view name = has_port ? tensor.substr(0, colon) : tensor;
  const Node node = model.graph().Find(absl::StripPrefix(name, "^"));
  if (!node) {
    findings->Add(code, "", absl::StrCat(what, " is '", tensor, "', but the graph has no node of that name"));
    return;
  }
  DataType type = DT_INVALID;
  std::string why;
  if (has_port && ops != nullptr && !ops->OutputType(model.graph(), node.out(port), &type, &why)) {
    findings->Add(code, "", absl::StrCat(what, " is '", tensor, "', but ", why));
  }
}

}  // namespace

// MetaGraphDef: signature_def 5 (map), saver_def 3. SignatureDef: inputs 1, outputs 2 (maps to TensorInfo).
// TensorInfo: name 1, coo_sparse 4 (three names), composite_tensor 5 (components 2, TensorInfos).
void VerifyContainer(Model& model, OpVerifier* ops, FindingList* findings) {
  for (const RawField& meta : model.meta_fields) {
    if (meta.number == 3) {
      for (uint32_t field : {1, 2, 3}) {
        constexpr absl::string_view kNames[] = {"filename_tensor_name", "save_tensor_name",
                                                "restore_op_name"};
        CheckTensorName(model, ops, FirstBytes(meta.payload, field), FindingCode::kSaver,
                        absl::StrCat("the saver's ", kNames[field - 1]), findings);
      }
    }
    if (meta.number != 5) continue;
    const absl::string_view key = FirstBytes(meta.payload, 1);
    const absl::string_view signature = FirstBytes(meta.payload, 2);
    WireReader reader(signature);
    for (WireField field; reader.Next(&field);) {
      if (field.number != 1 && field.number != 2) continue;
      const std::string what =
          absl::StrCat("signature '", key, "', ", field.number == 1 ? "input '" : "output '",
                       FirstBytes(field.bytes, 1), "'");
      std::vector<absl::string_view> infos = {FirstBytes(field.bytes, 2)};
      while (!infos.empty()) {
        const absl::string_view info = infos.back();
        infos.pop_back();
        WireReader parts(info);
        for (WireField part; parts.Next(&part);) {
          if (part.type != WireType::kBytes) continue;
          if (part.number == 1)
            CheckTensorName(model, ops, part.bytes, FindingCode::kSignature, what, findings);
          if (part.number == 4) {
            for (uint32_t i : {1, 2, 3}) {
              CheckTensorName(model, ops, FirstBytes(part.bytes, i), FindingCode::kSignature, what, findings);
            }
          }
          if (part.number != 5) continue;
          WireReader components(part.bytes);
          for (WireField component; components.Next(&component);) {
            if (component.number == 2 && component.type == WireType::kBytes) infos.push_back(component.bytes);
          }
        }
      }
    }
  }
}

std::vector<Finding> Verify(Model& model, const VerifyOptions& options) {
  FindingList findings(options.most_of_a_kind);
  const OpRegistry registry(model);
  OpVerifier ops(registry, options, model.versions().producer);
  findings.BeginGraph("");
  StructureChecks checks;
  checks.old_names = options.target == Release::k1_15;
  VerifyEdges(model.graph(), checks, &findings);
  if (options.ops) ops.Verify(model.graph(), nullptr, &findings);
  if (options.ops && options.shapes) VerifyShapes(model, registry, &findings);
  VerifyVersions(model, options, &findings);
  if (options.container) VerifyContainer(model, options.ops ? &ops : nullptr, &findings);
  findings.EndGraph(model.graph());
  if (options.functions) VerifyFunctions(model, registry, options, &findings);
  return findings.Finish();
}

absl::Status VerifyStructure(Model& model, bool cycles) {
  FindingList findings(VerifyOptions().most_of_a_kind);
  findings.BeginGraph("");
  StructureChecks checks;
  checks.cycles = cycles;
  checks.places = false;
  VerifyEdges(model.graph(), checks, &findings);
  findings.EndGraph(model.graph());
  for (Function& function : model.functions()) {
    // A body that nobody has read is as it came.
    if (function.parsed_body() == nullptr || !function.edited()) continue;
    const absl::StatusOr<Graph*> body = function.body();
    if (!body.ok()) return body.status();
    findings.BeginGraph(function.name());
    checks.is_body = true;
    VerifyEdges(**body, checks, &findings);
    findings.EndGraph(**body);
  }
  return FindingsStatus(findings.Finish());
}

}  // namespace cryograph

#include "tests/end_to_end/golden_model.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "runtime/cases/run_case.h"
#include "runtime/executor.h"
#include "tests/shared_data.h"
#include "tools/array_feeds.h"
#include "tools/feed_values.h"

namespace cryograph {
namespace {

constexpr absl::Duration kTimeLimit = absl::Seconds(100);

absl::StatusOr<Tensor> ReadStrings(const std::string& path, const std::string& key) {
  ASSIGN_OR_RETURN(const Json json, ReadJson(path));
  const Json& entry = Member(json, key);
  std::vector<int64_t> dims;
  for (const Json& dim : Elements(Member(entry, "shape")))
    dims.push_back(static_cast<int64_t>(dim.number_value()));
  std::vector<std::string> strings;
  for (const Json& base64 : Elements(Member(entry, "b64"))) {
    if (!absl::Base64Unescape(base64.string_value(), &strings.emplace_back())) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": bad base64"));
    }
  }
  return Tensor::OfStrings(dims, strings);
}

}  // namespace

absl::StatusOr<GoldenModel> GoldenModel::Open(const std::string& folder) {
  ASSIGN_OR_RETURN(Json json, ReadJson(absl::StrCat(folder, "/case.json")));
  return GoldenModel(folder, std::move(json));
}

std::vector<std::string> GoldenModel::All() {
  std::vector<std::string> names;
  const std::string manifest_path = SharedData("models/manifest.json");
  if (manifest_path.empty()) return names;
  const absl::StatusOr<Json> manifest = ReadJson(manifest_path);
  if (!manifest.ok()) return names;
  for (const Json& each : Elements(*manifest)) names.push_back(Text(each, "name"));
  return names;
}

bool GoldenModel::has_runs() const {
  return !Elements(Member(json_, "runs")).empty() && Text(Member(json_, "expect"), "run") != "n/a";
}

bool GoldenModel::expects_error() const {
  return absl::StartsWith(Text(Member(json_, "expect"), "run"), "error");
}

std::vector<std::vector<std::string>> GoldenModel::ErrorWords() const {
  std::vector<std::vector<std::string>> groups;
  for (const char* key : {"error_names", "error_should_name"}) {
    for (const Json& each : Elements(Member(Member(json_, "expect"), key))) {
      groups.push_back(absl::StrSplit(each.string_value(), " / "));
    }
  }
  return groups;
}

std::string GoldenModel::Path(const std::string& file) const { return absl::StrCat(folder_, "/", file); }

absl::StatusOr<std::unique_ptr<Session>> GoldenModel::Load(const std::string& tags, int threads) const {
  const Json& files = Member(json_, "files");
  SessionOptions options;
  for (const char* kind : {"graph", "meta", "saved_model", "tf_frozen"}) {
    if (options.graph.empty() && HasMember(files, kind)) options.graph = Path(Text(files, kind));
  }
  for (const char* kind : {"checkpoint_pattern", "checkpoint"}) {
    if (options.checkpoint.empty() && HasMember(files, kind)) options.checkpoint = Path(Text(files, kind));
  }
  if (options.graph.empty()) return absl::NotFoundError("a checkpoint alone");
  options.tags = tags;
  for (const Json& node : Elements(Member(json_, "init_nodes")))
    options.init_nodes.push_back(node.string_value());
  options.executor.threads = threads;
  std::vector<std::string> notes;
  return OpenSession(options, &notes);
}

std::string GoldenModel::Check(int threads) const {
  std::unique_ptr<Session> session;
  std::string loaded;
  for (const Json& run : Elements(Member(json_, "runs"))) {
    std::string tags;
    for (const Json& tag : Elements(Member(run, "tags")))
      absl::StrAppend(&tags, tags.empty() ? "" : ",", tag.string_value());
    if (session == nullptr || tags != loaded) {
      absl::StatusOr<std::unique_ptr<Session>> opened = Load(tags, threads);
      if (!opened.ok()) return opened.status().ToString();
      session = *std::move(opened);
      loaded = tags;
    }
    const absl::StatusOr<std::string> wrong = RunOne(run, *session->executor);
    if (!wrong.ok()) return wrong.status().ToString();
    if (!wrong->empty()) return absl::StrCat("run ", Text(run, "run"), ", ", *wrong);
  }
  return "";
}

absl::Status GoldenModel::RunOnZeros(int threads) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Load("", threads));
  Executor& executor = *session->executor;
  std::vector<std::pair<std::string, Value>> feeds;
  for (const Json& input : Elements(Member(json_, "inputs"))) {
    FeedTarget target;
    target.name = Text(input, "name");
    ASSIGN_OR_RETURN(target.dtype, executor.TensorType(target.name));
    std::string text = "zeros(";
    for (const Json& dim : Elements(Member(input, "shape"))) {
      const double size = dim.number_value();
      absl::StrAppend(&text, text.back() == '(' ? "" : ",", size > 0 ? size : 1);
    }
    ASSIGN_OR_RETURN(Value value, FeedValue(text + ")", target, executor.pool()));
    feeds.emplace_back(target.name, std::move(value));
  }
  // Where no outputs are listed, the nodes that the error should name are what is run.
  std::vector<std::string> fetches, targets;
  for (const Json& output : Elements(Member(json_, "outputs"))) fetches.push_back(Text(output, "name"));
  if (fetches.empty()) {
    for (const Json& name : Elements(Member(Member(json_, "expect"), "error_names"))) {
      if (executor.TensorType(name.string_value()).ok()) targets.push_back(name.string_value());
    }
  }
  RunOptions options;
  options.time_limit = kTimeLimit;
  return executor.RunOnce(feeds, fetches, targets, options).status();
}

absl::StatusOr<Tensor> GoldenModel::Read(const Json& descriptor) const {
  const std::string path = Path(Text(descriptor, "file")), key = Text(descriptor, "key");
  if (absl::EndsWith(path, ".json")) return ReadStrings(path, key);
  ASSIGN_OR_RETURN(const Value value, FeedFromArrayFile(absl::StrCat(path, "[", key, "]"), *pool_));
  ASSIGN_OR_RETURN(Tensor tensor, value.ToTensor());
  if (HasMember(descriptor, "stored_as")) tensor.dtype = DT_BFLOAT16;
  return tensor;
}

absl::StatusOr<std::string> GoldenModel::RunOne(const Json& run, Executor& executor) const {
  std::vector<std::pair<std::string, Value>> feeds;
  for (const Json& input : Elements(Member(run, "inputs"))) {
    ASSIGN_OR_RETURN(const Tensor tensor, Read(input));
    ASSIGN_OR_RETURN(Value value, Value::FromTensor(tensor, executor.pool()));
    feeds.emplace_back(Text(input, "name"), std::move(value));
  }
  std::vector<std::string> fetches;
  for (const Json& output : Elements(Member(run, "outputs"))) fetches.push_back(Text(output, "name"));
  RunOptions options;
  options.time_limit = kTimeLimit;
  ASSIGN_OR_RETURN(const std::vector<Value> results, executor.RunOnce(feeds, fetches, {}, options));
  size_t i = 0;
  for (const Json& output : Elements(Member(run, "outputs"))) {
    ASSIGN_OR_RETURN(const std::string wrong, Compare(output, results[i]));
    if (!wrong.empty()) return absl::StrCat(fetches[i], ": ", wrong);
    ++i;
  }
  return std::string();
}

absl::StatusOr<std::string> GoldenModel::Compare(const Json& descriptor, const Value& value) const {
  ASSIGN_OR_RETURN(const Tensor want, Read(descriptor));
  ASSIGN_OR_RETURN(const Tensor got, value.ToTensor());
  ASSIGN_OR_RETURN(const std::string want_proto, EncodeTensorProto(want));
  const Json& tolerances = Member(json_, "tolerances");
  CaseFetch fetch;
  fetch.tensor = want_proto;
  fetch.rtol = Member(tolerances, "rtol").number_value();
  fetch.atol = HasMember(descriptor, "atol") ? Member(descriptor, "atol").number_value()
                                             : Member(tolerances, "atol").number_value();
  const bool real = got.dtype == DT_FLOAT || got.dtype == DT_DOUBLE || got.dtype == DT_HALF ||
                    got.dtype == DT_BFLOAT16 || got.dtype == DT_COMPLEX64 || got.dtype == DT_COMPLEX128;
  fetch.compare = real || fetch.atol >= 1 ? "close" : "exact";
  return CompareWithFetch(got, fetch);
}

}  // namespace cryograph

// Runs the sample models beside the project (../shared/data/models) and compares what comes out with what
// TensorFlow gave: model_goldens_test --threads=N [MODEL…]. Skips if the models are not there.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "checkpoint/checkpoint.h"
#include "graph/model.h"
#include "graph/open.h"
#include "runtime/cases/run_case.h"
#include "runtime/executor.h"
#include "tests/json.h"
#include "tests/shared_data.h"
#include "tools/array_feeds.h"
#include "tools/session_setup.h"

namespace cryograph {
namespace {

std::string Text(const Json& json, const std::string& key) { return Member(json, key).string_value(); }

class GoldenModel {
 public:
  GoldenModel(std::string folder, const Json& json, int threads)
      : folder_(std::move(folder)), json_(json), threads_(threads) {}

  // What is wrong; empty if nothing is. NotFound and the like: as a text, too.
  std::string Check() {
    const absl::Status status = Run();
    return status.ok() ? why_ : status.ToString();
  }

 private:
  std::string Path(const std::string& file) const { return absl::StrCat(folder_, "/", file); }

  absl::Status Run() {
    const Json& files = Member(json_, "files");
    std::unique_ptr<Session> session;
    std::string loaded;
    for (const Json& run : Elements(Member(json_, "runs"))) {
      std::string tags;
      for (const Json& tag : Elements(Member(run, "tags")))
        absl::StrAppend(&tags, tags.empty() ? "" : ",", tag.string_value());
      if (session == nullptr || tags != loaded) {
        SessionOptions options;
        for (const char* kind : {"graph", "meta", "saved_model", "tf_frozen"}) {
          if (options.graph.empty() && HasMember(files, kind)) options.graph = Path(Text(files, kind));
        }
        if (options.graph.empty()) return absl::OkStatus();  // A checkpoint alone.
        if (HasMember(files, "checkpoint_pattern")) {
          options.checkpoint = Path(Text(files, "checkpoint_pattern"));
        } else if (HasMember(files, "checkpoint")) {
          options.checkpoint = Path(Text(files, "checkpoint"));
        }
        options.tags = tags;
        for (const Json& node : Elements(Member(json_, "init_nodes")))
          options.init_nodes.push_back(node.string_value());
        options.executor.threads = threads_;
        std::vector<std::string> notes;
        ASSIGN_OR_RETURN(session, OpenSession(options, &notes));
        loaded = tags;
      }
      RETURN_IF_ERROR(RunOne(run, *session->executor));
      if (!why_.empty()) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Tensor> Read(const Json& descriptor) const {
    const std::string path = Path(Text(descriptor, "file")), key = Text(descriptor, "key");
    if (absl::EndsWith(path, ".json")) return ReadStrings(path, key);
    ASSIGN_OR_RETURN(const Value value, FeedFromArrayFile(absl::StrCat(path, "[", key, "]"), *pool_));
    ASSIGN_OR_RETURN(Tensor tensor, value.ToTensor());
    if (HasMember(descriptor, "stored_as")) tensor.dtype = DT_BFLOAT16;
    return tensor;
  }

  static absl::StatusOr<Tensor> ReadStrings(const std::string& path, const std::string& key) {
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

  absl::Status RunOne(const Json& run, Executor& executor) {
    std::vector<std::pair<std::string, Value>> feeds;
    for (const Json& input : Elements(Member(run, "inputs"))) {
      ASSIGN_OR_RETURN(const Tensor tensor, Read(input));
      ASSIGN_OR_RETURN(Value value, Value::FromTensor(tensor, executor.pool()));
      feeds.emplace_back(Text(input, "name"), std::move(value));
    }
    std::vector<std::string> fetches;
    for (const Json& output : Elements(Member(run, "outputs"))) fetches.push_back(Text(output, "name"));
    RunOptions options;
    options.time_limit = absl::Seconds(100);
    ASSIGN_OR_RETURN(const std::vector<Value> results, executor.RunOnce(feeds, fetches, {}, options));
    int i = 0;
    for (const Json& output : Elements(Member(run, "outputs"))) {
      RETURN_IF_ERROR(Compare(output, results[i++]));
      if (!why_.empty()) {
        why_ = absl::StrCat("run ", Text(run, "run"), ", ", fetches[i - 1], ": ", why_);
        return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

  absl::Status Compare(const Json& descriptor, const Value& value) {
    ASSIGN_OR_RETURN(const Tensor want, Read(descriptor));
    ASSIGN_OR_RETURN(const Tensor got, value.ToTensor());
    const Json& tolerances = Member(json_, "tolerances");
    const std::string want_proto = EncodeTensorProto(want).value_or("");
    CaseFetch fetch;
    fetch.tensor = want_proto;
    fetch.rtol = Member(tolerances, "rtol").number_value();
    fetch.atol = HasMember(descriptor, "atol") ? Member(descriptor, "atol").number_value()
                                               : Member(tolerances, "atol").number_value();
    const bool real = got.dtype == DT_FLOAT || got.dtype == DT_DOUBLE || got.dtype == DT_HALF ||
                      got.dtype == DT_BFLOAT16 || got.dtype == DT_COMPLEX64 || got.dtype == DT_COMPLEX128;
    fetch.compare = real || fetch.atol >= 1 ? "close" : "exact";
    why_ = CompareWithFetch(got, fetch);
    return absl::OkStatus();
  }

  const std::string folder_;
  const Json& json_;
  const int threads_;
  const std::shared_ptr<MemoryPool> pool_ = MemoryPool::Create();
  std::string why_;
};

int Main(int argc, char** argv) {
  const std::string root = SharedData("models");
  if (root.empty()) {
    std::puts("SKIPPED: ../shared/data/models is not there");
    return 0;
  }
  int threads = 1;
  std::vector<std::string> names, expected_to_fail;
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    if (absl::ConsumePrefix(&arg, "--threads=")) {
      if (!absl::SimpleAtoi(arg, &threads)) return 2;
    } else if (absl::ConsumePrefix(&arg, "--fails=")) {
      expected_to_fail.emplace_back(arg);
    } else {
      names.emplace_back(arg);
    }
  }
  if (names.empty()) {
    const auto manifest = ReadJson(absl::StrCat(root, "/manifest.json"));
    if (!manifest.ok()) return 2;
    for (const Json& each :
         Elements(HasMember(*manifest, "cases") ? Member(*manifest, "cases") : *manifest)) {
      names.push_back(Text(each, "name"));
    }
  }
  int failed = 0, passed = 0;
  for (const std::string& name : names) {
    const std::string folder = absl::StrCat(root, "/", name);
    const auto json = ReadJson(absl::StrCat(folder, "/case.json"));
    if (!json.ok()) {
      std::printf("FAIL %s: %s\n", name.c_str(), json.status().ToString().c_str());
      ++failed;
      continue;
    }
    if (Elements(Member(*json, "runs")).empty()) continue;
    const std::string why = GoldenModel(folder, *json, threads).Check();
    std::printf("%s %s%s%s\n", why.empty() ? "PASS" : "FAIL", name.c_str(), why.empty() ? "" : ": ",
                why.c_str());
    std::fflush(stdout);
    (why.empty() ? passed : failed) += 1;
  }
  std::printf("%d models pass, %d fail\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) { return cryograph::Main(argc, argv); }

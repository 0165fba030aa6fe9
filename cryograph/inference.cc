#include "cryograph/inference.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "graph/dtype.h"
#include "runtime/executor.h"
#include "runtime/value.h"
#include "tools/session_setup.h"

namespace cryograph {
namespace {

// "x:0" is "x".
std::string TensorName(const std::string& name) { return std::string(absl::StripSuffix(name, ":0")); }

using Feeds = std::map<std::string, Value>;
using PlanKey = std::tuple<std::vector<std::string>, std::vector<std::string>, std::vector<std::string>>;

constexpr size_t kMaxPlans = 64;
constexpr int kMaxThreads = 1024;

}  // namespace

struct Inference::Loaded {
  std::unique_ptr<Session> session;
  std::vector<std::string> notes;
  RunOptions run_options;
  absl::Mutex mutex;
  std::map<PlanKey, std::shared_ptr<const Plan>> plans ABSL_GUARDED_BY(mutex);

  // Callers that want the same plan at a time wait for one of them to make it.
  absl::StatusOr<std::shared_ptr<const Plan>> FindPlan(const PlanRequest& request) {
    absl::MutexLock lock(&mutex);
    const PlanKey key(request.feeds, request.fetches, request.targets);
    const auto found = plans.find(key);
    if (found != plans.end()) return found->second;
    ASSIGN_OR_RETURN(std::shared_ptr<const Plan> plan, session->executor->MakePlan(request));
    if (plans.size() >= kMaxPlans) plans.clear();
    plans[key] = plan;
    return plan;
  }
};

struct Inference::Call {
  Feeds feeds;
  std::vector<std::string> fetches;
  std::vector<Value> results;
};

Inference::Inference(std::shared_ptr<Loaded> loaded)
    : loaded_(std::move(loaded)), call_(std::make_unique<Call>()) {}
Inference::Inference(Inference&&) noexcept = default;
Inference& Inference::operator=(Inference&& other) noexcept {
  call_ = std::move(other.call_);  // Values end before the pool that they are from.
  loaded_ = std::move(other.loaded_);
  return *this;
}
Inference::~Inference() = default;

absl::StatusOr<Inference> Inference::Load(const std::string& path) { return Load(path, Options()); }

absl::StatusOr<Inference> Inference::Load(const std::string& path, const Options& options) {
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads is ", options.threads, ", not from 1 to ", kMaxThreads));
  }
  if (!(options.time_limit_seconds >= 0)) {
    return absl::InvalidArgumentError("time_limit_seconds is negative or no number");
  }
  auto loaded = std::make_shared<Loaded>();
  if (options.time_limit_seconds > 0) {
    loaded->run_options.time_limit = absl::Seconds(options.time_limit_seconds);
  }
  SessionOptions session;
  session.graph = path;
  session.tags = options.tags;
  session.checkpoint = options.checkpoint;
  session.init_nodes = options.init_nodes;
  session.allow_file_writes = options.allow_file_writes;
  session.executor.threads = options.threads;
  if (options.memory_limit_bytes > 0) session.executor.memory_limit = options.memory_limit_bytes;
  session.init_limits = loaded->run_options;
  ASSIGN_OR_RETURN(loaded->session, OpenSession(session, &loaded->notes));
  return Inference(std::move(loaded));
}

Inference Inference::Share() const { return Inference(loaded_); }

const std::vector<std::string>& Inference::notes() const { return loaded_->notes; }

absl::StatusOr<Inference::Type> Inference::TypeOfTensor(const std::string& name) const {
  ASSIGN_OR_RETURN(const DataType type, loaded_->session->executor->TensorType(name));
  return static_cast<Type>(BaseType(type));
}

absl::StatusOr<std::optional<std::vector<int64_t>>> Inference::ShapeOfTensor(const std::string& name) const {
  RETURN_IF_ERROR(TypeOfTensor(name).status());
  const auto& shapes = loaded_->session->input_shapes;
  const auto found = shapes.find(TensorName(name));
  if (found == shapes.end()) return std::optional<std::vector<int64_t>>();
  return std::optional<std::vector<int64_t>>(found->second.dims);
}

namespace {

absl::Status CheckFeedType(const std::string& name, DataType given, DataType wanted) {
  if (wanted == DT_INVALID || BaseType(wanted) == given) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "feed '", name, "': expected ", DataTypeName(BaseType(wanted)), ", not ", DataTypeName(given)));
}

absl::Status FeedError(const std::string& name, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("feed '", name, "': ", status.message()));
}

// Bytes that elements of this type and shape take; -1 if that is no number, or one that is too large.
int64_t BytesOf(const std::vector<int64_t>& shape, int64_t element_bytes) {
  int64_t bytes = element_bytes;
  for (const int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(bytes, dim, &bytes)) return -1;
  }
  return bytes;
}

absl::Status CheckSize(const std::string& name, const std::vector<int64_t>& shape, int64_t element_bytes,
                       size_t given, const char* unit) {
  const int64_t wanted = BytesOf(shape, element_bytes);
  if (wanted >= 0 && static_cast<uint64_t>(wanted) == given) return absl::OkStatus();
  const std::string text = ShapeText(Shape(shape.begin(), shape.end()));
  return absl::InvalidArgumentError(wanted < 0 ? absl::StrCat("feed '", name, "': ", text, " is no shape")
                                               : absl::StrCat("feed '", name, "': shape ", text, " takes ",
                                                              wanted, " ", unit, ", not ", given));
}

}  // namespace

absl::Status Inference::Feed(const std::string& name, Type type, const std::vector<int64_t>& shape,
                             const void* data, size_t num_bytes) {
  const DataType dtype = static_cast<DataType>(type);
  ASSIGN_OR_RETURN(const Type wanted, TypeOfTensor(name));
  RETURN_IF_ERROR(CheckFeedType(name, dtype, static_cast<DataType>(wanted)));
  if (dtype == DT_STRING || DataTypeBytes(dtype) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("feed '", name, "': elements of type ", DataTypeName(dtype), " are not plain bytes"));
  }
  RETURN_IF_ERROR(CheckSize(name, shape, ValueElementBytes(dtype), num_bytes, "bytes"));
  if (data == nullptr && num_bytes > 0) {
    return absl::InvalidArgumentError(absl::StrCat("feed '", name, "': no data"));
  }
  absl::StatusOr<Value> value = Value::Allocate(dtype, shape, loaded_->session->executor->pool());
  if (!value.ok()) return FeedError(name, value.status());
  if (num_bytes > 0) std::memcpy(value->mutable_raw(), data, num_bytes);
  if (dtype == DT_BOOL) {
    char* const bools = value->mutable_raw();
    std::transform(bools, bools + num_bytes, bools, [](char c) { return c != 0 ? 1 : 0; });
  }
  call_->feeds[TensorName(name)] = *std::move(value);
  return absl::OkStatus();
}

absl::Status Inference::FeedStrings(const std::string& name, const std::vector<std::string>& elements,
                                    const std::vector<int64_t>& shape) {
  ASSIGN_OR_RETURN(const Type wanted, TypeOfTensor(name));
  RETURN_IF_ERROR(CheckFeedType(name, DT_STRING, static_cast<DataType>(wanted)));
  RETURN_IF_ERROR(CheckSize(name, shape, 1, elements.size(), "strings"));
  absl::StatusOr<Value> value = Value::Allocate(DT_STRING, shape, loaded_->session->executor->pool());
  if (!value.ok()) return FeedError(name, value.status());
  for (size_t i = 0; i < elements.size(); ++i) value->mutable_data<std::string>()[i] = elements[i];
  call_->feeds[TensorName(name)] = *std::move(value);
  return absl::OkStatus();
}

absl::Status Inference::Run(const std::vector<std::string>& fetches,
                            const std::vector<std::string>& targets) {
  call_->results.clear();
  call_->fetches.clear();
  Feeds feeds;
  feeds.swap(call_->feeds);
  if (fetches.empty() && targets.empty()) {
    return absl::InvalidArgumentError("nothing to run: no fetches and no targets");
  }
  PlanRequest request;
  std::vector<Value> values;
  for (auto& [name, value] : feeds) {
    request.feeds.push_back(name);
    values.push_back(std::move(value));
  }
  for (const std::string& fetch : fetches) request.fetches.push_back(TensorName(fetch));
  request.targets = targets;
  ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan, loaded_->FindPlan(request));
  ASSIGN_OR_RETURN(call_->results, loaded_->session->executor->Run(*plan, values, loaded_->run_options));
  call_->fetches = std::move(request.fetches);
  return absl::OkStatus();
}

absl::StatusOr<Inference::View> Inference::Fetch(const std::string& name) const {
  const std::string wanted = TensorName(name);
  for (size_t i = 0; i < call_->results.size(); ++i) {
    if (call_->fetches[i] != wanted) continue;
    const Value& value = call_->results[i];
    if (value.dtype() != DT_STRING && DataTypeBytes(value.dtype()) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("'", name, "' is of type ", DataTypeName(value.dtype()),
                                                     ", which has no elements to show"));
    }
    View view;
    view.type = static_cast<Type>(value.dtype());
    view.shape.assign(value.shape().begin(), value.shape().end());
    view.data = value.raw();
    view.num_elements = value.num_elements();
    view.num_bytes = static_cast<size_t>(value.num_bytes());
    return view;
  }
  const std::vector<absl::string_view> names(call_->fetches.begin(), call_->fetches.end());
  return absl::NotFoundError(
      absl::StrCat("the last run did not fetch '", name, "'", DidYouMean(NearestNames(name, names))));
}

}  // namespace cryograph

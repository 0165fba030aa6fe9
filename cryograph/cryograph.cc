#include "cryograph/cryograph.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cryograph/inference.h"

using cryograph::Inference;

struct cryograph_model {
  Inference inference;
};

// What a fetch shows and the Inference does not keep in the form of C.
struct ShownResult {
  std::vector<int64_t> shape;
  std::vector<cryograph_string> strings;
};

struct cryograph_call {
  Inference inference;
  std::map<std::string, ShownResult> shown;  // By name as it was given; addresses stay.
};

namespace {

constexpr int kMaxRank = 254;  // Of TensorFlow's TensorShape.

std::string& LastError() {
  thread_local std::string message;
  return message;
}

int Finish(const absl::Status& status) {
  if (!status.ok()) LastError() = std::string(status.message());
  return static_cast<int>(status.code());
}

absl::Status NullArgument(const char* function, const char* argument) {
  return absl::InvalidArgumentError(absl::StrCat(function, ": ", argument, " is NULL"));
}

absl::Status Feed(Inference& inference, const char* name, const cryograph_tensor& tensor) {
  if (tensor.rank < 0 || tensor.rank > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("feed '", name, "': rank ", tensor.rank, " is not from 0 to ", kMaxRank));
  }
  if (tensor.rank > 0 && tensor.shape == nullptr) return NullArgument("cryograph_feed", "tensor->shape");
  if (tensor.bytes > 0 && tensor.data == nullptr) return NullArgument("cryograph_feed", "tensor->data");
  const std::vector<int64_t> shape(tensor.shape, tensor.shape + tensor.rank);
  if (tensor.dtype != CRYOGRAPH_STRING) {
    return inference.Feed(name, static_cast<Inference::Type>(tensor.dtype), shape, tensor.data, tensor.bytes);
  }
  if (tensor.bytes % sizeof(cryograph_string) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("feed '", name, "': ", tensor.bytes, " bytes are no array of cryograph_string"));
  }
  std::vector<std::string> elements;
  const auto* strings = static_cast<const cryograph_string*>(tensor.data);
  for (size_t i = 0; i < tensor.bytes / sizeof(cryograph_string); ++i) {
    if (strings[i].data == nullptr && strings[i].size > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("feed '", name, "': the data of string ", i, " is NULL"));
    }
    elements.emplace_back(strings[i].size > 0 ? std::string(strings[i].data, strings[i].size) : "");
  }
  return inference.FeedStrings(name, elements, shape);
}

absl::Status Fetch(cryograph_call& call, const char* name, cryograph_tensor& tensor) {
  ASSIGN_OR_RETURN(Inference::View view, call.inference.Fetch(name));
  const auto [place, added] = call.shown.try_emplace(name);
  ShownResult& shown = place->second;
  if (added) {
    shown.shape = std::move(view.shape);
    const std::string* strings = view.as<std::string>();
    for (int64_t i = 0; strings != nullptr && i < view.num_elements; ++i) {
      shown.strings.push_back({strings[i].data(), strings[i].size()});
    }
  }
  tensor.dtype = view.type;
  tensor.rank = static_cast<int32_t>(shown.shape.size());
  tensor.shape = shown.shape.data();
  const bool is_string = view.type == Inference::kString;
  tensor.data = is_string ? shown.strings.data() : view.data;
  tensor.bytes = is_string ? shown.strings.size() * sizeof(cryograph_string) : view.num_bytes;
  return absl::OkStatus();
}

}  // namespace

extern "C" {

const char* cryograph_last_error(void) { return LastError().c_str(); }

int cryograph_model_load(const char* path, const cryograph_options* options, cryograph_model** model) {
  if (path == nullptr) return Finish(NullArgument("cryograph_model_load", "path"));
  if (model == nullptr) return Finish(NullArgument("cryograph_model_load", "model"));
  Inference::Options chosen;
  if (options != nullptr) {
    if (options->tags != nullptr) chosen.tags = options->tags;
    if (options->checkpoint != nullptr) chosen.checkpoint = options->checkpoint;
    if (options->init_nodes != nullptr) {
      chosen.init_nodes = absl::StrSplit(options->init_nodes, ',', absl::SkipEmpty());
    }
    if (options->threads != 0) chosen.threads = options->threads;
    chosen.memory_limit_bytes = options->memory_limit_bytes;
    chosen.time_limit_seconds = options->time_limit_seconds;
    chosen.allow_file_writes = options->allow_file_writes != 0;
  }
  absl::StatusOr<Inference> inference = Inference::Load(path, chosen);
  if (!inference.ok()) return Finish(inference.status());
  *model = new cryograph_model{*std::move(inference)};
  return CRYOGRAPH_OK;
}

void cryograph_model_release(cryograph_model* model) { delete model; }

int cryograph_call_new(const cryograph_model* model, cryograph_call** call) {
  if (model == nullptr) return Finish(NullArgument("cryograph_call_new", "model"));
  if (call == nullptr) return Finish(NullArgument("cryograph_call_new", "call"));
  *call = new cryograph_call{model->inference.Share(), {}};
  return CRYOGRAPH_OK;
}

void cryograph_call_release(cryograph_call* call) { delete call; }

int cryograph_feed(cryograph_call* call, const char* name, const cryograph_tensor* tensor) {
  if (call == nullptr) return Finish(NullArgument("cryograph_feed", "call"));
  if (name == nullptr) return Finish(NullArgument("cryograph_feed", "name"));
  if (tensor == nullptr) return Finish(NullArgument("cryograph_feed", "tensor"));
  return Finish(Feed(call->inference, name, *tensor));
}

int cryograph_run(cryograph_call* call, const char* const* fetches, size_t count) {
  if (call == nullptr) return Finish(NullArgument("cryograph_run", "call"));
  if (fetches == nullptr && count > 0) return Finish(NullArgument("cryograph_run", "fetches"));
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) {
    if (fetches[i] == nullptr) return Finish(NullArgument("cryograph_run", "a name of fetches"));
    names.emplace_back(fetches[i]);
  }
  call->shown.clear();
  return Finish(call->inference.Run(names));
}

int cryograph_fetch(cryograph_call* call, const char* name, cryograph_tensor* tensor) {
  if (call == nullptr) return Finish(NullArgument("cryograph_fetch", "call"));
  if (name == nullptr) return Finish(NullArgument("cryograph_fetch", "name"));
  if (tensor == nullptr) return Finish(NullArgument("cryograph_fetch", "tensor"));
  return Finish(Fetch(*call, name, *tensor));
}

}  // extern "C"

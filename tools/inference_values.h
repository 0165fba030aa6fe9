// Between the values of tools and those of the embedding API, which shows none of the runtime's types.
#ifndef CRYOGRAPH_TOOLS_INFERENCE_VALUES_H_
#define CRYOGRAPH_TOOLS_INFERENCE_VALUES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cryograph/inference.h"
#include "runtime/memory.h"
#include "runtime/value.h"
#include "tools/feed_values.h"

namespace cryograph {

// What the graph says of tensor `name`. NotFound with the nearest names.
absl::StatusOr<FeedTarget> TargetOfFeed(const Inference& inference, const std::string& name);

// Errors of Inference::Feed; InvalidArgument for resources and variants.
absl::Status FeedValueTo(Inference& inference, const std::string& name, const Value& value);

// A result of the last run. Plain elements are shown, not copied: valid as long as the result is.
absl::StatusOr<Value> FetchValue(const Inference& inference, const std::string& name, MemoryPool& pool);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_INFERENCE_VALUES_H_

// Values for people: a summary, the best classes, JSON.
#ifndef CRYOGRAPH_TOOLS_VALUE_REPORT_H_
#define CRYOGRAPH_TOOLS_VALUE_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/value.h"

namespace cryograph {

// "probs: float [1,10]  min 0.01, max 0.4, mean 0.1\n  0.01 0.02 …\n": at most `max_elements` of them.
std::string ValueSummary(absl::string_view name, const Value& value, int64_t max_elements);

// The same as one JSON object: name, dtype, shape, min, max, mean, and "values", cut to `max_elements`. NaN
// and infinities are null.
std::string ValueJson(absl::string_view name, const Value& value, int64_t max_elements);

struct RankedClass {
  int64_t row = 0;
  int64_t index = 0;
  double score = 0;
};
// The `k` largest elements of each row of the last dimension, best first, equal ones by index; NaN last.
// InvalidArgument for scalars and for values that are no numbers.
absl::StatusOr<std::vector<RankedClass>> TopClasses(const Value& value, int64_t k);

// One label for each line of the file.
absl::StatusOr<std::vector<std::string>> ReadLabels(const std::string& path);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_VALUE_REPORT_H_

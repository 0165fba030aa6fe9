// Op cases: small graphs with feeds and the results that TensorFlow gave for them. Format: op_cases.proto of
// the conformance data: a CaseFile message whose field 1 repeats Case.
#ifndef CRYOGRAPH_RUNTIME_CASES_CASE_FILE_H_
#define CRYOGRAPH_RUNTIME_CASES_CASE_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

struct CaseFeed {
  absl::string_view name;    // Of a node; output 0 is fed.
  absl::string_view tensor;  // Serialized TensorProto.
};

struct CaseFetch {
  absl::string_view name;
  absl::string_view tensor;   // What is expected; empty in a stripped file.
  absl::string_view compare;  // "exact", "close", "unordered" or "shape"
  double rtol = 0, atol = 0;
  std::vector<absl::string_view> alternates;  // Expectations that are right as well.
};

// Shows the bytes of its file.
struct OpCase {
  absl::string_view op;
  int32_t index = 0;
  int32_t tier = 0;
  absl::string_view graph_def;
  std::vector<CaseFeed> feeds;
  std::vector<CaseFetch> fetches;
  std::vector<absl::string_view> targets;
  bool expected_error = false;
  absl::string_view error_text, dtype, attrs, note;
};

// Reads a .cases file. DataLoss with the offset if it is damaged.
absl::StatusOr<std::vector<OpCase>> ParseCases(absl::string_view bytes);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_CASES_CASE_FILE_H_

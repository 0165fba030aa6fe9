// GoogleTest matchers for absl::Status and absl::StatusOr: IsOk() and StatusIs(code, message matcher).
#ifndef CRYOGRAPH_BASE_STATUS_MATCHERS_H_
#define CRYOGRAPH_BASE_STATUS_MATCHERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace cryograph {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& statusor) {
  return statusor.status();
}

MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P2(StatusIs, code, message, "") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         testing::Matcher<std::string>(message).Matches(std::string(StatusOf(arg).message()));
}

MATCHER_P(StatusIs, code, "") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

}  // namespace cryograph

#define ASSERT_OK(expression) ASSERT_THAT(expression, ::cryograph::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::cryograph::IsOk())

// Declares or assigns `left` from a StatusOr, or fails the test.
#define ASSERT_OK_AND_ASSIGN(left, expression) \
  CG_ASSERT_ASSIGN_(CG_TEST_CONCAT_(cg_test_statusor_, __LINE__), left, expression)
#define CG_ASSERT_ASSIGN_(statusor, left, expression) \
  auto statusor = (expression);                       \
  ASSERT_OK(statusor);                                \
  left = std::move(statusor).value()
#define CG_TEST_CONCAT_(a, b) CG_TEST_CONCAT_INNER_(a, b)
#define CG_TEST_CONCAT_INNER_(a, b) a##b

#endif  // CRYOGRAPH_BASE_STATUS_MATCHERS_H_

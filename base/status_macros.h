// RETURN_IF_ERROR and ASSIGN_OR_RETURN: hand a Status to the caller in one line.
#ifndef CRYOGRAPH_BASE_STATUS_MACROS_H_
#define CRYOGRAPH_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expression)                               \
  do {                                                            \
    if (absl::Status cg_status = (expression); !cg_status.ok()) { \
      return cg_status;                                           \
    }                                                             \
  } while (false)

#define ASSIGN_OR_RETURN(left, expression) \
  CG_ASSIGN_OR_RETURN_(CG_CONCAT_(cg_statusor_, __LINE__), left, expression)

#define CG_ASSIGN_OR_RETURN_(statusor, left, expression)   \
  auto statusor = (expression);                            \
  if (!statusor.ok()) return std::move(statusor).status(); \
  left = std::move(statusor).value()

#define CG_CONCAT_(a, b) CG_CONCAT_INNER_(a, b)
#define CG_CONCAT_INNER_(a, b) a##b

#endif  // CRYOGRAPH_BASE_STATUS_MACROS_H_

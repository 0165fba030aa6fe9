// Values as Python writes them: literals, and calls by name, which are only read, never run.
#ifndef CRYOGRAPH_TOOLS_PYTHON_EXPRESSION_H_
#define CRYOGRAPH_TOOLS_PYTHON_EXPRESSION_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

struct PythonValue {
  enum Kind {
    kNone,
    kBool,   // integer: 0 or 1.
    kInt,    // integer.
    kFloat,  // number; also inf, nan, np.inf, np.nan.
    kText,   // text: UTF-8.
    kBytes,  // text.
    kList,   // items.
    kTuple,  // items.
    kDict,   // items: key, value, key, value …
    kName,   // text: "float32" of np.float32 or float32.
    kCall,   // text: "np.ones", ".reshape" (items[0] is the object); items; named.
  };
  Kind kind = kNone;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<PythonValue> items;
  std::vector<std::pair<std::string, PythonValue>> named;  // Arguments with a name.

  bool is_number() const { return kind == kBool || kind == kInt || kind == kFloat; }
  double as_double() const { return kind == kFloat ? number : static_cast<double>(integer); }
};

// "int", "list", "dict" …: as type() calls it.
const char* PythonTypeName(PythonValue::Kind kind);

// All of `text` as one expression: numbers, True, False, None (also true, false), strings with their escapes
// and prefixes b, r, u; lists, tuples, dictionaries; NAME(…) and EXPRESSION.NAME(…) with arguments, NAME of
// dots. InvalidArgument with the character at which something else stands, for integers of more than 64 bits
// and for more than 64 brackets in each other.
absl::StatusOr<PythonValue> ParsePythonExpression(absl::string_view text);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_PYTHON_EXPRESSION_H_

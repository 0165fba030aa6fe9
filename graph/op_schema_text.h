// The table of ops as text, and the reading of one line of it. Format: graph/op_schema_data/generate.py.
#ifndef CRYOGRAPH_GRAPH_OP_SCHEMA_TEXT_H_
#define CRYOGRAPH_GRAPH_OP_SCHEMA_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "graph/op_schema.h"

namespace cryograph {

// The whole table, compiled in.
absl::string_view OpSchemaText();

// `line` must be a line of the table, which is checked when the project is tested: there are no errors. The
// result shows its text.
OpSchema ParseOpSchemaLine(absl::string_view line);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_OP_SCHEMA_TEXT_H_

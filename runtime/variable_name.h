// The name under which a session holds the variable of a node.
#ifndef CRYOGRAPH_RUNTIME_VARIABLE_NAME_H_
#define CRYOGRAPH_RUNTIME_VARIABLE_NAME_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "runtime/node_info.h"

namespace cryograph {

// Of the variable `shared_name` of a container, or, if that is empty, of the node: VarHandleOp, VariableV2.
inline std::string VariableResourceName(absl::string_view container, absl::string_view shared_name,
                                        absl::string_view node_name) {
  return absl::StrCat("variable\n", container, "\n", shared_name.empty() ? node_name : shared_name);
}

inline std::string VariableResourceName(const NodeInfo& node) {
  return VariableResourceName(node.attr("container").s(), node.attr("shared_name").s(), node.name());
}

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_VARIABLE_NAME_H_

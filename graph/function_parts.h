// What a FunctionDef says around the nodes of its body: signature, returns, attributes; and how a call's
// attributes get into the body.
#ifndef CRYOGRAPH_GRAPH_FUNCTION_PARTS_H_
#define CRYOGRAPH_GRAPH_FUNCTION_PARTS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/attr.h"
#include "graph/model.h"
#include "graph/op_schema.h"

namespace cryograph {

// Views show the function's bytes.
struct FunctionParts {
  OpSchema signature;
  std::vector<std::pair<absl::string_view, absl::string_view>> returns;  // Output argument → reference.
  std::vector<absl::string_view> control_returns;                        // Names of nodes of the body.
  std::vector<std::pair<absl::string_view, AttrView>> attrs;

  // The reference that gives output argument `output`; empty if the function does not say.
  absl::string_view Return(absl::string_view output) const;
  // A bool attribute of the function ("_noinline"); false if it is absent.
  bool Flag(absl::string_view attr) const;
};

// InvalidArgument, naming the function, for a garbled signature.
absl::StatusOr<FunctionParts> ReadFunctionParts(const Function& function);

// A function and the attributes that a caller gives it.
struct Callee {
  absl::string_view name;
  std::vector<std::pair<absl::string_view, AttrView>> attrs;
};
// From a serialized NameAttrList, or an attribute of kind kFunc. Views show the same bytes.
Callee ReadNameAttrList(absl::string_view bytes);
Callee ReadFunc(AttrView func);

// Whether the value holds `placeholder: "T"` at any depth.
bool HasPlaceholder(AttrView value);

// `value` with what `lookup` gives for each placeholder in it. InvalidArgument, naming the placeholder, if
// that is nothing.
absl::StatusOr<std::string> BindPlaceholders(AttrView value, AttrLookup lookup);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_FUNCTION_PARTS_H_

// The definitions of the ops that a graph uses, as MetaGraphs carry them for readers who do not know them.
#ifndef CRYOGRAPH_GRAPH_OP_LIST_H_
#define CRYOGRAPH_GRAPH_OP_LIST_H_

#include <string>
#include <vector>

#include "graph/model.h"
#include "graph/op_schema.h"
#include "graph/proto/op_def.pb.h"

namespace cryograph {

// The OpDef of `schema`, without descriptions.
tensorflow::OpDef OpDefOf(const OpSchema& schema);

// OpDefs of every op in the main graph and in the functions that it leads to, sorted by name: the
// stripped_op_list of a MetaGraph. An op that the model's own list defines has that definition. Ops that
// nobody knows are left out and named in *unknown (which may be null), sorted.
tensorflow::OpList StrippedOpList(const Model& model, std::vector<std::string>* unknown);

// Ops of the main graph and of the functions that it leads to, functions themselves not counted, sorted.
std::vector<std::string> OpsInUse(const Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_OP_LIST_H_

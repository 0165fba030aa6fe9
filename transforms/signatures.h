// The names that a MetaGraph's other parts use for nodes of its graph: what passes must keep, or what must go
// when they do not.
#ifndef CRYOGRAPH_TRANSFORMS_SIGNATURES_H_
#define CRYOGRAPH_TRANSFORMS_SIGNATURES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "graph/model.h"

namespace cryograph {

// A signature of the model, or an entry of a collection, or the saver.
struct ContainerReference {
  std::string what;  // "signature 'serving_default'", for messages.
  std::vector<absl::string_view>
      nodes;  // Nodes that it names, ports and carets stripped; shows the model's bytes.
};

// Signatures alone, in the order of the file.
std::vector<ContainerReference> Signatures(const Model& model);

// Removes signatures, collection entries and the saver whose nodes the graph no longer has, so that what is
// left can be loaded. Collections of other things than nodes and variables stay. Returns what was removed,
// one phrase each.
std::vector<std::string> DropDanglingReferences(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_SIGNATURES_H_

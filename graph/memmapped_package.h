// Reads memory-mapped packages, the old form of TensorFlow models for phones: a graph and, beside it in the
// same file, the values of its large constants.
#ifndef CRYOGRAPH_GRAPH_MEMMAPPED_PACKAGE_H_
#define CRYOGRAPH_GRAPH_MEMMAPPED_PACKAGE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"

namespace cryograph {

// A named part of a package. `bytes` reach to the next region where the package does not say how long it is,
// so zeros that align the next one may follow the value.
struct PackageRegion {
  std::string name;  // "memmapped_package://w"; the graph is "memmapped_package://.".
  absl::string_view bytes;
};

// The regions of a package in the order of the file. DataLoss, with the byte offset, for a directory that is
// damaged, or that names regions outside of the file, out of order or of strange names.
absl::StatusOr<std::vector<PackageRegion>> ListPackageRegions(absl::string_view package,
                                                              absl::string_view where);

// The graph of a package. Its ImmutableConst nodes, which name regions, become the Const nodes that they were
// before; their values stay where they are. Parameters as for ImportGraphDef. DataLoss also if a node names a
// region that is not there or too small for its dtype and shape.
absl::StatusOr<Model> ImportMemmappedPackage(absl::string_view package, std::shared_ptr<const void> owner,
                                             absl::string_view where);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_MEMMAPPED_PACKAGE_H_

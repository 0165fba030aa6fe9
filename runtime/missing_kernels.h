// Which kernels a plan lacks, and how an error says so.
#ifndef CRYOGRAPH_RUNTIME_MISSING_KERNELS_H_
#define CRYOGRAPH_RUNTIME_MISSING_KERNELS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "graph/dtype.h"

namespace cryograph {

// One node that cannot run.
struct MissingKernel {
  std::string op;
  DataType dtype = DT_INVALID;  // DT_INVALID if it has none.
  std::string node;
  std::string why;        // "no kernel", "no kernel for qint8" …
  std::string functions;  // The functions around it, innermost first: " (in function 'f')".
  std::string innermost;  // The function that it is in; empty: none.
};

class MissingKernels {
 public:
  void Add(MissingKernel kernel) { list_.push_back(std::move(kernel)); }
  // What a function lacks; each node once, however many calls lead to it.
  void AddFunction(absl::string_view function, const MissingKernels& other);

  bool empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }

  // Unimplemented: op, type and node of the first, then the others by op, type and reason with the number of
  // their nodes. There must be one.
  absl::Status ToStatus() const;

 private:
  std::vector<MissingKernel> list_;
  absl::flat_hash_set<std::string> in_functions_;  // Nodes of functions that are in the list.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_MISSING_KERNELS_H_

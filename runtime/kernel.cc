#include "runtime/kernel.h"

#include <cstdio>
#include <cstdlib>
#include <map>

namespace cryograph {
namespace {

std::map<std::string, KernelFactory, std::less<>>& Table() {
  static auto* const table = new std::map<std::string, KernelFactory, std::less<>>;
  return *table;
}

}  // namespace

namespace kernel_internal {

Registration::Registration(std::initializer_list<const char*> ops, KernelFactory factory) {
  for (const char* op : ops) {
    if (Table().emplace(op, factory).second) continue;
    std::fprintf(stderr, "two kernels for op '%s'\n", op);  // A mistake of the source, not of a user.
    std::abort();
  }
}

}  // namespace kernel_internal

KernelFactory FindKernel(absl::string_view op) {
  const auto found = Table().find(op);
  return found == Table().end() ? nullptr : found->second;
}

std::vector<absl::string_view> KernelOps() {
  std::vector<absl::string_view> ops;
  for (const auto& [op, factory] : Table()) ops.push_back(op);
  return ops;
}

}  // namespace cryograph

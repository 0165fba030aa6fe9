// Prints a line for every pass on every golden input: a digest of what comes out. same_bytes_test.sh compares
// the lines of two processes, whose hash tables are seeded differently and whose memory lies elsewhere.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/contract/contract_runs.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

// FNV-1a: the same in every process.
uint64_t Digest(const std::string& bytes) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

int Main(const std::vector<std::string>& paths) {
  const absl::StatusOr<std::vector<std::string>> specs = ContractSpecs();
  if (!specs.ok()) {
    std::fprintf(stderr, "%s\n", specs.status().ToString().c_str());
    return 1;
  }
  for (const std::string& path : paths) {
    for (const std::string& spec : *specs) {
      absl::StatusOr<Model> model = LoadGolden(path);
      absl::StatusOr<PassManager> manager = PassManager::Parse(spec);
      if (!model.ok() || !manager.ok()) return 1;
      PassContext context(&*model, PromisesOf(*model));
      const absl::Status status = manager->Run(*model, context);
      const std::string said =
          status.ToString() + context.run_report().Table(true) + context.run_report().Json();
      std::printf("%s %s %016llx %016llx\n", path.c_str(), spec.c_str(),
                  static_cast<unsigned long long>(Digest(BytesOf(*model))),
                  static_cast<unsigned long long>(Digest(said)));
    }
  }
  return 0;
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) { return cryograph::Main(cryograph::GoldenInputs(argc, argv)); }

// Runs every registered pass on every golden input: what the contract tests look at.
#ifndef CRYOGRAPH_TESTS_CONTRACT_CONTRACT_RUNS_H_
#define CRYOGRAPH_TESTS_CONTRACT_CONTRACT_RUNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/model.h"
#include "transforms/pass.h"

namespace cryograph {

// A spec for each registered pass, with values for what it requires; sorted by pass. NotFound names a pass
// with required parameters that has none: add it to contract_runs.cc.
absl::StatusOr<std::vector<std::string>> ContractSpecs();

// The golden inputs among `args`, a program's command line.
std::vector<std::string> GoldenInputs(int argc, char** argv);

// Reads a golden input.
absl::StatusOr<Model> LoadGolden(const std::string& path);

// Its placeholders as inputs and the nodes that nobody reads as outputs.
PassOptions PromisesOf(Model& model);

// The model as a GraphDef; defects that the file brought along are written as they are.
std::string BytesOf(Model& model);

}  // namespace cryograph

#endif  // CRYOGRAPH_TESTS_CONTRACT_CONTRACT_RUNS_H_

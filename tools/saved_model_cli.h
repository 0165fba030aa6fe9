// The verbs of saved_model_cli.
#ifndef CRYOGRAPH_TOOLS_SAVED_MODEL_CLI_H_
#define CRYOGRAPH_TOOLS_SAVED_MODEL_CLI_H_

#include <string>
#include <vector>

#include "absl/types/span.h"

namespace cryograph {

// Each runs with what follows the verb, and returns the exit status.
int RunSavedModelShow(absl::Span<const std::string> args);
int RunSavedModelScan(absl::Span<const std::string> args);
int RunSavedModelFreeze(absl::Span<const std::string> args);
int RunSavedModelRun(absl::Span<const std::string> args);
int RunSavedModelFreezeModel(absl::Span<const std::string> args);

// "['serve', 'gpu']", "{'Add', 'Mul'}": lists and sets as Python prints them.
std::string PythonList(const std::vector<std::string>& names, char open, char close);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_SAVED_MODEL_CLI_H_

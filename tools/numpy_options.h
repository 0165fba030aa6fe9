// numpy's print options on a command line: --printoptions precision=3 threshold=100
#ifndef CRYOGRAPH_TOOLS_NUMPY_OPTIONS_H_
#define CRYOGRAPH_TOOLS_NUMPY_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "graph/numpy_text.h"

namespace cryograph {

// Moves the words of --printoptions, all that follow it up to the next flag, from `args` to *words, and
// returns the rest.
std::vector<std::string> TakePrintOptions(absl::Span<const std::string> args,
                                          std::vector<std::string>* words);

// Sets options from "k=v". InvalidArgument in the words of TensorFlow's tool: 'bad' is not in the form k=v.
absl::Status SetPrintOptions(const std::vector<std::string>& words, NumpyTextOptions* options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_NUMPY_OPTIONS_H_

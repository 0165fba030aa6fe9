// Which nodes of a graph are probably its results, for users who do not know their names.
#ifndef CRYOGRAPH_TOOLS_OUTPUT_GUESSES_H_
#define CRYOGRAPH_TOOLS_OUTPUT_GUESSES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"

namespace cryograph {

struct OutputGuess {
  std::string node;
  int score = 0;    // More is likelier.
  std::string why;  // "nothing reads it; named like a result; depends on x".
};

// Nodes that nothing reads but training, saving and summaries, the likeliest first; nodes of one score in
// file order. Linear in the graph but for the sorting.
std::vector<OutputGuess> GuessOutputs(Model& model);

// The outputs of a signature as node or tensor names: of 'serving_default', else of the only one that the
// model has. Empty if it has none. InvalidArgument, listing them, if there are several and none is the
// default. `*note` says what was taken.
absl::StatusOr<std::vector<std::string>> OutputsOfSignature(Model& model, std::string* note);

// What to freeze if no output was named: a signature's outputs, else, if `take_guess`, the likeliest guesses
// (all of the highest score). Notes say what was taken and why. Usage error (CG104), with the ranked guesses,
// if there is nothing to take. `flag` is where names would have stood ("--output_node_names").
absl::StatusOr<std::vector<std::string>> ChooseOutputs(Model& model, bool take_guess, absl::string_view flag,
                                                       std::vector<std::string>* notes);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_OUTPUT_GUESSES_H_

// checkpoint: looks into checkpoints, and makes other ones of them. `cryograph checkpoint VERB …`
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/nearest.h"
#include "tools/checkpoint_verbs.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(absl::Span<const std::string> args);
};

// In the order in which a newcomer wants them.
constexpr Verb kVerbs[] = {
    {"list", "The tensors: names, types, shapes.", RunCheckpointList},
    {"show", "What a checkpoint is: files, totals, optimizer, objects, state file.", RunCheckpointShow},
    {"verify", "Checks every checksum.", RunCheckpointVerify},
    {"diff", "What differs between two.", RunCheckpointDiff},
    {"copy", "A new checkpoint of some tensors, under other names.", RunCheckpointCopy},
    {"merge", "One checkpoint of several.", RunCheckpointMerge},
    {"convert", "From V1 to V2, from V2 to V1.", RunCheckpointConvert},
    {"reshard", "The same tensors in more or fewer data files.", RunCheckpointReshard},
    {"export", "To .npz, .npy files or safetensors.", RunCheckpointExport},
    {"import", "From .npz, .npy files or safetensors.", RunCheckpointImport},
};

const Verb* FindVerb(absl::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (name == verb.name) return &verb;
  }
  return nullptr;
}

std::string ListOfVerbs() {
  std::string text;
  for (const Verb& verb : kVerbs) absl::StrAppendFormat(&text, "%-8s %s\n", verb.name, verb.summary);
  return text + "\ncheckpoint VERB --help tells the flags of each.";
}

int Run(absl::Span<const std::string> args) {
  if (!args.empty() && (args[0] == "help" || FindVerb(args[0]) != nullptr)) {
    const bool help = args[0] == "help";
    const Verb* const verb = help && args.size() > 1 ? FindVerb(args[1]) : FindVerb(args[0]);
    if (verb != nullptr) return help ? verb->run({"--help"}) : verb->run(args.subspan(1));
  }
  cli::Command command("checkpoint", cli::Family::kCpp,
                       "looks into checkpoints of every TensorFlow, and makes other ones of them.");
  std::vector<std::string> words;
  command.Usage("VERB [--FLAG=VALUE…]");
  command.Positionals(&words, "PATH…");
  command.Example("checkpoint list model.ckpt-1000", "Which tensors are there?");
  command.Example("checkpoint export model.ckpt-1000 --out=weights.safetensors", "The weights for PyTorch:");
  command.Example("checkpoint copy model.ckpt-1000 lean.ckpt --strip_optimizer",
                  "Without what training needs:");
  command.Epilogue("Verbs", ListOfVerbs);
  command.Epilogue("Exit status",
                   "0: done. 1: the work failed, or verify or diff found something. 2: wrong usage.");
  std::vector<std::string> with_help(args.begin(), args.end());
  if (!args.empty() && args[0] == "help") with_help = {"--help"};
  if (std::optional<int> status = command.Parse(with_help)) return *status;
  if (words.empty()) {
    return cli::Finish(cli::UsageError(absl::StrCat("checkpoint needs a verb:\n", ListOfVerbs())));
  }
  std::vector<absl::string_view> names;
  for (const Verb& verb : kVerbs) names.emplace_back(verb.name);
  return cli::Finish(
      cli::UsageError(absl::StrCat("checkpoint has no verb '", words[0], "'",
                                   DidYouMean(NearestNames(words[0], names)), "\ntry: checkpoint --help")));
}

CRYOGRAPH_REGISTER_TOOL(checkpoint, "Looks into checkpoints; copies, merges, converts, exports them.", Run);

}  // namespace
}  // namespace cryograph

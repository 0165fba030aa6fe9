// saved_model_cli: TensorFlow's tool that shows what a SavedModel offers, flag for flag.
#include "tools/saved_model_cli.h"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/nearest.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(absl::Span<const std::string> args);
};

int Refuse(const std::string& verb, absl::string_view why, absl::string_view instead) {
  cli::PrintError(absl::UnimplementedError(
      absl::StrCat("saved_model_cli ", verb, " is not supported\nwhy: ", why, "\ntry: ", instead)));
  return cli::kFailure;
}

int Run(absl::Span<const std::string> args) {
  static constexpr Verb kVerbs[] = {
      {"show", "Tag-sets, signatures, tensors, ops and functions of a SavedModel.", RunSavedModelShow},
      {"scan", "Ops of a SavedModel that reach out of it.", RunSavedModelScan},
      {"freeze", "The graph of a signature with its variables as constants.", RunSavedModelFreeze},
      {"run", "Runs a signature.", RunSavedModelRun},
      {"convert", "Makes TensorRT engines of a SavedModel.",
       [](absl::Span<const std::string>) {
         return Refuse("convert", "it needs TensorRT",
                       "freeze_graph and transform_graph, which need no library");
       }},
      {"freeze_model", "What TensorFlow's ahead-of-time compiler takes.", RunSavedModelFreezeModel},
      {"aot_compile_cpu", "Compiles a SavedModel ahead of time.",
       [](absl::Span<const std::string>) {
         return Refuse("aot_compile_cpu", "it needs TensorFlow's compiler", "saved_model_cli freeze");
       }},
  };
  const std::string verb = args.empty() ? "" : args[0];
  if (verb == "--version" || verb == "-v") {
    std::puts("0.1.0");
    return cli::kSuccess;
  }
  if (verb == "--help" || verb == "-h" || verb == "help") {
    std::printf("usage: saved_model_cli VERB [flags]; saved_model_cli VERB --help\n\n");
    for (const Verb& each : kVerbs) std::printf("  %-16s %s\n", each.name, each.summary);
    return cli::kSuccess;
  }
  std::vector<absl::string_view> names;
  for (const Verb& each : kVerbs) {
    if (verb == each.name) return each.run(args.subspan(1));
    names.push_back(each.name);
  }
  std::string message = verb.empty() ? "saved_model_cli needs a verb"
                                     : absl::StrCat("saved_model_cli has no verb '", verb, "'");
  const std::vector<std::string> near = NearestNames(verb, names);
  absl::StrAppend(&message, "\ntry: ", near.empty() ? "saved_model_cli show --dir=DIR" : near[0]);
  cli::PrintError(cli::UsageError(message));
  return cli::kUsage;
}

CRYOGRAPH_REGISTER_TOOL(saved_model_cli, "What a SavedModel offers, as TensorFlow's tool shows it.", Run);

}  // namespace
}  // namespace cryograph

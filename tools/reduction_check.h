// What a graph that is made smaller must go on showing.
#ifndef CRYOGRAPH_TOOLS_REDUCTION_CHECK_H_
#define CRYOGRAPH_TOOLS_REDUCTION_CHECK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/model.h"
#include "tools/output_check.h"

namespace cryograph {

class ReductionCheck {
 public:
  virtual ~ReductionCheck() = default;

  // What fails in `model`, in words that are equal for equal failures ("output differs", "lint finding
  // L107"); empty if nothing does, or if it cannot be found out. `outputs` are those of the model; empty
  // where the check needs none.
  virtual std::string Failure(const Model& model, const std::vector<std::string>& outputs) = 0;

  // Why the model that was looked at last could not be judged, if so.
  virtual std::string reason() const { return ""; }
  // Outputs must be named, and nodes that they do not need say nothing.
  virtual bool needs_outputs() const { return true; }
  // Whether the result may be a graph that TensorFlow refuses.
  virtual bool allows_defects() const { return false; }
};

// The inputs of a run: those that the user has named, where the model still has them, and every Placeholder
// that the outputs need.
std::vector<std::string> InputsOf(Model& model, const std::vector<std::string>& named,
                                  const std::vector<std::string>& outputs);
// `flags` without feeds for nodes that the model no longer has.
OutputCheckFlags FeedsOf(Model& model, const OutputCheckFlags& flags);

// The outputs differ after the transforms `spec`, or a transform fails, or the result cannot be run.
std::unique_ptr<ReductionCheck> TransformCheck(std::string spec, std::vector<std::string> inputs,
                                               OutputCheckFlags flags);

// A run of the outputs fails. Failures are equal if they have one status code and one text, names and
// numbers aside; with `message`, if that is part of both.
std::unique_ptr<ReductionCheck> RunCheck(std::string message, std::vector<std::string> inputs,
                                         OutputCheckFlags flags);

// lint has a finding of that code ("L107").
std::unique_ptr<ReductionCheck> LintCheck(std::string code);

struct CommandCheckOptions {
  std::string command;     // A line for /bin/sh, in which {} stands for the graph's file.
  int exit_code = -1;      // That shows the failure; -1: any but 0, the same as the whole graph's.
  bool text = false;       // The file is text, named .pbtxt; else binary, named .pb.
  double time_limit = 60;  // Seconds; a command that takes longer is killed, and shows nothing.
};
// A word as /bin/sh reads it, whatever is in it: in single quotes.
std::string ShellWord(absl::string_view word);

// The command ends with an exit status. InvalidArgument if it has no {}.
absl::StatusOr<std::unique_ptr<ReductionCheck>> CommandCheck(CommandCheckOptions options);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_REDUCTION_CHECK_H_

#include "graph/finding.h"

#include <cassert>

#include "absl/strings/str_cat.h"

namespace cryograph {
namespace {

constexpr Severity kError = Severity::kError;
constexpr Severity kWarning = Severity::kWarning;

constexpr FindingKind kKinds[] = {
    {FindingCode::kBadName, kError, "bad_name",
     "A node's name has a form that no TensorFlow imports: it must begin with a letter, a digit or '.', and "
     "go on with "
     "those and '_', '-', '/', '>'.",
     "rename the node with rename_node"},
    {FindingCode::kNewName, kError, "new_name",
     "A name with '>' is refused by TensorFlow 1.15 (only reported for that target).", "rename the node"},
    {FindingCode::kDuplicateName, kError, "duplicate_name",
     "Two nodes have one name; references mean the later one.",
     "rename or remove one of them; the graph was put together from two with equal names"},
    {FindingCode::kNoOp, kError, "no_op", "A node has no op.", "remove the node"},
    {FindingCode::kControlBeforeData, kError, "control_before_data",
     "A data input stands behind a control input in a node's list.",
     "any pass that rewrites the node puts its control inputs last"},
    {FindingCode::kBadInput, kError, "bad_input",
     "An input is no reference: empty, a control input with a port, a port that is no number.",
     "correct the reference in the program that wrote the graph"},
    {FindingCode::kMissingInput, kError, "missing_input",
     "An input names a node that the graph does not have.",
     "the graph was cut too close: keep the node, or name the input as one of the cut"},
    {FindingCode::kCycle, kError, "cycle",
     "Nodes wait for each other. Only the edge from a NextIteration to a Merge may close a loop.",
     "break the cycle at one of the nodes named"},
    {FindingCode::kMissingColocation, kError, "missing_colocation",
     "The attribute _class wants a node beside one that the graph does not have.",
     "remove_attribute(attribute_name=_class)"},
    {FindingCode::kNoSuchOutput, kError, "no_such_output",
     "An input names an output that the producer does not have.", "correct the port"},
    {FindingCode::kBadDevice, kError, "bad_device", "A device cannot be parsed.", "remove_device"},
    {FindingCode::kUnknownOp, kWarning, "unknown_op",
     "No release of TensorFlow that is known here has the op, and no function of the model has its name: a "
     "custom op "
     "that the program loading the graph must bring.",
     "nothing, if that program has it; otherwise cut it out or replace it"},
    {FindingCode::kDeprecatedOp, kError, "deprecated_op",
     "TensorFlow refuses the op in graphs of this producer version, because another op has taken its place.",
     "export the model again, or replace the op; a lower producer version lets it load"},
    {FindingCode::kMissingAttr, kError, "missing_attr", "A node lacks an attribute that has no default.",
     "set the attribute"},
    {FindingCode::kUnknownAttr, kWarning, "unknown_attr",
     "A node has an attribute that its op does not declare: releases up to 2.4 refuse the graph, later ones "
     "ignore "
     "the attribute (an error for target 1.15).",
     "remove_attribute, if it holds what the op does anyway"},
    {FindingCode::kAttrKind, kError, "attr_kind",
     "An attribute's value is of another kind than its op declares.",
     "set the attribute to a value of that kind"},
    {FindingCode::kEmptyAttr, kError, "empty_attr", "An attribute without a default has no value.",
     "set the attribute"},
    {FindingCode::kValueNotAllowed, kError, "value_not_allowed",
     "An attribute's value is not among those that its op allows.", "set the attribute to one of them"},
    {FindingCode::kBelowMinimum, kError, "below_minimum",
     "An attribute's number, or the length of its list, is below what its op asks for.", "set the attribute"},
    {FindingCode::kNumInputs, kError, "num_inputs",
     "A node has more or fewer data inputs than its op and attributes say.", "give it that many inputs"},
    {FindingCode::kInputType, kError, "input_type", "A node reads a tensor of another type than it expects.",
     "put a Cast between them, or set the type attributes of both nodes alike"},
    {FindingCode::kInputNotReference, kError, "input_not_reference",
     "A node that changes a variable in place reads a plain value: what is left of training in a frozen "
     "graph.",
     "name an output in front of the update, or strip the update with strip_unused_nodes"},
    {FindingCode::kConstType, kError, "const_type",
     "A Const's attribute dtype differs from its tensor's type.", "set dtype to the tensor's type"},
    {FindingCode::kBadTensor, kError, "bad_tensor", "A tensor's shape or bytes are malformed.",
     "take the value from the original file again"},
    {FindingCode::kTooFewShapes, kError, "too_few_shapes",
     "_output_shapes has fewer shapes than the node has outputs.",
     "remove_attribute(attribute_name=_output_shapes)"},
    {FindingCode::kTooManyShapes, kWarning, "too_many_shapes",
     "_output_shapes has more shapes than the node has outputs.",
     "remove_attribute(attribute_name=_output_shapes)"},
    {FindingCode::kOpNotInRelease, kError, "op_not_in_release",
     "The release asked for does not have the op (only reported for a target).",
     "replace the op by those that the release has"},
    {FindingCode::kShapeConflict, kError, "shape_conflict",
     "The shapes that a node reads cannot go together; TensorFlow finds that when it imports the graph.",
     "look at the shapes with infer_shapes; an input's shape is set with set_input"},
    {FindingCode::kOutputShapes, kError, "output_shapes",
     "The attribute _output_shapes says something else than what the graph comes to.",
     "remove_attribute(attribute_name=_output_shapes)"},
    {FindingCode::kMissingFunction, kError, "missing_function",
     "A node calls a function that the library lacks.", "take the function library over with the graph"},
    {FindingCode::kFunctionDiffers, kError, "function_differs", "Two functions of one name differ.",
     "rename one of them"},
    {FindingCode::kFunctionHidesOp, kError, "function_hides_op", "A function has the name of an op.",
     "rename the function"},
    {FindingCode::kBadBody, kError, "bad_body", "A function's body cannot be read.",
     "export the model again"},
    {FindingCode::kBadBodyInput, kError, "bad_body_input",
     "An input in a function's body is no argument and no output in the form node:output_arg:index.",
     "correct the reference"},
    {FindingCode::kBadReturn, kError, "bad_return",
     "A function returns something that its body does not have, or does not say what an output is.",
     "correct the function's ret or control_ret"},
    {FindingCode::kRecursion, kWarning, "recursion",
     "Functions call each other in a circle: TensorFlow loads that, and dies when it runs.",
     "break the circle"},
    {FindingCode::kMissingGradient, kError, "missing_gradient",
     "The library says which function computes a gradient, and lacks one of the two.",
     "add the function, or remove the gradient entry"},
    {FindingCode::kFramesMixed, kError, "frames_mixed",
     "A node reads from two loop frames, or leaves a loop that it is not in: it fails when the graph runs.",
     "bring the value into the loop by an Enter, or give a constant a control input from inside the loop"},
    {FindingCode::kMinConsumer, kError, "min_consumer",
     "The graph asks for a newer TensorFlow than the newest known here, or than the target.",
     "use a newer release, or lower versions.min_consumer if the graph needs nothing new"},
    {FindingCode::kBadProducer, kError, "bad_producer", "The graph's producer version is negative.",
     "set versions.producer"},
    {FindingCode::kBadConsumer, kError, "bad_consumer",
     "The graph excludes the release by versions.bad_consumers.", "use another release"},
    {FindingCode::kSignature, kError, "signature",
     "A signature names a tensor that the graph does not have: calls of that signature fail.",
     "keep the node, or remove the signature"},
    {FindingCode::kSaver, kWarning, "saver",
     "The saver names a node that the graph does not have: saving and restoring through it fails.",
     "drop the saver; a frozen graph needs none"},
};

}  // namespace

absl::string_view SeverityName(Severity severity) {
  return severity == Severity::kError ? "error" : "warning";
}

absl::Span<const FindingKind> FindingKinds() { return kKinds; }

const FindingKind& KindOf(FindingCode code) {
  for (const FindingKind& kind : kKinds) {
    if (kind.code == code) return kind;
  }
  assert(false);
  return kKinds[0];
}

std::string CodeText(FindingCode code) { return absl::StrCat("L", static_cast<int>(code)); }

std::string FindingKindsMarkdown() {
  std::string text =
      "| code | name | severity | what it means | what to do |\n| --- | --- | --- | --- | --- |\n";
  for (const FindingKind& kind : kKinds) {
    absl::StrAppend(&text, "| ", CodeText(kind.code), " | `", kind.name, "` | ", SeverityName(kind.severity),
                    " | ", kind.what, " | ", kind.hint, " |\n");
  }
  return text;
}

std::string FindingText(const Finding& finding) {
  std::string where;
  if (!finding.function.empty()) absl::StrAppend(&where, "function '", finding.function, "'");
  if (!finding.node.empty()) absl::StrAppend(&where, where.empty() ? "" : ", ", "node '", finding.node, "'");
  return absl::StrCat(SeverityName(finding.severity), " ", CodeText(finding.code), ": ", where,
                      where.empty() ? "" : ": ", finding.text);
}

bool HasErrors(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kError) return true;
  }
  return false;
}

absl::Status FindingsStatus(const std::vector<Finding>& findings) {
  const Finding* first = nullptr;
  size_t errors = 0;
  for (const Finding& finding : findings) {
    if (finding.severity != Severity::kError) continue;
    if (first == nullptr) first = &finding;
    ++errors;
  }
  if (first == nullptr) return absl::OkStatus();
  std::string text = FindingText(*first);
  text.erase(0, SeverityName(Severity::kError).size() + 1);
  return absl::InvalidArgumentError(absl::StrCat(
      text, errors > 1 ? absl::StrCat(" (and ", errors - 1, " more errors)") : "", "; ", first->hint));
}

}  // namespace cryograph

// What can be wrong with a model: every kind of finding has a stable code, a severity, and a word on what to
// do.
#ifndef CRYOGRAPH_GRAPH_FINDING_H_
#define CRYOGRAPH_GRAPH_FINDING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace cryograph {

enum class Severity {
  kError,    // TensorFlow refuses the graph, or a part of it when that is used.
  kWarning,  // Some release refuses it, or it is most likely not meant.
};
absl::string_view SeverityName(Severity severity);  // "error", "warning"

// Codes never change their meaning and are never used again. L1: names and edges; L2: ops and attributes;
// L3: functions; L4: control flow; L5: versions; L6: what stands around the graph.
enum class FindingCode {
  kBadName = 101,
  kNewName = 102,
  kDuplicateName = 103,
  kNoOp = 104,
  kControlBeforeData = 105,
  kBadInput = 106,
  kMissingInput = 107,
  kCycle = 108,
  kMissingColocation = 109,
  kNoSuchOutput = 110,
  kBadDevice = 111,
  kUnknownOp = 201,
  kDeprecatedOp = 202,
  kMissingAttr = 203,
  kUnknownAttr = 204,
  kAttrKind = 205,
  kEmptyAttr = 206,
  kValueNotAllowed = 207,
  kBelowMinimum = 208,
  kNumInputs = 209,
  kInputType = 210,
  kInputNotReference = 211,
  kConstType = 212,
  kBadTensor = 213,
  kTooFewShapes = 214,
  kTooManyShapes = 215,
  kOpNotInRelease = 216,
  kShapeConflict = 217,
  kOutputShapes = 218,
  kMissingFunction = 301,
  kFunctionDiffers = 302,
  kFunctionHidesOp = 303,
  kBadBody = 304,
  kBadBodyInput = 305,
  kBadReturn = 306,
  kRecursion = 307,
  kMissingGradient = 308,
  kFramesMixed = 401,
  kMinConsumer = 501,
  kBadProducer = 502,
  kBadConsumer = 503,
  kSignature = 601,
  kSaver = 602,
};

// A row of the table that `lint --list` and docs/lint.md are printed from.
struct FindingKind {
  FindingCode code;
  Severity severity;
  absl::string_view name;  // "missing_input"
  absl::string_view what;  // One sentence: the defect, and who minds it.
  absl::string_view hint;  // What to do about it.
};
// Sorted by code.
absl::Span<const FindingKind> FindingKinds();
// The kind of `code`; there is one for every code.
const FindingKind& KindOf(FindingCode code);
std::string CodeText(FindingCode code);  // "L107"
// The table in Markdown.
std::string FindingKindsMarkdown();

struct Finding {
  FindingCode code;
  Severity severity;
  std::string function;  // Whose body it is in; empty: the main graph, or the model as a whole.
  std::string node;      // Empty if it is not about one node.
  std::string text;      // "input 1 names 'q', but the graph has no node of that name".
  std::string hint;      // KindOf(code).hint, or something better.
};

// "error L107: node 'a': input 1 names 'q', but …"; of a function "error L107: function 'f', node 'a': …".
std::string FindingText(const Finding& finding);

bool HasErrors(const std::vector<Finding>& findings);
// OK if there is no error among them, else InvalidArgument with the first one and the number of the others.
absl::Status FindingsStatus(const std::vector<Finding>& findings);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_FINDING_H_

// What a pass is, and all that it may use besides the graph.
#ifndef CRYOGRAPH_TRANSFORMS_PASS_H_
#define CRYOGRAPH_TRANSFORMS_PASS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"   // IWYU pragma: export
#include "graph/graph.h"          // IWYU pragma: export
#include "graph/model.h"          // IWYU pragma: export
#include "transforms/param.h"     // IWYU pragma: export
#include "transforms/registry.h"  // IWYU pragma: export
#include "transforms/report.h"

namespace cryograph {

class ConstantEvaluator;

// What a pass promises about the numbers that the graph computes.
enum class Semantics {
  kExact,           // Bit for bit the same.
  kWithinRounding,  // The same up to float rounding.
  kNotKept,         // Others: quantisation, or whatever the user asked for (removing a Dropout, say).
};

// How far the outputs of a graph may move, by the least strict of the three bounds; all 0: not at all.
struct ErrorBound {
  double absolute = 0;
  double relative = 0;  // Of the magnitude of the value before.
  int64_t ulps = 0;     // Steps between neighbouring numbers of the output's type.
};
// None for kExact, else what rounding in another order costs: 1e-5, or 1e-4 of the value. So it is for
// kNotKept, too: how much more is right, the pass or the user must say.
ErrorBound DefaultErrorBound(Semantics semantics);

// A name as a user gives it for an input or output: "x", "x:1" or "^x".
struct TensorName {
  std::string node;
  int32_t port = 0;
  bool has_port = false;  // ":0" was written out.
  bool control = false;   // "^x"
};
// InvalidArgument if there is no node name or the port is no number.
absl::StatusOr<TensorName> ParseTensorName(absl::string_view text);

// What a run is given by its caller.
struct PassOptions {
  std::vector<TensorName> inputs;
  std::vector<TensorName> outputs;
  std::vector<std::string> keep;  // Further nodes whose names are promised.
  // Do what transform_graph does where it is wrong but somebody needs its bytes; never its crashes.
  bool compat = false;
  ConstantEvaluator* evaluator = nullptr;
  // Makes a path of a spec one that can be opened (relative to where the user stands); empty: taken as it is.
  std::function<std::string(absl::string_view)> resolve_path;
};

// One per run of a pipeline over a model; not thread safe.
class PassContext {
 public:
  PassContext(Model* model, PassOptions options) : model_(model), options_(std::move(options)) {}

  // For passes that must see functions, versions or the checkpoint. model().graph() is the graph that Run()
  // gets.
  Model& model() { return *model_; }
  const std::vector<TensorName>& inputs() const { return options_.inputs; }
  const std::vector<TensorName>& outputs() const { return options_.outputs; }
  const std::vector<std::string>& keep() const { return options_.keep; }
  bool compat() const { return options_.compat; }
  ConstantEvaluator* evaluator() { return options_.evaluator; }  // Null if the tool has no runtime.
  std::string ResolvePath(absl::string_view path) const;

  // Adds to a figure of the run report: Count("removed").
  void Count(absl::string_view what, int64_t n = 1) { report().Count(what, n); }
  // A candidate that the pass left alone, and why: "it is an output of the graph". Shown with --remarks.
  void Skip(Node node, absl::string_view why);
  // Something noteworthy that was done. Shown with --remarks.
  void Remark(Node node, absl::string_view what);
  void Remark(absl::string_view what) { report().AddRemark(RemarkKind::kNote, "", "", what); }
  // Something that the user should know even without --remarks; tools print it.
  void Warn(absl::string_view text) { report().AddRemark(RemarkKind::kWarning, "", "", text); }

  // Calls `body` for the main graph and then, if `functions`, for the body of each library function, in
  // order. The error of a function's body is prefixed with the function's name.
  absl::Status ForEachGraph(bool functions, const std::function<absl::Status(Graph&)>& body);

  // The step that is running; what the manager and its instrumentation use.
  StepReport& report() { return *report_; }
  void set_report(StepReport* report) { report_ = report; }
  RunReport& run_report() { return run_report_; }

 private:
  Model* model_;
  PassOptions options_;
  RunReport run_report_;
  StepReport outside_;  // For what is said between steps.
  StepReport* report_ = &outside_;
  std::string function_;  // Whose body is being worked on.
};

// A transformation of the graph. Subclasses declare their parameters as Param members, implement Run() and
// register themselves. Run() keeps nothing from one call to the next: a pipeline is run on many models, and a
// pass of a repeat{} many times on one.
class Pass : public ParamOwner {
 public:
  Pass(absl::string_view name, absl::string_view summary, Semantics semantics = Semantics::kExact)
      : name_(name), summary_(summary), semantics_(semantics) {}
  virtual ~Pass() = default;
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  const std::string& name() const { return name_; }        // As a spec writes it: "remove_device".
  const std::string& summary() const { return summary_; }  // One sentence.
  Semantics semantics() const { return semantics_; }
  // What the outputs are held to after the pass, unless the user says something else.
  virtual ErrorBound error_bound() const { return DefaultErrorBound(semantics_); }
  // Further paragraphs for docs/passes.md (Markdown): what it does in detail, and where and why it differs
  // from transform_graph.
  virtual std::string doc() const { return ""; }

  // Rules between parameters, checked when the spec is read. InvalidArgument.
  virtual absl::Status CheckParams() const { return absl::OkStatus(); }

  // Rewrites `graph`, the main graph of context.model(). An error is for a graph that is broken or a request
  // that cannot be met, naming the node; a candidate that merely does not fit is skipped with a reason. A
  // graph can be damaged in places the pass need not touch (graph/verify.h), and then it should cope.
  virtual absl::Status Run(Graph& graph, PassContext& context) = 0;

 private:
  std::string name_, summary_;
  Semantics semantics_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_PASS_H_

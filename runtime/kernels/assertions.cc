// Ops that look at values and may stop the run or write to stderr: Assert, Abort, Print, PrintV2.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

using PrintedTypes = JoinTypes<RealTypes, BoolType>;

// "[0.5 1 2...]", at most `limit` elements; all of them if it is negative.
std::string ElementsText(const Value& value, int64_t limit) {
  const int64_t count = limit < 0 ? value.num_elements() : std::min(limit, value.num_elements());
  std::string text = "[";
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) text += " ";
    if (value.dtype() == DT_STRING) {
      absl::StrAppend(&text, absl::CHexEscape(value.data<std::string>()[i]));
      continue;
    }
    const absl::Status status = DispatchType<PrintedTypes>(value.dtype(), [&](auto tag) {
      absl::StrAppendFormat(&text, "%.6g", static_cast<double>(value.data<TypeOf<decltype(tag)>>()[i]));
      return absl::OkStatus();
    });
    if (!status.ok()) text += "?";
  }
  return absl::StrCat(text, count < value.num_elements() ? "...]" : "]");
}

class AssertKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override { return node.Attr("summarize", &summarize_); }
  absl::Status Compute(KernelContext& context) const override {
    if (context.input(0).num_elements() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("the condition must be one bool, not ", ValueText(context.input(0))));
    }
    if (context.input(0).scalar<bool>()) return absl::OkStatus();
    std::string message = "assertion failed:";
    for (int i = 1; i < context.num_inputs(); ++i) {
      absl::StrAppend(&message, " ", ElementsText(context.input(i), summarize_));
    }
    return absl::InvalidArgumentError(message);
  }

 private:
  int64_t summarize_ = 3;
};
CRYOGRAPH_KERNEL(AssertKernel, "Assert");

// TensorFlow ends the program; here the run fails.
class AbortKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("error_msg", &message_));
    return node.Attr("exit_without_error", &without_error_);
  }
  absl::Status Compute(KernelContext& context) const override {
    (void)context;
    return absl::AbortedError(without_error_ ? "the graph ends the program"
                                             : absl::StrCat("the graph aborts: ", message_));
  }

 private:
  std::string message_;
  bool without_error_ = false;
};
CRYOGRAPH_KERNEL(AbortKernel, "Abort");

// Passes input 0 on.
class PrintKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(node.Attr("message", &message_));
    RETURN_IF_ERROR(node.Attr("first_n", &first_n_));
    return node.Attr("summarize", &summarize_);
  }
  absl::Status Compute(KernelContext& context) const override {
    context.SetOutput(0, context.input(0));
    if (first_n_ >= 0) {
      ASSIGN_OR_RETURN(const std::shared_ptr<Counter> counter,
                       context.NodeState<Counter>([] { return std::make_shared<Counter>(); }));
      if (counter->printed.fetch_add(1) >= first_n_) return absl::OkStatus();
    }
    std::string text = message_;
    for (int i = 1; i < context.num_inputs(); ++i) {
      absl::StrAppend(&text, ElementsText(context.input(i), summarize_));
    }
    std::fputs(absl::StrCat(text, "\n").c_str(), stderr);
    return absl::OkStatus();
  }

 private:
  struct Counter final : Object {
    static const char* Kind() { return "print counter"; }
    const char* kind() const override { return Kind(); }
    std::atomic<int64_t> printed{0};
  };

  std::string message_;
  int64_t first_n_ = -1, summarize_ = 3;
};
CRYOGRAPH_KERNEL(PrintKernel, "Print");

// A file or a log as output_stream is not served: what a graph says goes to stderr.
class PrintV2Kernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    const absl::string_view streams[] = {"stdout", "stderr", "log(info)", "log(warning)", "log(error)"};
    const absl::string_view stream = node.attr("output_stream").Get<absl::string_view>("stderr");
    if (!absl::StartsWith(stream, "file://") &&
        std::find(std::begin(streams), std::end(streams), stream) == std::end(streams)) {
      return absl::InvalidArgumentError(absl::StrCat("output_stream is '", stream, "' instead of one of ",
                                                     absl::StrJoin(streams, ", "), ", file://PATH"));
    }
    if (node.attr("end").kind() == AttrView::kNone) return absl::OkStatus();
    return node.Attr("end", &end_);
  }
  absl::Status Compute(KernelContext& context) const override {
    RETURN_IF_ERROR(ExpectScalar(context.input(0), "input"));
    std::fputs(absl::StrCat(context.input(0).scalar<std::string>(), end_).c_str(), stderr);
    return absl::OkStatus();
  }

 private:
  std::string end_ = "\n";
};
CRYOGRAPH_KERNEL(PrintV2Kernel, "PrintV2");

}  // namespace
}  // namespace cryograph

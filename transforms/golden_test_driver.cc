// Runs one case of a pass: the pipeline of a .in.pbtxt, whose result must be the .out.pbtxt. Both are
// compared as parsed graphs, printed alike, so spelling and attribute order do not matter; node order does.
//
// Lines at the top of the input, each "# key: value":
//   pass      the pipeline; several lines are one pipeline
//   inputs, outputs, keep   names with commas between, as on the command line
//   compat    true: as --compat
//   error     the run must fail with a message that has this in it; then there is no .out.pbtxt
//   remark    a remark or warning of the run must have this in it; may stand several times
//   count     "removed 3": a figure of the report; may stand several times
//   why       what the case shows; must be there
//   oracle    for the cross-check with TensorFlow: "differs" and why, or nothing
//
// Usage: golden_test_driver [--update] CASE.in.pbtxt [CASE.out.pbtxt]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/byte_sink.h"
#include "base/status_macros.h"
#include "graph/export_text.h"
#include "graph/import.h"
#include "graph/text.h"
#include "transforms/pass.h"
#include "transforms/pass_manager.h"

namespace cryograph {
namespace {

using Header = std::map<std::string, std::vector<std::string>>;

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot open ", path));
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

absl::StatusOr<Header> ReadHeader(absl::string_view text) {
  static constexpr const char* kKeys[] = {"pass",  "inputs", "outputs", "keep", "compat",
                                          "error", "remark", "count",   "why",  "oracle"};
  Header header;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "#")) break;
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    const std::string key(absl::StripAsciiWhitespace(field.first));
    if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) {
      return absl::InvalidArgumentError(absl::StrCat("unknown key '", key, "'"));
    }
    header[key].emplace_back(absl::StripAsciiWhitespace(field.second));
  }
  if (header.count("pass") == 0) return absl::InvalidArgumentError("there is no '# pass:' line");
  if (header.count("why") == 0) return absl::InvalidArgumentError("there is no '# why:' line");
  return header;
}

absl::StatusOr<Model> Load(const std::string& text, const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes, GraphDefFromText(text, path));
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  return ImportGraphDef(*owner, owner, path);
}

absl::StatusOr<std::string> Print(Model& model) {
  StringSink sink;
  RETURN_IF_ERROR(ExportGraphDefText(model, sink));
  return std::move(sink.bytes());
}

std::vector<std::string> Names(const Header& header, const std::string& key) {
  std::vector<std::string> names;
  if (const auto found = header.find(key); found != header.end()) {
    for (const std::string& line : found->second) {
      for (absl::string_view name : absl::StrSplit(line, ',', absl::SkipWhitespace())) {
        names.emplace_back(absl::StripAsciiWhitespace(name));
      }
    }
  }
  return names;
}

absl::StatusOr<PassOptions> OptionsOf(const Header& header) {
  PassOptions options;
  for (const std::string& name : Names(header, "inputs")) {
    ASSIGN_OR_RETURN(TensorName parsed, ParseTensorName(name));
    options.inputs.push_back(std::move(parsed));
  }
  for (const std::string& name : Names(header, "outputs")) {
    ASSIGN_OR_RETURN(TensorName parsed, ParseTensorName(name));
    options.outputs.push_back(std::move(parsed));
  }
  options.keep = Names(header, "keep");
  options.compat = header.count("compat") != 0 && header.at("compat").front() == "true";
  return options;
}

absl::Status RunPipeline(const Header& header, Model& model, PassContext& context) {
  ParseOptions options;
  options.compat = context.compat();
  ASSIGN_OR_RETURN(PassManager manager, PassManager::Parse(absl::StrJoin(header.at("pass"), "\n"), options));
  return manager.Run(model, context);
}

// What the report must say besides the graph.
absl::Status CheckReport(const Header& header, const RunReport& report) {
  std::string said = absl::StrJoin(report.warnings, "\n");
  for (const StepReport& step : report.steps) {
    for (const Remark& remark : step.remarks) absl::StrAppend(&said, "\n", remark.node, ": ", remark.text);
    for (const auto& [what, n] : step.counts) absl::StrAppend(&said, "\ncount: ", what, " ", n, ".");
  }
  if (const auto remarks = header.find("remark"); remarks != header.end()) {
    for (const std::string& wanted : remarks->second) {
      if (absl::StrContains(said, wanted)) continue;
      return absl::InternalError(absl::StrCat("no remark says '", wanted, "'; the report has:\n", said));
    }
  }
  if (const auto counts = header.find("count"); counts != header.end()) {
    for (const std::string& wanted : counts->second) {
      if (absl::StrContains(said, absl::StrCat("count: ", wanted, "."))) continue;
      return absl::InternalError(absl::StrCat("no figure is '", wanted, "'; the report has:\n", said));
    }
  }
  return absl::OkStatus();
}

std::string Difference(const std::string& expected, const std::string& got) {
  const std::vector<std::string> a = absl::StrSplit(expected, '\n'), b = absl::StrSplit(got, '\n');
  size_t line = 0;
  while (line < a.size() && line < b.size() && a[line] == b[line]) ++line;
  return absl::StrCat("first difference in line ", line + 1,
                      ":\n  expected: ", line < a.size() ? a[line] : "(end)",
                      "\n  got:      ", line < b.size() ? b[line] : "(end)", "\n---- got ----\n", got);
}

// The file that the runfiles link to.
std::string SourceOf(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  const std::string result = resolved == nullptr ? path : resolved;
  std::free(resolved);
  return result;
}

absl::Status RunCase(const std::string& input_path, const std::string& golden_path, bool update) {
  ASSIGN_OR_RETURN(const std::string input, ReadText(input_path));
  ASSIGN_OR_RETURN(const Header header, ReadHeader(input));
  ASSIGN_OR_RETURN(Model model, Load(input, input_path));
  ASSIGN_OR_RETURN(PassOptions options, OptionsOf(header));
  PassContext context(&model, std::move(options));
  const absl::Status status = RunPipeline(header, model, context);
  if (const auto error = header.find("error"); error != header.end()) {
    if (status.ok()) return absl::InternalError("the run was to fail, but went well");
    if (!golden_path.empty()) return absl::InternalError("a case with '# error:' has no .out.pbtxt");
    for (const std::string& wanted : error->second) {
      if (!absl::StrContains(status.message(), wanted)) {
        return absl::InternalError(
            absl::StrCat("the error was to say '", wanted, "', but says:\n", status.message()));
      }
    }
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(CheckReport(header, context.run_report()));
  ASSIGN_OR_RETURN(const std::string got, Print(model));
  if (update) {
    std::string path = SourceOf(input_path);
    path.replace(path.size() - std::string(".in.pbtxt").size(), std::string::npos, ".out.pbtxt");
    return WriteFile(path, got);
  }
  if (golden_path.empty()) return absl::InternalError("there is no .out.pbtxt beside the input");
  ASSIGN_OR_RETURN(const std::string golden, ReadText(golden_path));
  ASSIGN_OR_RETURN(Model expected_model, Load(golden, golden_path));
  ASSIGN_OR_RETURN(const std::string expected, Print(expected_model));
  if (expected != got) return absl::InternalError(Difference(expected, got));
  return absl::OkStatus();
}

int Main(std::vector<std::string> args) {
  const auto flag = std::find(args.begin(), args.end(), "--update");
  const bool update = flag != args.end();
  if (update) args.erase(flag);
  if (args.empty() || args.size() > 2) {
    std::cerr << "usage: golden_test_driver [--update] CASE.in.pbtxt [CASE.out.pbtxt]\n";
    return 2;
  }
  const absl::Status status = RunCase(args[0], args.size() > 1 ? args[1] : "", update);
  if (!status.ok()) std::cerr << args[0] << ": " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace cryograph

int main(int argc, char** argv) { return cryograph::Main(std::vector<std::string>(argv + 1, argv + argc)); }

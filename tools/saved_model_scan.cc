// saved_model_cli scan: which ops of a SavedModel reach out of it, wherever they stand.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/wire.h"
#include "re2/re2.h"
#include "tools/cli.h"
#include "tools/document.h"
#include "tools/saved_model_cli.h"
#include "tools/saved_model_files.h"

namespace cryograph {
namespace {

using cli::Command;
using cli::Family;

constexpr int kFound = 3;  // Exit status of --fail_on_found.
const char* const kDefaultDenylist[] = {"PrintV2", "ReadFile", "WriteFile"};

struct Flags {
  std::string dir, tag_set, format = "tf221", op_denylist;
  bool fail_on_found = false;
};

// Ops that do more than compute, by what they reach. A pattern must match the whole op.
struct Reach {
  const char* name;
  const char* ops;
};
constexpr Reach kReaches[] = {
    {"files",
     "ReadFile|WriteFile|MatchingFiles|Print|PrintV2|Save|SaveV2|SaveSlices|Restore|RestoreV2|RestoreSlice|"
     "MergeV2Checkpoints|(TextLine|TFRecord|FixedLengthRecord|WholeFile|Identity|LMDB)Reader(V2)?|"
     "(Experimental)?(TextLine|TFRecord|FixedLengthRecord|Sql|CSV|LMDB|Cache|Snapshot|Save|Load|"
     "MatchingFiles|SSTable)"
     "(Dataset)(V\\d+)?|InitializeTableFromTextFile(V2)?|CreateSummaryFileWriter|WriteSummary|"
     "WriteGraphSummary|"
     "ImmutableConst|InitializeTableFromDataset|DistributedSave|ReadFromCheckpoint|"
     "BoostedTreesDeserializeEnsemble"},
    {"network",
     "_?(Host)?(Send|Recv)|(Try)?Rpc|.*DataService.*|CreateSummaryDbWriter|BigQueryReader|"
     "GenerateBigQueryReaderPartitions|Collective.*|ConfigureDistributedTPU|RemoteCall|"
     "RemoteFusedGraphExecute|Kafka.*|"
     "CloudBigtable.*|XlaSend.*|XlaRecv.*"},
    {"python", "(Eager)?PyFunc(Stateless)?|GeneratorDataset|NumpyFunc"},
    {"randomness",
     "Random.*|ParameterizedTruncatedNormal|TruncatedNormal|Multinomial|.*CandidateSampler|"
     "AllCandidateSampler|"
     "NonDeterministicInts|RngSkip|RngReadAndSkip|Stateful(Random|Uniform|Truncated|Standard).*|(Shuffle.*|"
     "Random|"
     "Sampling)Dataset(V\\d+)?|AnonymousRandomSeedGenerator|SampleDistortedBoundingBox(V2)?"},
};

struct Use {
  std::string op, reach, where;  // Where it stands first: "node 'a'", "node 'b' of function 'f'".
  int64_t count = 0;
};

// Ops of the main graph and of all functions that it leads to, with a place for each.
std::map<std::string, Use> Census(const Model& model) {
  std::map<std::string, Use> uses;
  const auto add = [&uses](absl::string_view op, const std::string& where) {
    Use& use = uses[std::string(op)];
    if (use.count++ == 0) use.where = where;
  };
  Model reachable = model.Clone();
  reachable.PruneFunctions();
  for (const Node node : reachable.graph().nodes()) add(node.op(), absl::StrCat("node '", node.name(), "'"));
  for (const Function& function : reachable.functions()) {
    WireReader reader(function.wire());
    for (WireField field; reader.Next(&field);) {
      if (field.number != 3) continue;
      absl::string_view name, op;
      WireReader node(field.bytes);
      for (WireField part; node.Next(&part);) {
        if (part.number == 1) name = part.bytes;
        if (part.number == 2) op = part.bytes;
      }
      add(op, absl::StrCat("node '", name, "' of function '", function.name(), "'"));
    }
  }
  return uses;
}

std::vector<Use> Reaching(const Model& model) {
  std::vector<Use> found;
  for (auto& [op, use] : Census(model)) {
    for (const Reach& reach : kReaches) {
      static std::map<std::string, RE2>* const patterns = [] {
        auto* const made = new std::map<std::string, RE2>;
        for (const Reach& each : kReaches) made->try_emplace(each.name, each.ops);
        return made;
      }();
      if (!RE2::FullMatch(op, patterns->at(reach.name))) continue;
      found.push_back(use);
      found.back().op = op;
      found.back().reach = reach.name;
      break;
    }
  }
  return found;
}

absl::StatusOr<bool> Scan(const Flags& flags) {
  if (flags.dir.empty()) return cli::UsageError("--dir must name the SavedModel's directory");
  ASSIGN_OR_RETURN(OpenedFile file, OpenSavedModel(flags.dir));
  std::vector<Model*> models;
  for (Model& model : file.models) models.push_back(&model);
  if (!flags.tag_set.empty()) {
    ASSIGN_OR_RETURN(Model* const model, FindTagSet(file, flags.tag_set));
    models = {model};
  }
  std::set<std::string> denied(std::begin(kDefaultDenylist), std::end(kDefaultDenylist));
  if (!flags.op_denylist.empty()) {
    denied.clear();
    for (const absl::string_view op : absl::StrSplit(flags.op_denylist, ',', absl::SkipWhitespace())) {
      denied.emplace(absl::StripAsciiWhitespace(op));
    }
  }
  bool any = false;
  std::string text;
  Document meta_graphs = Document::Array();
  for (Model* const model : models) {
    std::vector<std::string> found;
    for (const auto& use : Census(*model)) {
      if (denied.count(use.first) > 0) found.push_back(use.first);
    }
    any = any || !found.empty();
    const std::string tags = PythonList(TagsOf(*model), '[', ']');
    absl::StrAppend(&text, "MetaGraph with tag set ", tags);
    if (flags.format == "tf15") {
      absl::StrAppend(&text, found.empty() ? " does not contain blacklisted ops."
                                           : absl::StrCat(" contains the following blacklisted ops: ",
                                                          PythonList(found, '{', '}')));
    } else if (found.empty()) {
      absl::StrAppend(
          &text, " does not contain the default denylisted ops: ",
          PythonList(std::vector<std::string>(std::begin(kDefaultDenylist), std::end(kDefaultDenylist)), '{',
                     '}'));
    } else {
      absl::StrAppend(&text, " contains the following denylisted ops: ", PythonList(found, '{', '}'));
    }
    text.push_back('\n');
    Document reaching = Document::Array();
    for (const Use& use : Reaching(*model)) {
      Document each = Document::Object();
      each.Set("op", Document::String(use.op));
      each.Set("reaches", Document::String(use.reach));
      each.Set("count", Document::Int(use.count));
      each.Set("first", Document::String(use.where));
      reaching.Add(std::move(each));
    }
    Document document = Document::Object();
    document.Set("tags", Document::Strings(TagsOf(*model)));
    document.Set("denied", Document::Strings(found));
    document.Set("reaching", std::move(reaching));
    meta_graphs.Add(std::move(document));
  }
  Document document = Document::Object();
  document.Set("denylist", Document::Strings(std::vector<std::string>(denied.begin(), denied.end())));
  document.Set("meta_graphs", std::move(meta_graphs));
  std::fputs((flags.format == "json" ? document.Json() : text).c_str(), stdout);
  return any;
}

}  // namespace

int RunSavedModelScan(absl::Span<const std::string> args) {
  Flags flags;
  Command command(
      "saved_model_cli scan", Family::kPython,
      "looks for ops that reach out of a SavedModel, in its graphs and in every function they lead to.");
  command.Usage("scan --dir=DIR [--tag_set=TAGS]");
  command.Add(&flags.dir, "dir", "The SavedModel's directory.").Value("DIR").Path();
  command.Add(&flags.tag_set, "tag_set", "Tags of the one MetaGraph to look into.").Value("TAG,TAG…");
  command.Add(&flags.op_denylist, "op_denylist", "Ops to look for. Empty: WriteFile, ReadFile, PrintV2.")
      .Value("OP,OP…");
  command
      .Add(&flags.format, "format",
           "tf15 and tf221 print what TensorFlow prints; json lists all ops that touch files, network, "
           "Python or "
           "randomness, with a place for each.")
      .Choices({"tf15", "tf221", "json"})
      .Value("FORMAT")
      .Extension();
  command.Add(&flags.fail_on_found, "fail_on_found", "Exit with status 3 if an op of the denylist is found.")
      .Extension();
  command.Epilogue("Exit status",
                   "0: scanned. 1: it cannot be read. 2: wrong usage. 3: see --fail_on_found.");
  if (std::optional<int> status = command.Parse(args)) return *status;
  const absl::StatusOr<bool> found = Scan(flags);
  const int status = cli::Finish(found.status());
  return status == cli::kSuccess && *found && flags.fail_on_found ? kFound : status;
}

}  // namespace cryograph

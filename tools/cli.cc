#include "tools/cli.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/nearest.h"
#include "base/status_macros.h"
#include "tools/version.h"

namespace cryograph::cli {
namespace {

// Flags of the log libraries that scripts pass along; nothing of ours listens to them.
struct LogFlag {
  absl::string_view name;
  bool needs_value;
};
constexpr LogFlag kLogFlags[] = {
    {"alsologtostderr", false}, {"log_dir", true}, {"logtostderr", false}, {"minloglevel", true},
    {"stderrthreshold", true},  {"v", true},       {"verbosity", true},    {"vmodule", true},
};

const LogFlag* FindLogFlag(absl::string_view name) {
  for (const LogFlag& flag : kLogFlags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

std::optional<bool> BoolOf(absl::string_view text) {
  const std::string word = absl::AsciiStrToLower(text);
  for (absl::string_view yes : {"true", "1", "t", "yes", "y", "on"}) {
    if (word == yes) return true;
  }
  for (absl::string_view no : {"false", "0", "f", "no", "n", "off"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

bool IsTrueOrFalse(absl::string_view text) {
  return absl::EqualsIgnoreCase(text, "true") || absl::EqualsIgnoreCase(text, "false");
}

// "-3" and "-.5" are values, "-x" is a flag.
bool LooksLikeFlag(absl::string_view word) {
  if (word.size() < 2 || word[0] != '-') return false;
  return !absl::ascii_isdigit(word[1]) && word[1] != '.';
}

// Breaks `text` at blanks into lines of at most `width`, each after `indent` blanks; line breaks of its own
// stay.
std::string Wrapped(absl::string_view text, size_t indent, size_t width) {
  std::string result;
  const std::string margin(indent, ' ');
  for (absl::string_view paragraph : absl::StrSplit(text, '\n')) {
    std::string line = margin;
    bool empty = true;
    for (absl::string_view word : absl::StrSplit(paragraph, ' ')) {
      if (!empty && line.size() + 1 + word.size() > width) {
        absl::StrAppend(&result, line, "\n");
        line = margin;
        empty = true;
      }
      absl::StrAppend(&line, empty ? "" : " ", word);
      empty = false;
    }
    absl::StrAppend(&result, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return result;
}

constexpr size_t kHelpWidth = 100;

std::string LineOfWords(const std::string& prefix, absl::string_view words) {
  std::string text = Wrapped(words, prefix.size(), kHelpWidth);
  return text.replace(0, prefix.size(), prefix);
}

}  // namespace

Flag& Flag::Value(std::string placeholder) {
  placeholder_ = std::move(placeholder);
  return *this;
}
Flag& Flag::Alias(std::string name) {
  aliases_.push_back(std::move(name));
  return *this;
}
Flag& Flag::Choices(std::vector<std::string> choices) {
  choices_ = std::move(choices);
  return *this;
}
Flag& Flag::Path() {
  path_ = true;
  return *this;
}
Flag& Flag::AtLeast(int64_t minimum) {
  minimum_ = minimum;
  return *this;
}
Flag& Flag::Repeated(bool split) {
  repeated_ = true;
  whole_ = !split;
  return *this;
}
Flag& Flag::Extension() {
  extension_ = true;
  return *this;
}
Flag& Flag::Bare(std::string value) {
  bare_ = std::move(value);
  return *this;
}

Flag& Flag::Hidden() {
  hidden_ = true;
  return *this;
}

std::string Flag::TypeText() const {
  if (!choices_.empty()) return absl::StrCat("one of ", absl::StrJoin(choices_, ", "));
  if (is_bool()) return "bool";
  if (std::holds_alternative<int64_t*>(target_)) return "int";
  if (std::holds_alternative<double*>(target_)) return "float";
  if (std::holds_alternative<std::string*>(target_)) return path_ ? "path" : "string";
  if (whole_) return "may be repeated";
  return repeated_ ? "comma-separated list, may be repeated" : "comma-separated list";
}

std::string Flag::DefaultText() const {
  if (const auto* target = std::get_if<bool*>(&target_)) return **target ? "true" : "false";
  if (const auto* target = std::get_if<int64_t*>(&target_)) return absl::StrCat(**target);
  if (const auto* target = std::get_if<double*>(&target_)) return absl::StrCat(**target);
  if (const auto* target = std::get_if<std::string*>(&target_)) return absl::StrCat("\"", **target, "\"");
  return absl::StrCat("\"", absl::StrJoin(*std::get<std::vector<std::string>*>(target_), ","), "\"");
}

Command::Command(std::string name, Family family, std::string summary)
    : name_(std::move(name)), summary_(std::move(summary)), family_(family) {}

void Command::Section(std::string title) { section_ = std::move(title); }

Flag& Command::AddFlag(Flag::Target target, std::string name, std::string help) {
  Flag& flag = flags_.emplace_back();
  flag.name_ = std::move(name);
  flag.help_ = std::move(help);
  flag.section_ = section_;
  flag.target_ = target;
  return flag;
}

Flag& Command::Add(std::string* target, std::string name, std::string help) {
  return AddFlag(target, std::move(name), std::move(help));
}
Flag& Command::Add(bool* target, std::string name, std::string help) {
  return AddFlag(target, std::move(name), std::move(help));
}
Flag& Command::Add(int64_t* target, std::string name, std::string help) {
  return AddFlag(target, std::move(name), std::move(help));
}
Flag& Command::Add(double* target, std::string name, std::string help) {
  return AddFlag(target, std::move(name), std::move(help));
}
Flag& Command::Add(std::vector<std::string>* target, std::string name, std::string help) {
  return AddFlag(target, std::move(name), std::move(help));
}

void Command::Positionals(std::vector<std::string>* target, std::string placeholder) {
  positionals_ = target;
  positional_placeholder_ = std::move(placeholder);
}

void Command::Example(std::string command, std::string meaning) {
  examples_.emplace_back(std::move(command), std::move(meaning));
}

void Command::Epilogue(std::string title, std::string text) {
  Epilogue(std::move(title), [text = std::move(text)] { return text; });
}

void Command::Epilogue(std::string title, std::function<std::string()> text) {
  epilogues_.emplace_back(std::move(title), std::move(text));
}

bool Command::Given(absl::string_view name) {
  const Flag* const flag = FindExact(name);
  return flag != nullptr && !flag->uses_.empty();
}

Flag* Command::FindExact(absl::string_view name) {
  for (Flag& flag : flags_) {
    if (flag.name_ == name || std::count(flag.aliases_.begin(), flag.aliases_.end(), name) > 0) return &flag;
  }
  return nullptr;
}

absl::Status Command::UnknownFlag(absl::string_view name) const {
  std::vector<absl::string_view> candidates;
  for (const Flag& flag : flags_) {
    if (flag.hidden_) continue;
    candidates.push_back(flag.name_);
    candidates.insert(candidates.end(), flag.aliases_.begin(), flag.aliases_.end());
  }
  std::vector<std::string> nearest = NearestNames(name, candidates, 3);
  for (std::string& near : nearest) near.insert(0, "--");
  return UsageError(
      absl::StrCat(name_, " has no flag --", name, DidYouMean(nearest), " (CG147)\ntry: ", name_, " --help"));
}

absl::StatusOr<Command::Match> Command::FindPrefix(absl::string_view name) {
  // TensorFlow's own flags first: what is unambiguous among them there, is so here.
  for (bool extension : {false, true}) {
    Match match;
    std::vector<std::string> spellings;
    bool ambiguous = false;
    for (Flag& flag : flags_) {
      if (flag.extension_ != extension) continue;
      std::vector<std::string> names = flag.aliases_;
      names.insert(names.begin(), flag.name_);
      for (const std::string& spelling : names) {
        if (!absl::StartsWith(spelling, name)) continue;
        spellings.push_back(absl::StrCat("--", spelling));
        ambiguous = ambiguous || (match.flag != nullptr && match.flag != &flag);
        if (match.flag == nullptr) match = {&flag, spelling, false};
      }
    }
    if (ambiguous) {
      return UsageError(absl::StrCat("--", name, " may mean ", absl::StrJoin(spellings, " or ")));
    }
    if (match.flag != nullptr) return match;
  }
  return UnknownFlag(name);
}

absl::StatusOr<Command::Match> Command::Find(absl::string_view name) {
  const std::string canonical = absl::StrReplaceAll(name, {{"-", "_"}});
  if (Flag* flag = FindExact(canonical); flag != nullptr) return Match{flag, canonical, false};
  if (absl::StartsWith(canonical, "no")) {
    absl::string_view positive = absl::string_view(canonical).substr(2);
    for (absl::string_view candidate : {positive, absl::StripPrefix(positive, "_")}) {
      if (Flag* flag = FindExact(candidate); flag != nullptr && flag->is_bool()) {
        return Match{flag, std::string(candidate), true};
      }
    }
  }
  if (family_ == Family::kCpp || canonical.empty()) return UnknownFlag(name);
  return FindPrefix(canonical);
}

absl::Status Command::Assign(Flag& flag, absl::string_view value, std::vector<std::string>* notes) const {
  const auto wrong = [&](absl::string_view expected) {
    return UsageError(absl::StrCat("--", flag.name_, "=", value, ": '", value, "' is no ", expected));
  };
  if (auto* target = std::get_if<bool*>(&flag.target_)) {
    const std::optional<bool> parsed = BoolOf(value);
    if (!parsed.has_value()) return wrong("boolean; write true or false");
    if (*parsed && family_ == Family::kPython && !IsTrueOrFalse(value)) {
      notes->push_back(absl::StrCat("--", flag.name_, "=", value, " is read as true; TensorFlow's own ",
                                    name_, " reads every word but 'true' as false (CG146)"));
    }
    **target = *parsed;
  } else if (auto* target = std::get_if<int64_t*>(&flag.target_)) {
    int64_t parsed;
    if (!absl::SimpleAtoi(value, &parsed)) return wrong("whole number");
    if (flag.minimum_.has_value() && parsed < *flag.minimum_) {
      return UsageError(absl::StrCat("--", flag.name_, "=", value, ": the least value is ", *flag.minimum_));
    }
    **target = parsed;
  } else if (auto* target = std::get_if<double*>(&flag.target_)) {
    double parsed;
    if (!absl::SimpleAtod(value, &parsed)) return wrong("number");
    **target = parsed;
  } else if (auto* target = std::get_if<std::string*>(&flag.target_)) {
    if (!flag.choices_.empty() && std::count(flag.choices_.begin(), flag.choices_.end(), value) == 0) {
      return UsageError(absl::StrCat("--", flag.name_, "=", value, ": '", value, "' is none of ",
                                     absl::StrJoin(flag.choices_, ", ")));
    }
    **target = flag.path_ ? ExpandHome(value) : std::string(value);
  } else {
    std::vector<std::string>& names = *std::get<std::vector<std::string>*>(flag.target_);
    if (!flag.repeated_) names.clear();
    if (absl::StripAsciiWhitespace(value).empty()) return absl::OkStatus();
    if (flag.whole_) {
      names.emplace_back(value);
      return absl::OkStatus();
    }
    bool dropped = false;
    for (absl::string_view piece : absl::StrSplit(value, ',')) {
      piece = absl::StripAsciiWhitespace(piece);
      dropped = dropped || piece.empty();
      if (!piece.empty()) names.emplace_back(piece);
    }
    if (dropped) {
      notes->push_back(absl::StrCat("--", flag.name_, "=", value, ": the empty names are ignored (CG103)"));
    }
  }
  return absl::OkStatus();
}

absl::Status Command::Set(const Match& match, absl::string_view value, std::vector<std::string>* notes) {
  Flag& flag = *match.flag;
  auto use = std::find_if(flag.uses_.begin(), flag.uses_.end(),
                          [&](const auto& other) { return other.first == match.spelling; });
  if (use == flag.uses_.end()) use = flag.uses_.insert(use, {match.spelling, ""});
  use->second = std::string(value);
  return Assign(flag, value, notes);
}

absl::StatusOr<bool> Command::Parse(absl::Span<const std::string> args, std::vector<std::string>* notes,
                                    std::string* help) {
  std::vector<std::string> strays;
  bool flags_end = false;
  for (size_t i = 0; i < args.size(); ++i) {
    absl::string_view arg = args[i];
    if (flags_end || !LooksLikeFlag(arg)) {
      strays.emplace_back(arg);
      continue;
    }
    if (arg == "--") {
      flags_end = true;
      continue;
    }
    arg.remove_prefix(absl::StartsWith(arg, "--") ? 2 : 1);
    const size_t equals = arg.find('=');
    const absl::string_view name = arg.substr(0, equals);
    std::optional<std::string> value;
    if (equals != absl::string_view::npos) value = std::string(arg.substr(equals + 1));
    // What follows a flag that has no "=".
    const std::string* next = i + 1 < args.size() && !LooksLikeFlag(args[i + 1]) ? &args[i + 1] : nullptr;

    Flag* const own = FindExact(name);
    if (own == nullptr && (name == "help" || name == "h" || name == "helpfull" || name == "helpshort")) {
      *help = HelpText();
      return false;
    }
    if (own == nullptr && name == "version") {
      *help = absl::StrCat("cryograph ", kVersion, "\n");
      return false;
    }
    if (const LogFlag* log = own == nullptr ? FindLogFlag(name) : nullptr; log != nullptr) {
      if (!value.has_value() && log->needs_value && next != nullptr) ++i;
      continue;
    }

    ASSIGN_OR_RETURN(Match match, Find(name));
    if (match.negated) {
      if (value.has_value()) {
        return UsageError(absl::StrCat("--", arg, ": a flag with 'no' takes no value; write --",
                                       match.flag->name_, "=true or =false"));
      }
      value = "false";
    } else if (!value.has_value() && match.flag->is_bool()) {
      // Python's tools take the next word in any case; the others take none.
      const bool take = next != nullptr && (family_ == Family::kPython || IsTrueOrFalse(*next));
      value = take ? *next : "true";
      if (take) ++i;
    } else if (!value.has_value() && match.flag->bare_.has_value()) {
      value = *match.flag->bare_;
    } else if (!value.has_value()) {
      if (next == nullptr) {
        return UsageError(
            absl::StrCat("--", match.flag->name_, " needs a value: --", match.flag->name_, "=",
                         match.flag->placeholder_.empty() ? "VALUE" : match.flag->placeholder_));
      }
      value = *next;
      ++i;
    }
    RETURN_IF_ERROR(Set(match, *value, notes));
  }

  for (const Flag& flag : flags_) {
    for (size_t k = 1; k < flag.uses_.size(); ++k) {
      if (flag.uses_[k].second == flag.uses_[0].second) continue;
      return UsageError(absl::StrCat("--", flag.uses_[0].first, "=", flag.uses_[0].second, " and --",
                                     flag.uses_[k].first, "=", flag.uses_[k].second,
                                     " are two spellings of one flag, with different values (CG148)\n"
                                     "try: give one of them"));
    }
  }
  if (positionals_ != nullptr) {
    for (const std::string& stray : strays) positionals_->push_back(ExpandHome(stray));
  } else if (!strays.empty() && family_ == Family::kCpp) {
    return UsageError(absl::StrCat("'", strays[0], "' is no flag, and ", name_,
                                   " takes nothing else\ntry: ", name_, " --help"));
  } else {
    for (const std::string& stray : strays) {
      notes->push_back(absl::StrCat("'", stray, "' is no flag and is ignored"));
    }
  }
  return true;
}

std::optional<int> Command::Parse(absl::Span<const std::string> args) {
  std::vector<std::string> notes;
  std::string help;
  const absl::StatusOr<bool> run = Parse(args, &notes, &help);
  for (const std::string& note : notes) PrintNote(note);
  if (!run.ok()) return Finish(run.status());
  if (*run) return std::nullopt;
  std::fwrite(help.data(), 1, help.size(), stdout);
  return Finish(absl::OkStatus());
}

std::string Command::HelpText() const {
  std::string text = absl::StrCat(LineOfWords(absl::StrCat(name_, ": "), summary_), "\n");
  std::string usage = usage_.empty() ? "[--FLAG=VALUE…]" : usage_;
  if (positionals_ != nullptr) absl::StrAppend(&usage, " ", positional_placeholder_);
  absl::StrAppend(&text, LineOfWords(absl::StrCat("usage: ", name_, " "), usage));
  std::string section = "\n";
  for (const Flag& flag : flags_) {
    if (flag.hidden_) continue;
    if (flag.section_ != section) {
      section = flag.section_;
      absl::StrAppend(&text, "\n", section.empty() ? "Flags" : section, "\n");
    }
    const std::string placeholder = flag.placeholder_.empty() ? "VALUE" : flag.placeholder_;
    const std::string value = flag.is_bool()           ? ""
                              : flag.bare_.has_value() ? absl::StrCat("[=", placeholder, "]")
                                                       : absl::StrCat("=", placeholder);
    absl::StrAppend(&text, "  --", flag.name_, value, "   (", flag.TypeText(), ", default ",
                    flag.DefaultText(), ")\n", Wrapped(flag.help_, 6, kHelpWidth));
    if (!flag.aliases_.empty()) {
      absl::StrAppend(&text, "      Also written --", absl::StrJoin(flag.aliases_, ", --"), ".\n");
    }
  }
  absl::StrAppend(&text, "\nCommon flags\n  --help, -h   this text\n  --version    the version\n");
  absl::StrAppend(
      &text, Wrapped("--logtostderr, --v and the other flags of log libraries are accepted and ignored.", 2,
                     kHelpWidth));
  if (!examples_.empty()) absl::StrAppend(&text, "\nExamples\n");
  for (const auto& [command, meaning] : examples_) {
    absl::StrAppend(&text, Wrapped(meaning, 2, kHelpWidth), "    ",
                    absl::StrReplaceAll(command, {{"\n", "\n    "}}), "\n");
  }
  for (const auto& [title, prose] : epilogues_) {
    absl::StrAppend(&text, "\n", title, "\n", Wrapped(prose(), 2, kHelpWidth));
  }
  absl::StrAppend(&text,
                  "\nBooleans: --name, --name=true, --name=false, --noname. Values: --name=VALUE or --name ",
                  "VALUE.\nPaths: relative to where you stand, ~ is expanded, - is stdin or stdout.\n");
  return text;
}

}  // namespace cryograph::cli

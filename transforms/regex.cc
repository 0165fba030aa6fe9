#include "transforms/regex.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"

namespace cryograph {
namespace {

constexpr int64_t kMaxMemory = 8 << 20;  // RE2's own default, stated because specs come from outside.

std::shared_ptr<const re2::RE2> CompileAny(absl::string_view pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  const absl::string_view text = pattern == "*" ? absl::string_view("(?s).*") : pattern;
  return std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
}

}  // namespace

Regex::Regex(const char* pattern) : Regex(std::string(pattern), CompileAny(pattern)) {}

Regex::Regex(std::string pattern, std::shared_ptr<const re2::RE2> compiled)
    : pattern_(std::move(pattern)), compiled_(std::move(compiled)) {}

absl::StatusOr<Regex> Regex::Compile(absl::string_view pattern) {
  auto compiled = CompileAny(pattern);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", pattern, "' is no regular expression (", compiled->error(), ")"));
  }
  return Regex(std::string(pattern), std::move(compiled));
}

bool Regex::FullMatch(absl::string_view text) const {
  return compiled_->ok() && re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

bool OpFilter::Matches(Node node) {
  if (patterns_.empty()) return matches_if_empty_;
  const size_t id = static_cast<size_t>(node.op_id());
  if (id >= known_.size()) known_.resize(id + 1, -1);
  if (known_[id] < 0) {
    known_[id] = 0;
    for (const Regex& pattern : patterns_) {
      if (pattern.FullMatch(node.op())) known_[id] = 1;
    }
  }
  return known_[id] != 0;
}

}  // namespace cryograph

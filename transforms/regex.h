// A regular expression as a parameter holds it: RE2 syntax, and it must match the whole text.
#ifndef CRYOGRAPH_TRANSFORMS_REGEX_H_
#define CRYOGRAPH_TRANSFORMS_REGEX_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/graph.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace cryograph {

// Copies share the compiled expression. Linear time whatever the text (RE2), with a bound on memory.
class Regex {
 public:
  Regex() : Regex("") {}
  // For patterns in our own source: one that does not compile matches nothing.
  Regex(const char* pattern);  // NOLINT: implicit, so that a parameter's default can be written as a literal.

  // InvalidArgument with RE2's reason. A lone "*" stands for any text, as in transform_graph's op patterns.
  static absl::StatusOr<Regex> Compile(absl::string_view pattern);

  bool FullMatch(absl::string_view text) const;
  const std::string& pattern() const { return pattern_; }

 private:
  Regex(std::string pattern, std::shared_ptr<const re2::RE2> compiled);

  std::string pattern_;  // As it was given.
  std::shared_ptr<const re2::RE2> compiled_;
};

// Whether a node's op type matches one of several patterns, at the cost of an array look-up per node: each
// distinct type of the graph is tried once.
class OpFilter {
 public:
  OpFilter(std::vector<Regex> patterns, bool matches_if_empty)
      : patterns_(std::move(patterns)), matches_if_empty_(matches_if_empty) {}

  // All nodes must be of one graph.
  bool Matches(Node node);

 private:
  std::vector<Regex> patterns_;
  bool matches_if_empty_;           // Answer if there are no patterns at all.
  std::vector<signed char> known_;  // By op_id(): -1 unknown, else the answer.
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_REGEX_H_

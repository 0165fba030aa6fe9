// Renaming by regular expressions, written as sed writes it: "s/^model\/(.*)/\1/".
#ifndef CRYOGRAPH_CHECKPOINT_SUBSTITUTION_H_
#define CRYOGRAPH_CHECKPOINT_SUBSTITUTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "re2/re2.h"

namespace cryograph {

// Compiles `pattern`; an empty one leaves *regex null. InvalidArgument says what is wrong with it.
absl::Status CompileRegex(absl::string_view pattern, std::unique_ptr<RE2>* regex);

class Substitution {
 public:
  // Rules "s/RE2/REPLACEMENT/" or "…/g", separated by ";" or line breaks; any other character may stand for
  // "/", and a backslash before it makes it an ordinary one. An empty text has no rules. InvalidArgument says
  // what is wrong.
  static absl::StatusOr<Substitution> Parse(absl::string_view text);

  // The rules, one after the other.
  std::string Apply(absl::string_view name) const;

 private:
  struct Rule {
    std::unique_ptr<RE2> regex;
    std::string replacement;
    bool everywhere = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_SUBSTITUTION_H_

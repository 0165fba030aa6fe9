// Deletes attributes by name.
#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "transforms/pass.h"

namespace cryograph {
namespace {

// "_out*" as a regular expression; a lone "*" is taken literally, as transform_graph does: without any
// attribute no node can be loaded.
absl::StatusOr<Regex> GlobRegex(const std::string& glob) {
  if (glob == "*") return Regex::Compile("\\*");
  std::string pattern;
  for (char c : glob) {
    if (c == '*') {
      pattern += ".*";
    } else if (c == '?') {
      pattern += '.';
    } else {
      pattern += re2::RE2::QuoteMeta(re2::StringPiece(&c, 1));
    }
  }
  return Regex::Compile(pattern);
}

class RemoveAttribute final : public Pass {
 public:
  RemoveAttribute()
      : Pass("remove_attribute", "Deletes an attribute from every node, or from nodes of certain op types.",
             Semantics::kNotKept) {}

  std::string doc() const override {
    return "transform_graph takes one literal name and one op type. Here both are lists, names may hold `*` "
           "and `?` (a\n"
           "lone `*` is a literal one, as there), and op types are regular expressions.";
  }

  absl::Status Run(Graph&, PassContext& context) override {
    if (context.compat() && (attribute_name_->size() > 1 || op_name_->size() > 1)) {
      return absl::InvalidArgumentError("transform_graph takes one attribute_name and one op_name");
    }
    std::vector<Regex> names;
    for (const std::string& glob : *attribute_name_) {
      ASSIGN_OR_RETURN(Regex name, GlobRegex(glob));
      names.push_back(std::move(name));
    }
    return context.ForEachGraph(*functions_, [&](Graph& graph) {
      OpFilter selected(*op_name_, true);
      std::vector<std::string> doomed;
      for (Node node : graph.nodes()) {
        if (!selected.Matches(node)) continue;
        doomed.clear();
        for (absl::string_view key : node.attr_keys()) {
          for (const Regex& name : names) {
            if (name.FullMatch(key)) {
              doomed.emplace_back(key);
              break;
            }
          }
        }
        for (const std::string& key : doomed) graph.RemoveAttr(node, key);
        if (!doomed.empty()) context.Count("removed", static_cast<int64_t>(doomed.size()));
      }
      return absl::OkStatus();
    });
  }

 private:
  Param<std::vector<std::string>> attribute_name_{
      this, "attribute_name", kRequired, "Attributes to delete; `*` and `?` stand for any characters."};
  Param<std::vector<Regex>> op_name_{
      this, "op_name", {}, "Only nodes of these op types; none given or `*`: all."};
  Param<bool> functions_{this, "functions", false, "Also in the functions of the library."};
};
CRYOGRAPH_REGISTER_PASS(RemoveAttribute);

}  // namespace
}  // namespace cryograph

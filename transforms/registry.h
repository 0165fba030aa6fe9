// The table of all passes that the program links, by name. A pass enters it with CRYOGRAPH_REGISTER_PASS.
#ifndef CRYOGRAPH_TRANSFORMS_REGISTRY_H_
#define CRYOGRAPH_TRANSFORMS_REGISTRY_H_

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace cryograph {

class Pass;

class PassRegistry {
 public:
  using Factory = std::unique_ptr<Pass> (*)();

  static PassRegistry& Global();

  // Stops the program if a pass or an alias of that name is there: a mistake of the source, not of a user.
  void Register(Factory factory, std::initializer_list<const char*> aliases);

  // A fresh pass with its default parameters. NotFound names the nearest passes; for the name of a transform
  // that transform_graph had and Cryograph lacks, it says what to use instead.
  absl::StatusOr<std::unique_ptr<Pass>> Create(absl::string_view name) const;

  std::vector<std::string> names() const;                          // Sorted, without aliases.
  std::vector<std::string> aliases(absl::string_view name) const;  // Other names of a pass, sorted.

  // One line per pass, sorted by name: "  remove_device  Clears …".
  std::string Summary() const;
  // docs/passes.md: every pass with its parameters, sorted by name.
  std::string Markdown() const;

 private:
  std::map<std::string, Factory, std::less<>> factories_;
  std::map<std::string, std::string, std::less<>> aliases_;  // Alias → name.
};

struct PassRegistration {
  PassRegistration(PassRegistry::Factory factory, std::initializer_list<const char*> aliases) {
    PassRegistry::Global().Register(factory, aliases);
  }
};

// Registers a pass class under its own name and, if given, further names:
//   CRYOGRAPH_REGISTER_PASS(RemoveDevice, "clear_devices");
#define CRYOGRAPH_REGISTER_PASS(Class, ...)                              \
  static const ::cryograph::PassRegistration cg_registration_of_##Class( \
      []() -> std::unique_ptr<::cryograph::Pass> { return std::make_unique<Class>(); }, {__VA_ARGS__})

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_REGISTRY_H_

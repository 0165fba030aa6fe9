// Which tensors of a checkpoint go into another one, and under which names.
#ifndef CRYOGRAPH_CHECKPOINT_KEY_EDIT_H_
#define CRYOGRAPH_CHECKPOINT_KEY_EDIT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "checkpoint/reader.h"

namespace cryograph {

enum class EmaUse {
  kKeep,     // "w/ExponentialMovingAverage" is a tensor as others are.
  kReplace,  // It becomes "w", whose own value goes.
  kStrip,    // It goes.
};

// What is to be done, in this order: select, strip, take averages for variables, rename.
struct KeyEdit {
  // Names of tensors; "scope/*" are all below. Empty: all.
  std::vector<std::string> tensors;
  // RE2 that must, and must not, match somewhere in the name. Empty: no such condition.
  std::string match, exclude;
  bool strip_optimizer = false;  // See checkpoint/optimizer_keys.h.
  EmaUse ema = EmaUse::kKeep;
  // From → to; "from/*" → "to/*" for all below. The first that fits counts.
  std::vector<std::pair<std::string, std::string>> rename;
  // "s/RE2/REPLACEMENT/" as in sed, several behind each other separated by ";", each at most once to a name
  // unless "g" follows. \1 … \9 are groups, \0 is all. Applied after `rename`.
  std::string substitute;
};

struct EditedKey {
  const CheckpointEntry* entry;
  std::string name;  // The new one.
};

struct EditedKeys {
  std::vector<EditedKey> keys;  // Sorted by new name.
  // Those that are left out because they are an optimizer's, or averages, or because an average takes their
  // place. In the order of the entries.
  std::vector<std::string> optimizer, averages, replaced;
  size_t renamed = 0;
};

// `entries` must outlive the result. `object_graph` is that of a TensorFlow 2 checkpoint or empty.
// NotFound: a name or pattern of `tensors` or `rename` that no tensor has (with the nearest names), or
// nothing is left. InvalidArgument: a regular expression is none; two tensors would get one name; an average
// does not have the shape and type of its variable.
absl::StatusOr<EditedKeys> EditKeys(const std::vector<CheckpointEntry>& entries,
                                    absl::string_view object_graph, const KeyEdit& edit);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_KEY_EDIT_H_

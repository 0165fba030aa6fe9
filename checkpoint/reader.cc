#include "checkpoint/reader.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/nearest.h"

namespace cryograph {

const CheckpointEntry* CheckpointReader::Find(absl::string_view name) const {
  const std::vector<CheckpointEntry>& all = entries();
  const auto found =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const CheckpointEntry& entry, absl::string_view key) { return entry.name < key; });
  return found == all.end() || found->name != name ? nullptr : &*found;
}

absl::Status CheckpointReader::NoSuchTensor(absl::string_view file, absl::string_view name) const {
  std::vector<absl::string_view> names;
  for (const CheckpointEntry& entry : entries()) names.push_back(entry.name);
  return absl::NotFoundError(absl::StrCat(file, ": no tensor is named '", absl::Utf8SafeCHexEscape(name), "'",
                                          DidYouMean(NearestNames(name, names))));
}

}  // namespace cryograph

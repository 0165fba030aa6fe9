// "Did you mean …": the names nearest to one that does not exist.
#ifndef CRYOGRAPH_BASE_NEAREST_H_
#define CRYOGRAPH_BASE_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace cryograph {

// Up to `count` of the candidates, the nearest first: equal but for case, then by edit distance with swaps
// counted once; equal last path component, prefix or suffix ("conv1" for "net/conv1") count as near. Ties go
// to the earlier candidate. Nothing that has no visible likeness. Long lists are fine: far names are dropped
// by length and letters.
std::vector<std::string> NearestNames(absl::string_view wanted,
                                      const std::vector<absl::string_view>& candidates, size_t count = 3);

// "; did you mean 'a', 'b' or 'c'?", or nothing for an empty list.
std::string DidYouMean(const std::vector<std::string>& names);

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_NEAREST_H_

#include "base/nearest.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace cryograph {
namespace {

// Ranks: 0 is equal but for case; an edit costs kEdit; the rest are likenesses that no small number of edits
// explains.
constexpr int kEdit = 10;
constexpr int kWholePathTail = 12;  // "conv1" and "net/conv1".
constexpr int kContinued = 14;      // "logits" and "logits_1", "dense" and "dense/BiasAdd".
constexpr int kSameLastPart = 25;   // "a/conv1" and "b/conv1"; less for every further equal part.
constexpr int kBeginning = 28;      // The candidate begins or ends the wanted name, or ends with it.
constexpr int kNoLikeness = 1 << 20;
constexpr size_t kShortestPart = 3;  // Shorter beginnings and ends are chance.

absl::string_view LastPart(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return slash == absl::string_view::npos ? name : name.substr(slash + 1);
}

// True if `tail` is a whole path tail of `name`: "b/c" of "a/b/c".
bool IsPathTail(absl::string_view name, absl::string_view tail) {
  return !tail.empty() && name.size() > tail.size() && name[name.size() - tail.size() - 1] == '/' &&
         absl::EndsWithIgnoreCase(name, tail);
}

// One bit for each letter, digit and other character that occurs; case folded.
uint64_t Letters(absl::string_view name) {
  uint64_t mask = 0;
  for (const char c : name) {
    mask |=
        uint64_t{1} << (static_cast<unsigned char>(absl::ascii_tolower(static_cast<unsigned char>(c))) & 63);
  }
  return mask;
}

// Edit distance (insert, delete, replace, swap of neighbours) between one name and many.
class EditDistance {
 public:
  explicit EditDistance(absl::string_view wanted) : wanted_(absl::AsciiStrToLower(wanted)) {
    if (wanted_.size() > 64) return;
    for (size_t i = 0; i < wanted_.size(); ++i) {
      positions_[static_cast<unsigned char>(wanted_[i])] |= uint64_t{1} << i;
    }
  }

  // The distance if it is at most `limit`, else some number above `limit`.
  int To(absl::string_view name, int limit) {
    return wanted_.size() <= 64 ? BitParallel(name) : Banded(name, limit);
  }

 private:
  // A column of the usual matrix as two words of differences: H. Hyyrö, "A bit-vector algorithm for computing
  // Levenshtein and Damerau edit distances", 2003.
  int BitParallel(absl::string_view name) const {
    const size_t size = wanted_.size();
    if (size == 0) return static_cast<int>(name.size());
    const uint64_t last = uint64_t{1} << (size - 1);
    uint64_t up = ~uint64_t{0}, down = 0, diagonal = 0, previous = 0;
    int distance = static_cast<int>(size);
    for (const char c : name) {
      const uint64_t match =
          positions_[static_cast<unsigned char>(absl::ascii_tolower(static_cast<unsigned char>(c)))];
      const uint64_t swap = ((~diagonal & match) << 1) & previous;
      diagonal = swap | (((match & up) + up) ^ up) | match | down;
      uint64_t right_up = down | ~(diagonal | up);
      uint64_t right_down = diagonal & up;
      if ((right_up & last) != 0) ++distance;
      if ((right_down & last) != 0) --distance;
      right_up = right_up << 1 | 1;
      right_down <<= 1;
      up = right_down | ~(diagonal | right_up);
      down = diagonal & right_up;
      previous = match;
    }
    return distance;
  }

  // Three rows, and of each only the cells that can be within `limit`.
  int Banded(absl::string_view name, int limit) {
    const int rows = static_cast<int>(wanted_.size()), columns = static_cast<int>(name.size());
    const int beyond = limit + 1;
    for (std::vector<int>& row : rows_) row.assign(static_cast<size_t>(columns) + 1, beyond);
    for (int j = 0; j <= std::min(columns, limit); ++j) rows_[0][j] = j;
    for (int i = 1; i <= rows; ++i) {
      std::vector<int>& row = rows_[i % 3];
      const std::vector<int>& above = rows_[(i + 2) % 3];
      const std::vector<int>& two_above = rows_[(i + 1) % 3];
      const int first = std::max(1, i - limit), end = std::min(columns, i + limit);
      row[first - 1] = first == 1 ? std::min(i, beyond) : beyond;
      int least = row[first - 1];
      for (int j = first; j <= end; ++j) {
        const char a = wanted_[i - 1], b = Lower(name[j - 1]);
        int cost = std::min({above[j - 1] + (a == b ? 0 : 1), above[j] + 1, row[j - 1] + 1});
        if (i > 1 && j > 1 && a == Lower(name[j - 2]) && wanted_[i - 2] == b) {
          cost = std::min(cost, two_above[j - 2] + 1);
        }
        row[j] = std::min(cost, beyond);
        least = std::min(least, row[j]);
      }
      if (end < columns) row[end + 1] = beyond;
      if (least > limit) return beyond;
    }
    return rows_[rows % 3][columns];
  }

  static char Lower(char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); }

  std::string wanted_;
  std::array<uint64_t, 256> positions_{};
  std::array<std::vector<int>, 3> rows_;
};

// The rank that parts of the path give, without edits.
int RankByParts(absl::string_view wanted, absl::string_view name) {
  if (absl::EqualsIgnoreCase(wanted, name)) return 0;
  if (IsPathTail(name, wanted) || IsPathTail(wanted, name)) return kWholePathTail;
  if (wanted.size() >= kShortestPart && absl::StartsWithIgnoreCase(name, wanted)) return kContinued;
  const absl::string_view part = LastPart(wanted);
  if (part.size() >= kShortestPart && absl::EqualsIgnoreCase(part, LastPart(name))) {
    int rank = kSameLastPart;
    absl::string_view a = wanted.substr(0, wanted.size() - part.size());
    absl::string_view b = name.substr(0, name.size() - part.size());
    while (rank > kContinued + 1 && absl::ConsumeSuffix(&a, "/") && absl::ConsumeSuffix(&b, "/")) {
      const absl::string_view tail = LastPart(a);
      if (!absl::EqualsIgnoreCase(tail, LastPart(b))) break;
      a.remove_suffix(tail.size());
      b.remove_suffix(tail.size());
      --rank;
    }
    return rank;
  }
  if (name.size() >= kShortestPart &&
      (absl::StartsWithIgnoreCase(wanted, name) || absl::EndsWithIgnoreCase(wanted, name))) {
    return kBeginning;
  }
  if (wanted.size() >= kShortestPart && absl::EndsWithIgnoreCase(name, wanted)) return kBeginning;
  return kNoLikeness;
}

}  // namespace

std::vector<std::string> NearestNames(absl::string_view wanted,
                                      const std::vector<absl::string_view>& candidates, size_t count) {
  std::vector<std::pair<int, size_t>> best;  // Rank and position, sorted; at most `count`.
  if (count == 0 || wanted.empty()) return {};
  EditDistance distance(wanted);
  const uint64_t wanted_letters = Letters(wanted);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const absl::string_view name = candidates[i];
    // A later candidate must be better than the last of the list, not equal.
    const int bound = best.size() < count ? kNoLikeness : best.back().first;
    if (bound == 0) break;
    int rank = RankByParts(wanted, name);
    const size_t shorter = std::min(wanted.size(), name.size());
    const size_t longer = std::max(wanted.size(), name.size());
    // A third of the letters may be wrong; more is another name.
    const int limit = std::min<int>(static_cast<int>(std::min<size_t>((shorter + 2) / 3, 1000)),
                                    (std::min(rank, bound) - 1) / kEdit);
    if (limit >= 1 && longer - shorter <= static_cast<size_t>(limit)) {
      const uint64_t letters = Letters(name);
      if (__builtin_popcountll(letters & ~wanted_letters) <= limit &&
          __builtin_popcountll(wanted_letters & ~letters) <= limit) {
        const int edits = distance.To(name, limit);
        // Nothing left of a name of one or two letters is no likeness.
        if (edits <= limit && static_cast<size_t>(edits) < shorter) rank = std::min(rank, edits * kEdit);
      }
    }
    if (rank >= bound) continue;
    const std::pair<int, size_t> entry(rank, i);
    best.insert(std::upper_bound(best.begin(), best.end(), entry), entry);
    if (best.size() > count) best.pop_back();
  }
  std::vector<std::string> names;
  for (const auto& [rank, index] : best) names.emplace_back(candidates[index]);
  return names;
}

std::string DidYouMean(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string text = "; did you mean ";
  for (size_t i = 0; i < names.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : i + 1 == names.size() ? " or " : ", ", "'", names[i], "'");
  }
  return absl::StrCat(text, "?");
}

}  // namespace cryograph

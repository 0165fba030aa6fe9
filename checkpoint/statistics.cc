#include "checkpoint/statistics.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/element_values.h"

namespace cryograph {
namespace {

constexpr size_t kBlock = 1 << 14;

// Mean and sum of squared distances from it, of one block after the other (Chan, Golub, LeVeque 1979).
struct Moments {
  double count = 0, mean = 0, squares = 0;
  void Add(const Moments& other) {
    if (other.count == 0) return;
    const double delta = other.mean - mean, all = count + other.count;
    mean += delta * other.count / all;
    squares += other.squares + delta * delta * count * other.count / all;
    count = all;
  }
};

}  // namespace

Statistics StatisticsOf(const Tensor& value) {
  Statistics result;
  const int components = ComponentsOf(value.dtype);
  if (components == 0) return result;
  result.numeric = true;
  result.num_values = static_cast<uint64_t>(value.num_elements()) * static_cast<uint64_t>(components);
  Moments all;
  double block[kBlock];
  for (uint64_t at = 0; at < result.num_values; at += kBlock) {
    const size_t count = static_cast<size_t>(std::min<uint64_t>(kBlock, result.num_values - at));
    ReadComponents(value, at, count, block);
    size_t finite = 0;
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      const double x = block[i];
      if (!std::isfinite(x)) {
        ++(std::isnan(x) ? result.num_nan : result.num_inf);
        continue;
      }
      if (x == 0) ++result.num_zero;
      block[finite++] = x;
      sum += x;
    }
    if (finite == 0) continue;
    const auto [low, high] = std::minmax_element(block, block + finite);
    result.min = all.count == 0 ? *low : std::min(result.min, *low);
    result.max = all.count == 0 ? *high : std::max(result.max, *high);
    Moments here{static_cast<double>(finite), sum / static_cast<double>(finite), 0};
    for (size_t i = 0; i < finite; ++i) here.squares += (block[i] - here.mean) * (block[i] - here.mean);
    all.Add(here);
  }
  result.mean = all.mean;
  result.std = all.count == 0 ? 0 : std::sqrt(all.squares / all.count);
  return result;
}

std::string StatisticsText(const Statistics& statistics) {
  if (!statistics.numeric) return "no numbers";
  return absl::StrCat(absl::StrFormat("min %g max %g mean %g std %g", statistics.min, statistics.max,
                                      statistics.mean, statistics.std),
                      " zeros ", statistics.num_zero, " nan ", statistics.num_nan, " inf ",
                      statistics.num_inf, " of ", statistics.num_values);
}

}  // namespace cryograph

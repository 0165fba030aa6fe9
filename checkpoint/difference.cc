#include "checkpoint/difference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/status_macros.h"
#include "graph/element_values.h"
#include "graph/numpy_text.h"
#include "graph/tensor.h"

namespace cryograph {
namespace {

constexpr size_t kBlock = 1 << 14;  // Elements that are compared at a time.

// Element `index` alone, as numpy prints it.
std::string ElementText(const Tensor& tensor, uint64_t index) {
  Tensor element;
  element.dtype = tensor.dtype;
  if (DataTypeBytes(tensor.dtype) == 0) {
    element.strings = {tensor.strings[static_cast<size_t>(index)].substr(0, 60)};
  } else {
    const size_t width = static_cast<size_t>(DataTypeBytes(tensor.dtype));
    element.bytes = tensor.bytes.substr(static_cast<size_t>(index) * width, width);
  }
  const absl::StatusOr<std::string> text = NumpyText(element);
  return text.ok() ? *text : "?";
}

class ValueComparison {
 public:
  ValueComparison(const Tensor& a, const Tensor& b, const DifferenceOptions& options,
                  TensorDifference* difference)
      : a_(a), b_(b), options_(options), difference_(*difference) {}

  // False if the values are the same.
  bool Differ() {
    difference_.num_elements = static_cast<uint64_t>(a_.num_elements());
    if (DataTypeBytes(a_.dtype) == 0) {
      for (size_t i = 0; i < a_.strings.size(); ++i) {
        if (a_.strings[i] != b_.strings[i]) Count(i, 0);
      }
    } else {
      const size_t width = static_cast<size_t>(DataTypeBytes(a_.dtype));
      for (uint64_t at = 0; at < difference_.num_elements; at += kBlock) {
        const size_t count = static_cast<size_t>(std::min<uint64_t>(kBlock, difference_.num_elements - at));
        if (std::memcmp(a_.bytes.data() + at * width, b_.bytes.data() + at * width, count * width) != 0) {
          CompareBlock(at, count, width);
        }
      }
    }
    if (difference_.num_different == 0) return false;
    difference_.first_value = ElementText(a_, difference_.first_different);
    difference_.second_value = ElementText(b_, difference_.first_different);
    return true;
  }

 private:
  void Count(uint64_t index, double distance) {
    if (difference_.num_different++ == 0) difference_.first_different = index;
    if (std::isnan(distance) || !(distance <= difference_.largest)) difference_.largest = distance;
  }

  void CompareBlock(uint64_t at, size_t count, size_t width) {
    const size_t components = static_cast<size_t>(ComponentsOf(a_.dtype));
    const bool exact = options_.rtol == 0 && options_.atol == 0;
    double a[2 * kBlock], b[2 * kBlock];
    ReadComponents(a_, at * components, count * components, a);
    ReadComponents(b_, at * components, count * components, b);
    for (size_t i = 0; i < count; ++i) {
      const size_t offset = static_cast<size_t>(at + i) * width;
      if (std::memcmp(a_.bytes.data() + offset, b_.bytes.data() + offset, width) == 0) continue;
      bool same = !exact;
      double distance = 0;
      for (size_t k = i * components; k < (i + 1) * components; ++k) {
        if (a[k] == b[k] || (std::isnan(a[k]) && std::isnan(b[k]))) continue;
        const double apart = std::fabs(a[k] - b[k]);
        same = same && apart <= options_.atol + options_.rtol * std::fabs(b[k]) && std::isfinite(apart);
        distance =
            std::isfinite(apart) ? std::max(distance, apart) : std::numeric_limits<double>::quiet_NaN();
        if (std::isnan(distance)) break;
      }
      if (!same) Count(at + i, distance);
    }
  }

  const Tensor& a_;
  const Tensor& b_;
  const DifferenceOptions& options_;
  TensorDifference& difference_;
};

}  // namespace

absl::StatusOr<std::vector<TensorDifference>> CompareTensors(const CheckpointReader& first_reader,
                                                             absl::Span<const EditedKey> first,
                                                             const CheckpointReader& second_reader,
                                                             absl::Span<const EditedKey> second,
                                                             const DifferenceOptions& options) {
  std::vector<TensorDifference> differences;
  auto a = first.begin();
  auto b = second.begin();
  while (a != first.end() || b != second.end()) {
    TensorDifference difference;
    const bool only_a = b == second.end() || (a != first.end() && a->name < b->name);
    const bool only_b = !only_a && (a == first.end() || b->name < a->name);
    difference.name = only_b ? b->name : a->name;
    if (!only_b) difference.first = a++->entry;
    if (!only_a) difference.second = b++->entry;
    if (only_a || only_b) {
      difference.kind = only_a ? TensorDifference::kOnlyInFirst : TensorDifference::kOnlyInSecond;
    } else if (difference.first->dtype != difference.second->dtype) {
      difference.kind = TensorDifference::kType;
    } else if (difference.first->dims != difference.second->dims) {
      difference.kind = TensorDifference::kShape;
    } else {
      if (options.names_only) continue;
      ASSIGN_OR_RETURN(const Tensor x, first_reader.Read(difference.first->name));
      ASSIGN_OR_RETURN(const Tensor y, second_reader.Read(difference.second->name));
      if (!ValueComparison(x, y, options, &difference).Differ()) continue;
    }
    differences.push_back(std::move(difference));
  }
  return differences;
}

}  // namespace cryograph

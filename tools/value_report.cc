#include "tools/value_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "runtime/dispatch.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using OrderedTypes = JoinTypes<RealTypes, BoolType>;

// Element `index` as a number; NaN if there is no such thing.
double NumberAt(const Value& value, int64_t index) {
  double number = std::numeric_limits<double>::quiet_NaN();
  (void)DispatchType<OrderedTypes>(value.dtype(), [&](auto tag) {
    number = static_cast<double>(value.data<TypeOf<decltype(tag)>>()[index]);
    return absl::OkStatus();
  });
  return number;
}

bool HasOrder(DataType dtype) { return IsOneOf<OrderedTypes>(dtype); }

std::string ElementText(const Value& value, int64_t index) {
  switch (value.dtype()) {
    case DT_STRING: {
      constexpr size_t kMaxBytes = 60;
      const std::string& text = value.data<std::string>()[index];
      return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kMaxBytes)),
                          text.size() > kMaxBytes ? "…\"" : "\"");
    }
    case DT_BOOL:
      return value.data<bool>()[index] ? "true" : "false";
    case DT_INT64:
      return absl::StrCat(value.data<int64_t>()[index]);
    case DT_UINT64:
      return absl::StrCat(value.data<uint64_t>()[index]);
    case DT_COMPLEX64: {
      const auto& number = value.data<std::complex<float>>()[index];
      return absl::StrFormat("(%g,%g)", number.real(), number.imag());
    }
    case DT_COMPLEX128: {
      const auto& number = value.data<std::complex<double>>()[index];
      return absl::StrFormat("(%g,%g)", number.real(), number.imag());
    }
    case DT_RESOURCE:
    case DT_VARIANT: {
      const Handle& handle = value.data<Handle>()[index];
      return handle == nullptr ? "empty" : handle->kind();
    }
    default:
      if (HasOrder(value.dtype())) return absl::StrFormat("%.7g", NumberAt(value, index));
      return absl::StrCat(static_cast<int>(value.data<int8_t>()[index]));
  }
}

std::string ElementJson(const Value& value, int64_t index) {
  if (value.dtype() == DT_STRING) return cli::JsonString(value.data<std::string>()[index]);
  if (value.dtype() == DT_BOOL || value.dtype() == DT_INT64 || value.dtype() == DT_UINT64) {
    return ElementText(value, index);
  }
  if (!HasOrder(value.dtype())) return cli::JsonString(ElementText(value, index));
  const double number = NumberAt(value, index);
  return std::isfinite(number) ? absl::StrFormat("%.9g", number) : "null";
}

struct Statistics {
  double min = std::numeric_limits<double>::infinity(), max = -min, mean = 0;
  int64_t not_finite = 0;
};

Statistics StatisticsOf(const Value& value) {
  Statistics statistics;
  for (int64_t i = 0; i < value.num_elements(); ++i) {
    const double number = NumberAt(value, i);
    if (!std::isfinite(number)) {
      ++statistics.not_finite;
      continue;
    }
    statistics.min = std::min(statistics.min, number);
    statistics.max = std::max(statistics.max, number);
    statistics.mean += number;
  }
  statistics.mean /= static_cast<double>(std::max<int64_t>(1, value.num_elements() - statistics.not_finite));
  return statistics;
}

std::string JsonNumber(double number) {
  return std::isfinite(number) ? absl::StrFormat("%.9g", number) : "null";
}

}  // namespace

std::string ValueSummary(absl::string_view name, const Value& value, int64_t max_elements) {
  std::string text = absl::StrCat(name, ": ", ValueText(value));
  if (HasOrder(value.dtype()) && value.num_elements() > 1) {
    const Statistics statistics = StatisticsOf(value);
    if (statistics.not_finite == value.num_elements()) {
      absl::StrAppend(&text, "  none is finite");
    } else {
      absl::StrAppendFormat(&text, "  min %.7g, max %.7g, mean %.7g", statistics.min, statistics.max,
                            statistics.mean);
      if (statistics.not_finite > 0) absl::StrAppend(&text, ", ", statistics.not_finite, " not finite");
    }
  }
  absl::StrAppend(&text, "\n");
  const int64_t shown = std::min(max_elements, value.num_elements());
  if (shown == 0) return text;
  absl::StrAppend(&text, " ");
  for (int64_t i = 0; i < shown; ++i) absl::StrAppend(&text, " ", ElementText(value, i));
  absl::StrAppend(&text, shown < value.num_elements() ? " …\n" : "\n");
  return text;
}

std::string ValueJson(absl::string_view name, const Value& value, int64_t max_elements) {
  std::string json =
      absl::StrCat("{\"name\": ", cli::JsonString(name), ", \"dtype\": \"", DataTypeName(value.dtype()),
                   "\", \"shape\": [", absl::StrJoin(value.shape(), ", "), "]");
  if (HasOrder(value.dtype()) && value.num_elements() > 0) {
    const Statistics statistics = StatisticsOf(value);
    absl::StrAppend(&json, ", \"min\": ", JsonNumber(statistics.min),
                    ", \"max\": ", JsonNumber(statistics.max), ", \"mean\": ", JsonNumber(statistics.mean));
    if (statistics.not_finite > 0) absl::StrAppend(&json, ", \"not_finite\": ", statistics.not_finite);
  }
  absl::StrAppend(&json, ", \"values\": [");
  const int64_t shown = std::min(max_elements, value.num_elements());
  for (int64_t i = 0; i < shown; ++i) absl::StrAppend(&json, i == 0 ? "" : ", ", ElementJson(value, i));
  return absl::StrCat(json, "]}");
}

absl::StatusOr<std::vector<RankedClass>> TopClasses(const Value& value, int64_t k) {
  if (value.rank() == 0 || !HasOrder(value.dtype())) {
    return absl::InvalidArgumentError(absl::StrCat("no classes to rank in ", ValueText(value)));
  }
  const int64_t classes = value.shape().back();
  std::vector<RankedClass> ranked;
  for (int64_t begin = 0; classes > 0 && begin < value.num_elements(); begin += classes) {
    std::vector<RankedClass> row;
    for (int64_t i = 0; i < classes; ++i) row.push_back({begin / classes, i, NumberAt(value, begin + i)});
    const auto better = [](const RankedClass& a, const RankedClass& b) {
      if (std::isnan(a.score) != std::isnan(b.score)) return std::isnan(b.score);
      return a.score > b.score || (a.score == b.score && a.index < b.index);
    };
    const int64_t count = std::min(k, classes);
    std::partial_sort(row.begin(), row.begin() + count, row.end(), better);
    ranked.insert(ranked.end(), row.begin(), row.begin() + count);
  }
  return ranked;
}

absl::StatusOr<std::vector<std::string>> ReadLabels(const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  std::vector<std::string> labels = absl::StrSplit(file->bytes(), '\n');
  if (!labels.empty() && labels.back().empty()) labels.pop_back();
  for (std::string& label : labels) {
    if (!label.empty() && label.back() == '\r') label.pop_back();
  }
  return labels;
}

}  // namespace cryograph

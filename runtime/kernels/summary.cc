// ScalarSummary, HistogramSummary, TensorSummary, TensorSummaryV2, MergeSummary: serialized Summary messages,
// byte for byte as TensorFlow writes them.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/wire.h"
#include "base/wire_field.h"
#include "graph/tensor.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/arithmetic.h"

namespace cryograph {
namespace {

// Summary: repeated Value value = 1.
enum ValueField : uint32_t {
  kTag = 1,
  kSimpleValue = 2,
  kHistogram = 5,
  kNodeName = 7,
  kTensor = 8,
  kMetadata = 9
};
enum HistogramField : uint32_t { kMin = 1, kMax, kNumber, kSum, kSumOfSquares, kBucketLimits, kBuckets };

void AppendRaw(const void* bytes, size_t size, std::string* out) {
  out->append(static_cast<const char*>(bytes), size);
}
void AppendFloat(uint32_t number, float value, std::string* out) {
  AppendVarint(number << 3 | 5, out);
  AppendRaw(&value, sizeof(value), out);
}
// Zero is not written.
void AppendDouble(uint32_t number, double value, std::string* out) {
  const double zero = 0;
  if (std::memcmp(&value, &zero, sizeof(value)) == 0) return;
  AppendVarint(number << 3 | 1, out);
  AppendRaw(&value, sizeof(value), out);
}
void AppendText(uint32_t number, absl::string_view text, std::string* out) {
  if (!text.empty()) AppendBytesField(number, text, out);
}

template <typename T>
double AsDouble(T value) {
  if constexpr (std::is_integral_v<T>) return static_cast<double>(value);
  return static_cast<double>(static_cast<Arithmetic<T>>(value));
}

absl::Status ScalarSummary(KernelContext& context) {
  const Value& tags = context.input(0);
  const Value& values = context.input(1);
  RETURN_IF_ERROR(ExpectSameShape(tags, values));
  std::string summary;
  RETURN_IF_ERROR(DispatchType<RealTypes>(values.dtype(), [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    for (int64_t i = 0; i < values.num_elements(); ++i) {
      std::string value;
      AppendText(kTag, tags.data<std::string>()[i], &value);
      AppendFloat(kSimpleValue, static_cast<float>(AsDouble(values.data<T>()[i])), &value);
      AppendBytesField(1, value, &summary);
    }
    return absl::OkStatus();
  }));
  return context.SetScalarOutput<std::string>(0, std::move(summary));
}
CRYOGRAPH_KERNEL_FUNCTION(ScalarSummary, "ScalarSummary");

// Buckets that grow by a tenth from 1e-12 to 1e20, on both sides of zero.
class Histogram {
 public:
  Histogram() : counts_(Limits().size(), 0) {}

  void Add(double value) {
    const std::vector<double>& limits = Limits();
    const auto bucket = std::upper_bound(limits.begin(), limits.end(), value) - limits.begin();
    ++counts_[std::min<size_t>(static_cast<size_t>(bucket), counts_.size() - 1)];
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
    ++number_;
    sum_ += value;
    sum_of_squares_ += value * value;
  }

  // A run of empty buckets is one.
  std::string Encode() const {
    std::vector<double> limits, counts;
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) {
        while (i + 1 < counts_.size() && counts_[i + 1] == 0) ++i;
      }
      limits.push_back(Limits()[i]);
      counts.push_back(counts_[i]);
    }
    std::string message;
    AppendDouble(kMin, min_, &message);
    AppendDouble(kMax, max_, &message);
    AppendDouble(kNumber, number_, &message);
    AppendDouble(kSum, sum_, &message);
    AppendDouble(kSumOfSquares, sum_of_squares_, &message);
    AppendPacked(kBucketLimits, limits, &message);
    AppendPacked(kBuckets, counts, &message);
    return message;
  }

 private:
  static void AppendPacked(uint32_t number, const std::vector<double>& values, std::string* out) {
    AppendBytesField(
        number,
        absl::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)), out);
  }

  static const std::vector<double>& Limits() {
    static const auto* const limits = [] {
      auto* made = new std::vector<double>;
      for (double limit = 1e-12; limit < 1e20; limit *= 1.1) made->push_back(limit);
      made->push_back(std::numeric_limits<double>::max());
      const size_t half = made->size();
      made->insert(made->begin(), half + 1, 0.0);
      for (size_t i = 0; i < half; ++i) (*made)[i] = -(*made)[2 * half - i];
      return made;
    }();
    return *limits;
  }

  std::vector<double> counts_;
  double min_ = std::numeric_limits<double>::max(), max_ = std::numeric_limits<double>::lowest();
  double number_ = 0, sum_ = 0, sum_of_squares_ = 0;
};

absl::Status HistogramSummary(KernelContext& context) {
  const Value& values = context.input(1);
  RETURN_IF_ERROR(ExpectScalar(context.input(0), "tag"));
  const std::string& name = context.input(0).scalar<std::string>();
  Histogram histogram;
  RETURN_IF_ERROR(DispatchType<RealTypes>(values.dtype(), [&](auto tag) {
    for (const auto element : values.span<TypeOf<decltype(tag)>>()) {
      const double value = AsDouble(element);
      if (!std::isfinite(value)) {
        return absl::InvalidArgumentError(
            absl::StrCat(std::isnan(value) ? "NaN" : "Infinity", " in summary histogram for: ", name));
      }
      histogram.Add(value);
    }
    return absl::OkStatus();
  }));
  std::string value, summary;
  AppendText(kTag, name, &value);
  AppendBytesField(kHistogram, histogram.Encode(), &value);
  AppendBytesField(1, value, &summary);
  return context.SetScalarOutput<std::string>(0, std::move(summary));
}
CRYOGRAPH_KERNEL_FUNCTION(HistogramSummary, "HistogramSummary");

// TensorSummaryV2 (tag, tensor, metadata); TensorSummary (tensor) tags it with the node's name.
absl::Status TensorSummary(KernelContext& context) {
  const bool tagged = context.node().op() == "TensorSummaryV2";
  ASSIGN_OR_RETURN(const Tensor tensor, context.input(tagged ? 1 : 0).ToTensor());
  ASSIGN_OR_RETURN(const std::string proto, EncodeTensorProto(tensor));
  std::string value, summary;
  if (tagged) {
    RETURN_IF_ERROR(ExpectScalar(context.input(0), "tag"));
    RETURN_IF_ERROR(ExpectScalar(context.input(2), "serialized_summary_metadata"));
    AppendText(kTag, context.input(0).scalar<std::string>(), &value);
  } else {
    AppendText(kNodeName, context.node().name(), &value);
  }
  AppendBytesField(kTensor, proto, &value);
  if (tagged) AppendBytesField(kMetadata, context.input(2).scalar<std::string>(), &value);
  AppendBytesField(1, value, &summary);
  return context.SetScalarOutput<std::string>(0, std::move(summary));
}
CRYOGRAPH_KERNEL_FUNCTION(TensorSummary, "TensorSummary", "TensorSummaryV2");

// The values of one summary after the other; a tag may be there once.
absl::Status MergeSummary(KernelContext& context) {
  absl::flat_hash_set<absl::string_view> tags;
  std::string summary;
  for (int i = 0; i < context.num_inputs(); ++i) {
    for (const std::string& each : context.input(i).span<std::string>()) {
      WireReader reader(each);
      for (WireField field; reader.Next(&field);) {
        if (field.number != 1 || field.type != WireType::kBytes) continue;
        WireReader value(field.bytes);
        for (WireField part; value.Next(&part);) {
          if (part.number != kTag || part.type != WireType::kBytes || part.bytes.empty()) continue;
          if (!tags.insert(part.bytes).second) {
            return absl::InvalidArgumentError(
                absl::StrCat("Duplicate tag ", part.bytes, " found in summary inputs"));
          }
        }
        if (!value.ok()) return absl::InvalidArgumentError("Could not parse one of the summary inputs");
        AppendBytesField(1, field.bytes, &summary);
      }
      if (!reader.ok()) return absl::InvalidArgumentError("Could not parse one of the summary inputs");
    }
  }
  return context.SetScalarOutput<std::string>(0, std::move(summary));
}
CRYOGRAPH_KERNEL_FUNCTION(MergeSummary, "MergeSummary");

}  // namespace
}  // namespace cryograph

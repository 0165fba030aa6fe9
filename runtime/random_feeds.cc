#include "runtime/random_feeds.h"

#include <cmath>
#include <complex>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "runtime/dispatch.h"
#include "runtime/float16.h"

namespace cryograph {
namespace {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
class Generator {
 public:
  explicit Generator(uint64_t state) : state_(state) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

uint64_t HashOf(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a.
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

template <typename T>
T Draw(Generator& generator, double low, double high) {
  if constexpr (std::is_same_v<T, bool>) {
    return (generator.Next() >> 63) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(std::floor(low + generator.Fraction() * (high - low + 1)));
  } else if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
    using F = typename T::value_type;
    const F real = static_cast<F>(low + generator.Fraction() * (high - low));
    return T(real, static_cast<F>(low + generator.Fraction() * (high - low)));
  } else {
    return static_cast<T>(static_cast<float>(low + generator.Fraction() * (high - low)));
  }
}
template <>
double Draw<double>(Generator& generator, double low, double high) {
  return low + generator.Fraction() * (high - low);
}

void DefaultRange(DataType dtype, double* low, double* high) {
  switch (dtype) {
    case DT_UINT8:
    case DT_QUINT8:
      *low = 0, *high = 255;
      return;
    case DT_INT8:
    case DT_QINT8:
      *low = -128, *high = 127;
      return;
    case DT_FLOAT:
    case DT_DOUBLE:
    case DT_HALF:
    case DT_BFLOAT16:
    case DT_COMPLEX64:
    case DT_COMPLEX128:
      *low = -1, *high = 1;
      return;
    default:
      *low = 0, *high = 1;
  }
}

// The type whose values are drawn for a quantized type.
DataType PlainType(DataType dtype) {
  switch (dtype) {
    case DT_QUINT8:
      return DT_UINT8;
    case DT_QINT8:
      return DT_INT8;
    case DT_QINT16:
      return DT_INT16;
    case DT_QUINT16:
      return DT_UINT16;
    case DT_QINT32:
      return DT_INT32;
    default:
      return dtype;
  }
}

absl::StatusOr<Value> RandomFeed(const FeedSpec& spec, const RandomFeedOptions& options, int round,
                                 MemoryPool& pool) {
  using DrawnTypes = JoinTypes<NumberTypes, BoolType>;
  const DataType plain = PlainType(spec.dtype);
  if (!IsOneOf<DrawnTypes>(plain)) {
    return absl::InvalidArgumentError(
        absl::StrCat("input '", spec.name, "' is of type ", DataTypeName(spec.dtype),
                     ", for which no values can be drawn\ntry: a value for it: an expression, or a file"));
  }
  if (spec.shape.unknown_rank) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the graph does not say how many dimensions input '", spec.name,
        "' has\ntry: a value for it: an expression that says its shape, such as rand(1,8), or a file"));
  }
  Shape shape;
  for (const int64_t dim : spec.shape.dims) {
    shape.push_back(dim >= 0 ? dim : shape.empty() ? options.batch : options.unknown_dim);
  }
  ASSIGN_OR_RETURN(Value value, Value::Allocate(spec.dtype, shape, pool));
  double low = spec.low, high = spec.high;
  if (low == 0 && high == 0) DefaultRange(spec.dtype, &low, &high);
  Generator generator(HashOf(absl::StripSuffix(spec.name, ":0")) ^ (options.seed * 0x9e3779b97f4a7c15u) ^
                      (static_cast<uint64_t>(round) << 32));
  RETURN_IF_ERROR(DispatchType<DrawnTypes>(plain, [&](auto tag) {
    using T = TypeOf<decltype(tag)>;
    for (T& each : value.mutable_span<T>()) each = Draw<T>(generator, low, high);
    return absl::OkStatus();
  }));
  return value;
}

}  // namespace

absl::StatusOr<std::vector<Value>> RandomFeeds(absl::Span<const FeedSpec> specs,
                                               const RandomFeedOptions& options, int round,
                                               MemoryPool& pool) {
  std::vector<Value> feeds;
  for (const FeedSpec& spec : specs) {
    ASSIGN_OR_RETURN(Value value, RandomFeed(spec, options, round, pool));
    feeds.push_back(std::move(value));
  }
  return feeds;
}

}  // namespace cryograph

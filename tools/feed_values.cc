#include "tools/feed_values.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "graph/tensor.h"
#include "runtime/dispatch.h"
#include "tools/array_feeds.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

using NumericTypes = JoinTypes<RealTypes, BoolType, ComplexTypes>;

// The same numbers everywhere (splitmix64, Steele, Lea and Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // In [0, 1).
  double Uniform() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-53;
  }

 private:
  uint64_t state_;
};

// Is the number in the range of T, and were its digits kept on the way?
template <typename T>
bool Fits(double number) {
  constexpr double kExact = 0x1p53;
  const double low = std::max(static_cast<double>(std::numeric_limits<T>::min()), -kExact);
  const double high = std::min(static_cast<double>(std::numeric_limits<T>::max()), kExact);
  return std::trunc(number) >= low && std::trunc(number) <= high;
}

class Parser {
 public:
  Parser(absl::string_view text, const FeedTarget& target, MemoryPool& pool)
      : text_(text),
        rest_(text),
        dtype_(target.dtype == DT_INVALID ? DT_FLOAT : BaseType(target.dtype)),
        pool_(pool) {}

  absl::StatusOr<Value> Parse() {
    absl::StatusOr<Value> value = IsCall() ? Call() : Literal();
    if (!value.ok()) return value;
    SkipSpace();
    if (!rest_.empty()) return Fail("nothing more");
    return value;
  }

 private:
  struct Arguments {
    std::vector<double> numbers;
    double seed = 0, min = 0, max = 1;
  };

  absl::Status Fail(absl::string_view expected) const {
    return absl::InvalidArgumentError(absl::StrCat("'", text_, "': expected ", expected, " at character ",
                                                   text_.size() - rest_.size() + 1));
  }

  void SkipSpace() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }
  bool Take(char c) {
    SkipSpace();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  absl::string_view Word() {
    SkipSpace();
    size_t end = 0;
    while (end < rest_.size() && (absl::ascii_isalnum(rest_[end]) || rest_[end] == '_')) ++end;
    const absl::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return word;
  }
  absl::StatusOr<double> Number() {
    SkipSpace();
    if (absl::StartsWith(rest_, "true") || absl::StartsWith(rest_, "True")) {
      rest_.remove_prefix(4);
      return 1.0;
    }
    if (absl::StartsWith(rest_, "false") || absl::StartsWith(rest_, "False")) {
      rest_.remove_prefix(5);
      return 0.0;
    }
    size_t end = 0;
    while (end < rest_.size() && (absl::ascii_isalnum(rest_[end]) || absl::StrContains("+-.", rest_[end])))
      ++end;
    double number = 0;
    if (!absl::SimpleAtod(rest_.substr(0, end), &number)) return Fail("a number");
    rest_.remove_prefix(end);
    return number;
  }

  bool IsCall() const {
    const absl::string_view text = absl::StripLeadingAsciiWhitespace(text_);
    return !text.empty() && absl::ascii_isalpha(text[0]) && absl::StrContains(text, '(');
  }

  absl::Status Option(absl::string_view name, Arguments* arguments) {
    if (name == "dtype") {
      if (!ParseDataType(Word(), &dtype_)) return Fail("a type");
      return absl::OkStatus();
    }
    double* const target = name == "seed"  ? &arguments->seed
                           : name == "min" ? &arguments->min
                           : name == "max" ? &arguments->max
                                           : nullptr;
    if (target == nullptr) return Fail("dtype=, seed=, min= or max=");
    ASSIGN_OR_RETURN(*target, Number());
    return name != "seed" || Fits<int64_t>(*target) ? absl::OkStatus()
                                                    : Fail("a seed below 2^53 before this");
  }

  absl::Status ParseArguments(Arguments* arguments) {
    if (!Take('(')) return Fail("'('");
    if (Take(')')) return absl::OkStatus();
    do {
      SkipSpace();
      const absl::string_view before = rest_;
      const absl::string_view word = Word();
      if (!word.empty() && Take('=')) {
        RETURN_IF_ERROR(Option(word, arguments));
        continue;
      }
      rest_ = before;
      ASSIGN_OR_RETURN(const double number, Number());
      arguments->numbers.push_back(number);
    } while (Take(','));
    return Take(')') ? absl::OkStatus() : Fail("',' or ')'");
  }

  absl::StatusOr<Value> Call() {
    const absl::string_view name = Word();
    Arguments arguments;
    RETURN_IF_ERROR(ParseArguments(&arguments));
    double fill = name == "ones" ? 1 : 0;
    std::vector<double>& numbers = arguments.numbers;
    if (name == "full") {
      if (numbers.empty()) return Fail("full(value, dimensions…)");
      fill = numbers[0];
      numbers.erase(numbers.begin());
    }
    std::vector<int64_t> dims;
    for (double number : numbers) {
      if (!(number >= 0 && number < 0x1p53) || number != std::floor(number))
        return Fail("dimensions before this");
      dims.push_back(static_cast<int64_t>(number));
    }
    if (name == "zeros" || name == "ones" || name == "full") {
      return Make(dims, [&](int64_t) { return fill; });
    }
    if (name == "arange") {
      return Make(dims, [](int64_t i) { return static_cast<double>(i); });
    }
    if (name == "rand") {
      Random random(static_cast<uint64_t>(static_cast<int64_t>(arguments.seed)));
      const double min = arguments.min, span = arguments.max - arguments.min;
      return Make(dims, [&](int64_t) { return min + span * random.Uniform(); });
    }
    rest_ = text_;
    return Fail("zeros(), ones(), full(), arange() or rand()");
  }

  template <typename Get>
  absl::StatusOr<Value> Make(const std::vector<int64_t>& dims, Get get) {
    ASSIGN_OR_RETURN(Value value, Value::Allocate(dtype_, dims, pool_));
    RETURN_IF_ERROR(DispatchType<NumericTypes>(dtype_, [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      T* const data = value.mutable_data<T>();
      for (int64_t i = 0; i < value.num_elements(); ++i) {
        const double number = get(i);
        if constexpr (std::is_same_v<T, bool>) {
          data[i] = number >= 0.5;
        } else if constexpr (std::is_integral_v<T>) {
          if (!Fits<T>(number)) {
            return absl::InvalidArgumentError(
                absl::StrCat("'", text_, "': ", number, " does not fit ", DataTypeName(dtype_),
                             sizeof(T) == 8 ? " exactly: such numbers come from an .npy file" : ""));
          }
          data[i] = static_cast<T>(static_cast<int64_t>(number));
        } else if constexpr (sizeof(T) == 2) {
          data[i] = T(static_cast<float>(number));
        } else {
          data[i] = T(number);
        }
      }
      return absl::OkStatus();
    }));
    return value;
  }

  // Nested lists: the elements, and the length of each level, which must be the same wherever it stands.
  absl::Status List(size_t depth, std::vector<int64_t>* dims, std::vector<double>* numbers,
                    std::vector<std::string>* strings) {
    constexpr size_t kMaxDepth = 32;
    if (depth > kMaxDepth) return Fail("fewer brackets");
    if (!Take('[')) {
      if (depth < dims->size()) return Fail("'['");
      if (dtype_ == DT_STRING) {
        const char quote = Take('\'') ? '\'' : Take('"') ? '"' : '\0';
        const size_t end = quote == '\0' ? absl::string_view::npos : rest_.find(quote);
        if (end == absl::string_view::npos) return Fail("a string in quotes");
        strings->emplace_back(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        return absl::OkStatus();
      }
      ASSIGN_OR_RETURN(const double number, Number());
      numbers->push_back(number);
      return absl::OkStatus();
    }
    const bool first = dims->size() == depth;
    if (first) {
      if (!numbers->empty() || !strings->empty()) return Fail("no '['");
      dims->push_back(0);
    }
    int64_t length = 0;
    if (!Take(']')) {
      do {
        RETURN_IF_ERROR(List(depth + 1, dims, numbers, strings));
        ++length;
      } while (Take(','));
      if (!Take(']')) return Fail("',' or ']'");
    }
    if (first) (*dims)[depth] = length;
    return (*dims)[depth] == length ? absl::OkStatus() : Fail("lists of one length before this");
  }

  absl::StatusOr<Value> Literal() {
    std::vector<int64_t> dims;
    std::vector<double> numbers;
    std::vector<std::string> strings;
    RETURN_IF_ERROR(List(0, &dims, &numbers, &strings));
    if (dtype_ != DT_STRING) return Make(dims, [&](int64_t i) { return numbers[i]; });
    ASSIGN_OR_RETURN(Value value, Value::Allocate(DT_STRING, dims, pool_));
    for (size_t i = 0; i < strings.size(); ++i) value.mutable_data<std::string>()[i] = strings[i];
    return value;
  }

  absl::string_view text_, rest_;
  DataType dtype_;
  MemoryPool& pool_;
};

bool IsExpression(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  if (text.empty()) return false;
  double number = 0;
  if (text[0] == '[' || text[0] == '\'' || text[0] == '"' || text == "true" || text == "false") return true;
  if (absl::SimpleAtod(text, &number)) return true;
  return absl::ascii_isalpha(text[0]) && text.back() == ')';
}

absl::StatusOr<Value> FromTensorProto(const std::string& path, MemoryPool& pool) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  constexpr uint64_t kMostBytes = uint64_t{1} << 31;
  const absl::StatusOr<Tensor> tensor =
      DecodeTensorProto(file->bytes(), file, std::min(pool.limit(), kMostBytes));
  if (!tensor.ok()) {
    return absl::Status(tensor.status().code(),
                        absl::StrCat(path, ": not a serialized TensorProto: ", tensor.status().message()));
  }
  return Value::FromTensor(*tensor, pool);
}

// `text` is neither an expression nor a file.
absl::Status NoValue(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is no expression, and no .npy, .npz[KEY], .pb or image file: only a tensor of strings ",
      "takes the bytes of any file"));
}

bool IsImageName(absl::string_view path) {
  for (const char* suffix : {".jpg", ".jpeg", ".png", ".gif", ".bmp"}) {
    if (absl::EndsWithIgnoreCase(path, suffix)) return true;
  }
  return false;
}

absl::StatusOr<Value> FromFile(const std::string& path, const FeedTarget& target, MemoryPool& pool) {
  const absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(path);
  const bool is_string = target.dtype == DT_STRING;
  if (!file.ok()) return is_string || IsImageName(path) ? file.status() : NoValue(path);
  const absl::string_view bytes = (*file)->bytes();
  if (!is_string) {
    if (!IsImage(bytes)) return NoValue(path);
    const DataType dtype = target.dtype == DT_INVALID ? DT_FLOAT : target.dtype;
    absl::StatusOr<Value> value = ImageValue(bytes, dtype, target.shape, target.image, pool);
    if (value.ok() || cli::IsUsageError(value.status())) return value;
    return absl::Status(value.status().code(), absl::StrCat(path, ": ", value.status().message()));
  }
  const bool vector = !target.shape.unknown_rank && target.shape.dims.size() == 1;
  ASSIGN_OR_RETURN(Value value, Value::Allocate(DT_STRING, std::vector<int64_t>(vector ? 1 : 0, 1), pool));
  value.mutable_data<std::string>()->assign(bytes.data(), bytes.size());
  return value;
}

}  // namespace

absl::StatusOr<std::pair<std::string, std::string>> SplitFeed(const std::string& feed) {
  const size_t equals = feed.find('=');
  if (equals == std::string::npos || equals == 0) {
    return cli::UsageError(absl::StrCat("--feed=", feed, ": expected NAME=VALUE"));
  }
  return std::make_pair(feed.substr(0, equals), feed.substr(equals + 1));
}

absl::StatusOr<Value> FeedValue(absl::string_view text, const FeedTarget& target, MemoryPool& pool) {
  if (IsExpression(text)) return Parser(text, target, pool).Parse();
  const std::string path(text);
  if (absl::EndsWith(path, ".npy") || absl::EndsWith(path, ".npz") || absl::EndsWith(path, "]")) {
    return FeedFromArrayFile(path, pool);
  }
  if (absl::EndsWith(path, ".pb")) return FromTensorProto(path, pool);
  return FromFile(path, target, pool);
}

std::string FeedHelp() {
  return "FILE.npy, FILE.npz[KEY], FILE.pb (a serialized TensorProto); a JPEG, PNG, GIF or BMP image for "
         "numbers; any file is a string of its bytes.\n"
         "zeros(1,224,224,3), ones(…), full(VALUE,…), arange(…), rand(…, seed=1, min=-1, max=1): "
         "dimensions in brackets, dtype=NAME if the graph does not say which type it wants.\n"
         "3, -0.5, true, 'text', [1,2,3], [[1,2],[3,4]].";
}

}  // namespace cryograph

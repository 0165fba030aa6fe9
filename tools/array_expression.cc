#include "tools/array_expression.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "runtime/dispatch.h"

namespace cryograph {
namespace {

using NumericTypes = JoinTypes<RealTypes, BoolType, ComplexTypes>;
using Dims = std::vector<int64_t>;

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

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

// Stores a number that is an integer or a double; false if it is none of T's.
template <typename T>
bool Store(const PythonValue& number, T* to) {
  if constexpr (std::is_same_v<T, bool>) {
    *to = number.kind == PythonValue::kFloat ? number.number >= 0.5 : number.integer != 0;
  } else if constexpr (std::is_integral_v<T>) {
    if (number.kind != PythonValue::kFloat) {
      *to = static_cast<T>(number.integer);
      return static_cast<int64_t>(*to) == number.integer && (number.integer >= 0 || std::is_signed_v<T>);
    }
    const double cut = std::trunc(number.number);
    const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
    if (!(cut < limit && cut >= (std::is_signed_v<T> ? -limit : 0.0))) return false;
    *to = static_cast<T>(cut);
  } else if constexpr (sizeof(T) == 2) {
    *to = T(static_cast<float>(number.as_double()));
  } else {
    *to = T(number.as_double());
  }
  return true;
}

PythonValue FloatOf(double number) {
  PythonValue value;
  value.kind = PythonValue::kFloat;
  value.number = number;
  return value;
}

class Evaluator {
 public:
  Evaluator(DataType dtype, MemoryPool& pool)
      : dtype_(dtype == DT_INVALID ? DT_FLOAT : BaseType(dtype)), pool_(pool) {}

  absl::StatusOr<Value> Evaluate(const PythonValue& expression) {
    return expression.kind == PythonValue::kCall ? Call(expression) : Literal(expression);
  }

 private:
  // --- Literals.

  // The leaves of nested lists, row by row, and the length of each level, which must be the same wherever it
  // stands.
  static absl::Status Flatten(const PythonValue& value, size_t depth, Dims* dims,
                              std::vector<const PythonValue*>* leaves) {
    if (value.kind != PythonValue::kList && value.kind != PythonValue::kTuple) {
      if (depth < dims->size()) return Invalid("a number stands where other rows have a list");
      leaves->push_back(&value);
      return absl::OkStatus();
    }
    const auto length = static_cast<int64_t>(value.items.size());
    if (dims->size() == depth) {
      if (!leaves->empty()) return Invalid("a list stands where other rows have a number");
      dims->push_back(length);
    }
    if ((*dims)[depth] != length) {
      return Invalid(absl::StrCat("a list of ", length, " elements stands beside one of ", (*dims)[depth]));
    }
    for (const PythonValue& item : value.items) RETURN_IF_ERROR(Flatten(item, depth + 1, dims, leaves));
    return absl::OkStatus();
  }

  absl::StatusOr<Value> Literal(const PythonValue& expression) {
    Dims dims;
    std::vector<const PythonValue*> leaves;
    RETURN_IF_ERROR(Flatten(expression, 0, &dims, &leaves));
    for (const PythonValue* leaf : leaves) {
      const bool is_string = leaf->kind == PythonValue::kText || leaf->kind == PythonValue::kBytes;
      if (is_string && dtype_ == DT_STRING) continue;
      if (leaf->is_number() && dtype_ != DT_STRING) continue;
      return Invalid(absl::StrCat("a ", PythonTypeName(leaf->kind), " is no element of a tensor of type ",
                                  DataTypeName(dtype_)));
    }
    if (dtype_ != DT_STRING) {
      return Make(dims, [&](int64_t i) -> const PythonValue& { return *leaves[static_cast<size_t>(i)]; });
    }
    ASSIGN_OR_RETURN(Value value, Value::Allocate(DT_STRING, dims, pool_));
    for (size_t i = 0; i < leaves.size(); ++i) value.mutable_data<std::string>()[i] = leaves[i]->text;
    return value;
  }

  template <typename Get>
  absl::StatusOr<Value> Make(const Dims& dims, Get get) {
    ASSIGN_OR_RETURN(Value value, Value::Allocate(dtype_, dims, pool_));
    RETURN_IF_ERROR(DispatchType<NumericTypes>(dtype_, [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      T* const data = value.mutable_data<T>();
      for (int64_t i = 0; i < value.num_elements(); ++i) {
        const PythonValue& number = get(i);
        if (Store(number, data + i)) continue;
        const std::string text =
            number.kind == PythonValue::kFloat ? absl::StrCat(number.number) : absl::StrCat(number.integer);
        return Invalid(absl::StrCat(text, " does not fit ", DataTypeName(dtype_)));
      }
      return absl::OkStatus();
    }));
    return value;
  }
  absl::StatusOr<Value> MakeFloats(const Dims& dims, absl::FunctionRef<double(int64_t)> get) {
    PythonValue number = FloatOf(0);
    return Make(dims, [&](int64_t i) -> const PythonValue& {
      number.number = get(i);
      return number;
    });
  }

  // --- Calls.

  static const PythonValue* Named(const PythonValue& call, absl::string_view name) {
    for (const auto& [key, value] : call.named) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  static absl::StatusOr<double> NumberOf(const PythonValue& value, absl::string_view what) {
    if (value.is_number()) return value.as_double();
    return Invalid(absl::StrCat(what, " is a ", PythonTypeName(value.kind), ", not a number"));
  }
  static absl::Status CheckNames(const PythonValue& call, std::initializer_list<absl::string_view> known) {
    for (const auto& [key, value] : call.named) {
      bool found = key == "dtype";
      for (const absl::string_view each : known) found = found || key == each;
      if (!found) return Invalid(absl::StrCat(call.text, "() takes no '", key, "'"));
    }
    return absl::OkStatus();
  }

  static absl::Status AddDim(const PythonValue& value, Dims* dims) {
    const double dim = value.is_number() ? value.as_double() : -1;
    if (!(dim >= 0 && dim < 0x1p53) || dim != std::floor(dim)) {
      return Invalid("a dimension must be a number from 0 on");
    }
    dims->push_back(static_cast<int64_t>(dim));
    return absl::OkStatus();
  }
  // Arguments from `first` on, or the one list or tuple that stands there.
  static absl::StatusOr<Dims> DimsFrom(const PythonValue& call, size_t first) {
    Dims dims;
    const std::vector<PythonValue>* list = &call.items;
    const bool is_list = list->size() == first + 1 && ((*list)[first].kind == PythonValue::kTuple ||
                                                       (*list)[first].kind == PythonValue::kList);
    if (is_list) {
      list = &(*list)[first].items;
      first = 0;
    }
    for (size_t i = first; i < list->size(); ++i) RETURN_IF_ERROR(AddDim((*list)[i], &dims));
    return dims;
  }

  absl::Status SetType(const PythonValue& name) {
    absl::string_view text = name.text;
    if (!absl::ConsumePrefix(&text, "np.")) absl::ConsumePrefix(&text, "numpy.");
    if (text == "bool_") text = "bool";
    if (text == "int") text = "int64";
    if ((name.kind != PythonValue::kName && name.kind != PythonValue::kText) ||
        !ParseDataType(text, &dtype_)) {
      return Invalid(absl::StrCat("dtype: '", name.text, "' is no type"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Value> Call(const PythonValue& call) {
    if (const PythonValue* type = Named(call, "dtype"); type != nullptr) RETURN_IF_ERROR(SetType(*type));
    if (absl::StartsWith(call.text, ".")) return Method(call);
    absl::string_view name = call.text;
    const bool numpy = absl::ConsumePrefix(&name, "np.") || absl::ConsumePrefix(&name, "numpy.");
    if (numpy && absl::ConsumePrefix(&name, "random.")) {
      if (name == "rand") return Rand(call);
      return Unknown(call);
    }
    if (name == "zeros" || name == "ones") return Filled(call, name == "ones" ? 1 : 0, 0);
    if (name == "full" && !numpy) {
      if (call.items.empty()) return Invalid("full() wants a value and dimensions");
      ASSIGN_OR_RETURN(const double fill, NumberOf(call.items[0], "the value"));
      return Filled(call, fill, 1);
    }
    if (name == "full") return NumpyFull(call);
    if (name == "rand" && !numpy) return Rand(call);
    if (name == "arange" && !numpy) {
      RETURN_IF_ERROR(CheckNames(call, {}));
      ASSIGN_OR_RETURN(const Dims dims, DimsFrom(call, 0));
      return MakeFloats(dims, [](int64_t i) { return static_cast<double>(i); });
    }
    if (name == "arange") return NumpyArange(call);
    if (name == "linspace" && numpy) return Linspace(call);
    if (numpy && call.items.size() == 1) {
      RETURN_IF_ERROR(CheckNames(call, {}));
      if (name == "array" || name == "asarray") return Evaluate(call.items[0]);
      PythonValue type;
      type.kind = PythonValue::kName;
      type.text = std::string(name);
      if (SetType(type).ok()) return Evaluate(call.items[0]);
    }
    return Unknown(call);
  }

  static absl::Status Unknown(const PythonValue& call) {
    return Invalid(absl::StrCat(
        "'", call.text,
        "()' is not known here\ntry: zeros(), ones(), full(), arange(), rand(), or "
        "np.zeros(), np.ones(), np.full(), np.arange(), np.linspace(), np.random.rand(), np.array()"));
  }

  absl::StatusOr<Value> Filled(const PythonValue& call, double fill, size_t first) {
    RETURN_IF_ERROR(CheckNames(call, {}));
    ASSIGN_OR_RETURN(const Dims dims, DimsFrom(call, first));
    return MakeFloats(dims, [fill](int64_t) { return fill; });
  }

  absl::StatusOr<Value> NumpyFull(const PythonValue& call) {
    RETURN_IF_ERROR(CheckNames(call, {}));
    if (call.items.size() != 2) return Invalid("np.full() wants a shape and a value");
    PythonValue shape = call;
    shape.items.pop_back();
    ASSIGN_OR_RETURN(const Dims dims, DimsFrom(shape, 0));
    ASSIGN_OR_RETURN(const double fill, NumberOf(call.items[1], "the value"));
    return MakeFloats(dims, [fill](int64_t) { return fill; });
  }

  absl::StatusOr<Value> NumpyArange(const PythonValue& call) {
    RETURN_IF_ERROR(CheckNames(call, {}));
    std::vector<double> numbers;
    for (const PythonValue& item : call.items) {
      ASSIGN_OR_RETURN(numbers.emplace_back(), NumberOf(item, "an argument of np.arange()"));
    }
    if (numbers.empty() || numbers.size() > 3) return Invalid("np.arange() wants one to three numbers");
    const double start = numbers.size() > 1 ? numbers[0] : 0, step = numbers.size() > 2 ? numbers[2] : 1;
    const double count = std::ceil(((numbers.size() > 1 ? numbers[1] : numbers[0]) - start) / step);
    if (!(count < 0x1p53)) return Invalid("np.arange() would have no end");
    return MakeFloats({static_cast<int64_t>(std::fmax(count, 0))},
                      [=](int64_t i) { return start + static_cast<double>(i) * step; });
  }

  absl::StatusOr<Value> Linspace(const PythonValue& call) {
    RETURN_IF_ERROR(CheckNames(call, {"num"}));
    if (call.items.size() < 2 || call.items.size() > 3) return Invalid("np.linspace() wants start and stop");
    ASSIGN_OR_RETURN(const double start, NumberOf(call.items[0], "start"));
    ASSIGN_OR_RETURN(const double stop, NumberOf(call.items[1], "stop"));
    Dims dims;
    const PythonValue* const named = Named(call, "num");
    if (call.items.size() == 3 || named != nullptr) {
      RETURN_IF_ERROR(AddDim(named != nullptr ? *named : call.items[2], &dims));
    } else {
      dims = {50};
    }
    const int64_t last = dims[0] - 1;
    const double step = last > 0 ? (stop - start) / static_cast<double>(last) : 0;
    return MakeFloats(dims, [=](int64_t i) {
      return i == last && last > 0 ? stop : start + static_cast<double>(i) * step;
    });
  }

  absl::StatusOr<Value> Rand(const PythonValue& call) {
    RETURN_IF_ERROR(CheckNames(call, {"seed", "min", "max"}));
    double seed = 0, min = 0, max = 1;
    for (const auto& [name, target] :
         {std::pair<const char*, double*>{"seed", &seed}, {"min", &min}, {"max", &max}}) {
      if (const PythonValue* value = Named(call, name); value != nullptr) {
        ASSIGN_OR_RETURN(*target, NumberOf(*value, name));
      }
    }
    if (!(std::fabs(seed) < 0x1p53)) return Invalid("expected a seed below 2^53");
    ASSIGN_OR_RETURN(const Dims dims, DimsFrom(call, 0));
    Random random(static_cast<uint64_t>(static_cast<int64_t>(seed)));
    return MakeFloats(dims, [&](int64_t) { return min + (max - min) * random.Uniform(); });
  }

  absl::StatusOr<Value> Method(const PythonValue& call) {
    if (call.text == ".astype" && call.items.size() == 2) {
      RETURN_IF_ERROR(SetType(call.items[1]));
      return Evaluate(call.items[0]);
    }
    if (call.text != ".reshape") return Invalid(absl::StrCat("'", call.text, "()' is not known here"));
    RETURN_IF_ERROR(CheckNames(call, {}));
    ASSIGN_OR_RETURN(Value value, Evaluate(call.items[0]));
    ASSIGN_OR_RETURN(Dims dims, ReshapedDims(call, value.num_elements()));
    return value.Reshaped(dims);
  }

  static absl::StatusOr<Dims> ReshapedDims(const PythonValue& call, int64_t elements) {
    PythonValue known = call;  // -1 as 1.
    std::vector<PythonValue>* list = &known.items;
    size_t first = 1;
    if (list->size() == 2 && (*list)[1].kind != PythonValue::kInt) {
      list = &(*list)[1].items;
      first = 0;
    }
    size_t open = list->size();
    for (size_t i = first; i < list->size(); ++i) {
      if ((*list)[i].kind != PythonValue::kInt || (*list)[i].integer != -1) continue;
      if (open != list->size()) return Invalid("reshape() can leave only one dimension open");
      open = i;
      (*list)[i].integer = 1;
    }
    ASSIGN_OR_RETURN(Dims dims, DimsFrom(known, 1));
    ASSIGN_OR_RETURN(const int64_t count, NumElements(dims));
    if (open < list->size() && count > 0 && elements % count == 0) {
      dims[open - first] = elements / count;
    } else if (count != elements) {
      return Invalid(absl::StrCat(elements, " elements cannot be reshaped to ", ShapeText(dims)));
    }
    return dims;
  }

  DataType dtype_;
  MemoryPool& pool_;
};

}  // namespace

absl::StatusOr<Value> EvaluateArray(const PythonValue& expression, DataType dtype, MemoryPool& pool) {
  return Evaluator(dtype, pool).Evaluate(expression);
}

absl::StatusOr<Value> EvaluateArray(absl::string_view text, DataType dtype, MemoryPool& pool) {
  ASSIGN_OR_RETURN(const PythonValue expression, ParsePythonExpression(text));
  absl::StatusOr<Value> value = EvaluateArray(expression, dtype, pool);
  if (value.ok()) return value;
  return absl::Status(value.status().code(), absl::StrCat("'", text, "': ", value.status().message()));
}

}  // namespace cryograph

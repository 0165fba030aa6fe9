// Parameters of passes: declared once, as members of the pass, with type, default, check and documentation.
// Spec parsing, range checks, --help and docs/passes.md all read the declaration.
#ifndef CRYOGRAPH_TRANSFORMS_PARAM_H_
#define CRYOGRAPH_TRANSFORMS_PARAM_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "transforms/regex.h"

namespace cryograph {

// What the registry, the spec parser and the documentation see of a parameter.
class ParamBase {
 public:
  ParamBase(absl::string_view name, absl::string_view doc, bool required)
      : name_(name), doc_(doc), required_(required) {}
  virtual ~ParamBase() = default;
  ParamBase(const ParamBase&) = delete;
  ParamBase& operator=(const ParamBase&) = delete;

  const std::string& name() const { return name_; }
  const std::string& doc() const { return doc_; }
  bool required() const { return required_; }
  // True once the spec gave a value.
  bool given() const { return given_; }

  // Sets the value from what the spec gave, in its order; `values` is not empty. InvalidArgument with the
  // parameter's name, what was found and what is expected. A single value given twice is refused with the
  // count.
  absl::Status Set(absl::Span<const std::string> values);

  virtual std::string type_name() const = 0;     // "int", "list of regex"
  virtual std::string default_text() const = 0;  // As a spec would write it; empty for an empty list or text.
  virtual std::string expected() const = 0;      // "at least 0"; empty if every value of the type will do.
  virtual bool is_list() const = 0;

 protected:
  // One value; an error text, or empty.
  virtual std::string SetOne(absl::string_view text) = 0;
  virtual void Clear() {}

 private:
  std::string name_, doc_;
  bool required_;
  bool given_ = false;
};

// Where parameters are collected: the base of every pass.
class ParamOwner {
 public:
  // In the order of declaration.
  const std::vector<ParamBase*>& params() const { return params_; }
  // Null if there is none of that name.
  ParamBase* FindParam(absl::string_view name) const;

 protected:
  ParamOwner() = default;
  ~ParamOwner() = default;

 private:
  template <typename T>
  friend class Param;
  std::vector<ParamBase*> params_;
};

// A condition on a value (of a list: on each element), and the words for it: "at least 0".
template <typename T>
struct ParamCheck {
  std::string expected;
  std::function<bool(const T&)> ok;
};

ParamCheck<int64_t> AtLeast(int minimum);
ParamCheck<int64_t> AtLeast(int64_t minimum);
ParamCheck<int64_t> InRange(int64_t minimum, int64_t maximum);
ParamCheck<double> AtLeast(double minimum);
ParamCheck<std::string> OneOf(std::initializer_list<absl::string_view> values);
ParamCheck<std::string> NotEmpty();

// How a value of each type is read from and written in a spec. Rules: numbers are decimal with an optional
// '-' and blanks around; a double is what strtod takes; a bool is true, false, 1 or 0; types are "float",
// "int32_ref", "DT_HALF"; a shape is "1,224,?,3" with -1, ? or None for an unknown dimension, "" or "[]" for
// a scalar and "unknown" for an unknown rank.
template <typename T>
struct ParamType;
#define CG_PARAM_TYPE_(T, description)                          \
  template <>                                                   \
  struct ParamType<T> {                                         \
    static constexpr char kName[] = description;                \
    /* Empty if it went well, else what a value looks like. */  \
    static std::string Parse(absl::string_view text, T* value); \
    static std::string Text(const T& value);                    \
  }
CG_PARAM_TYPE_(bool, "bool");
CG_PARAM_TYPE_(int64_t, "int");
CG_PARAM_TYPE_(double, "float");
CG_PARAM_TYPE_(std::string, "string");
CG_PARAM_TYPE_(Regex, "regex");
CG_PARAM_TYPE_(DataType, "type");
CG_PARAM_TYPE_(PartialShape, "shape");
#undef CG_PARAM_TYPE_

// Marks a parameter that has no default: the spec must give it.
struct Required {
  enum Tag { kTag };
  explicit constexpr Required(Tag) {}
};
inline constexpr Required kRequired{Required::kTag};

// A member of the pass; *param is its value. T is one of the types above, or std::vector of one (a repeated
// key).
//   Param<int64_t> max_inputs_{this, "max_inputs", 1, "…", AtLeast(0)};
//   Param<std::vector<Regex>> op_{this, "op", kRequired, "…"};
template <typename T>
class Param final : public ParamBase {
 public:
  Param(ParamOwner* owner, absl::string_view name, T fallback, absl::string_view doc,
        ParamCheck<T> check = {})
      : ParamBase(name, doc, false), value_(std::move(fallback)), check_(std::move(check)) {
    default_text_ = ParamType<T>::Text(value_);
    owner->params_.push_back(this);
  }
  Param(ParamOwner* owner, absl::string_view name, Required, absl::string_view doc, ParamCheck<T> check = {})
      : ParamBase(name, doc, true), value_(), check_(std::move(check)) {
    owner->params_.push_back(this);
  }

  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }

  std::string type_name() const override { return ParamType<T>::kName; }
  std::string default_text() const override { return default_text_; }
  std::string expected() const override { return check_.expected; }
  bool is_list() const override { return false; }

 private:
  std::string SetOne(absl::string_view text) override {
    T value{};
    if (std::string error = ParamType<T>::Parse(text, &value); !error.empty()) return error;
    if (check_.ok && !check_.ok(value)) return check_.expected;
    value_ = std::move(value);
    return "";
  }

  T value_;
  ParamCheck<T> check_;
  std::string default_text_;
};

template <typename T>
class Param<std::vector<T>> final : public ParamBase {
 public:
  Param(ParamOwner* owner, absl::string_view name, std::vector<T> fallback, absl::string_view doc,
        ParamCheck<T> check = {})
      : ParamBase(name, doc, false), values_(std::move(fallback)), check_(std::move(check)) {
    for (const T& value : values_) {
      if (!default_text_.empty()) default_text_ += ' ';
      default_text_ += ParamType<T>::Text(value);
    }
    owner->params_.push_back(this);
  }
  Param(ParamOwner* owner, absl::string_view name, Required, absl::string_view doc, ParamCheck<T> check = {})
      : ParamBase(name, doc, true), check_(std::move(check)) {
    owner->params_.push_back(this);
  }

  const std::vector<T>& operator*() const { return values_; }
  const std::vector<T>* operator->() const { return &values_; }

  std::string type_name() const override { return std::string("list of ") + ParamType<T>::kName; }
  std::string default_text() const override { return default_text_; }
  std::string expected() const override { return check_.expected; }
  bool is_list() const override { return true; }

 private:
  std::string SetOne(absl::string_view text) override {
    T value{};
    if (std::string error = ParamType<T>::Parse(text, &value); !error.empty()) return error;
    if (check_.ok && !check_.ok(value)) return check_.expected;
    values_.push_back(std::move(value));
    return "";
  }
  void Clear() override { values_.clear(); }

  std::vector<T> values_;
  ParamCheck<T> check_;
  std::string default_text_;
};

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_PARAM_H_

// Typed view of one attribute value (a serialized AttrValue), and the making of such values.
#ifndef CRYOGRAPH_GRAPH_ATTR_H_
#define CRYOGRAPH_GRAPH_ATTR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "graph/dtype.h"
#include "graph/tensor.h"

namespace cryograph {

// A shape as attributes and signatures hold it: unknown rank, or dimensions with -1 for an unknown one.
struct PartialShape {
  bool unknown_rank = false;
  std::vector<int64_t> dims;
  friend bool operator==(const PartialShape& a, const PartialShape& b) {
    return a.unknown_rank == b.unknown_rank && a.dims == b.dims;
  }
};
std::string PartialShapeText(const PartialShape& shape);  // "[2,?]", "[]", "<unknown>"

// Does not own the bytes. Malformed bytes read as kEmpty: importers have refused them before.
class AttrView {
 public:
  // kNone: no such attribute. kEmpty: present, but the oneof is not set. kUnknown: only fields we do not
  // know.
  enum Kind {
    kNone,
    kEmpty,
    kString,
    kInt,
    kFloat,
    kBool,
    kType,
    kShape,
    kTensor,
    kList,
    kFunc,
    kPlaceholder,
    kUnknown
  };

  AttrView() = default;  // kNone
  explicit AttrView(absl::string_view bytes);
  // A tensor that is still where it comes from.
  explicit AttrView(const TensorSource* source) : kind_(kTensor), source_(source) {}

  Kind kind() const { return kind_; }
  absl::string_view bytes() const { return bytes_; }  // Serialized AttrValue; empty for a TensorSource.

  absl::string_view s() const { return payload_; }                  // kString; kPlaceholder: its name.
  int64_t i() const { return static_cast<int64_t>(number_); }       // kInt
  float f() const;                                                  // kFloat
  bool b() const { return number_ != 0; }                           // kBool
  DataType type() const { return static_cast<DataType>(number_); }  // kType
  PartialShape shape() const;                                       // kShape
  absl::string_view tensor_bytes() const { return payload_; }       // kTensor: serialized TensorProto, or …
  const TensorSource* tensor_source() const { return source_; }     // … this if not null.
  absl::string_view func_name() const;                              // kFunc
  // kFunc: the NameAttrList's own attributes, as they stand.
  std::vector<std::pair<absl::string_view, AttrView>> func_attrs() const;

  // kList: the elements of each kind; at most one of them is not empty in a valid list.
  std::vector<absl::string_view> list_s() const;
  std::vector<int64_t> list_i() const;
  std::vector<float> list_f() const;
  std::vector<bool> list_b() const;
  std::vector<DataType> list_type() const;
  std::vector<PartialShape> list_shape() const;
  std::vector<absl::string_view> list_tensor() const;  // Serialized TensorProtos.
  std::vector<absl::string_view> list_func() const;    // Serialized NameAttrLists.
  // Elements of any kind.
  int list_size() const;

  template <typename T>
  T Get(T fallback) const {
    if constexpr (std::is_same_v<T, bool>) {
      return kind_ == kBool ? b() : fallback;
    } else if constexpr (std::is_same_v<T, DataType>) {
      return kind_ == kType ? type() : fallback;
    } else if constexpr (std::is_integral_v<T>) {
      return kind_ == kInt ? static_cast<T>(i()) : fallback;
    } else if constexpr (std::is_floating_point_v<T>) {
      return kind_ == kFloat ? f() : fallback;
    } else {
      return kind_ == kString ? T(s()) : fallback;
    }
  }

 private:
  Kind kind_ = kNone;
  absl::string_view bytes_;
  absl::string_view payload_;
  uint64_t number_ = 0;
  const TensorSource* source_ = nullptr;
};

// Serialized NameAttrList, its name alone.
absl::string_view NameOfNameAttrList(absl::string_view bytes);

// Serialized AttrValues.
std::string AttrString(absl::string_view value);
std::string AttrInt(int64_t value);
std::string AttrFloat(float value);
std::string AttrBool(bool value);
std::string AttrType(DataType value);
std::string AttrShape(const PartialShape& value);
std::string AttrTensor(absl::string_view tensor_proto);
std::string AttrFunc(absl::string_view function_name);
std::string AttrTypeList(absl::Span<const DataType> values);
std::string AttrIntList(absl::Span<const int64_t> values);
std::string AttrStringList(absl::Span<const std::string> values);
std::string AttrShapeList(absl::Span<const PartialShape> values);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_ATTR_H_

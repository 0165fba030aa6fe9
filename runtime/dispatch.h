// From a dtype to a C++ type. Each type in a list costs compile time and code: take the shortest list that
// serves, and dispatch on the width alone where elements are only moved.
#ifndef CRYOGRAPH_RUNTIME_DISPATCH_H_
#define CRYOGRAPH_RUNTIME_DISPATCH_H_

#include <complex>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "graph/dtype.h"
#include "runtime/float16.h"
#include "runtime/value.h"

namespace cryograph {

template <typename T>
struct TypeTag {
  using Type = T;
};
// The C++ type of a tag that a dispatched lambda was given: using T = TypeOf<decltype(tag)>;
template <typename Tag>
using TypeOf = typename Tag::Type;

template <DataType dtype, typename T>
struct TypeEntry {
  static constexpr DataType kType = dtype;
  using Type = T;
};
template <typename... Entries>
struct TypeList {};

using FloatTypes = TypeList<TypeEntry<DT_FLOAT, float>, TypeEntry<DT_DOUBLE, double>,
                            TypeEntry<DT_HALF, Half>, TypeEntry<DT_BFLOAT16, Bfloat16>>;
using SignedIntTypes = TypeList<TypeEntry<DT_INT32, int32_t>, TypeEntry<DT_INT64, int64_t>,
                                TypeEntry<DT_INT16, int16_t>, TypeEntry<DT_INT8, int8_t>>;
using UnsignedIntTypes = TypeList<TypeEntry<DT_UINT8, uint8_t>, TypeEntry<DT_UINT16, uint16_t>,
                                  TypeEntry<DT_UINT32, uint32_t>, TypeEntry<DT_UINT64, uint64_t>>;
using ComplexTypes =
    TypeList<TypeEntry<DT_COMPLEX64, std::complex<float>>, TypeEntry<DT_COMPLEX128, std::complex<double>>>;
using IndexTypes = TypeList<TypeEntry<DT_INT32, int32_t>, TypeEntry<DT_INT64, int64_t>>;
using BoolType = TypeList<TypeEntry<DT_BOOL, bool>>;
using StringType = TypeList<TypeEntry<DT_STRING, std::string>>;

namespace dispatch_internal {

template <typename... Lists>
struct JoinImpl;
template <typename... A>
struct JoinImpl<TypeList<A...>> {
  using Type = TypeList<A...>;
};
template <typename... A, typename... B, typename... Rest>
struct JoinImpl<TypeList<A...>, TypeList<B...>, Rest...> {
  using Type = typename JoinImpl<TypeList<A..., B...>, Rest...>::Type;
};

template <typename F, typename... Entries>
absl::Status Dispatch(DataType dtype, F& function, TypeList<Entries...>) {
  absl::Status status;
  const bool found =
      ((dtype == Entries::kType && (status = function(TypeTag<typename Entries::Type>()), true)) || ...);
  if (found) return status;
  return absl::UnimplementedError(absl::StrCat("no kernel for ", DataTypeName(dtype)));
}

}  // namespace dispatch_internal

// All types of several lists: JoinTypes<FloatTypes, SignedIntTypes>.
template <typename... Lists>
using JoinTypes = typename dispatch_internal::JoinImpl<Lists...>::Type;
using IntTypes = JoinTypes<SignedIntTypes, UnsignedIntTypes>;
using RealTypes = JoinTypes<FloatTypes, IntTypes>;
using NumberTypes = JoinTypes<RealTypes, ComplexTypes>;

// Calls function(TypeTag<T>) for the entry of `List` that is `dtype` and returns its Status; Unimplemented if
// there is none.
template <typename List, typename F>
absl::Status DispatchType(DataType dtype, F&& function) {
  return dispatch_internal::Dispatch(dtype, function, List());
}

// Is `dtype` in the list?
template <typename... Entries>
constexpr bool IsInList(DataType dtype, TypeList<Entries...>) {
  return ((dtype == Entries::kType) || ...);
}
template <typename List>
constexpr bool IsOneOf(DataType dtype) {
  return IsInList(dtype, List());
}

// Stands for any 16-byte plain element.
struct Bytes16 {
  uint64_t low, high;
};

// For kernels that only move elements: T is uint8_t, uint16_t, uint32_t, uint64_t, Bytes16, std::string or
// Handle. Serves every dtype there is.
template <typename F>
absl::Status DispatchWidth(DataType dtype, F&& function) {
  if (dtype == DT_STRING) return function(TypeTag<std::string>());
  if (dtype == DT_RESOURCE || dtype == DT_VARIANT) return function(TypeTag<Handle>());
  switch (DataTypeBytes(dtype)) {
    case 1:
      return function(TypeTag<uint8_t>());
    case 2:
      return function(TypeTag<uint16_t>());
    case 4:
      return function(TypeTag<uint32_t>());
    case 8:
      return function(TypeTag<uint64_t>());
    case 16:
      return function(TypeTag<Bytes16>());
    default:
      return absl::UnimplementedError(absl::StrCat("no kernel for ", DataTypeName(dtype)));
  }
}

// True for types whose elements are plain bytes, which memcpy may move.
inline bool IsPlainType(DataType dtype) { return DataTypeBytes(dtype) > 0; }

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_DISPATCH_H_

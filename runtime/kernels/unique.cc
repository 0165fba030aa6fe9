// Unique, UniqueWithCounts and their V2 along an axis; ListDiff.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/axis_loop.h"

namespace cryograph {
namespace {

using UniqueTypes = JoinTypes<RealTypes, BoolType, StringType>;

// What two elements must share to be equal: all bytes, except that a zero has no sign.
template <typename T>
void AppendKey(const T& value, std::string* key) {
  T normal = value;
  if constexpr (std::is_floating_point_v<T>) {
    if (normal == 0) normal = 0;
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>) {
    if ((normal.bits & 0x7fff) == 0) normal.bits = 0;
  }
  key->append(reinterpret_cast<const char*>(&normal), sizeof(T));
}
void AppendKey(const std::string& value, std::string* key) {
  const uint64_t size = value.size();
  key->append(reinterpret_cast<const char*>(&size), sizeof(size));
  key->append(value);
}

absl::Status StoreInts(KernelContext& context, int index, absl::Span<const int64_t> values) {
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(index, {static_cast<int64_t>(values.size())}));
  return DispatchType<IndexTypes>(output->dtype(), [&](auto tag) {
    std::copy(values.begin(), values.end(), output->mutable_data<TypeOf<decltype(tag)>>());
    return absl::OkStatus();
  });
}

class UniqueKernel final : public Kernel {
 public:
  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    int axis = 0;
    bool has_axis = false;
    if (context.num_inputs() > 1) {
      ASSIGN_OR_RETURN(const Shape given, IntVector(context.input(1), "the axis"));
      if (given.size() > 1)
        return absl::InvalidArgumentError("axis must be a scalar or have one element at most");
      if (!given.empty()) {
        ASSIGN_OR_RETURN(axis, NormalizeAxis(given[0], input.rank()));
        has_axis = true;
      }
    }
    if (!has_axis && !input.is_vector()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unique expects a 1D vector, not shape ", ShapeText(input.shape())));
    }
    const AxisLoop loop(input.shape(), axis);
    ASSIGN_OR_RETURN(Value * index, context.AllocateOutput(1, {loop.size}));
    return DispatchType<UniqueTypes>(input.dtype(), [&](auto tag) -> absl::Status {
      using T = TypeOf<decltype(tag)>;
      const T* in = input.data<T>();
      absl::flat_hash_map<std::string, int64_t> places;
      std::vector<int64_t> firsts, counts;
      std::string key;
      for (int64_t i = 0; i < loop.size; ++i) {
        key.clear();
        for (int64_t outer = 0; outer < loop.outer && loop.inner > 0; ++outer) {
          const T* run = in + (outer * loop.size + i) * loop.inner;
          for (int64_t n = 0; n < loop.inner; ++n) AppendKey(run[n], &key);
        }
        const auto [found, inserted] = places.try_emplace(key, static_cast<int64_t>(firsts.size()));
        if (inserted) {
          firsts.push_back(i);
          counts.push_back(0);
        }
        if (index->dtype() == DT_INT32) {
          index->mutable_data<int32_t>()[i] = static_cast<int32_t>(found->second);
        } else {
          index->mutable_data<int64_t>()[i] = found->second;
        }
        ++counts[static_cast<size_t>(found->second)];
      }
      Shape shape = input.shape();
      shape[axis] = static_cast<int64_t>(firsts.size());
      ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
      T* out = output->mutable_data<T>();
      for (int64_t outer = 0; outer < loop.outer && output->num_elements() > 0; ++outer) {
        for (const int64_t first : firsts) {
          const T* run = in + (outer * loop.size + first) * loop.inner;
          out = std::copy(run, run + loop.inner, out);
        }
      }
      return context.num_outputs() > 2 ? StoreInts(context, 2, counts) : absl::OkStatus();
    });
  }
};
CRYOGRAPH_KERNEL(UniqueKernel, "Unique", "UniqueV2", "UniqueWithCounts", "UniqueWithCountsV2");

absl::Status ListDiff(KernelContext& context) {
  const Value& x = context.input(0);
  const Value& y = context.input(1);
  for (const Value* each : {&x, &y}) RETURN_IF_ERROR(ExpectVector(*each, "a list"));
  return DispatchType<UniqueTypes>(x.dtype(), [&](auto tag) -> absl::Status {
    using T = TypeOf<decltype(tag)>;
    absl::flat_hash_set<std::string> excluded;
    std::string key;
    for (const T& each : y.span<T>()) {
      key.clear();
      AppendKey(each, &key);
      excluded.insert(key);
    }
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      key.clear();
      AppendKey(x.data<T>()[i], &key);
      if (!excluded.contains(key)) kept.push_back(i);
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {static_cast<int64_t>(kept.size())}));
    for (size_t i = 0; i < kept.size(); ++i) output->mutable_data<T>()[i] = x.data<T>()[kept[i]];
    return StoreInts(context, 1, kept);
  });
}
CRYOGRAPH_KERNEL_FUNCTION(ListDiff, "ListDiff");

}  // namespace
}  // namespace cryograph

#include "runtime/value.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "graph/tensor.h"
#include "gtest/gtest.h"
#include "runtime/float16.h"
#include "runtime/memory.h"

namespace cryograph {
namespace {

using testing::HasSubstr;
using Code = absl::StatusCode;

TEST(MemoryPoolTest, CountsAndLimits) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create(1000);
  {
    ASSERT_OK_AND_ASSIGN(const BufferRef a, pool->Allocate(500));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % 64, 0u);
    EXPECT_EQ(pool->bytes_in_use(), 512u);
    EXPECT_THAT(pool->Allocate(500),
                StatusIs(Code::kResourceExhausted, HasSubstr("of which 512 are in use")));
    EXPECT_OK(pool->Charge(a, 400));
    EXPECT_THAT(pool->Charge(a, 400), StatusIs(Code::kResourceExhausted));
    EXPECT_EQ(pool->bytes_in_use(), 912u);
  }
  EXPECT_EQ(pool->bytes_in_use(), 0u);
  EXPECT_EQ(pool->peak_bytes(), 912u);
  EXPECT_THAT(pool->Allocate(std::numeric_limits<uint64_t>::max()), StatusIs(Code::kResourceExhausted));
}

TEST(MemoryPoolTest, UsesBlocksAgain) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  const char* first = nullptr;
  {
    ASSERT_OK_AND_ASSIGN(const BufferRef block, pool->Allocate(100000));
    first = block.data();
  }
  ASSERT_OK_AND_ASSIGN(const BufferRef same, pool->Allocate(90000));
  EXPECT_EQ(same.data(), first);
  ASSERT_OK_AND_ASSIGN(const BufferRef other, pool->Allocate(90000));
  EXPECT_NE(other.data(), first);
}

TEST(MemoryPoolTest, BlocksOutliveTheirPool) {
  std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  ASSERT_OK_AND_ASSIGN(Value value, Value::Allocate(DT_STRING, {2}, *pool));
  pool = nullptr;
  value.mutable_data<std::string>()[1] = std::string(1000, 'x');
  EXPECT_EQ(value.data<std::string>()[1].size(), 1000u);
}

TEST(ValueTest, RefusesImpossibleShapes) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create(1 << 20);
  EXPECT_THAT(Value::Allocate(DT_FLOAT, {-1}, *pool), StatusIs(Code::kInvalidArgument));
  EXPECT_THAT(Value::Allocate(DT_FLOAT, {int64_t{1} << 40, int64_t{1} << 40}, *pool),
              StatusIs(Code::kInvalidArgument));
  EXPECT_THAT(Value::Allocate(DT_FLOAT, {int64_t{1} << 62}, *pool), StatusIs(Code::kResourceExhausted));
  EXPECT_THAT(Value::Allocate(DT_STRING, {int64_t{1} << 60}, *pool), StatusIs(Code::kResourceExhausted));
  EXPECT_THAT(Value::Allocate(DT_FLOAT, std::vector<int64_t>(255, 1), *pool),
              StatusIs(Code::kInvalidArgument));
  EXPECT_THAT(Value::Allocate(static_cast<DataType>(99), {1}, *pool), StatusIs(Code::kUnimplemented));
  ASSERT_OK_AND_ASSIGN(const Value empty, Value::Allocate(DT_FLOAT, {0, int64_t{1} << 40}, *pool));
  EXPECT_EQ(empty.num_elements(), 0);
}

TEST(ValueTest, CopiesShareElementsAndKnowIt) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  ASSERT_OK_AND_ASSIGN(Value a, Value::Allocate(DT_INT32, {2, 3}, *pool));
  EXPECT_TRUE(a.writable_alone());
  const Value b = a.Reshaped({6});
  EXPECT_FALSE(a.writable_alone());
  EXPECT_TRUE(b.SharesElementsWith(a));
  ASSERT_OK_AND_ASSIGN(const Value copy, a.Copy(*pool));
  EXPECT_TRUE(copy.writable_alone());
  a.mutable_data<int32_t>()[3] = 7;
  EXPECT_EQ(a.Rows(1, 2).data<int32_t>()[0], 7);
  EXPECT_EQ(ValueText(b), "int32 [6]");
}

TEST(ValueTest, ShowsTensorsInPlace) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  const Tensor tensor = Tensor::Of<float>(DT_FLOAT, {2}, {1.5f, -2.0f});
  ASSERT_OK_AND_ASSIGN(const Value value, Value::FromTensor(tensor, *pool));
  EXPECT_EQ(value.data<float>()[1], -2.0f);
  EXPECT_FALSE(value.writable_alone());
  ASSERT_OK_AND_ASSIGN(const Tensor back, value.ToTensor());
  EXPECT_EQ(back.bytes, tensor.bytes);
  EXPECT_EQ(back.dims, tensor.dims);
  Tensor deep = tensor;
  deep.dims.resize(255, 1);
  EXPECT_THAT(Value::FromTensor(deep, *pool), StatusIs(Code::kInvalidArgument));
}

TEST(ValueTest, BoolsAreOneBit) {
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  ASSERT_OK_AND_ASSIGN(const Value value,
                       Value::FromTensor(Tensor::OfBytes(DT_BOOL, {4}, std::string("\0\1\2\377", 4)), *pool));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(value.raw()[i], i == 0 ? 0 : 1);
}

TEST(ValueTest, ObjectsMayNestAsDeepAsMemoryIs) {
  struct Box : Object {
    const char* kind() const override { return "box"; }
    Value inside;
  };
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create();
  Value outermost;
  for (int depth = 0; depth < 300000; ++depth) {
    const auto box = std::make_shared<Box>();
    box->inside = std::move(outermost);
    ASSERT_OK_AND_ASSIGN(outermost, Value::Allocate(DT_VARIANT, {}, *pool));
    *outermost.mutable_data<Handle>() = box;
  }
  outermost = Value();
  EXPECT_EQ(pool->bytes_in_use(), 0u);
}

TEST(Float16Test, EveryHalfSurvivesTheWayThroughFloat) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Half half = Half::FromBits(static_cast<uint16_t>(bits));
    const float value = half;
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(Half(value)))) << bits;
    } else {
      EXPECT_EQ(Half(value).bits, bits);
    }
  }
}

TEST(Float16Test, RoundsToNearestEven) {
  EXPECT_EQ(static_cast<float>(Half(1.0f + 0x1p-11f)), 1.0f);
  EXPECT_EQ(static_cast<float>(Half(1.0f + 0x1.8p-10f)), 1.0f + 0x1p-9f);
  EXPECT_EQ(static_cast<float>(Half(65519.0f)), 65504.0f);
  EXPECT_TRUE(std::isinf(static_cast<float>(Half(65520.0f))));
  EXPECT_EQ(static_cast<float>(Half(0x1p-24f)), 0x1p-24f);
  EXPECT_EQ(Half(0x1p-25f).bits, 0);
  EXPECT_EQ(Half(0x1.8p-25f).bits, 1);
  EXPECT_EQ(Half(-0.0f).bits, 0x8000);
  EXPECT_EQ(static_cast<float>(Bfloat16(1.0f + 0x1p-8f)), 1.0f);
  EXPECT_EQ(static_cast<float>(Bfloat16(1.0f + 0x1.8p-7f)), 1.0f + 0x1p-6f);
  EXPECT_TRUE(std::isinf(static_cast<float>(Bfloat16(std::numeric_limits<float>::max()))));
}

}  // namespace
}  // namespace cryograph

// StringToHashBucketFast, -Strong, StringToHashBucket, Fingerprint.
#include "runtime/kernels/string_hash.h"

#include <cstring>
#include <string>
#include <vector>

#include "base/wire.h"
#include "farmhash.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

uint64_t RotateLeft(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

// The last size % 8 bytes of `bytes`, little endian.
uint64_t Tail(absl::string_view bytes) {
  uint64_t word = 0;
  const size_t rest = bytes.size() % 8;
  if (rest > 0) std::memcpy(&word, bytes.data() + bytes.size() - rest, rest);
  return word;
}

}  // namespace

uint64_t SipHash(uint64_t key0, uint64_t key1, absl::string_view bytes) {
  uint64_t v0 = key0 ^ 0x736f6d6570736575u, v1 = key1 ^ 0x646f72616e646f6du;
  uint64_t v2 = key0 ^ 0x6c7967656e657261u, v3 = key1 ^ 0x7465646279746573u;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v2 += v3;
      v1 = RotateLeft(v1, 13) ^ v0;
      v3 = RotateLeft(v3, 16) ^ v2;
      v0 = RotateLeft(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = RotateLeft(v1, 17) ^ v2;
      v3 = RotateLeft(v3, 21) ^ v0;
      v2 = RotateLeft(v2, 32);
    }
  };
  const auto take = [&](uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  };
  for (size_t i = 0; i + 8 <= bytes.size(); i += 8) take(LoadFixed64(bytes.data() + i));
  take(Tail(bytes) | static_cast<uint64_t>(bytes.size()) << 56);
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t Fingerprint64(absl::string_view bytes) { return util::Fingerprint64(bytes.data(), bytes.size()); }

uint64_t FingerprintPair(uint64_t first, uint64_t second) {
  constexpr uint64_t kFactor = 0xc6a4a7935bd1e995u;
  const auto mix = [](uint64_t x) { return x ^ x >> 47; };
  uint64_t result = first ^ kFactor;
  result = (result ^ mix(second * kFactor) * kFactor) * kFactor;
  return mix(mix(result) * kFactor);
}

namespace {

// MurmurHash64A: https://github.com/aappleby/smhasher
uint64_t MurmurHash64A(absl::string_view bytes, uint64_t seed) {
  constexpr uint64_t kFactor = 0xc6a4a7935bd1e995u;
  uint64_t hash = seed ^ (bytes.size() * kFactor);
  for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    uint64_t word = LoadFixed64(bytes.data() + i) * kFactor;
    word ^= word >> 47;
    hash = (hash ^ (word * kFactor)) * kFactor;
  }
  if (bytes.size() % 8 != 0) hash = (hash ^ Tail(bytes)) * kFactor;
  hash = (hash ^ hash >> 47) * kFactor;
  return hash ^ hash >> 47;
}

class StringToHashBucketKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    int64_t buckets = 0;
    RETURN_IF_ERROR(node.Attr("num_buckets", &buckets));
    if (buckets < 1) return absl::InvalidArgumentError("num_buckets must be at least 1");
    buckets_ = static_cast<uint64_t>(buckets);
    hash_ = node.op() == "StringToHashBucketFast"     ? Hash::kFarm
            : node.op() == "StringToHashBucketStrong" ? Hash::kSip
                                                      : Hash::kMurmur;
    if (hash_ != Hash::kSip) return absl::OkStatus();
    RETURN_IF_ERROR(node.Attr("key", &key_));
    return key_.size() == 2 ? absl::OkStatus() : absl::InvalidArgumentError("key must be two integers");
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, input.shape()));
    for (int64_t i = 0; i < input.num_elements(); ++i) {
      output->mutable_data<int64_t>()[i] =
          static_cast<int64_t>(HashOf(input.data<std::string>()[i]) % buckets_);
    }
    return absl::OkStatus();
  }

 private:
  enum class Hash { kFarm, kSip, kMurmur };
  static constexpr uint64_t kMurmurSeed = 0xdecafcaffe;

  uint64_t HashOf(const std::string& text) const {
    switch (hash_) {
      case Hash::kFarm:
        return Fingerprint64(text);
      case Hash::kSip:
        return SipHash(static_cast<uint64_t>(key_[0]), static_cast<uint64_t>(key_[1]), text);
      default:
        return MurmurHash64A(text, kMurmurSeed);
    }
  }

  Hash hash_ = Hash::kFarm;
  uint64_t buckets_ = 1;
  std::vector<int64_t> key_;
};
CRYOGRAPH_KERNEL(StringToHashBucketKernel, "StringToHashBucketFast", "StringToHashBucketStrong",
                 "StringToHashBucket");

// Eight bytes for each row of dimension 0. A row of several strings is known by the fingerprints of these.
absl::Status Fingerprint(KernelContext& context) {
  const Value& data = context.input(0);
  if (data.rank() < 1) return absl::InvalidArgumentError("data must not be a scalar");
  RETURN_IF_ERROR(ExpectScalar(context.input(1), "method"));
  const std::string& method = context.input(1).scalar<std::string>();
  if (method != "farmhash64") {
    return absl::InvalidArgumentError(absl::StrCat("method must be farmhash64, not '", method, "'"));
  }
  const bool strings = data.dtype() == DT_STRING;
  if (!strings && !IsPlainType(data.dtype())) return context.node().UnsupportedType(data.dtype());
  const int64_t rows = data.dim(0), inner = rows == 0 ? 0 : data.num_elements() / rows;
  ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {rows, 8}));
  for (int64_t row = 0; row < rows; ++row) {
    uint64_t fingerprint = 0;
    if (!strings) {
      const auto bytes = static_cast<size_t>(inner * ValueElementBytes(data.dtype()));
      fingerprint = Fingerprint64({data.raw() + static_cast<size_t>(row) * bytes, bytes});
    } else if (inner == 1) {
      fingerprint = Fingerprint64(data.data<std::string>()[row]);
    } else {
      std::string each;
      for (int64_t i = 0; i < inner; ++i) {
        AppendFixed64(Fingerprint64(data.data<std::string>()[row * inner + i]), &each);
      }
      fingerprint = Fingerprint64(each);
    }
    std::memcpy(output->mutable_raw() + row * 8, &fingerprint, sizeof(fingerprint));
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(Fingerprint, "Fingerprint");

}  // namespace
}  // namespace cryograph

#include "runtime/kernels/example_proto.h"

#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

absl::Status Damaged() { return absl::InvalidArgumentError("could not parse the serialized tf.Example"); }

float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// BytesList, FloatList or Int64List: field 1, numbers packed or not.
absl::Status ParseList(absl::string_view bytes, ExampleFeature* feature) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number != 1) continue;
    absl::string_view packed = field.bytes;
    if (feature->dtype == DT_STRING) {
      if (field.type == WireType::kBytes) feature->strings.push_back(field.bytes);
    } else if (feature->dtype == DT_FLOAT) {
      if (field.type == WireType::kFixed32)
        feature->floats.push_back(FloatOf(static_cast<uint32_t>(field.varint)));
      if (field.type != WireType::kBytes) continue;
      if (packed.size() % 4 != 0) return Damaged();
      for (size_t i = 0; i < packed.size(); i += 4) {
        feature->floats.push_back(FloatOf(LoadFixed32(packed.data() + i)));
      }
    } else {
      if (field.type == WireType::kVarint) feature->ints.push_back(static_cast<int64_t>(field.varint));
      if (field.type != WireType::kBytes) continue;
      while (!packed.empty()) {
        uint64_t value;
        if (!ReadVarint(&packed, &value)) return Damaged();
        feature->ints.push_back(static_cast<int64_t>(value));
      }
    }
  }
  return reader.ok() ? absl::OkStatus() : Damaged();
}

absl::Status ParseFeature(absl::string_view bytes, ExampleFeature* feature) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.type != WireType::kBytes || field.number < 1 || field.number > 3) continue;
    const DataType dtype = field.number == 1 ? DT_STRING : field.number == 2 ? DT_FLOAT : DT_INT64;
    if (feature->dtype != dtype) *feature = ExampleFeature();
    feature->dtype = dtype;
    RETURN_IF_ERROR(ParseList(field.bytes, feature));
  }
  return reader.ok() ? absl::OkStatus() : Damaged();
}

absl::Status ParseEntry(absl::string_view bytes, ExampleFeatures* features) {
  WireReader reader(bytes);
  WireField field;
  absl::string_view name;
  ExampleFeature feature;
  while (reader.Next(&field)) {
    if (field.type != WireType::kBytes) continue;
    if (field.number == 1) name = field.bytes;
    if (field.number == 2) RETURN_IF_ERROR(ParseFeature(field.bytes, &feature));
  }
  if (!reader.ok()) return Damaged();
  (*features)[name] = std::move(feature);
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseExampleProto(absl::string_view bytes, ExampleFeatures* features) {
  WireReader example(bytes);
  WireField outer;
  while (example.Next(&outer)) {
    if (outer.number != 1 || outer.type != WireType::kBytes) continue;
    WireReader map(outer.bytes);
    WireField entry;
    while (map.Next(&entry)) {
      if (entry.number != 1 || entry.type != WireType::kBytes) continue;
      RETURN_IF_ERROR(ParseEntry(entry.bytes, features));
    }
    if (!map.ok()) return Damaged();
  }
  return example.ok() ? absl::OkStatus() : Damaged();
}

}  // namespace cryograph

// tf.Example, read from its bytes.
#ifndef CRYOGRAPH_RUNTIME_KERNELS_EXAMPLE_PROTO_H_
#define CRYOGRAPH_RUNTIME_KERNELS_EXAMPLE_PROTO_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "graph/dtype.h"

namespace cryograph {

// One feature; its views are of the bytes that were parsed.
struct ExampleFeature {
  DataType dtype = DT_INVALID;  // DT_STRING, DT_FLOAT, DT_INT64; DT_INVALID: a feature without a list.
  std::vector<absl::string_view> strings;
  std::vector<float> floats;
  std::vector<int64_t> ints;

  int64_t size() const {
    return static_cast<int64_t>(dtype == DT_STRING  ? strings.size()
                                : dtype == DT_FLOAT ? floats.size()
                                                    : ints.size());
  }
};

// By name; of a name that comes twice, the later.
using ExampleFeatures = absl::flat_hash_map<absl::string_view, ExampleFeature>;

// InvalidArgument if `bytes` are no tf.Example.
absl::Status ParseExampleProto(absl::string_view bytes, ExampleFeatures* features);

}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_KERNELS_EXAMPLE_PROTO_H_

// JSON for tests: expectations that were written down beside the sample files.
#ifndef CRYOGRAPH_TESTS_JSON_H_
#define CRYOGRAPH_TESTS_JSON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/struct.pb.h"

namespace cryograph {

// A JSON value; google::protobuf::Value's own accessors work, and the functions below are shorter. Numbers
// are doubles.
using Json = google::protobuf::Value;

// The value in the file `path`, of any kind. NotFound; InvalidArgument if it is no JSON.
absl::StatusOr<Json> ReadJson(const std::string& path);

// Member `key` of an object; null if there is none or `json` is no object.
const Json& Member(const Json& json, const std::string& key);

bool HasMember(const Json& json, const std::string& key);

// Keys of an object, sorted; empty for anything else.
std::vector<std::string> Keys(const Json& json);

// Elements of a list, or nothing: for (const Json& each : Elements(json)) …
const google::protobuf::RepeatedPtrField<Json>& Elements(const Json& json);

// Member `key` as text or number; "" and 0 if it is of another kind.
std::string Text(const Json& json, const std::string& key);
double Number(const Json& json, const std::string& key);

// "0a1b" as two bytes; InvalidArgument if it is no hexadecimal text.
absl::StatusOr<std::string> FromHex(absl::string_view hex);

}  // namespace cryograph

#endif  // CRYOGRAPH_TESTS_JSON_H_

#include "tests/json.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace cryograph {

absl::StatusOr<Json> ReadJson(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Json json;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &json);
  if (!status.ok())
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::string(status.message())));
  return json;
}

const Json& Member(const Json& json, const std::string& key) {
  const auto member = json.struct_value().fields().find(key);
  return member == json.struct_value().fields().end() ? Json::default_instance() : member->second;
}

bool HasMember(const Json& json, const std::string& key) {
  return json.struct_value().fields().contains(key);
}

std::vector<std::string> Keys(const Json& json) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.struct_value().fields()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

const google::protobuf::RepeatedPtrField<Json>& Elements(const Json& json) {
  return json.list_value().values();
}

std::string Text(const Json& json, const std::string& key) { return Member(json, key).string_value(); }

double Number(const Json& json, const std::string& key) { return Member(json, key).number_value(); }

absl::StatusOr<std::string> FromHex(absl::string_view hex) {
  const bool valid = hex.size() % 2 == 0 && std::all_of(hex.begin(), hex.end(), [](char c) {
                       return absl::ascii_isxdigit(static_cast<unsigned char>(c));
                     });
  if (!valid) return absl::InvalidArgumentError(absl::StrCat("no hexadecimal text: ", hex.substr(0, 40)));
  return absl::HexStringToBytes(hex);
}

}  // namespace cryograph

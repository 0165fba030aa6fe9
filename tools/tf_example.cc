#include "tools/tf_example.h"

#include <cstdint>
#include <cstring>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

// Fields of Feature; the list's elements are field 1 of each.
enum FeatureField : uint32_t { kBytesList = 1, kFloatList = 2, kInt64List = 3 };

absl::Status Mixed(const std::string& name, const PythonValue& value) {
  return absl::InvalidArgumentError(
      absl::StrCat("feature '", name, "': a ", PythonTypeName(value.kind), " in a list of another type"));
}

absl::StatusOr<std::string> FeatureOf(const std::string& name, const PythonValue& value) {
  if (value.kind != PythonValue::kList) {
    return absl::InvalidArgumentError(absl::StrCat("feature value must be a list, but ", name, " is <class '",
                                                   PythonTypeName(value.kind), "'>"));
  }
  if (value.items.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("feature '", name, "': the list is empty"));
  }
  std::string list, feature;
  switch (value.items[0].kind) {
    case PythonValue::kFloat: {
      std::string packed;
      for (const PythonValue& item : value.items) {
        if (!item.is_number()) return Mixed(name, item);
        const float number = static_cast<float>(item.as_double());
        uint32_t bits;
        std::memcpy(&bits, &number, sizeof(bits));
        AppendFixed32(bits, &packed);
      }
      AppendBytesField(1, packed, &list);
      AppendBytesField(kFloatList, list, &feature);
      return feature;
    }
    case PythonValue::kInt:
    case PythonValue::kBool: {
      std::string packed;
      for (const PythonValue& item : value.items) {
        if (!item.is_number() || item.kind == PythonValue::kFloat) return Mixed(name, item);
        AppendVarint(static_cast<uint64_t>(item.integer), &packed);
      }
      AppendBytesField(1, packed, &list);
      AppendBytesField(kInt64List, list, &feature);
      return feature;
    }
    case PythonValue::kText:
    case PythonValue::kBytes:
      for (const PythonValue& item : value.items) {
        if (item.kind != value.items[0].kind) return Mixed(name, item);
        AppendBytesField(1, item.text, &list);
      }
      AppendBytesField(kBytesList, list, &feature);
      return feature;
    default:
      return absl::InvalidArgumentError(absl::StrCat("Type <class '", PythonTypeName(value.items[0].kind),
                                                     "'> for value ", name,
                                                     " is not supported for tf.train.Feature."));
  }
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ExamplesOf(const PythonValue& list) {
  if (list.kind != PythonValue::kList) {
    return absl::InvalidArgumentError(
        absl::StrCat("tf.Example input must be a list of dictionaries, but it is <class '",
                     PythonTypeName(list.kind), "'>"));
  }
  std::vector<std::string> examples;
  for (const PythonValue& item : list.items) {
    if (item.kind != PythonValue::kDict) {
      return absl::InvalidArgumentError(
          absl::StrCat("tf.Example input must be a list of dictionaries, but an element is <class '",
                       PythonTypeName(item.kind), "'>"));
    }
    std::map<std::string, std::string> features;
    for (size_t i = 0; i + 1 < item.items.size(); i += 2) {
      if (item.items[i].kind != PythonValue::kText) {
        return absl::InvalidArgumentError("the name of a feature must be a str");
      }
      ASSIGN_OR_RETURN(features[item.items[i].text], FeatureOf(item.items[i].text, item.items[i + 1]));
    }
    std::string all, example;
    for (const auto& [name, feature] : features) {
      std::string entry;
      AppendBytesField(1, name, &entry);
      AppendBytesField(2, feature, &entry);
      AppendBytesField(1, entry, &all);
    }
    AppendBytesField(1, all, &example);
    examples.push_back(std::move(example));
  }
  return examples;
}

}  // namespace cryograph

#include "runtime/cases/case_file.h"

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wire.h"

namespace cryograph {
namespace {

double Double(const WireField& field) {
  double value;
  std::memcpy(&value, &field.varint, sizeof(value));
  return value;
}

bool ParseFeed(absl::string_view bytes, CaseFeed* feed) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == 1) feed->name = field.bytes;
    if (field.number == 2) feed->tensor = field.bytes;
  }
  return reader.ok();
}

bool ParseFetch(absl::string_view bytes, CaseFetch* fetch) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == 1) fetch->name = field.bytes;
    if (field.number == 2) fetch->tensor = field.bytes;
    if (field.number == 3) fetch->compare = field.bytes;
    if (field.number == 4) fetch->rtol = Double(field);
    if (field.number == 5) fetch->atol = Double(field);
    if (field.number == 6) fetch->alternates.push_back(field.bytes);
  }
  return reader.ok();
}

bool ParseCase(absl::string_view bytes, OpCase* op_case) {
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    switch (field.number) {
      case 1:
        op_case->op = field.bytes;
        break;
      case 2:
        op_case->index = static_cast<int32_t>(field.varint);
        break;
      case 3:
        op_case->tier = static_cast<int32_t>(field.varint);
        break;
      case 4:
        op_case->graph_def = field.bytes;
        break;
      case 5:
        if (!ParseFeed(field.bytes, &op_case->feeds.emplace_back())) return false;
        break;
      case 6:
        if (!ParseFetch(field.bytes, &op_case->fetches.emplace_back())) return false;
        break;
      case 7:
        op_case->expected_error = field.varint != 0;
        break;
      case 9:
        op_case->error_text = field.bytes;
        break;
      case 10:
        op_case->dtype = field.bytes;
        break;
      case 11:
        op_case->attrs = field.bytes;
        break;
      case 13:
        op_case->note = field.bytes;
        break;
      case 15:
        op_case->targets.push_back(field.bytes);
        break;
      default:
        break;
    }
  }
  return reader.ok();
}

}  // namespace

absl::StatusOr<std::vector<OpCase>> ParseCases(absl::string_view bytes) {
  std::vector<OpCase> cases;
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    const bool is_case = field.number == 1 && field.type == WireType::kBytes;
    if (!is_case || !ParseCase(field.bytes, &cases.emplace_back())) {
      return absl::DataLossError(absl::StrCat("not a file of op cases: byte ", reader.position()));
    }
  }
  if (!reader.ok())
    return absl::DataLossError(absl::StrCat("not a file of op cases: byte ", reader.position()));
  return cases;
}

}  // namespace cryograph

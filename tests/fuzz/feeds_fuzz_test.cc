// Feeds of any text and any bytes: an expression, a TensorProto, an array file, an image, a file of labels or
// of op cases is read or refused with a line, in memory that it justifies, and what was read can be shown.
// The first byte of an input says which it is, the second the type that is wanted.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/byte_sink.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "runtime/cases/case_file.h"
#include "runtime/memory.h"
#include "tools/feed_values.h"
#include "tools/signature_spec.h"
#include "tools/value_report.h"

namespace cryograph {
namespace {

constexpr uint64_t kMostBytes = uint64_t{4} << 20;

void Require(bool condition, const char* what, absl::string_view shown = "") {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(shown).c_str());
  std::abort();
}

std::string Scratch(absl::string_view suffix) {
  const char* const directory = std::getenv("TEST_TMPDIR");
  return absl::StrCat(directory == nullptr ? "/tmp" : directory, "/feeds_fuzz", suffix);
}

void Show(const Value& value) {
  Require(!ValueSummary("x", value, 8).empty(), "no summary");
  const std::string json = ValueJson("x", value, 8);
  google::protobuf::Value parsed;
  Require(google::protobuf::util::JsonStringToMessage(json, &parsed).ok(), "no JSON", json);
  const absl::StatusOr<std::vector<RankedClass>> classes = TopClasses(value, 3);
  Require(!classes.ok() || classes->size() <= static_cast<size_t>(value.num_elements()),
          "more classes than elements");
}

void CheckFeed(absl::string_view text, DataType dtype, const PartialShape& shape = {true, {}}) {
  FeedTarget target;
  target.name = "x";
  target.dtype = dtype;
  target.shape = shape;
  const std::shared_ptr<MemoryPool> pool = MemoryPool::Create(kMostBytes);
  const absl::StatusOr<Value> value = FeedValue(text, target, *pool);
  Require(pool->peak_bytes() <= kMostBytes, "more memory than the limit");
  if (value.ok()) return Show(*value);
  Require(!value.status().message().empty(), "an error without words");
}

void CheckLabels(const std::string& path, absl::string_view bytes) {
  const absl::StatusOr<std::vector<std::string>> labels = ReadLabels(path);
  if (!labels.ok()) return;
  Require(static_cast<int64_t>(labels->size()) <= std::count(bytes.begin(), bytes.end(), '\n') + 1,
          "more labels than lines");
}

void CheckCases(absl::string_view bytes) {
  const absl::StatusOr<std::vector<OpCase>> cases = ParseCases(bytes);
  if (!cases.ok()) return Require(absl::IsDataLoss(cases.status()), "an error of another kind");
  Require(cases->size() <= bytes.size(), "more cases than bytes");
}

void Check(char kind, DataType dtype, absl::string_view bytes) {
  // Expressions name no files here.
  if (kind == 'e') {
    if (!absl::StrContains(bytes, '/') && !absl::StrContains(bytes, '\0')) CheckFeed(bytes, dtype);
    (void)ParseSignatureSpecs(bytes, "--signature").ok();
    return;
  }
  if (kind == 'c') return CheckCases(bytes);
  const std::string path = Scratch(kind == 'p'   ? ".pb"
                                   : kind == 'n' ? ".npy"
                                   : kind == 'z' ? ".npz"
                                                 : ".txt");
  if (!WriteFile(path, bytes).ok()) return;
  if (kind == 'l') return CheckLabels(path, bytes);
  CheckFeed(path, dtype);
  if (kind == 'i') CheckFeed(path, dtype, {false, {1, 24, -1, 3}});
  if (kind == 'z') CheckFeed(path + "[x]", dtype);
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  cryograph::Check(bytes[0], static_cast<cryograph::DataType>(data[1] % 24), bytes.substr(2));
  return 0;
}

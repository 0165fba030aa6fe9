// Vocabulary files of lookup tables: any file is read or refused with a line, and what is read has as many
// keys as values, no more than there are lines.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "transforms/vocabulary_file.h"

namespace cryograph {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// The first two bytes say how the rest is read.
void Check(absl::string_view input) {
  if (input.size() < 2) return;
  const uint8_t form = static_cast<uint8_t>(input[0]), types = static_cast<uint8_t>(input[1]);
  constexpr DataType kTypes[] = {DT_STRING, DT_INT64, DT_INT32, DT_FLOAT, DT_DOUBLE, DT_BOOL};
  VocabularyFormat format;
  format.key_index = form % 5 - 2;
  format.value_index = form / 5 % 5 - 2;
  format.size = form >= 125 ? form - 125 : -1;
  format.offset = types % 7;
  format.delimiter = types % 2 == 0 ? ',' : '\t';
  format.key_dtype = kTypes[types % 6];
  format.value_dtype = kTypes[types / 6 % 6];
  const absl::string_view text = input.substr(2);
  const absl::StatusOr<KeyValues> table = ParseVocabulary(text, format, "v.txt");
  if (!table.ok()) {
    Require(absl::IsInvalidArgument(table.status()), "an error of another kind");
    return;
  }
  const int64_t lines = std::count(text.begin(), text.end(), '\n') + 1;
  Require(table->keys.num_elements() == table->values.num_elements(), "keys and values differ in number");
  Require(table->keys.num_elements() <= lines, "more keys than lines");
  Require(format.size < 0 || table->keys.num_elements() == format.size, "not as many as were asked for");
}

}  // namespace
}  // namespace cryograph

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cryograph::Check(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}

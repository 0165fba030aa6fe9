// Keys and values of a lookup table out of a text file, as InitializeTableFromTextFile reads it.
#ifndef CRYOGRAPH_TRANSFORMS_VOCABULARY_FILE_H_
#define CRYOGRAPH_TRANSFORMS_VOCABULARY_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/tensor.h"

namespace cryograph {

struct VocabularyFormat {
  // Where keys and values are: kWholeLine, kLineNumber (from 0), or the number of a column.
  static constexpr int64_t kWholeLine = -2, kLineNumber = -1;
  int64_t key_index = kWholeLine, value_index = kLineNumber;
  int64_t size = -1;   // So many lines are read, and must be there; -1: all.
  int64_t offset = 0;  // Added to line numbers.
  char delimiter = '\t';
  DataType key_dtype = DT_STRING, value_dtype = DT_INT64;
};

struct KeyValues {
  Tensor keys, values;  // [n] each.
};

// `text` is the file. Lines end with "\n"; every "\r" is dropped, as TensorFlow does. InvalidArgument, with
// `path` and line, for a line with too few columns or a number that is none, for too few lines, and for a
// type that a column cannot have.
absl::StatusOr<KeyValues> ParseVocabulary(absl::string_view text, const VocabularyFormat& format,
                                          absl::string_view path);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_VOCABULARY_FILE_H_

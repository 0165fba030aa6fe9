#include "tools/feed_values.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/mapped_file.h"
#include "base/status_macros.h"
#include "graph/tensor.h"
#include "tools/array_expression.h"
#include "tools/array_feeds.h"
#include "tools/cli.h"

namespace cryograph {
namespace {

bool IsExpression(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  if (text.empty()) return false;
  double number = 0;
  if (text[0] == '[' || text[0] == '\'' || text[0] == '"' || text == "true" || text == "false") return true;
  if (absl::SimpleAtod(text, &number)) return true;
  return (absl::ascii_isalpha(text[0]) || text[0] == '(') && text.back() == ')';
}

absl::StatusOr<Value> FromTensorProto(const std::string& path, MemoryPool& pool) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file, MappedFile::Open(path));
  constexpr uint64_t kMostBytes = uint64_t{1} << 31;
  const absl::StatusOr<Tensor> tensor =
      DecodeTensorProto(file->bytes(), file, std::min(pool.limit(), kMostBytes));
  if (!tensor.ok()) {
    return absl::Status(tensor.status().code(),
                        absl::StrCat(path, ": not a serialized TensorProto: ", tensor.status().message()));
  }
  return Value::FromTensor(*tensor, pool);
}

// `text` is neither an expression nor a file.
absl::Status NoValue(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is no expression, and no .npy, .npz[KEY], .pb or image file: only a tensor of strings ",
      "takes the bytes of any file"));
}

bool IsImageName(absl::string_view path) {
  for (const char* suffix : {".jpg", ".jpeg", ".png", ".gif", ".bmp"}) {
    if (absl::EndsWithIgnoreCase(path, suffix)) return true;
  }
  return false;
}

absl::StatusOr<Value> FromFile(const std::string& path, const FeedTarget& target, MemoryPool& pool) {
  const absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Open(path);
  const bool is_string = target.dtype == DT_STRING;
  if (!file.ok()) return is_string || IsImageName(path) ? file.status() : NoValue(path);
  const absl::string_view bytes = (*file)->bytes();
  if (!is_string) {
    if (!IsImage(bytes)) return NoValue(path);
    const DataType dtype = target.dtype == DT_INVALID ? DT_FLOAT : target.dtype;
    absl::StatusOr<Value> value = ImageValue(bytes, dtype, target.shape, target.image, pool);
    if (value.ok() || cli::IsUsageError(value.status())) return value;
    return absl::Status(value.status().code(), absl::StrCat(path, ": ", value.status().message()));
  }
  const bool vector = !target.shape.unknown_rank && target.shape.dims.size() == 1;
  ASSIGN_OR_RETURN(Value value, Value::Allocate(DT_STRING, std::vector<int64_t>(vector ? 1 : 0, 1), pool));
  value.mutable_data<std::string>()->assign(bytes.data(), bytes.size());
  return value;
}

}  // namespace

absl::StatusOr<std::pair<std::string, std::string>> SplitFeed(const std::string& feed) {
  const size_t equals = feed.find('=');
  if (equals == std::string::npos || equals == 0) {
    return cli::UsageError(absl::StrCat("--feed=", feed, ": expected NAME=VALUE"));
  }
  return std::make_pair(feed.substr(0, equals), feed.substr(equals + 1));
}

absl::StatusOr<Value> FeedValue(absl::string_view text, const FeedTarget& target, MemoryPool& pool) {
  if (IsExpression(text)) return EvaluateArray(text, target.dtype, pool);
  const std::string path(text);
  if (absl::EndsWith(path, ".npy") || absl::EndsWith(path, ".npz") || absl::EndsWith(path, "]")) {
    return FeedFromArrayFile(path, pool);
  }
  if (absl::EndsWith(path, ".pb")) return FromTensorProto(path, pool);
  return FromFile(path, target, pool);
}

std::string FeedHelp() {
  return "FILE.npy, FILE.npz[KEY], FILE.pb (a serialized TensorProto); a JPEG, PNG, GIF or BMP image for "
         "numbers; any file is a string of its bytes.\n"
         "zeros(1,224,224,3), ones(…), full(VALUE,…), arange(…), rand(…, seed=1, min=-1, max=1): "
         "dimensions in brackets, dtype=NAME if the graph does not say which type it wants.\n"
         "np.zeros((2,3)), np.ones, np.full, np.arange, np.linspace, np.random.rand, np.array, .reshape, "
         ".astype: as in Python.\n"
         "3, -0.5, true, 'text', [1,2,3], [[1,2],[3,4]].";
}

}  // namespace cryograph

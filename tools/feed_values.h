// Values from the command line: files, literals and safe expressions. No code is run.
#ifndef CRYOGRAPH_TOOLS_FEED_VALUES_H_
#define CRYOGRAPH_TOOLS_FEED_VALUES_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "graph/attr.h"
#include "graph/dtype.h"
#include "runtime/memory.h"
#include "runtime/value.h"
#include "tools/image_feed.h"

namespace cryograph {

// What the tensor that is fed wants, as far as the graph says.
struct FeedTarget {
  std::string name;
  DataType dtype = DT_INVALID;  // DT_INVALID: not known; a number is then a float.
  PartialShape shape = {true, {}};
  ImageOptions image;  // How an image becomes a value.
};

// "NAME=VALUE" in two. InvalidArgument (a usage error) if there is no "=".
absl::StatusOr<std::pair<std::string, std::string>> SplitFeed(const std::string& feed);

// `text` is one of
//   FILE.npy, FILE.npz[KEY]     numpy arrays; FILE.npz if it holds one array
//   FILE.pb                     a serialized TensorProto
//   FILE                        its bytes, for a string; a JPEG, PNG, GIF or BMP image, for numbers: see
//                               ImageValue()
//   an expression               see array_expression.h
// Expressions take the tensor's type, or dtype=NAME among their arguments; seeds give the same numbers on
// every machine. InvalidArgument with the position for text that is none of these; the errors of files.
absl::StatusOr<Value> FeedValue(absl::string_view text, const FeedTarget& target, MemoryPool& pool);

// The expressions, for --help.
std::string FeedHelp();

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_FEED_VALUES_H_

// Tells by its content, not by its name, what a file is.
#ifndef CRYOGRAPH_GRAPH_SNIFF_H_
#define CRYOGRAPH_GRAPH_SNIFF_H_

#include <string>

#include "absl/strings/string_view.h"

namespace cryograph {

enum class FileKind {
  // What tools read.
  kGraphDef,
  kMetaGraphDef,
  kSavedModel,
  kSaverDef,
  kCheckpointState,  // The state file `checkpoint`.
  kBundleIndex,      // The .index of a V2 checkpoint.
  kCheckpointV1,
  kMemmappedPackage,
  kChunkedSavedModel,
  // What they do not.
  kEmpty,      // No bytes, or blanks and comments alone.
  kTable,      // A table without the header of a checkpoint.
  kOtherText,  // Written like a message, but of no kind known here.
  kHdf5,
  kZip,
  kNpz,
  kNpy,
  kKerasArchive,
  kZippedSavedModel,
  kPyTorch,
  kPickle,
  kCompressed,  // gzip, bzip2, xz, zstd
  kTar,
  kLfsPointer,
  kHtml,
  kJson,
  kTfLite,
  kOnnx,
  kEventFile,
  kUnknown,
};

struct Sniffed {
  FileKind kind = FileKind::kUnknown;
  bool text = false;   // The text form of a message.
  std::string detail;  // More about it, for Describe(); may be empty.
};

// Looks at the beginning and the end of `bytes`, the whole of a file. A damaged or cut file is what its
// beginning says: that it is damaged comes out when it is read. Takes microseconds, whatever the size.
//
// Where bytes could be several messages, the evidence of the inner messages counts: a node has a printable
// name and op, a meta graph's field 2 is a graph in its turn, a SavedModel's field 2 is a meta graph. Text is
// what begins, after blanks, comments and a byte-order mark, with a word and then '{', '<' or ':'; its first
// field name tells the kind.
Sniffed Sniff(absl::string_view bytes);

// "a MetaGraphDef (binary)", "a Git LFS pointer of 130 bytes; fetch the real file".
std::string Describe(const Sniffed& sniffed);

}  // namespace cryograph

#endif  // CRYOGRAPH_GRAPH_SNIFF_H_

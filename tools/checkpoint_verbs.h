// The verbs of `cryograph checkpoint`: each runs with what follows its name, and returns the exit status.
#ifndef CRYOGRAPH_TOOLS_CHECKPOINT_VERBS_H_
#define CRYOGRAPH_TOOLS_CHECKPOINT_VERBS_H_

#include <string>

#include "absl/types/span.h"

namespace cryograph {

int RunCheckpointList(absl::Span<const std::string> args);
int RunCheckpointShow(absl::Span<const std::string> args);
int RunCheckpointVerify(absl::Span<const std::string> args);
int RunCheckpointDiff(absl::Span<const std::string> args);
int RunCheckpointExport(absl::Span<const std::string> args);
int RunCheckpointImport(absl::Span<const std::string> args);
int RunCheckpointCopy(absl::Span<const std::string> args);
int RunCheckpointConvert(absl::Span<const std::string> args);
int RunCheckpointReshard(absl::Span<const std::string> args);
int RunCheckpointMerge(absl::Span<const std::string> args);

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_CHECKPOINT_VERBS_H_

// Names of transforms that some build of transform_graph had and Cryograph does not, with what to do instead.
#ifndef CRYOGRAPH_TRANSFORMS_UNSUPPORTED_H_
#define CRYOGRAPH_TRANSFORMS_UNSUPPORTED_H_

#include "absl/strings/string_view.h"

namespace cryograph {

// Why there is no such pass and what to use, as the end of a sentence; empty if `name` is no such name.
absl::string_view WhyUnsupported(absl::string_view name);

}  // namespace cryograph

#endif  // CRYOGRAPH_TRANSFORMS_UNSUPPORTED_H_

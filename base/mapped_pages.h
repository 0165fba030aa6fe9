// Memory of mapped files, for whoever has bytes and does not know where they are from.
#ifndef CRYOGRAPH_BASE_MAPPED_PAGES_H_
#define CRYOGRAPH_BASE_MAPPED_PAGES_H_

#include "absl/strings/string_view.h"

namespace cryograph {

// Lets the kernel take back the pages of `slice`, if it is a part of a MappedFile: they are read again when
// somebody looks at them. Nothing happens to other bytes.
void ReleaseIfMapped(absl::string_view slice);

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_MAPPED_PAGES_H_

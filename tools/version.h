// The version that `--version` of every tool prints.
#ifndef CRYOGRAPH_TOOLS_VERSION_H_
#define CRYOGRAPH_TOOLS_VERSION_H_

namespace cryograph {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace cryograph

#endif  // CRYOGRAPH_TOOLS_VERSION_H_

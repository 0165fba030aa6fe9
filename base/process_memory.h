// How much memory this process takes.
#ifndef CRYOGRAPH_BASE_PROCESS_MEMORY_H_
#define CRYOGRAPH_BASE_PROCESS_MEMORY_H_

#include <cstdint>

namespace cryograph {

// The most bytes of memory that the process has had at a time, mapped files that it has touched included
// (VmHWM; what getrusage() says may be that of the program which started it). 0 where the system does not
// say.
uint64_t PeakResidentBytes();

// The bytes of files that the process has in memory now: of its program and libraries, which it shares with
// others that run them, and of files that it has mapped and touched. 0 where the system does not say.
uint64_t ResidentFileBytes();

}  // namespace cryograph

#endif  // CRYOGRAPH_BASE_PROCESS_MEMORY_H_

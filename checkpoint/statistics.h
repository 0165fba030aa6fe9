// Smallest, largest, mean and so on of a tensor's values.
#ifndef CRYOGRAPH_CHECKPOINT_STATISTICS_H_
#define CRYOGRAPH_CHECKPOINT_STATISTICS_H_

#include <cstdint>
#include <string>

#include "graph/tensor.h"

namespace cryograph {

// Of the finite components: real and imaginary parts of complex numbers count each for itself.
struct Statistics {
  bool numeric = false;  // False: nothing else is told.
  uint64_t num_values = 0, num_nan = 0, num_inf = 0, num_zero = 0;
  double min = 0, max = 0, mean = 0,
         std = 0;  // std is that of all values, not of a sample. 0 without values.
};

Statistics StatisticsOf(const Tensor& value);

// "min -1.5 max 2 mean 0.25 std 1.25 zeros 1 nan 0 inf 0 of 4"; "no numbers".
std::string StatisticsText(const Statistics& statistics);

}  // namespace cryograph

#endif  // CRYOGRAPH_CHECKPOINT_STATISTICS_H_

// What is done to an element of a matrix product or convolution before it is stored.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_EPILOGUE_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_EPILOGUE_H_

#include <cstdint>
#include <limits>

namespace cryograph {
namespace compute {

// min(max(sum + bias[column] + addend[row][column], low), high), left out where a pointer is null. NaN stays
// NaN.
template <typename T>
struct Epilogue {
  const T* bias = nullptr;    // One for each column, that is, output channel.
  const T* addend = nullptr;  // Of the result's shape; must not overlap with the result.
  int64_t addend_stride = 0;  // From one row (pixel) of addend to the next, in elements.
  bool clamp = false;         // Whether low and high count.
  T low = std::numeric_limits<T>::lowest();
  T high = std::numeric_limits<T>::max();
};

template <typename T>
Epilogue<T> WithRelu(Epilogue<T> epilogue) {
  epilogue.clamp = true;
  epilogue.low = T(0);
  epilogue.high = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                       : std::numeric_limits<T>::max();
  return epilogue;
}

template <typename T>
Epilogue<T> WithRelu6(Epilogue<T> epilogue) {
  epilogue.clamp = true;
  epilogue.low = T(0);
  epilogue.high = T(6);
  return epilogue;
}

}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_EPILOGUE_H_

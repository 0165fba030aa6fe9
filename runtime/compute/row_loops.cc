#include "runtime/compute/math.h"
#include "runtime/compute/rows.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {
namespace {

// y = f(x); the last elements go through a vector of their own, so that they are computed like the others.
template <typename Function>
[[gnu::always_inline]] inline void ForRow(const float* x, float* y, int64_t count, Function f) {
  int64_t i = 0;
  for (; i + kLanes<float> <= count; i += kLanes<float>) Store<float>(y + i, f(Load(x + i)));
  if (i < count) StoreFirst<float>(y + i, f(LoadFirst(x + i, count - i)), count - i);
}

}  // namespace

void ExpRow(const float* x, float* y, int64_t count) {
  ForRow(x, y, count, [](F v) { return ExpOf(v); });
}
void TanhRow(const float* x, float* y, int64_t count) {
  ForRow(x, y, count, [](F v) { return TanhOf(v); });
}
void SigmoidRow(const float* x, float* y, int64_t count) {
  ForRow(x, y, count, [](F v) { return SigmoidOf(v); });
}
void ErfRow(const float* x, float* y, int64_t count) {
  ForRow(x, y, count, [](F v) { return ErfOf(v); });
}
void DivideRow(const float* x, float divisor, float* y, int64_t count) {
  ForRow(x, y, count, [divisor](F v) { return v / divisor; });
}
void SubtractRow(const float* x, float subtrahend, float* y, int64_t count) {
  ForRow(x, y, count, [subtrahend](F v) { return v - subtrahend; });
}

float MaxOfRow(const float* x, int64_t count) {
  float most = x[0];
  int64_t i = 0;
  if (count >= kLanes<float>) {
    F mosts = Load(x);
    for (i = kLanes<float>; i + kLanes<float> <= count; i += kLanes<float>) mosts = Max(mosts, Load(x + i));
    for (int lane = 0; lane < kLanes<float>; ++lane) most = Max(mosts[lane], most);
  }
  for (; i < count; ++i) most = Max(x[i], most);
  return most;
}

float ExpAndSumRow(const float* x, float shift, float* y, int64_t count) {
  F sums = {};
  int64_t i = 0;
  for (; i + kLanes<float> <= count; i += kLanes<float>) {
    const F term = ExpOf(Load(x + i) - shift);
    sums += term;
    if (y != nullptr) Store<float>(y + i, term);
  }
  float sum = 0;
  if (i < count) {
    const F term = ExpOf(LoadFirst(x + i, count - i) - shift);
    for (int lane = 0; lane < count - i; ++lane) sum += term[lane];
    if (y != nullptr) StoreFirst<float>(y + i, term, count - i);
  }
  for (int lane = 0; lane < kLanes<float>; ++lane) sum += sums[lane];
  return sum;
}

void EpilogueRow(const float* x, float* y, int64_t count, const Epilogue<float>& epilogue) {
  const Epilogue<float> e = epilogue;
  const auto finish = [&](F v, int64_t at, int64_t live) {
    const bool whole = live == kLanes<float>;
    if (e.bias != nullptr) v += whole ? Load(e.bias + at) : LoadFirst(e.bias + at, live);
    if (e.addend != nullptr) v += whole ? Load(e.addend + at) : LoadFirst(e.addend + at, live);
    if (e.clamp) v = Min(Splat(e.high), Max(Splat(e.low), v));
    return v;
  };
  int64_t i = 0;
  for (; i + kLanes<float> <= count; i += kLanes<float>) {
    Store<float>(y + i, finish(Load(x + i), i, kLanes<float>));
  }
  if (i < count) StoreFirst<float>(y + i, finish(LoadFirst(x + i, count - i), i, count - i), count - i);
}

void NormalizeRow(const float* x, const float* mean, const float* factor, const float* offset, float* y,
                  int64_t count) {
  int64_t i = 0;
  for (; i + kLanes<float> <= count; i += kLanes<float>) {
    Store<float>(y + i, (Load(x + i) - Load(mean + i)) * Load(factor + i) + Load(offset + i));
  }
  if (i < count) {
    const int64_t live = count - i;
    const F distance = LoadFirst(x + i, live) - LoadFirst(mean + i, live);
    const F v = distance * LoadFirst(factor + i, live) + LoadFirst(offset + i, live);
    StoreFirst<float>(y + i, v, live);
  }
}

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph

// The hot loops of the runtime one by one: GFLOP/s, and the share of what the innermost loop reaches on data
// in the L1 cache, which is the processor's peak within a per cent. One thread; CRYOGRAPH_ISA limits the
// instruction set.
//   bazelw run //tests/bench:compute_benchmark -- --benchmark_filter=Conv
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "runtime/compute/conv.h"
#include "runtime/compute/depthwise.h"
#include "runtime/compute/elementwise.h"
#include "runtime/compute/gemm.h"
#include "runtime/compute/isa.h"
#include "runtime/compute/pool.h"
#include "runtime/compute/product.h"
#include "runtime/compute/softmax.h"

namespace cryograph {
namespace compute {
namespace {

// Flops a second of one tile, over and over on the same data.
double Peak() {
  static const double peak = [] {
    const TileSet<float>& tiles = Tiles<float>();
    constexpr int64_t kRun = 128;
    const int rows = tiles.most_rows[2];
    const int64_t width = 2 * tiles.lanes;
    const std::vector<float> a(rows * kRun, 1.0f), b(kRun * width, 1.0f);
    std::vector<float> c(rows * width);
    std::vector<const float*> pointers;
    for (int r = 0; r < rows; ++r) pointers.push_back(a.data() + r * kRun);
    const TileArgs<float> args = {pointers.data(), rows,     0,     1,     kRun,  b.data(),
                                  width,           c.data(), width, width, false, nullptr};
    double best = 0;
    for (int i = 0; i < 200; ++i) {
      constexpr int kTimes = 500;
      const auto start = std::chrono::steady_clock::now();
      for (int k = 0; k < kTimes; ++k) tiles.function[2][rows](args);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      best = std::max(best, 2.0 * kTimes * rows * width * kRun / seconds.count());
    }
    return best;
  }();
  return peak;
}

void Report(benchmark::State& state, double flops) {
  state.SetLabel(IsaName(ChosenIsa()));
  state.counters["flop/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] =
      benchmark::Counter(flops / Peak(), benchmark::Counter::kIsIterationInvariantRate);
}

WindowShape Same(int64_t side, int64_t channels, int64_t filters, int64_t window, int64_t stride) {
  WindowShape s;
  s.in_channels = channels;
  s.out_channels = filters;
  s.in = {1, side, side};
  s.window = {1, window, window};
  s.stride = {1, stride, stride};
  const int64_t out = (side + stride - 1) / stride;
  s.out = {1, out, out};
  const int64_t pad = std::max<int64_t>((out - 1) * stride + window - side, 0) / 2;
  s.pad = {0, pad, pad};
  return s;
}

// Arguments: rows, inner size, columns.
void BM_MatMul(benchmark::State& state) {
  const MatMulShape shape = {state.range(0), state.range(1), state.range(2)};
  const std::vector<float> a(shape.m * shape.k, 1.0f), b(shape.k * shape.n, 1.0f);
  std::vector<float> c(shape.m * shape.n);
  for (auto _ : state) {
    MatMul(shape, a.data(), b.data(), c.data());
    benchmark::DoNotOptimize(c.data());
  }
  Report(state, 2.0 * shape.m * shape.k * shape.n);
}
BENCHMARK(BM_MatMul)->Args({1024, 1024, 1024})->Args({256, 256, 256})->Args({64, 64, 64})->Args({16, 16, 16});

void BM_PackedMatMul(benchmark::State& state) {
  const int64_t m = state.range(0), k = state.range(1), n = state.range(2);
  const std::vector<float> a(m * k, 1.0f), b(k * n, 1.0f);
  std::vector<float> c(m * n);
  const auto packed = PackedMatrix<float>::Pack(b.data(), k, n, n, 1);
  for (auto _ : state) {
    MatMul(m, a.data(), k, packed, c.data(), n);
    benchmark::DoNotOptimize(c.data());
  }
  Report(state, 2.0 * m * k * n);
}
BENCHMARK(BM_PackedMatMul)->Args({1024, 1024, 1024})->Args({1, 1280, 1000})->Args({1, 2048, 1000});

// Arguments: side of the image, input channels, filters, window, stride. Layers of ResNet, Inception and
// MobileNet.
void BM_Conv(benchmark::State& state) {
  const WindowShape s = Same(state.range(0), state.range(1), state.range(2), state.range(3), state.range(4));
  const std::vector<float> input(s.in_pixels() * s.in_channels, 1.0f), bias(s.out_channels, 1.0f);
  const std::vector<float> filter(s.taps() * s.in_channels * s.out_channels, 1.0f);
  std::vector<float> output(s.out_pixels() * s.out_channels);
  const auto packed = PackedFilter<float>::Pack(filter.data(), s);
  Epilogue<float> epilogue;
  epilogue.bias = bias.data();
  for (auto _ : state) {
    Conv(s, input.data(), packed, output.data(), WithRelu(epilogue));
    benchmark::DoNotOptimize(output.data());
  }
  Report(state, 2.0 * s.out_pixels() * s.out_channels * s.taps() * s.in_channels);
}
BENCHMARK(BM_Conv)
    ->Args({224, 3, 64, 7, 2})
    ->Args({224, 3, 32, 3, 2})
    ->Args({56, 64, 64, 3, 1})
    ->Args({28, 128, 128, 3, 1})
    ->Args({14, 256, 256, 3, 1})
    ->Args({7, 512, 512, 3, 1})
    ->Args({56, 64, 256, 1, 1})
    ->Args({56, 256, 512, 1, 2})
    ->Args({14, 1024, 256, 1, 1})
    ->Args({112, 16, 96, 1, 1})
    ->Args({56, 144, 24, 1, 1})
    ->Args({7, 320, 1280, 1, 1})
    ->Args({35, 48, 64, 5, 1});

// Arguments: side of the image, channels, window, stride.
void BM_Depthwise(benchmark::State& state) {
  const WindowShape s = Same(state.range(0), state.range(1), state.range(1), state.range(2), state.range(3));
  const std::vector<float> input(s.in_pixels() * s.in_channels, 1.0f), filter(s.taps() * s.in_channels, 1.0f);
  std::vector<float> output(s.out_pixels() * s.in_channels);
  for (auto _ : state) {
    DepthwiseConv<float>(s, input.data(), filter.data(), output.data(), WithRelu6(Epilogue<float>()));
    benchmark::DoNotOptimize(output.data());
  }
  Report(state, 2.0 * s.out_pixels() * s.in_channels * s.taps());
}
BENCHMARK(BM_Depthwise)
    ->Args({112, 32, 3, 1})
    ->Args({112, 96, 3, 2})
    ->Args({56, 144, 3, 1})
    ->Args({14, 512, 3, 1})
    ->Args({14, 576, 3, 1})
    ->Args({7, 960, 3, 1})
    ->Args({14, 512, 5, 1})
    ->Args({14, 512, 7, 1});

// Arguments: side of the image, channels, window, stride. An operation is one comparison or addition.
template <bool kMean>
void BM_Pool(benchmark::State& state) {
  const WindowShape s = Same(state.range(0), state.range(1), state.range(1), state.range(2), state.range(3));
  const std::vector<float> input(s.in_pixels() * s.in_channels, 1.0f);
  std::vector<float> output(s.out_pixels() * s.in_channels);
  for (auto _ : state) {
    (kMean ? AveragePool<float> : MaxPool<float>)(s, input.data(), output.data(), nullptr);
    benchmark::DoNotOptimize(output.data());
  }
  Report(state, 1.0 * s.out_pixels() * s.in_channels * s.taps());
}
BENCHMARK_TEMPLATE(BM_Pool, false)->Args({112, 64, 3, 2})->Args({35, 288, 3, 2});
BENCHMARK_TEMPLATE(BM_Pool, true)->Args({35, 288, 3, 1})->Args({8, 2048, 8, 8});

// Argument: elements. An operation is one element.
template <void (*kFunction)(const float*, float*, int64_t)>
void BM_Elementwise(benchmark::State& state) {
  const std::vector<float> x(state.range(0), 0.7f);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    kFunction(x.data(), y.data(), state.range(0));
    benchmark::DoNotOptimize(y.data());
  }
  Report(state, 1.0 * state.range(0));
}
BENCHMARK_TEMPLATE(BM_Elementwise, Exp)->Arg(4096);
BENCHMARK_TEMPLATE(BM_Elementwise, Tanh)->Arg(4096);
BENCHMARK_TEMPLATE(BM_Elementwise, Sigmoid)->Arg(4096);
BENCHMARK_TEMPLATE(BM_Elementwise, Erf)->Arg(4096);

void BM_Softmax(benchmark::State& state) {
  const std::vector<float> x(state.range(0) * state.range(1), 0.7f);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    Softmax(state.range(0), state.range(1), x.data(), y.data());
    benchmark::DoNotOptimize(y.data());
  }
  Report(state, 1.0 * state.range(0) * state.range(1));
}
BENCHMARK(BM_Softmax)->Args({1, 1000})->Args({1917, 91})->Args({4096, 2});

}  // namespace
}  // namespace compute
}  // namespace cryograph

BENCHMARK_MAIN();

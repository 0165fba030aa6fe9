// The tiles as templates, for the sources that are compiled once for each instruction set.
#ifndef CRYOGRAPH_RUNTIME_COMPUTE_TILE_LOOP_H_
#define CRYOGRAPH_RUNTIME_COMPUTE_TILE_LOOP_H_

#include "runtime/compute/tile.h"
#include "runtime/compute/vec.h"

namespace cryograph {
namespace compute {
namespace CRYOGRAPH_ISA {
// How many rows a tile of so many vectors has at most: its sums, one row of b and one element of a fill the
// registers. A tile that is one vector wide would take more, but then runs out of registers for pointers.
constexpr int MostRows(int vectors) {
  return kRegisters == 32 ? (vectors == 3 ? 8 : 12) : (vectors == 3 ? 4 : 6);
}

// What sums are made of: integers wrap, so they are multiplied and added as unsigned ones.
template <typename T>
struct SumOf {
  using Type = T;
};
template <>
struct SumOf<int32_t> {
  using Type = uint32_t;
};
template <>
struct SumOf<int64_t> {
  using Type = uint64_t;
};

// The epilogue and the store of a tile that is wider than what is left of c.
template <typename T>
void StorePart(const TileArgs<T>& args, int rows, int width, const T* sums) {
  using Number = typename SumOf<T>::Type;
  const Epilogue<T> e = args.epilogue == nullptr ? Epilogue<T>() : *args.epilogue;
  for (int r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < args.columns; ++j) {
      Number sum = static_cast<Number>(sums[r * width + j]);
      if (e.bias != nullptr) sum += static_cast<Number>(e.bias[j]);
      if (e.addend != nullptr) sum += static_cast<Number>(e.addend[r * e.addend_stride + j]);
      T x = static_cast<T>(sum);
      if (e.clamp) x = Min(e.high, Max(e.low, x));
      args.c[r * args.c_stride + j] = x;
    }
  }
}

template <typename T, int kRows, int kVectors>
void Tile(const TileArgs<T>& args) {
  using Sum = Vec<typename SumOf<T>::Type>;
  constexpr int kWidth = kVectors * kLanes<T>;
  Sum sum[kRows][kVectors];
  const bool whole = args.columns >= kWidth;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Sum{};
  }
  if (args.continues) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) {
        const T* from = args.c + r * args.c_stride + v * kLanes<T>;
        const int64_t count = args.columns - v * kLanes<T>;
        if (whole) {
          sum[r][v] = (Sum)Load(from);
        } else if (count > 0) {
          sum[r][v] = (Sum)LoadFirst(from, count < kLanes<T> ? count : kLanes<T>);
        }
      }
    }
  }

  const T* b = args.b;
  const int64_t b_stride = args.b_stride;
  const int64_t run = args.run;
  for (int64_t tap = 0; tap < args.taps; ++tap) {
    const T* a[kRows];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) a[r] = args.rows[tap * args.tap_stride + r] + args.offset;
#pragma GCC unroll 2
    for (int64_t i = 0; i < run; ++i) {
      Sum right[kVectors];
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) right[v] = (Sum)Load(b + v * kLanes<T>);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Sum left = (Sum)Splat(a[r][i]);
#pragma GCC unroll 3
        for (int v = 0; v < kVectors; ++v) sum[r][v] += left * right[v];
      }
      b += b_stride;
    }
  }

  if (!whole) {
    T sums[kRows * kWidth];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) Store(sums + r * kWidth + v * kLanes<T>, (Vec<T>)sum[r][v]);
    }
    StorePart(args, kRows, kWidth, sums);
    return;
  }
  if (args.epilogue != nullptr) {
    const Epilogue<T>& epilogue = *args.epilogue;
    if (epilogue.bias != nullptr) {
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) {
        const Sum bias = (Sum)Load(epilogue.bias + v * kLanes<T>);
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) sum[r][v] += bias;
      }
    }
    if (epilogue.addend != nullptr) {
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const T* addend = epilogue.addend + r * epilogue.addend_stride;
#pragma GCC unroll 3
        for (int v = 0; v < kVectors; ++v) sum[r][v] += (Sum)Load(addend + v * kLanes<T>);
      }
    }
    if (epilogue.clamp) {
      const Vec<T> low = Splat(epilogue.low), high = Splat(epilogue.high);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
        for (int v = 0; v < kVectors; ++v) sum[r][v] = (Sum)Min(high, Max(low, (Vec<T>)sum[r][v]));
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) Store(args.c + r * args.c_stride + v * kLanes<T>, (Vec<T>)sum[r][v]);
  }
}

template <typename T, int kVectors, int kRows>
void Fill(TileSet<T>& set) {
  if constexpr (kRows > 0) {
    set.function[kVectors][kRows] = Tile<T, kRows, kVectors>;
    Fill<T, kVectors, kRows - 1>(set);
  }
}

template <typename T>
TileSet<T> MakeTiles() {
  TileSet<T> set = {};
  set.lanes = kLanes<T>;
  for (int vectors = 1; vectors <= kMaxPanelVectors; ++vectors) set.most_rows[vectors] = MostRows(vectors);
  Fill<T, 1, MostRows(1)>(set);
  Fill<T, 2, MostRows(2)>(set);
  Fill<T, 3, MostRows(3)>(set);
  return set;
}

}  // namespace CRYOGRAPH_ISA
}  // namespace compute
}  // namespace cryograph

#endif  // CRYOGRAPH_RUNTIME_COMPUTE_TILE_LOOP_H_

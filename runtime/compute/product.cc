#include "runtime/compute/product.h"

#include <algorithm>
#include <vector>

#include "runtime/compute/isa.h"
#include "runtime/loop_limit.h"

namespace cryograph {
namespace compute {
namespace {

// Rows of the left factor that are worked on together: with kPart elements of each they stay in the L2 cache
// while the panels of the right factor go by, one after the other in the L1 cache.
constexpr int64_t kBlockRows = 192;
constexpr int64_t kPart = 384;
constexpr int64_t kMostPointers = 16 * 1024;

constexpr double kWorthWaking = 1e6;  // Operations that take some 20 us.

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

// Part of the sum over k: some taps whole, or some elements of one tap.
struct Part {
  int64_t tap, taps, offset, run;
};

std::vector<Part> Parts(int64_t taps, int64_t run) {
  std::vector<Part> parts;
  if (run > kPart) {
    const int64_t pieces = CeilDiv(run, kPart), length = CeilDiv(run, pieces);
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t offset = 0; offset < run; offset += length) {
        parts.push_back({tap, 1, offset, std::min(length, run - offset)});
      }
    }
  } else {
    const int64_t pieces = CeilDiv(taps, std::max<int64_t>(kPart / std::max<int64_t>(run, 1), 1));
    const int64_t length = CeilDiv(taps, pieces);
    for (int64_t tap = 0; tap < taps; tap += length) {
      parts.push_back({tap, std::min(length, taps - tap), 0, run});
    }
  }
  return parts;
}

template <typename T>
class BlockedProduct {
 public:
  BlockedProduct(const LeftFactor<T>& left, const RightFactor<T>& right, T* c, int64_t c_stride,
                 const Epilogue<T>& epilogue)
      : left_(left),
        right_(right),
        c_(c),
        c_stride_(c_stride),
        epilogue_(epilogue),
        tiles_(Tiles<T>()),
        parts_(Parts(left.taps, left.run)) {}

  void Run(ThreadPool* pool) {
    const int64_t most = std::clamp<int64_t>(kMostPointers / left_.taps, 1, kBlockRows);
    int64_t block_rows = CeilDiv(left_.m, CeilDiv(left_.m, most));
    if (most >= kMaxTileRows) block_rows = RoundUp(block_rows, kMaxTileRows);
    const int64_t row_blocks = CeilDiv(left_.m, block_rows);
    // Where blocks of rows are too few for the threads, panels are divided among them as well.
    const int64_t vectors = CeilDiv(right_.n, tiles_.lanes);
    const int64_t panels = std::max<int64_t>(1, vectors / 2);
    const int threads = pool == nullptr ? 1 : pool->threads();
    int64_t column_blocks = 1;
    while (column_blocks < panels && row_blocks * column_blocks < 4 * threads &&
           row_blocks * column_blocks % threads != 0) {
      ++column_blocks;
    }
    const int64_t block_panels = CeilDiv(panels, column_blocks);
    column_blocks = CeilDiv(panels, block_panels);
    const double flops =
        2.0 * left_.taps * left_.run * std::min(block_rows, left_.m) * block_panels * 2 * tiles_.lanes;
    const int64_t grain = std::max<int64_t>(1, static_cast<int64_t>(kWorthWaking / std::max(flops, 1.0)));
    limit_ = LoopLimit::Current();
    ParallelFor(pool, row_blocks * column_blocks, grain, [&](int64_t begin, int64_t end) {
      std::vector<const T*> pointers(left_.taps * std::min(block_rows, left_.m));
      for (int64_t block = begin; block < end; ++block) {
        if (limit_ != nullptr && limit_->Expired()) return;
        const int64_t row = block / column_blocks * block_rows;
        const int64_t rows = std::min(block_rows, left_.m - row);
        const int64_t panel = block % column_blocks * block_panels;
        const bool last = panel + block_panels >= panels;
        // The row block's pointers are still there for its next block of columns.
        if (block == begin || panel == 0) left_.fill(row, rows, pointers.data());
        Block(pointers.data(), row, rows, 2 * panel, last ? vectors : 2 * (panel + block_panels), vectors);
      }
    });
  }

 private:
  void Block(const T* const* pointers, int64_t row, int64_t rows, int64_t vector, int64_t vector_end,
             int64_t vectors) const {
    const int64_t k = left_.taps * left_.run;
    TileArgs<T> args;
    args.tap_stride = rows;
    args.c_stride = c_stride_;
    for (size_t part = 0; part < parts_.size(); ++part) {
      const Part& p = parts_[part];
      args.taps = p.taps;
      args.run = p.run;
      args.offset = p.offset;
      args.continues = part > 0;
      const bool last = part + 1 == parts_.size();
      int width;
      for (int64_t v = vector; v < vector_end; v += width) {
        if (limit_ != nullptr && limit_->Expired()) return;
        width = PanelVectors(vectors - v);
        const int64_t column = v * tiles_.lanes;
        args.columns = std::min<int64_t>(width * tiles_.lanes, right_.n - column);
        const T* panel;
        if (right_.stride == 0) {
          panel = right_.panels + column * k;
          args.b_stride = width * tiles_.lanes;
        } else if (args.columns < width * tiles_.lanes) {
          panel = right_.last;
          args.b_stride = width * tiles_.lanes;
        } else {
          panel = right_.panels + column;
          args.b_stride = right_.stride;
        }
        args.b = panel + (p.tap * left_.run + p.offset) * args.b_stride;
        // Tiles as equal as can be: fewer rows than fit cost as much time as those that fit.
        const int64_t count = CeilDiv(rows, tiles_.most_rows[width]);
        for (int64_t t = 0; t < count; ++t) {
          const int64_t r = rows * t / count, tile_rows = rows * (t + 1) / count - r;
          args.rows = pointers + p.tap * rows + r;
          args.c = c_ + (row + r) * c_stride_ + column;
          Epilogue<T> epilogue;
          args.epilogue = nullptr;
          if (last) {
            epilogue = epilogue_;
            if (epilogue.bias != nullptr) epilogue.bias += column;
            if (epilogue.addend != nullptr) epilogue.addend += (row + r) * epilogue.addend_stride + column;
            args.epilogue = &epilogue;
          }
          tiles_.function[width][tile_rows](args);
        }
      }
    }
  }

  const LeftFactor<T>& left_;
  const RightFactor<T>& right_;
  T* const c_;
  const int64_t c_stride_;
  const Epilogue<T>& epilogue_;
  const TileSet<T>& tiles_;
  const std::vector<Part> parts_;
  LoopLimit* limit_ = nullptr;
};

}  // namespace

template <>
const TileSet<float>& Tiles<float>() {
  return CRYOGRAPH_CHOSEN(FloatTiles)();
}

template <>
const TileSet<double>& Tiles<double>() {
  return CRYOGRAPH_CHOSEN(DoubleTiles)();
}

template <>
const TileSet<int32_t>& Tiles<int32_t>() {
  return portable::Int32Tiles();
}

template <>
const TileSet<int64_t>& Tiles<int64_t>() {
  return portable::Int64Tiles();
}

template <typename T>
void Product(const LeftFactor<T>& left, const RightFactor<T>& right, T* c, int64_t c_stride,
             const Epilogue<T>& epilogue, ThreadPool* pool) {
  if (left.m <= 0 || right.n <= 0) return;
  BlockedProduct<T>(left, right, c, c_stride, epilogue).Run(pool);
}

template void Product(const LeftFactor<float>&, const RightFactor<float>&, float*, int64_t,
                      const Epilogue<float>&, ThreadPool*);
template void Product(const LeftFactor<double>&, const RightFactor<double>&, double*, int64_t,
                      const Epilogue<double>&, ThreadPool*);
template void Product(const LeftFactor<int32_t>&, const RightFactor<int32_t>&, int32_t*, int64_t,
                      const Epilogue<int32_t>&, ThreadPool*);
template void Product(const LeftFactor<int64_t>&, const RightFactor<int64_t>&, int64_t*, int64_t,
                      const Epilogue<int64_t>&, ThreadPool*);

}  // namespace compute
}  // namespace cryograph

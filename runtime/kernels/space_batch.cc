// SpaceToBatchND, BatchToSpaceND, their 2-D forms SpaceToBatch and BatchToSpace, SpaceToDepth and
// DepthToSpace.
#include <algorithm>
#include <string>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/strided_copy.h"

namespace cryograph {
namespace {

// Block sizes and what is padded or cropped, one entry for each of the dimensions 1, 2 …
struct Blocks {
  Shape size, before, after;
};

absl::StatusOr<Blocks> BlocksOf(KernelContext& context, int64_t attr_size) {
  Blocks blocks;
  const Value& borders = context.input(context.num_inputs() - 1);
  if (attr_size > 0) {
    blocks.size = {attr_size, attr_size};
  } else {
    RETURN_IF_ERROR(ExpectVector(context.input(1), "the block shape"));
    ASSIGN_OR_RETURN(blocks.size, IntVector(context.input(1), "the block shape"));
  }
  const auto count = static_cast<int64_t>(blocks.size.size());
  if (borders.rank() != 2 || borders.dim(0) != count || borders.dim(1) != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("paddings or crops must be of shape [", count, ",2], not ", ShapeText(borders.shape())));
  }
  if (context.input(0).rank() < 1 + count) {
    return absl::InvalidArgumentError(absl::StrCat("input of shape ", ShapeText(context.input(0).shape()),
                                                   " has no batch and ", count, " spatial dimensions"));
  }
  ASSIGN_OR_RETURN(const Shape flat, IntVector(borders.Reshaped({2 * count}), "paddings or crops"));
  for (int64_t d = 0; d < count; ++d) {
    constexpr int64_t kMost = int64_t{1} << 40;
    if (blocks.size[d] < 1 || blocks.size[d] > kMost) {
      return absl::InvalidArgumentError(absl::StrCat("block size ", blocks.size[d], " is not positive"));
    }
    if (flat[2 * d] < 0 || flat[2 * d + 1] < 0 || flat[2 * d] > kMost || flat[2 * d + 1] > kMost) {
      return absl::InvalidArgumentError("paddings and crops must not be negative");
    }
    blocks.before.push_back(flat[2 * d]);
    blocks.after.push_back(flat[2 * d + 1]);
  }
  return blocks;
}

// Copies between the tensor with wide space and the one with a large batch. Places of the wide one outside of
// `wide` are padding: `to_batch` leaves what is there, the other direction skips them.
template <typename T>
void MoveBlocks(const Blocks& blocks, const Shape& wide, const Shape& narrow, bool to_batch, const T* in,
                T* out) {
  const size_t dims = blocks.size.size();
  int64_t inner = 1;
  for (size_t d = dims + 1; d < wide.size(); ++d) inner *= wide[d];
  const Strides wide_steps = StridesOf(wide);
  const int64_t batch = wide[0];
  Shape place(dims, 0);
  int64_t narrow_place = 0;
  for (int64_t b = 0; b < narrow[0]; ++b) {
    int64_t offset_index = b / batch;
    Shape offset(dims);
    for (size_t d = dims; d-- > 0;) {
      offset[d] = offset_index % blocks.size[d];
      offset_index /= blocks.size[d];
    }
    std::fill(place.begin(), place.end(), 0);
    int64_t cells = 1;
    for (size_t d = 0; d < dims; ++d) cells *= narrow[d + 1];
    for (int64_t cell = 0; cell < cells; ++cell, narrow_place += inner) {
      int64_t wide_place = (b % batch) * wide_steps[0];
      bool inside = true;
      for (size_t d = 0; d < dims; ++d) {
        const int64_t x = place[d] * blocks.size[d] + offset[d] - blocks.before[d];
        inside &= x >= 0 && x < wide[d + 1];
        wide_place += x * wide_steps[d + 1];
      }
      if (inside) {
        if (to_batch) {
          std::copy(in + wide_place, in + wide_place + inner, out + narrow_place);
        } else {
          std::copy(in + narrow_place, in + narrow_place + inner, out + wide_place);
        }
      }
      for (size_t d = dims; d-- > 0;) {
        if (++place[d] < narrow[d + 1]) break;
        place[d] = 0;
      }
    }
  }
}

class SpaceBatchKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    to_batch_ = node.op() == "SpaceToBatch" || node.op() == "SpaceToBatchND";
    if (node.op() == "SpaceToBatchND" || node.op() == "BatchToSpaceND") return absl::OkStatus();
    RETURN_IF_ERROR(node.Attr("block_size", &block_size_));
    if (block_size_ < 2) return absl::InvalidArgumentError("block_size must be at least 2");
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    ASSIGN_OR_RETURN(const Blocks blocks, BlocksOf(context, block_size_));
    if (block_size_ > 0 && input.rank() != 4) {
      return absl::InvalidArgumentError(
          absl::StrCat("the input must have 4 dimensions, not shape ", ShapeText(input.shape())));
    }
    Shape shape = input.shape();
    int64_t product = 1;
    for (size_t d = 0; d < blocks.size.size(); ++d) {
      if (__builtin_mul_overflow(product, blocks.size[d], &product)) {
        return absl::InvalidArgumentError("the blocks are too large");
      }
      int64_t& size = shape[d + 1];
      if (to_batch_) {
        size += blocks.before[d] + blocks.after[d];
        if (size % blocks.size[d] != 0) {
          return absl::InvalidArgumentError(absl::StrCat("padded size ", size, " of dimension ", d + 1,
                                                         " is not divisible by block size ", blocks.size[d]));
        }
        size /= blocks.size[d];
      } else {
        if (__builtin_mul_overflow(size, blocks.size[d], &size)) {
          return absl::InvalidArgumentError("the blocks are too large");
        }
        size -= blocks.before[d] + blocks.after[d];
        if (size < 0) {
          return absl::InvalidArgumentError(absl::StrCat("dimension ", d + 1, " is cropped below 0"));
        }
      }
    }
    if (to_batch_) {
      if (__builtin_mul_overflow(shape[0], product, &shape[0])) {
        return absl::InvalidArgumentError("the result is too large");
      }
    } else {
      if (input.dim(0) % product != 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("batch ", input.dim(0), " is not divisible by the blocks' product ", product));
      }
      shape[0] = input.dim(0) / product;
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const auto values = output->mutable_span<T>();
      if (values.empty()) return absl::OkStatus();
      if (to_batch_) std::fill(values.begin(), values.end(), T());
      if (input.num_elements() == 0) return absl::OkStatus();
      MoveBlocks(blocks, to_batch_ ? input.shape() : shape, to_batch_ ? shape : input.shape(), to_batch_,
                 input.data<T>(), output->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  bool to_batch_ = false;
  int64_t block_size_ = 0;  // 0: an operand.
};
CRYOGRAPH_KERNEL(SpaceBatchKernel, "SpaceToBatch", "SpaceToBatchND", "BatchToSpace", "BatchToSpaceND");

// Both directions are transposes: the space [H, b, W, b] and the channels [b, b, C] trade their b's.
class SpaceDepthKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    to_depth_ = node.op() == "SpaceToDepth";
    RETURN_IF_ERROR(node.Attr("block_size", &block_));
    if (block_ < 2) return absl::InvalidArgumentError("block_size must be at least 2");
    if (node.attr("data_format").kind() == AttrView::kNone) return absl::OkStatus();
    std::string format;
    RETURN_IF_ERROR(node.Attr("data_format", &format));
    if (format != "NHWC" && format != "NCHW") {
      if (node.input_type(0) == DT_QINT8) return node.UnsupportedAttr("data_format", format);
      return absl::InvalidArgumentError(
          absl::StrCat("data_format is '", format, "', which only qint8 may have"));
    }
    channels_first_ = format == "NCHW";
    return absl::OkStatus();
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    RETURN_IF_ERROR(ExpectRank(input, 4, "the input"));
    const int h = channels_first_ ? 2 : 1, w = h + 1, c = channels_first_ ? 1 : 3;
    const int64_t b = block_;
    Shape shape = input.shape();
    if (to_depth_) {
      if (shape[h] % b != 0 || shape[w] % b != 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("image of ", shape[h], " x ", shape[w], " is not divisible into blocks of ", b));
      }
      shape[h] /= b;
      shape[w] /= b;
      if (__builtin_mul_overflow(shape[c], b * b, &shape[c]))
        return absl::InvalidArgumentError("too many channels");
    } else {
      if (b > (int64_t{1} << 30) || shape[c] % (b * b) != 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("depth ", shape[c], " is not divisible by the square of block size ", b));
      }
      shape[c] /= b * b;
      if (__builtin_mul_overflow(shape[h], b, &shape[h]) || __builtin_mul_overflow(shape[w], b, &shape[w])) {
        return absl::InvalidArgumentError("the image is too large");
      }
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    // Small space h x w, channels n, of the tensor whose channels hold the blocks: (N, i, j, c, y, x).
    const Shape& small = to_depth_ ? shape : input.shape();
    const int64_t height = small[h], width = small[w], depth = small[c] / (b * b);
    const int64_t batch = small[0];
    const Shape deep_order =
        channels_first_ ? Shape{batch, b, b, depth, height, width} : Shape{batch, height, width, b, b, depth};
    // Steps of the tensor with the large space, for the dimensions in the order of the deep one.
    const Shape wide_order =
        channels_first_ ? Shape{batch, depth, height, b, width, b} : Shape{batch, height, b, width, b, depth};
    const Strides wide = StridesOf(wide_order);
    const Strides wide_in_deep_order = channels_first_
                                           ? Strides{wide[0], wide[3], wide[5], wide[1], wide[2], wide[4]}
                                           : Strides{wide[0], wide[1], wide[3], wide[2], wide[4], wide[5]};
    return DispatchWidth(input.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      if (to_depth_) {
        GatherStrided(input.data<T>(), deep_order, wide_in_deep_order, output->mutable_data<T>());
      } else {
        ScatterStrided(input.data<T>(), deep_order, wide_in_deep_order, output->mutable_data<T>());
      }
      return absl::OkStatus();
    });
  }

 private:
  bool to_depth_ = false, channels_first_ = false;
  int64_t block_ = 2;
};
CRYOGRAPH_KERNEL(SpaceDepthKernel, "SpaceToDepth", "DepthToSpace");

}  // namespace
}  // namespace cryograph

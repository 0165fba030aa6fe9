// ExtractImagePatches, ExtractVolumePatches.
#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "runtime/dispatch.h"
#include "runtime/kernel.h"

namespace cryograph {
namespace {

// Images are volumes of one plane.
struct Axis {
  int64_t size = 1, window = 1, stride = 1, rate = 1;
  int64_t count = 1, before = 0;  // Of patches; of padding.
};

class ExtractPatchesKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    volume_ = node.op() == "ExtractVolumePatches";
    std::string padding;
    RETURN_IF_ERROR(node.Attr("padding", &padding));
    if (padding != "SAME" && padding != "VALID") {
      return absl::InvalidArgumentError("padding must be 'SAME' or 'VALID'");
    }
    same_ = padding == "SAME";
    RETURN_IF_ERROR(Read(node, "ksizes", &Axis::window));
    RETURN_IF_ERROR(Read(node, "strides", &Axis::stride));
    return volume_ ? absl::OkStatus() : Read(node, "rates", &Axis::rate);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& images = context.input(0);
    RETURN_IF_ERROR(ExpectRank(images, volume_ ? 5 : 4, "the input"));
    std::array<Axis, 3> axes = axes_;
    for (int i = volume_ ? 0 : 1; i < 3; ++i) {
      Axis& axis = axes[i];
      axis.size = images.dim(volume_ ? i + 1 : i);
      const int64_t reach = (axis.window - 1) * axis.rate + 1;
      if (same_) {
        axis.count = (axis.size + axis.stride - 1) / axis.stride;
        axis.before = std::max<int64_t>((axis.count - 1) * axis.stride + reach - axis.size, 0) / 2;
      } else {
        axis.count = (axis.size - reach + axis.stride) / axis.stride;
        if (reach > axis.size) {
          return absl::InvalidArgumentError(
              absl::StrCat("a patch that spans ", reach, " does not fit into a size of ", axis.size));
        }
      }
    }
    const int64_t depth = images.dim(images.rank() - 1);
    ASSIGN_OR_RETURN(const int64_t patch,
                     NumElements({axes[0].window, axes[1].window, axes[2].window, depth}));
    Shape shape = {images.dim(0)};
    for (int i = volume_ ? 0 : 1; i < 3; ++i) shape.push_back(axes[i].count);
    shape.push_back(patch);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, shape));
    if (output->num_elements() == 0) return absl::OkStatus();
    return DispatchWidth(images.dtype(), [&](auto tag) {
      using T = TypeOf<decltype(tag)>;
      const int64_t patches = output->num_elements() / patch;
      context.ParallelFor(patches, static_cast<double>(patch), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          Copy(images.data<T>(), axes, depth, i, output->mutable_data<T>() + i * patch);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  absl::Status Read(const NodeInfo& node, absl::string_view key, int64_t Axis::*member) {
    std::vector<int64_t> sizes;
    RETURN_IF_ERROR(node.Attr(key, &sizes));
    const size_t count = volume_ ? 5 : 4;
    if (sizes.size() != count || sizes.front() != 1 || sizes.back() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(key, " must be ", count, " numbers, 1 for batch and depth"));
    }
    for (size_t i = 1; i + 1 < count; ++i) {
      if (sizes[i] < 1 || sizes[i] > std::numeric_limits<int32_t>::max()) {
        return absl::InvalidArgumentError(absl::StrCat(key, " must be positive, not ", sizes[i]));
      }
      axes_[volume_ ? i - 1 : i].*member = sizes[i];
    }
    return absl::OkStatus();
  }

  template <typename T>
  static void Copy(const T* images, const std::array<Axis, 3>& axes, int64_t depth, int64_t patch, T* out) {
    const Axis &planes = axes[0], &rows = axes[1], &columns = axes[2];
    const int64_t x0 = patch % columns.count * columns.stride - columns.before;
    patch /= columns.count;
    const int64_t y0 = patch % rows.count * rows.stride - rows.before;
    patch /= rows.count;
    const int64_t z0 = patch % planes.count * planes.stride - planes.before;
    images += patch / planes.count * planes.size * rows.size * columns.size * depth;
    for (int64_t k = 0; k < planes.window; ++k) {
      const int64_t z = z0 + k * planes.rate;
      for (int64_t i = 0; i < rows.window; ++i) {
        const int64_t y = y0 + i * rows.rate;
        for (int64_t j = 0; j < columns.window; ++j, out += depth) {
          const int64_t x = x0 + j * columns.rate;
          if (z < 0 || z >= planes.size || y < 0 || y >= rows.size || x < 0 || x >= columns.size) {
            std::fill_n(out, depth, T());
          } else {
            std::copy_n(images + ((z * rows.size + y) * columns.size + x) * depth, depth, out);
          }
        }
      }
    }
  }

  bool volume_ = false, same_ = false;
  std::array<Axis, 3> axes_;
};
CRYOGRAPH_KERNEL(ExtractPatchesKernel, "ExtractImagePatches", "ExtractVolumePatches");

}  // namespace
}  // namespace cryograph

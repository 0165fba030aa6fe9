// QuantizedMatMul, QuantizedConv2D: exact sums of products of codes, less their zero points, modulo 2^32.
#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "runtime/kernel.h"
#include "runtime/kernels/quantized.h"
#include "runtime/kernels/window.h"

namespace cryograph {
namespace {

absl::Status CheckTypes(const NodeInfo& node) {
  for (const int i : {0, 1}) {
    if (node.input_type(i) != DT_QUINT8) return node.UnsupportedType(node.input_type(i));
  }
  return node.output_type(0) == DT_QINT32 ? absl::OkStatus() : node.UnsupportedType(node.output_type(0));
}

uint32_t Zero(const QuantizedRange& range) { return static_cast<uint32_t>(range.ZeroPoint<uint8_t>()); }

// sum[j] += x * row[j]
void AddRow(uint32_t x, const uint32_t* row, int64_t count, uint32_t* sum) {
  for (int64_t j = 0; j < count; ++j) sum[j] += x * row[j];
}

class QuantizedMatMulKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(CheckTypes(node));
    RETURN_IF_ERROR(node.Attr("transpose_a", &transpose_a_));
    return node.Attr("transpose_b", &transpose_b_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& a = context.input(0);
    const Value& b = context.input(1);
    RETURN_IF_ERROR(ExpectMatrix(a, "a"));
    RETURN_IF_ERROR(ExpectMatrix(b, "b"));
    ASSIGN_OR_RETURN(const QuantizedRange range_a, RangeInput(context, 2, 3));
    ASSIGN_OR_RETURN(const QuantizedRange range_b, RangeInput(context, 4, 5));
    const int64_t rows = a.dim(transpose_a_ ? 1 : 0), inner = a.dim(transpose_a_ ? 0 : 1);
    const int64_t columns = b.dim(transpose_b_ ? 0 : 1);
    if (b.dim(transpose_b_ ? 1 : 0) != inner) {
      return absl::InvalidArgumentError(absl::StrCat("matrices of ", ShapeText(a.shape()), " and ",
                                                     ShapeText(b.shape()), " cannot be multiplied"));
    }
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, {rows, columns}));
    RETURN_IF_ERROR(SetRangeOutput(context, 1, ProductRange<uint8_t, uint8_t>(range_a, range_b)));
    if (output->num_elements() == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(Value centered, context.AllocateTemp(DT_INT32, {inner, columns}));
    uint32_t* weights = centered.mutable_data<uint32_t>();
    const uint8_t* codes = b.data<uint8_t>();
    const uint32_t zero_a = Zero(range_a), zero_b = Zero(range_b);
    for (int64_t k = 0; k < inner; ++k) {
      for (int64_t j = 0; j < columns; ++j) {
        *weights++ = codes[transpose_b_ ? j * inner + k : k * columns + j] - zero_b;
      }
    }
    const uint8_t* x = a.data<uint8_t>();
    uint32_t* y = output->mutable_data<uint32_t>();
    const uint32_t* w = centered.data<uint32_t>();
    context.ParallelFor(rows, 0.5 * static_cast<double>(inner) * static_cast<double>(columns),
                        [&](int64_t begin, int64_t end) {
                          std::fill(y + begin * columns, y + end * columns, 0u);
                          for (int64_t i = begin; i < end; ++i) {
                            for (int64_t k = 0; k < inner; ++k) {
                              AddRow(x[transpose_a_ ? k * rows + i : i * inner + k] - zero_a, w + k * columns,
                                     columns, y + i * columns);
                            }
                          }
                        });
    return absl::OkStatus();
  }

 private:
  bool transpose_a_ = false, transpose_b_ = false;
};
CRYOGRAPH_KERNEL(QuantizedMatMulKernel, "QuantizedMatMul");

class QuantizedConv2DKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    RETURN_IF_ERROR(CheckTypes(node));
    return attrs_.Init(node, 2);
  }

  absl::Status Compute(KernelContext& context) const override {
    const Value& input = context.input(0);
    const Value& filter = context.input(1);
    RETURN_IF_ERROR(ExpectRank(input, 4, "input"));
    RETURN_IF_ERROR(ExpectRank(filter, 4, "filter"));
    ASSIGN_OR_RETURN(const QuantizedRange range_in, RangeInput(context, 2, 3));
    ASSIGN_OR_RETURN(const QuantizedRange range_filter, RangeInput(context, 4, 5));
    if (filter.dim(2) != input.dim(3)) {
      return absl::InvalidArgumentError(
          absl::StrCat("a filter for ", filter.dim(2), " channels and an input of ", input.dim(3)));
    }
    if (filter.dim(0) < 1 || filter.dim(1) < 1) {
      return absl::InvalidArgumentError("the filter's window must not be empty");
    }
    ASSIGN_OR_RETURN(compute::WindowShape shape,
                     attrs_.ShapeFor(input.shape(), {filter.dim(0), filter.dim(1)}));
    shape.out_channels = filter.dim(3);
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(0, attrs_.OutputDims(shape, shape.out_channels)));
    ASSIGN_OR_RETURN(Value centered, context.AllocateTemp(DT_INT32, filter.shape()));
    const uint32_t zero_in = Zero(range_in), zero_filter = Zero(range_filter);
    for (int64_t i = 0; i < filter.num_elements(); ++i) {
      centered.mutable_data<uint32_t>()[i] = filter.data<uint8_t>()[i] - zero_filter;
    }
    if (output->num_elements() > 0) {
      const double row_cost =
          0.5 * static_cast<double>(shape.out[2]) * static_cast<double>(filter.num_elements());
      context.ParallelFor(shape.batch * shape.out[1], row_cost, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          Row(shape, row, input.data<uint8_t>(), zero_in, centered.data<uint32_t>(),
              output->mutable_data<uint32_t>());
        }
      });
    }
    return SetRangeOutput(context, 1, ProductRange<uint8_t, uint8_t>(range_in, range_filter));
  }

 private:
  // Row `row` of all images' output rows. What lies outside of the image is zero, and adds nothing.
  static void Row(const compute::WindowShape& s, int64_t row, const uint8_t* input, uint32_t zero,
                  const uint32_t* filter, uint32_t* output) {
    const int64_t n = row / s.out[1], h = row % s.out[1] * s.stride[1] - s.pad[1];
    uint32_t* sum = output + row * s.out[2] * s.out_channels;
    std::fill(sum, sum + s.out[2] * s.out_channels, 0u);
    for (int64_t ow = 0; ow < s.out[2]; ++ow, sum += s.out_channels) {
      const int64_t w = ow * s.stride[2] - s.pad[2];
      for (int64_t fh = 0; fh < s.window[1]; ++fh) {
        const int64_t y = h + fh * s.dilation[1];
        if (y < 0 || y >= s.in[1]) continue;
        for (int64_t fw = 0; fw < s.window[2]; ++fw) {
          const int64_t x = w + fw * s.dilation[2];
          if (x < 0 || x >= s.in[2]) continue;
          const uint8_t* pixel = input + ((n * s.in[1] + y) * s.in[2] + x) * s.in_channels;
          const uint32_t* weights = filter + (fh * s.window[2] + fw) * s.in_channels * s.out_channels;
          for (int64_t c = 0; c < s.in_channels; ++c) {
            AddRow(pixel[c] - zero, weights + c * s.out_channels, s.out_channels, sum);
          }
        }
      }
    }
  }

  WindowAttrs attrs_;
};
CRYOGRAPH_KERNEL(QuantizedConv2DKernel, "QuantizedConv2D");

}  // namespace
}  // namespace cryograph

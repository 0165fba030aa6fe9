// LSTMBlockCell, BlockLSTM, BlockLSTMV2, GRUBlockCell: the gates of a recurrent layer in one op.
#include <algorithm>
#include <cmath>

#include "runtime/compute/gemm.h"
#include "runtime/dispatch.h"
#include "runtime/kernel.h"
#include "runtime/kernels/layout.h"

namespace cryograph {
namespace {

float Sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

absl::Status ExpectShape(const Value& value, absl::Span<const int64_t> dims, absl::string_view what) {
  if (absl::MakeConstSpan(value.shape()) == dims) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " must be of shape ",
                                                 ShapeText(Shape(dims.begin(), dims.end())), ", not ",
                                                 ShapeText(value.shape())));
}

// c (m by n) = [left right] w + b, where left and right have m rows.
struct Gates {
  int64_t m = 0, left = 0, right = 0, n = 0;

  absl::Status Run(KernelContext& context, const float* x, const float* h, const float* w, const float* b,
                   float* joined, float* c) const {
    for (int64_t r = 0; r < m; ++r) {
      std::copy_n(x + r * left, left, joined + r * (left + right));
      std::copy_n(h + r * right, right, joined + r * (left + right) + left);
    }
    compute::MatMulShape shape;
    shape.m = m;
    shape.k = left + right;
    shape.n = n;
    if (!compute::MatMul<float>(shape, joined, w, c, {}, context.threads())) {
      return absl::ResourceExhaustedError("no memory for a rearranged copy of the weights");
    }
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t i = 0; i < n; ++i) c[r * n + i] += b[i];
    }
    return absl::OkStatus();
  }
};

class LstmKernel final : public Kernel {
 public:
  absl::Status Init(const NodeInfo& node) override {
    sequence_ = node.op() != "LSTMBlockCell";
    const bool v2 = node.op() == "BlockLSTMV2";
    dtype_ = node.output_type(0);
    if (ComputeType(dtype_) != DT_FLOAT) return node.UnsupportedType(dtype_);
    if (v2) {
      forget_bias_ = 0;
      candidate_ = 2;
      forget_ = 1;
    } else {
      RETURN_IF_ERROR(node.Attr("forget_bias", &forget_bias_));
    }
    RETURN_IF_ERROR(node.Attr("cell_clip", &clip_));
    return node.Attr("use_peephole", &peephole_);
  }

  absl::Status Compute(KernelContext& context) const override {
    const int first = sequence_ ? 1 : 0;
    Value in[8];
    for (int i = 0; i < 8; ++i) {
      ASSIGN_OR_RETURN(in[i], ToComputeType(context, context.input(first + i)));
    }
    const Value &x = in[0], &w = in[3];
    RETURN_IF_ERROR(ExpectRank(x, sequence_ ? 3 : 2, "x"));
    RETURN_IF_ERROR(ExpectMatrix(in[1], "cs_prev"));
    const int64_t steps = sequence_ ? x.dim(0) : 1;
    const int64_t batch = x.dim(x.rank() - 2), inputs = x.dim(x.rank() - 1), cells = in[1].dim(1);
    RETURN_IF_ERROR(ExpectShape(in[1], {batch, cells}, "cs_prev"));
    RETURN_IF_ERROR(ExpectShape(in[2], {batch, cells}, "h_prev"));
    if (w.rank() != 2 || w.dim(0) != inputs + cells || w.dim(1) % 4 != 0 || w.dim(1) / 4 != cells) {
      return absl::InvalidArgumentError(absl::StrCat("w must have ", inputs + cells, " rows and 4 x ", cells,
                                                     " columns, not the shape ", ShapeText(w.shape())));
    }
    const char* const names[] = {"wci", "wcf", "wco"};
    for (int i = 0; i < 3; ++i) {
      RETURN_IF_ERROR(ExpectVector(in[4 + i], names[i]));
      // TensorFlow's cell looks at no more than it needs, its block at all of them in any case.
      if (sequence_ || (peephole_ && in[4 + i].num_elements() < cells)) {
        RETURN_IF_ERROR(ExpectShape(in[4 + i], {cells}, names[i]));
      }
    }
    RETURN_IF_ERROR(ExpectShape(in[7], {w.dim(1)}, "b"));
    int64_t length = steps;
    if (sequence_) {
      ASSIGN_OR_RETURN(length, ScalarInt(context.input(0), "seq_len_max"));
      if (length < 0 || length > steps) {
        return absl::InvalidArgumentError(
            absl::StrCat("seq_len_max ", length, " is not in [0, ", steps, "]"));
      }
    }
    Shape dims = {batch, cells};
    if (sequence_) dims.insert(dims.begin(), steps);
    Value out[7];
    float* data[7];
    for (int i = 0; i < 7; ++i) {
      ASSIGN_OR_RETURN(out[i], context.AllocateTemp(DT_FLOAT, dims));
      data[i] = out[i].mutable_data<float>();
      std::fill_n(data[i], out[i].num_elements(), 0.f);
    }
    ASSIGN_OR_RETURN(Value joined, context.AllocateTemp(DT_FLOAT, {batch, inputs + cells}));
    ASSIGN_OR_RETURN(Value gates, context.AllocateTemp(DT_FLOAT, {batch, w.dim(1)}));
    const float *cs_prev = in[1].data<float>(), *h_prev = in[2].data<float>();
    const int64_t step = batch * cells;
    for (int64_t t = 0; t < length && step > 0; ++t) {
      RETURN_IF_ERROR(context.CheckLimits());
      const Gates product = {batch, inputs, cells, w.dim(1)};
      RETURN_IF_ERROR(product.Run(context, x.data<float>() + t * batch * inputs, h_prev, w.data<float>(),
                                  in[7].data<float>(), joined.mutable_data<float>(),
                                  gates.mutable_data<float>()));
      Cell(batch, cells, gates.data<float>(), cs_prev, in, data);
      cs_prev = data[1];
      h_prev = data[6];
      for (float*& output : data) output += step;
    }
    for (int i = 0; i < 7; ++i) {
      ASSIGN_OR_RETURN(Value output, FromComputeType(context, out[i], dtype_));
      context.SetOutput(i, std::move(output));
    }
    return absl::OkStatus();
  }

 private:
  void Cell(int64_t batch, int64_t cells, const float* z, const float* cs_prev, const Value* in,
            float* const* out) const {
    const float *wci = in[4].data<float>(), *wcf = in[5].data<float>(), *wco = in[6].data<float>();
    for (int64_t n = 0; n < batch * cells; ++n) {
      const int64_t c = n % cells;
      const float* gate = z + n / cells * 4 * cells + c;
      float i = gate[0], f = gate[forget_ * cells] + forget_bias_, o = gate[3 * cells];
      if (peephole_) {
        i += cs_prev[n] * wci[c];
        f += cs_prev[n] * wcf[c];
      }
      i = Sigmoid(i);
      f = Sigmoid(f);
      const float ci = std::tanh(gate[candidate_ * cells]);
      float cs = ci * i + cs_prev[n] * f;
      if (clip_ > 0) cs = std::min(std::max(cs, -clip_), clip_);
      if (peephole_) o += cs * wco[c];
      o = Sigmoid(o);
      const float co = std::tanh(cs);
      const float results[] = {i, cs, f, o, ci, co, co * o};
      for (int k = 0; k < 7; ++k) out[k][n] = results[k];
    }
  }

  DataType dtype_ = DT_INVALID;
  bool sequence_ = false, peephole_ = false;
  float forget_bias_ = 1, clip_ = 0;
  int candidate_ = 1, forget_ = 2;  // Places of the columns, after those of the input gate.
};
CRYOGRAPH_KERNEL(LstmKernel, "LSTMBlockCell", "BlockLSTM", "BlockLSTMV2");

absl::Status GruBlockCell(KernelContext& context) {
  for (int i : {0, 1, 2, 3}) RETURN_IF_ERROR(ExpectMatrix(context.input(i), "x, h_prev, w_ru and w_c"));
  if (context.input(0).dtype() != DT_FLOAT) return absl::UnimplementedError("only for float");
  const Value &x = context.input(0), &h = context.input(1);
  const int64_t batch = x.dim(0), inputs = x.dim(1), cells = h.dim(1);
  if (h.dim(0) != batch) return absl::InvalidArgumentError("x and h_prev differ in their first dimension");
  RETURN_IF_ERROR(ExpectShape(context.input(2), {inputs + cells, 2 * cells}, "w_ru"));
  RETURN_IF_ERROR(ExpectShape(context.input(3), {inputs + cells, cells}, "w_c"));
  RETURN_IF_ERROR(ExpectShape(context.input(4), {2 * cells}, "b_ru"));
  RETURN_IF_ERROR(ExpectShape(context.input(5), {cells}, "b_c"));
  float* out[4];
  for (int i = 0; i < 4; ++i) {
    ASSIGN_OR_RETURN(Value * output, context.AllocateOutput(i, {batch, cells}));
    out[i] = output->mutable_data<float>();
  }
  if (batch * cells == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(Value joined, context.AllocateTemp(DT_FLOAT, {batch, inputs + cells}));
  ASSIGN_OR_RETURN(Value gates, context.AllocateTemp(DT_FLOAT, {batch, 2 * cells}));
  ASSIGN_OR_RETURN(Value reset, context.AllocateTemp(DT_FLOAT, {batch, cells}));
  RETURN_IF_ERROR((Gates{batch, inputs, cells, 2 * cells}.Run(
      context, x.data<float>(), h.data<float>(), context.input(2).data<float>(),
      context.input(4).data<float>(), joined.mutable_data<float>(), gates.mutable_data<float>())));
  for (int64_t n = 0; n < batch * cells; ++n) {
    const float* gate = gates.data<float>() + n / cells * 2 * cells + n % cells;
    out[0][n] = Sigmoid(gate[0]);
    out[1][n] = Sigmoid(gate[cells]);
    reset.mutable_data<float>()[n] = out[0][n] * h.data<float>()[n];
  }
  RETURN_IF_ERROR((Gates{batch, inputs, cells, cells}.Run(
      context, x.data<float>(), reset.data<float>(), context.input(3).data<float>(),
      context.input(5).data<float>(), joined.mutable_data<float>(), out[2])));
  for (int64_t n = 0; n < batch * cells; ++n) {
    out[2][n] = std::tanh(out[2][n]);
    out[3][n] = out[1][n] * h.data<float>()[n] + (1 - out[1][n]) * out[2][n];
  }
  return absl::OkStatus();
}
CRYOGRAPH_KERNEL_FUNCTION(GruBlockCell, "GRUBlockCell");

}  // namespace
}  // namespace cryograph

#include "ops/dense.h"

#include "ops/dense_op.h"

namespace day33 {
namespace {

Segment one_segment(int64_t K) { return {.x = 0, .weight = 0, .length = K}; }

// The arguments that take rows of K inputs to rows of O outputs, and those of the gradient of the kernel: one run,
// whose pixels are the rows, and one segment.
GatherArgs gather_rows(const Segment& all, const float* packed, const float* x, float* y, int64_t rows, int64_t O,
                       const float* bias, bool relu) {
  const int64_t K = all.length;
  return {.x = x,
          .weights = packed,
          .bias = bias,
          .y = y,
          .segments = &all,
          .segment_count = 1,
          .pixels = rows,
          .x_step = K,
          .y_step = O,
          .K = K,
          .O = O,
          .relu = relu};
}
CorrelateArgs correlate_rows(const Segment& all, const float* a, const float* b, float* dw, int64_t rows, int64_t O) {
  return {.a = a,
          .b = b,
          .dw = dw,
          .segments = &all,
          .segment_count = 1,
          .lines = 1,
          .pixels = rows,
          .a_line = 0,
          .b_line = 0,
          .a_step = all.length,
          .b_step = O,
          .dw_step = O,
          .O = O};
}

}  // namespace

void DenseOp::forward(const Tile& tile, int64_t, int64_t) const {
  const float* x = tile.value[inputs[0]];
  float* y = tile.value[outputs[0]];
  float* to = sums(tile);
  const int64_t rows = tile.n * rows_;
  if (single_output(tile.lanes)) {
    tile.kernels->dot_rows(x, tile.parameter[parameters[kKernel]], bias(tile), to, rows, C_);
    if (fused_relu()) tile.kernels->activation_forward(Activation::relu, 0.0f, y, y, rows);
  } else {
    const Segment all = one_segment(C_);
    gather(tile, gather_rows(all, tile.packed, x, to, rows, O_, bias(tile), fused_relu()));
  }
  activate(tile, to, y, rows, O_);
}

void DenseOp::backward(const Tile& tile, float* const* dx) const {
  const int64_t rows = tile.n * rows_;
  float* dy = tile.gradient[outputs[0]];
  backward_to_sum(tile, dy, rows, O_);
  if (float* dw = tile.accumulate[kKernel]) {
    // (C, 1) and (1, C) are the same in memory. With one output, C is the axis to vectorise.
    const float* x = tile.value[inputs[0]];
    const bool by_output = transposed_ || single_output(tile.lanes);
    const Segment all = one_segment(by_output ? O_ : C_);
    if (by_output)
      correlate(tile, correlate_rows(all, dy, x, dw, rows, C_));
    else
      correlate(tile, correlate_rows(all, x, dy, dw, rows, O_));
  }
  const Segment all = one_segment(O_);
  if (dx[0] != nullptr) gather(tile, gather_rows(all, tile.packed_backward, dy, dx[0], rows, C_, nullptr, false));
}

int64_t DenseOp::packed_size(const Kernels& kernels, int lanes, bool backward) const {
  if (!backward && single_output(lanes)) return 0;
  return backward ? packed_floats(kernels, lanes, O_, C_) : packed_floats(kernels, lanes, C_, O_);
}

void DenseOp::pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
                   float* packed) const {
  const float* kernel = parameter[parameters[kKernel]];
  const int64_t K = backward ? O_ : C_, outputs = backward ? C_ : O_;
  const int64_t input_step = transposed_ ? 1 : O_, output_step = transposed_ ? C_ : 1;
  const int64_t k_step = backward ? output_step : input_step, o_step = backward ? input_step : output_step;
  const int64_t width = pack_width(kernels, lanes, outputs);
  for (int64_t first = 0; first < outputs; first += width)
    for (int64_t k = 0; k < K; ++k)
      for (int64_t o = first; o < first + width; ++o) *packed++ = o < outputs ? kernel[k * k_step + o * o_step] : 0.0f;
}

std::unique_ptr<Op> make_dense(int x, std::vector<int> outputs, int kernel, int bias, int64_t rows, int64_t C,
                               int64_t O, bool transposed, ActivationSpec activation) {
  if (C * O >= kLargeDenseWeights && O > 1)
    return std::make_unique<LargeDenseOp>(x, std::move(outputs), kernel, bias, rows, C, O, transposed, activation);
  return std::make_unique<DenseOp>(x, std::move(outputs), kernel, bias, rows, C, O, transposed, activation);
}

}  // namespace day33

#include <memory>

#include "ops/conv_ops.h"
#include "ops/linear_op.h"

namespace day33 {
namespace {

// A dense layer is a convolution over a row of pixels with one tap, so it runs on the same kernels. With one output
// and channels in the lanes there would be one lane at work: then the reduction goes into the lanes.
class DenseOp final : public LinearOp {
 public:
  DenseOp(int x, int y, int kernel, int bias, int64_t rows, int64_t C, int64_t O, ActivationSpec activation)
      : LinearOp("dense", x, {y}, kernel, bias, activation), rows_(rows), C_(C), O_(O) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    const float* x = tile.value[inputs[0]];
    float* y = tile.value[outputs[0]];
    const int64_t rows = tile.n * rows_;
    if (single_output(tile.lanes)) {
      tile.kernels->dot_rows(x, tile.parameter[parameters[kKernel]], bias(tile), y, rows, C_);
      if (fused_relu()) tile.kernels->activation_forward(Activation::relu, 0.0f, y, y, rows);
    } else {
      gather_all(tile, tile.packed, x, y, rows, C_, O_, bias(tile), fused_relu());
    }
    activate(tile, y, rows, O_);
  }

  void backward(const Tile& tile, float* const* dx) const override {
    const int64_t rows = tile.n * rows_;
    float* dy = tile.gradient[outputs[0]];
    backward_to_sum(tile, tile.value[outputs[0]], dy, rows, O_);
    if (float* dw = tile.accumulate[kKernel]) {
      // (C, 1) and (1, C) are the same memory: with one output the wide side goes into the lanes.
      const float* x = tile.value[inputs[0]];
      if (single_output(tile.lanes))
        outer(tile, dy, x, dw, rows, 1, C_);
      else
        outer(tile, x, dy, dw, rows, C_, O_);
    }
    if (dx[0] != nullptr) gather_all(tile, tile.packed_backward, dy, dx[0], rows, O_, C_, nullptr, false);
  }

  int64_t packed_size(const Kernels& kernels, int lanes, bool backward) const override {
    if (!backward && single_output(lanes)) return 0;
    return backward ? packed_floats(kernels, lanes, O_, C_) : packed_floats(kernels, lanes, C_, O_);
  }

  void pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
            float* packed) const override {
    const float* kernel = parameter[parameters[kKernel]];
    const int64_t K = backward ? O_ : C_, outputs = backward ? C_ : O_;
    const int64_t k_step = backward ? 1 : O_, o_step = backward ? O_ : 1;
    const int64_t width = pack_width(kernels, lanes, outputs);
    for (int64_t first = 0; first < outputs; first += width)
      for (int64_t k = 0; k < K; ++k)
        for (int64_t o = first; o < first + width; ++o)
          *packed++ = o < outputs ? kernel[k * k_step + o * o_step] : 0.0f;
  }

  int64_t multiply_adds() const override { return rows_ * C_ * O_; }
  std::string detail() const override { return std::to_string(C_) + "->" + std::to_string(O_) + activation_detail(); }

 private:
  bool single_output(int lanes) const { return O_ == 1 && lanes == 1; }

  static void outer(const Tile& tile, const float* a, const float* b, float* dw, int64_t rows, int64_t K, int64_t O) {
    const Segment all{0, 0, K};
    correlate(tile, {a, b, dw, &all, 1, rows, K, O, O, O});
  }
  static void gather_all(const Tile& tile, const float* packed, const float* x, float* y, int64_t rows, int64_t K,
                         int64_t O, const float* bias, bool relu) {
    const Segment all{0, 0, K};
    gather(tile, {x, packed, bias, y, &all, 1, rows, K, O, K, O, relu});
  }

  const int64_t rows_, C_, O_;
};

}  // namespace

std::unique_ptr<Op> make_dense(int x, int y, int kernel, int bias, int64_t rows, int64_t C, int64_t O,
                               ActivationSpec activation) {
  return std::make_unique<DenseOp>(x, y, kernel, bias, rows, C, O, activation);
}

}  // namespace day33

// Dense layers: tile by tile and, for large weights, as matrix products over the whole batch.
#pragma once

#include "ops/gemm.h"
#include "ops/linear_op.h"

namespace day33 {

// A dense layer is a convolution with one tap over a row of pixels, so it uses the same kernels. With one output and
// channels in the lanes only one lane would be used: then the reduction is vectorised instead.
class DenseOp : public LinearOp {
 public:
  DenseOp(int x, std::vector<int> outputs, int kernel, int bias, int64_t rows, int64_t C, int64_t O, bool transposed,
          ActivationSpec activation)
      : LinearOp("dense", x, std::move(outputs), kernel, bias, activation),
        rows_(rows),
        C_(C),
        O_(O),
        transposed_(transposed) {}

  void forward(const Tile& tile, int64_t begin, int64_t end) const override;
  void backward(const Tile& tile, float* const* dx) const override;
  int64_t packed_size(const Kernels& kernels, int lanes, bool backward) const override;
  void pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
            float* packed) const override;
  int64_t multiply_adds() const override { return rows_ * C_ * O_; }
  std::string kernel(int lanes) const override {
    return single_output(lanes) ? "dot_rows" : lanes > 1 ? "gather_lanes" : "gather_channels";
  }
  std::string detail() const override {
    return std::to_string(C_) + "->" + std::to_string(O_) + (transposed_ ? " transposed" : "") + activation_detail();
  }

 protected:
  const int64_t rows_, C_, O_;
  const bool transposed_;  // the kernel, and so its gradient, is (O, C)

 private:
  bool single_output(int lanes) const { return O_ == 1 && lanes == 1; }
};

// With at least this many weights, they no longer stay in the L2 cache from tile to tile.
constexpr int64_t kLargeDenseWeights = 1 << 16;

class LargeDenseOp final : public DenseOp, private LossJoiner {
 public:
  using DenseOp::DenseOp;

  bool whole(int lanes) const override { return lanes == 1; }
  void forward(const Tile& tile, int64_t begin, int64_t end) const override;
  void backward(const Tile& tile, float* const* dx) const override;
  int64_t packed_size(const Kernels& kernels, int lanes, bool backward) const override;
  void pack(const Kernels& kernels, int lanes, bool backward, const float* const* parameter,
            float* packed) const override;
  bool reads_unpacked(int lanes, int64_t n) const override { return whole(lanes) && n * rows_ <= gemm::kUnpackedRows; }
  int64_t scratch_size(const Kernels& kernels, int lanes, int64_t n) const override;

  std::string kernel(int lanes) const override { return whole(lanes) ? "gemm_tile" : DenseOp::kernel(lanes); }
  const LossJoiner* loss_joiner(int lanes) const override { return whole(lanes) && linear() ? this : nullptr; }

 private:
  // The kernel as it lies in memory.
  gemm::Input kernel_of(const float* const* parameter) const {
    return {parameter[parameters[kKernel]], transposed_ ? C_ : O_};
  }
  // `rows` rows of `a` times the kernel, or backward times its transpose.
  gemm::Product product(const Tile& tile, bool backward, gemm::Input a, int64_t rows, gemm::Output c) const;
  void add_kernel_gradient(const Tile& tile, gemm::Input x, gemm::Input dy, int64_t rows, float* scratch) const;
  double run_joined(const Tile& tile, const Loss& loss, float* dx) const override;
};

}  // namespace day33

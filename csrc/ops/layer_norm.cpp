#include "ops/normalization.h"

namespace day33 {
namespace {

class LayerNormOp final : public Op {
 public:
  LayerNormOp(int x, int y, int gamma, int beta, int64_t rows, int64_t C, float epsilon)
      : Op("layer_normalization", {x}, {y}, {gamma, beta}), rows_(rows), C_(C), epsilon_(epsilon) {}

  void forward(const Tile& tile, int64_t, int64_t) const override {
    tile.kernels->layer_norm_forward(tile.value[inputs[0]], parameter(tile, kGamma), parameter(tile, kBeta), epsilon_,
                                     tile.value[outputs[0]], tile.n * rows_, C_, tile.lanes);
  }
  // The moments are computed again, which is cheaper than keeping them, since x is read anyway.
  void backward(const Tile& tile, float* const* dx) const override {
    tile.kernels->layer_norm_backward(tile.value[inputs[0]], parameter(tile, kGamma), tile.gradient[outputs[0]],
                                      epsilon_, dx[0], tile.accumulate[kGamma], tile.accumulate[kBeta], tile.n * rows_,
                                      C_, tile.lanes);
  }
  bool backward_reads_forward() const override { return false; }
  int accumulator_lanes(size_t, int lanes) const override { return lanes; }

 private:
  static constexpr int kGamma = 0, kBeta = 1;  // parameters
  const float* parameter(const Tile& tile, int i) const {
    return parameters[i] < 0 ? nullptr : tile.parameter[parameters[i]];
  }
  const int64_t rows_, C_;
  const float epsilon_;
};

}  // namespace

std::unique_ptr<Op> make_layer_norm(int x, int y, int gamma, int beta, int64_t rows, int64_t C, float epsilon) {
  return std::make_unique<LayerNormOp>(x, y, gamma, beta, rows, C, epsilon);
}

}  // namespace day33

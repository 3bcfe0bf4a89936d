#include "ops/linear_op.h"

namespace day33 {

void LinearOp::activate(const Tile& tile, float* y, int64_t rows, int64_t C) const {
  if (activation_.kind == Activation::softmax)
    tile.kernels->softmax_forward(y, y, rows, C, tile.lanes);
  else if (activation_.kind != Activation::linear && activation_.kind != Activation::relu)
    tile.kernels->activation_forward(activation_.kind, activation_.alpha, y, y, rows * C * tile.lanes);
}

void LinearOp::through_activation(const Tile& tile, const float* y, float* dy, int64_t rows, int64_t C) const {
  if (activation_.kind == Activation::softmax)
    tile.kernels->softmax_backward(y, dy, dy, rows, C, tile.lanes);
  else if (!linear())
    tile.kernels->activation_backward(activation_.kind, activation_.alpha, y, dy, dy, rows * C * tile.lanes);
}

void LinearOp::backward_to_sum(const Tile& tile, const float* y, float* dy, int64_t rows, int64_t C) const {
  through_activation(tile, y, dy, rows, C);
  if (parameters[kBias] >= 0 && tile.accumulate[kBias] != nullptr)
    tile.kernels->channel_sums(dy, rows, C, tile.lanes, tile.accumulate[kBias]);
}

std::string LinearOp::activation_detail() const {
  return linear() ? "" : " + " + to_string(activation_.kind);
}

}  // namespace day33

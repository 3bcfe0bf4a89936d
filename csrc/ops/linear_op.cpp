#include "ops/linear_op.h"

namespace day33 {

void LinearOp::activate(const Tile& tile, const float* sums, float* y, int64_t rows, int64_t C) const {
  if (!linear() && !fused_relu()) run_activation(tile, activation_, sums, y, rows, C);
}

void LinearOp::through_activation(const Tile& tile, const float* saved, float* dy, int64_t rows, int64_t C) const {
  if (!linear()) run_activation_backward(tile, activation_, saved, dy, dy, rows, C);
}

void LinearOp::backward_to_sum(const Tile& tile, float* dy, int64_t rows, int64_t C) const {
  through_activation(tile, saved(tile), dy, rows, C);
  if (parameters[kBias] >= 0 && tile.accumulate[kBias] != nullptr)
    tile.kernels->channel_sums(dy, rows, C, tile.lanes, tile.accumulate[kBias]);
}

std::string LinearOp::activation_detail() const { return linear() ? "" : " + " + to_string(activation_.kind); }

}  // namespace day33

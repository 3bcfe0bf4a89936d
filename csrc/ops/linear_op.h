// The base of convolutions and dense layers: parameters, packing, the fused activation.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/aligned_buffer.h"
#include "ops/activations.h"

namespace day33 {

class LinearOp : public Op {
 public:
  static constexpr int kKernel = 0, kBias = 1;  // parameters

  LinearOp(std::string kind, int x, std::vector<int> outputs, int kernel, int bias, ActivationSpec activation)
      : Op(std::move(kind), {x}, std::move(outputs), {kernel, bias}), activation_(activation) {}

  bool backward_reads_forward() const override { return !linear(); }
  int accumulator_lanes(size_t i, int lanes) const override { return i == kKernel ? lanes : 1; }

 protected:
  // Where the kernels write their sums: to y, on which the activation then works in place; or to outputs[1], if
  // backward of the activation reads its input and there will be a backward pass (else the plan gives that output no
  // memory).
  float* sums(const Tile& tile) const {
    float* kept = backward_reads_input(activation_.kind) ? tile.value[outputs[1]] : nullptr;
    return kept != nullptr ? kept : tile.value[outputs[0]];
  }
  // What backward reads: the sums, or the outputs of the activation.
  const float* saved(const Tile& tile) const {
    return backward_reads_input(activation_.kind) ? sums(tile) : tile.value[outputs[0]];
  }
  // Applies the activation to `rows` rows of C channels, unless it is relu, which the kernels apply themselves.
  void activate(const Tile& tile, const float* sums, float* y, int64_t rows, int64_t C) const;
  // Turns dy into the gradient before the activation.
  void through_activation(const Tile& tile, const float* saved, float* dy, int64_t rows, int64_t C) const;
  // The same, and adds the gradient of the bias.
  void backward_to_sum(const Tile& tile, float* dy, int64_t rows, int64_t C) const;

  bool linear() const { return activation_.kind == Activation::linear; }
  bool fused_relu() const { return activation_.kind == Activation::relu; }
  const float* bias(const Tile& tile) const {
    return parameters[kBias] >= 0 ? tile.parameter[parameters[kBias]] : nullptr;
  }
  std::string activation_detail() const;

  static void gather(const Tile& tile, const GatherArgs& args) {
    (tile.lanes > 1 ? tile.kernels->gather_lanes : tile.kernels->gather_channels)(args);
  }
  static void correlate(const Tile& tile, const CorrelateArgs& args) {
    (tile.lanes > 1 ? tile.kernels->correlate_lanes : tile.kernels->correlate_channels)(args);
  }
  // How many outputs a block of packed weights holds, and how many floats the weights from K inputs to `outputs`
  // outputs take.
  static int64_t pack_width(const Kernels& kernels, int lanes, int64_t outputs) {
    return (lanes > 1 ? kernels.gather_lanes_width : kernels.gather_channels_width)(outputs);
  }
  static int64_t packed_floats(const Kernels& kernels, int lanes, int64_t K, int64_t outputs) {
    const int64_t width = pack_width(kernels, lanes, outputs);
    return round_up(outputs, width) * K;
  }

 private:
  const ActivationSpec activation_;
};

}  // namespace day33

// Convolution and transposed convolution, depthwise included.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/shapes.h"
#include "ops/op.h"

namespace day33 {

// Batch normalisation with its moving statistics, folded into a convolution before it: slots, gamma and beta may be -1.
struct FoldedNorm {
  int gamma, beta, mean, variance;
  float epsilon;
};

struct Convolution {
  ConvAxis height, width;  // of the (direct) convolution, which maps `in` to `out` cells
  int64_t P;               // kernel memory is [KH][KW][P][Q]: the direct convolution reduces P ...
  int64_t Q;               // ... and yields Q
  int64_t groups;
  bool transposed;  // forward is the gradient of the direct convolution

  // What the plan fused into it: a nearest up-sampling before, a max pooling (windows side by side) after.
  int64_t scale_h = 1, scale_w = 1;
  int64_t pool_h = 1, pool_w = 1;
  int64_t pool_top = 0, pool_left = 0;  // padding of the pooling
  int64_t pooled_h = 0, pooled_w = 0;
  std::optional<FoldedNorm> norm = std::nullopt;  // after the convolution; inference only
};

// inputs {x}, outputs {y} or, with pooling, {y, winner}, or {y, sums} with an activation whose backward reads its
// input; parameters {kernel, bias or -1}.
std::unique_ptr<Op> make_convolution(int x, std::vector<int> outputs, int kernel, int bias,
                                     const Convolution& convolution, ActivationSpec activation);

}  // namespace day33

// Convolution and transposed convolution, depthwise included.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/shapes.h"
#include "ops/op.h"

namespace day33 {

// Batch normalisation with moving statistics, folded into the convolution before it: parameter slots, of which gamma
// and beta may be -1.
struct FoldedNorm {
  int gamma, beta, mean, variance;
  float epsilon;
};

struct Convolution {
  ConvAxis height, width;  // of the (direct) convolution, which maps `in` to `out` cells
  int64_t P;               // the kernel is [KH][KW][P][Q] in memory: the direct convolution sums over P ...
  int64_t Q;               // ... and has Q output channels
  int64_t groups;
  bool transposed;  // whether forward is the gradient of the direct convolution

  // Fused into it: a nearest up-sampling before it, a max pooling (with windows side by side) after it.
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

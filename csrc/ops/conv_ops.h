// Convolution, transposed convolution and dense layers.
#pragma once

#include <memory>

#include "core/shapes.h"
#include "ops/op.h"

namespace day33 {

struct Convolution {
  ConvAxis height, width;  // of the (direct) convolution, which maps `in` to `out` cells
  int64_t P;               // kernel memory is [KH][KW][P][Q]: the direct convolution reduces P ...
  int64_t Q;               // ... and yields Q
  int64_t groups;
  bool transposed;  // forward is the gradient of the direct convolution
};

// inputs {x}, outputs {y}, parameters {kernel, bias or -1}.
std::unique_ptr<Op> make_convolution(int x, int y, int kernel, int bias, const Convolution& convolution);

// [rows][C] -> [rows][O]; parameters {kernel (C, O), bias or -1}.
std::unique_ptr<Op> make_dense(int x, int y, int kernel, int bias, int64_t rows, int64_t C, int64_t O);

}  // namespace day33

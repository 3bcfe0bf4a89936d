// Ops that make masks (int32 tensors, 0 where a position does not count) and ops that apply them.
#pragma once

#include <memory>

#include "ops/op.h"

namespace day33 {

// int32 [rows]: 1 where a row of x [rows][inner] holds something other than `value`. x is float32 or int32.
std::unique_ptr<Op> make_differs(int x, int y, int64_t rows, int64_t inner, float value, DType dtype);

// int32 [size]: 1 where either of two masks is not 0.
std::unique_ptr<Op> make_either(int a, int b, int y, int64_t size);

// x [rows][inner] where the mask (int32 [rows]) is not 0, and 0 elsewhere.
std::unique_ptr<Op> make_keep_where(int x, int mask, int y, int64_t rows, int64_t inner);

// The mean of the rows of x [T][inner] at which the mask (int32 [T]) is not 0; NaN where no row counts.
std::unique_ptr<Op> make_masked_average(int x, int mask, int y, int64_t T, int64_t inner);

}  // namespace day33

// Pooling: maximum and average over windows, un-pooling, and maximum and average over all pixels.
#pragma once

#include <memory>

#include "core/shapes.h"
#include "ops/op.h"

namespace day33 {

// outputs {y, winner, indices}: `winner` (int32) is what backward reads; `indices` (int32) is what the user sees,
// (y * W + x) * C + c. Either is computed only where the plan gives it memory.
std::unique_ptr<Op> make_max_pool2d(int x, int y, int winner, int indices, const ConvAxis& height,
                                    const ConvAxis& width, int64_t channels);
std::unique_ptr<Op> make_average_pool2d(int x, int y, const ConvAxis& height, const ConvAxis& width, int64_t channels);

// inputs {x, indices}. `in` and `out` count the cells of a sample, channels included.
std::unique_ptr<Op> make_max_unpool2d(int x, int indices, int y, int64_t in, int64_t out);

// [pixels][C] -> [C].
std::unique_ptr<Op> make_global_average(int x, int y, int64_t pixels, int64_t C);
std::unique_ptr<Op> make_global_max(int x, int y, int64_t pixels, int64_t C);

}  // namespace day33

// Ops that treat every channel alike (max pooling, up-sampling, ...), and those that only move data.
#pragma once

#include <memory>
#include <vector>

#include "core/shapes.h"
#include "ops/op.h"

namespace day33 {

// outputs {y, winner, indices}: `winner` (int32) is what backward reads; `indices` (int32) is what the user sees,
// (y * W + x) * C + c. Neither is written when the plan gives it no memory.
std::unique_ptr<Op> make_max_pool2d(int x, int y, int winner, int indices, const ConvAxis& height,
                                    const ConvAxis& width, int64_t channels);

// inputs {x, indices}. `in` and `out` count the cells of a sample, channels included.
std::unique_ptr<Op> make_max_unpool2d(int x, int indices, int y, int64_t in, int64_t out);

enum class Interpolation { nearest, bilinear, bed_of_nails };
std::unique_ptr<Op> make_up_sampling2d(int x, int y, int64_t H, int64_t W, int64_t C, int64_t scale_h, int64_t scale_w,
                                       Interpolation interpolation);

std::unique_ptr<Op> make_global_average(int x, int y, int64_t pixels, int64_t C);
// [repeats][features]: what is dropped is the same in every repeat.
std::unique_ptr<Op> make_dropout(int x, int y, int64_t repeats, int64_t features, float rate, uint64_t seed);
// Each input is [outer][inner[i]]; the output [outer][sum of inner].
std::unique_ptr<Op> make_concatenate(std::vector<int> xs, int y, int64_t outer, std::vector<int64_t> inner);
std::unique_ptr<Op> make_copy(int x, int y, int64_t features);

}  // namespace day33

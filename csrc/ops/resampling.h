// Up-sampling by whole factors.
#pragma once

#include <memory>

#include "ops/op.h"

namespace day33 {

enum class Interpolation { nearest, bilinear, bed_of_nails };

// [H][W][C] -> [H * scale_h][W * scale_w][C].
std::unique_ptr<Op> make_up_sampling2d(int x, int y, int64_t H, int64_t W, int64_t C, int64_t scale_h, int64_t scale_w,
                                       Interpolation interpolation);

}  // namespace day33

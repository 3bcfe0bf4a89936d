// Up-sampling by whole factors.
#pragma once

#include <memory>
#include <string>

#include "core/enumerators.h"
#include "ops/op.h"

namespace day33 {

#define DAY33_INTERPOLATIONS(X) X(nearest) X(bilinear) X(bed_of_nails)
enum class Interpolation { DAY33_INTERPOLATIONS(DAY33_ENUMERATOR) };

Interpolation parse_interpolation(const std::string& name);

// [H][W][C] -> [H * scale_h][W * scale_w][C].
std::unique_ptr<Op> make_up_sampling2d(int x, int y, int64_t H, int64_t W, int64_t C, int64_t scale_h, int64_t scale_w,
                                       Interpolation interpolation);

}  // namespace day33

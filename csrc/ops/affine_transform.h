// Images seen through a projective transform.
#pragma once

#include <memory>
#include <string>

#include "core/enumerators.h"
#include "ops/op.h"

namespace day33 {

// What lies outside of the image: a constant, or, along each axis, a b c d | d c b a, a b c d | a b c d, a b c d | d d
// d.
#define DAY33_FILL_MODES(X) X(constant) X(reflect) X(wrap) X(nearest)
enum class FillMode { DAY33_FILL_MODES(DAY33_ENUMERATOR) };

FillMode parse_fill_mode(const std::string& name);

struct AffineTransform {
  int64_t H, W, C;
  bool bilinear;  // else the nearest pixel
  FillMode fill_mode;
  float fill_value;
};

// [H][W][C] and 8 numbers a0 a1 a2 b0 b1 b2 c0 c1 per sample: pixel (x, y) of the result is the one of the image at
// ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), with k = c0 x + c1 y + 1. The transform has no gradient.
std::unique_ptr<Op> make_affine_transform(int x, int transform, int y, const AffineTransform& what);

}  // namespace day33

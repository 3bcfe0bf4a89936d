// asin, acos, atan and atan2 for a Vec, within 3 ulp. Polynomials and reductions after Cephes (S. Moshier, single
// precision: asinf, atanf).
#pragma once

#include "simd/rounding.h"

namespace day33::DAY33_ISA {

constexpr float kPi = 3.14159265358979323846f, kHalfPi = 1.57079632679489661923f, kQuarterPi = 0.78539816339744830962f;

// For 0 <= x <= 1.
DAY33_INLINE Vec atan_to_one(Vec x) {
  const VecI upper = x > 0.414213562373095f;  // tan(pi / 8): the rest of the angle above pi / 4 is left
  const Vec r = select(upper, (x - 1.0f) / (x + 1.0f), x), z = r * r;
  Vec p = broadcast(8.05374449538e-2f);
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  const Vec angle = p * z * r + r;
  return select(upper, angle + kQuarterPi, angle);
}

DAY33_INLINE Vec atan(Vec x) {
  const Vec a = abs(x);
  const VecI large = a > 1.0f;
  const Vec angle = atan_to_one(select(large, 1.0f / a, a));
  return with_sign_of(x, select(large, kHalfPi - angle, angle));
}

// The angle of the point (x, y), with the signs of zeros and the directions of infinities that C defines.
DAY33_INLINE Vec atan2(Vec y, Vec x) {
  const Vec ax = abs(x), ay = abs(y);
  const VecI steep = ay > ax, equal = ax == ay;
  const Vec ratio = select(steep, ax, ay) / select(steep, ay, ax);
  // Equal ones may be zeros or infinities.
  Vec angle = atan_to_one(select(equal, select(ax == 0.0f, ax, broadcast(1.0f)), ratio));
  angle = select(steep, kHalfPi - angle, angle);
  angle = select(as_int(x) < 0, kPi - angle, angle);
  return select((x != x) | (y != y), x + y, with_sign_of(y, angle));
}

// asin for 0 <= x <= 1/2, given x and x^2.
DAY33_INLINE Vec asin_to_half(Vec x, Vec z) {
  Vec p = broadcast(4.2163199048e-2f);
  p = p * z + 2.4181311049e-2f;
  p = p * z + 4.5470025998e-2f;
  p = p * z + 7.4953002686e-2f;
  p = p * z + 1.6666752422e-1f;
  return p * z * x + x;
}

// asin of |x|, or half of what is missing to pi / 2 where |x| > 1/2. NaN outside [-1, 1].
DAY33_INLINE Vec asin_or_half_rest(Vec a, VecI large) {
  const Vec z = select(large, (1.0f - a) * 0.5f, a * a);
  return asin_to_half(select(large, sqrt(z), a), z);
}

DAY33_INLINE Vec asin(Vec x) {
  const Vec a = abs(x);
  const VecI large = a > 0.5f;
  const Vec p = asin_or_half_rest(a, large);
  return select(x != x, x, with_sign_of(x, select(large, kHalfPi - (p + p), p)));
}

DAY33_INLINE Vec acos(Vec x) {
  const Vec a = abs(x);
  const VecI large = a > 0.5f, negative = x < 0.0f;
  const Vec p = asin_or_half_rest(a, large), twice = p + p;
  return select(large, select(negative, kPi - twice, twice), kHalfPi - select(negative, -p, p));
}

}  // namespace day33::DAY33_ISA

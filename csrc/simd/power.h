// a to the power of b for a Vec, rounded correctly but for rare ties: the logarithm and the exponential are taken in
// double, to about 2^-40. What is no power of a positive normal number (zeros, negative bases, infinities, NaN, numbers
// below the normal ones) is left to libm.
#pragma once

#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {

typedef int64_t VecL __attribute__((vector_size(4 * DAY33_LANES)));
typedef int32_t HalfVecI __attribute__((vector_size(2 * DAY33_LANES)));

// log2 of m in [sqrt(1/2), sqrt(2)), by the series of atanh(s) with s = (m - 1) / (m + 1), |s| <= 0.1716: the first
// term left out is below 2^-39 of the result.
DAY33_INLINE VecD log2_of_mantissa(VecD m) {
  const VecD s = (m - 1.0) / (m + 1.0), z = s * s;
  VecD p = VecD{} + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  p = p * z + 1.0;
  return p * s * 2.8853900817779268147;  // 2 / ln 2
}

// 2^t, as a double, for |t| < 1000: Taylor's series of exp(r ln 2), |r| <= 1/2.
DAY33_INLINE VecD exp2_of(VecD t) {
  const double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to the nearest integer
  const VecD shifted = t + magic, whole = shifted - magic;
  const VecD x = (t - whole) * 0.69314718055994530942;
  VecD p = VecD{} + 1.0 / 362880.0;
  p = p * x + 1.0 / 40320.0;
  p = p * x + 1.0 / 5040.0;
  p = p * x + 1.0 / 720.0;
  p = p * x + 1.0 / 120.0;
  p = p * x + 1.0 / 24.0;
  p = p * x + 1.0 / 6.0;
  p = p * x + 0.5;
  p = p * x + 1.0;
  p = p * x + 1.0;
  const VecL exponent = __builtin_convertvector(__builtin_convertvector(whole, HalfVecI), VecL);
  return p * (VecD)((exponent + 1023) << 52);
}

DAY33_INLINE Vec power(Vec a, Vec b) {
  const auto by_libm = [](float x, float p) { return __builtin_powf(x, p); };
  if constexpr (kLanes == 4) return each_lane(a, b, by_libm);  // which is faster than two doubles at a time
  const VecI rare = ~((a >= 1.17549435e-38f) & (a < __builtin_inff()) & (abs(b) < __builtin_inff()));
  const Vec base = select(rare, broadcast(1.0f), a), raised = select(rare, broadcast(0.0f), b);
  VecI exponent = ((as_int(base) >> 23) & 0xff) - 126;
  Vec m = as_float((as_int(base) & 0x007fffff) | 0x3f000000);  // mantissa in [0.5, 1)
  const VecI low = m < 0.707106781186547524f;
  exponent += low;  // a mask is -1
  m = select(low, m + m, m);
  const WideVec e = widen(to_float(exponent)), mantissa = widen(m), by = widen(raised);
  const auto raise = [](VecD e, VecD m, VecD b) {
    VecD t = (e + log2_of_mantissa(m)) * b;
    t = t < -200.0 ? VecD{} - 200.0 : t;
    t = t > 200.0 ? VecD{} + 200.0 : t;
    return exp2_of(t);
  };
  const Vec y = narrow(raise(e.low, mantissa.low, by.low), raise(e.high, mantissa.high, by.high));
  if (!any(rare)) return y;
  return select(rare, each_lane(a, b, by_libm), y);
}

}  // namespace day33::DAY33_ISA

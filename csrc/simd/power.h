// Powers, their logarithms and remainders for a Vec, rounded correctly but for rare ties: logarithms and exponentials
// are taken in double, to about 2^-40. Zeros, negative bases, infinities, NaN and numbers below the normal ones are
// left to libm.
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

// With two doubles in a vector, libm is faster.
constexpr bool kLibmPowers = kLanes == 4;

// Where libm has to do it: what is no positive normal number.
DAY33_INLINE VecI is_rare_base(Vec x) { return ~((x >= 1.17549435e-38f) & (x < __builtin_inff())); }

// log2 of positive normal numbers.
DAY33_INLINE WideVec log2_wide(Vec x) {
  VecI exponent = ((as_int(x) >> 23) & 0xff) - 126;
  Vec m = as_float((as_int(x) & 0x007fffff) | 0x3f000000);  // mantissa in [0.5, 1)
  const VecI low = m < 0.707106781186547524f;
  exponent += low;  // a mask is -1
  m = select(low, m + m, m);
  const WideVec e = widen(to_float(exponent)), mantissa = widen(m);
  return {e.low + log2_of_mantissa(mantissa.low), e.high + log2_of_mantissa(mantissa.high)};
}

// 2^t as floats: 0 or infinity where that is what is left.
DAY33_INLINE Vec exp2_narrow(WideVec t) {
  const auto limited = [](VecD v) {
    v = v < -200.0 ? VecD{} - 200.0 : v;
    return v > 200.0 ? VecD{} + 200.0 : v;
  };
  return narrow(exp2_of(limited(t.low)), exp2_of(limited(t.high)));
}

DAY33_INLINE Vec power(Vec a, Vec b) {
  const auto by_libm = [](float x, float p) { return __builtin_powf(x, p); };
  if constexpr (kLibmPowers) return each_lane(a, b, by_libm);
  const VecI rare = is_rare_base(a) | ~(abs(b) < __builtin_inff());
  const WideVec log = log2_wide(select(rare, broadcast(1.0f), a)), by = widen(select(rare, broadcast(0.0f), b));
  const Vec y = exp2_narrow({log.low * by.low, log.high * by.high});
  if (!any(rare)) return y;
  return select(rare, each_lane(a, b, by_libm), y);
}

DAY33_INLINE Vec exp2(Vec x) {
  if constexpr (kLibmPowers) return each_lane(x, [](float v) { return __builtin_exp2f(v); });
  return select(x != x, x, exp2_narrow(widen(select(x != x, broadcast(0.0f), x))));
}

// A logarithm: log2 times `factor`.
template <typename Libm>
DAY33_INLINE Vec log_to_base(Vec x, double factor, Libm libm) {
  if constexpr (kLibmPowers) return each_lane(x, libm);
  const VecI rare = is_rare_base(x);
  const WideVec log = log2_wide(select(rare, broadcast(1.0f), x));
  const Vec y = narrow(log.low * factor, log.high * factor);
  if (!any(rare)) return y;
  return select(rare, each_lane(x, libm), y);
}
DAY33_INLINE Vec log2(Vec x) {
  return log_to_base(x, 1.0, [](float v) { return __builtin_log2f(v); });
}
DAY33_INLINE Vec log10(Vec x) {
  return log_to_base(x, 0.30102999566398119521, [](float v) { return __builtin_log10f(v); });
}

// The remainder with the sign of b, as TensorFlow's FloorMod.
DAY33_INLINE float mod_of(float a, float b) {
  const float rest = __builtin_fmodf(a, b);
  return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

// Up to quotients of 2^28, their product with b is exact in double, and so is what is left of a.
DAY33_INLINE Vec mod(Vec a, Vec b) {
  if constexpr (kLibmPowers) return each_lane(a, b, [](float x, float y) { return mod_of(x, y); });
  const VecI rare = ~((abs(a / b) < 268435456.0f) & (abs(b) < __builtin_inff()));
  const WideVec x = widen(select(rare, broadcast(0.0f), a)), y = widen(select(rare, broadcast(1.0f), b));
  const auto rest = [](VecD x, VecD y) {
    const VecD whole = __builtin_convertvector(__builtin_convertvector(x / y, HalfVecI), VecD);
    VecD r = x - whole * y;
    r = (((r < 0.0) != (y < 0.0)) & (r != 0.0)) ? r + y : r;  // the whole part is cut off, or rounded up
    return r;
  };
  const Vec z = narrow(rest(x.low, y.low), rest(x.high, y.high));
  if (!any(rare)) return z;
  return select(rare, each_lane(a, b, [](float v, float w) { return mod_of(v, w); }), z);
}

}  // namespace day33::DAY33_ISA

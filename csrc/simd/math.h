// sqrt, exp, expm1, log, log1p, tanh, sigmoid, erf and erfc for a Vec. Polynomials and range reductions after Cephes
// (S. Moshier, single precision: expf, logf, tanhf, ndtrf); errors measured against libm by tests/native/test_math.cpp.
// NaN passes through, exp overflows to infinity and underflows to zero, log(0) is -infinity.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

// Nearest integer (ties to even) for |x| < 2^22: adding 1.5 * 2^23 leaves no room for fraction bits.
DAY33_INLINE Vec round_small(Vec x) {
  const float magic = 12582912.0f;
  Vec shifted = x + magic;
  return shifted - magic;
}

DAY33_INLINE VecI to_int(Vec x) { return __builtin_convertvector(x, VecI); }
DAY33_INLINE Vec to_float(VecI x) { return __builtin_convertvector(x, Vec); }

DAY33_INLINE Vec sqrt(Vec x) {
  alignas(sizeof(Vec)) float part[kLanes];
  store(part, x);
  for (int i = 0; i < kLanes; ++i) part[i] = __builtin_sqrtf(part[i]);  // one instruction with -fno-math-errno
  return load(part);
}

// exp(r) - 1 for |r| <= ln(2) / 2.
DAY33_INLINE Vec expm1_reduced(Vec r) {
  Vec p = broadcast(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}

DAY33_INLINE Vec exp(Vec x) {
  Vec clamped = at_most(at_least(x, -87.33f), 88.7228394f);
  clamped = select(x != x, broadcast(0.0f), clamped);
  Vec n = round_small(clamped * 1.44269504088896341f);
  // ln 2 is split in two parts, so that n * ln 2 is subtracted without loss.
  Vec r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  Vec y = expm1_reduced(r) + 1.0f;
  // 2^n is applied as two factors: n may be 128, and 2^128 alone would be infinity.
  VecI k = to_int(n);
  VecI half = k >> 1;
  y = y * as_float((half + 127) << 23);
  y = y * as_float((k - half + 127) << 23);
  y = select(x > 88.7228391f, broadcast(__builtin_inff()), y);
  y = select(x < -87.33f, broadcast(0.0f), y);
  return select(x != x, x, y);
}

DAY33_INLINE Vec expm1(Vec x) { return select(abs(x) < 0.34f, expm1_reduced(x), exp(x) - 1.0f); }

DAY33_INLINE Vec log(Vec x) {
  // Subnormal numbers are scaled into the normal range first.
  VecI tiny = x < 1.17549435e-38f;
  Vec scaled = select(tiny, x * 8388608.0f, x);
  VecI bits = as_int(scaled);
  VecI exponent = ((bits >> 23) & 0xff) - 126;
  exponent = select_i(tiny, exponent - 23, exponent);
  Vec m = as_float((bits & 0x007fffff) | 0x3f000000);  // mantissa in [0.5, 1)
  VecI low = m < 0.707106781186547524f;
  Vec e = to_float(select_i(low, exponent - 1, exponent));
  m = select(low, m + m, m) - 1.0f;
  Vec z = m * m;
  Vec p = broadcast(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  Vec y = p * m * z;
  y = y + e * -2.12194440e-4f;
  y = y - z * 0.5f;
  y = m + y;
  y = y + e * 0.693359375f;
  const float inf = __builtin_inff();
  y = select(x == 0.0f, broadcast(-inf), y);
  y = select(x == inf, broadcast(inf), y);
  y = select(x < 0.0f, broadcast(__builtin_nanf("")), y);
  return select(x != x, x, y);
}

// log(1 + u). The quotient corrects the rounding error of 1 + u (W. Kahan's correction).
DAY33_INLINE Vec log1p(Vec u) {
  Vec w = u + 1.0f;
  Vec corrected = log(w) * (u / (w - 1.0f));
  return select(w == 1.0f, u, select(u == __builtin_inff(), u, corrected));
}

// log(1 + u) for 0 <= u <= 1, with half of the work of log1p: 2 artanh(s) = 2 s + s r, where s = u / (2 + u) <= 1/3 and
// r is the rest of the series, whose next term is below 2^-26. Since 2 s = u - s u, the sum begins with u, which is
// exact.
DAY33_INLINE Vec log1p_of_fraction(Vec u) {
  const Vec s = u / (u + 2.0f), z = s * s, z2 = z * z;
  const Vec low = z * (2.0f / 5.0f) + 2.0f / 3.0f, middle = z * (2.0f / 9.0f) + 2.0f / 7.0f;
  const Vec high = z * (2.0f / 13.0f) + 2.0f / 11.0f;
  const Vec r = z * (low + z2 * (middle + z2 * high));
  return u - s * (u - r);
}

DAY33_INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + exp(-x)); }

DAY33_INLINE Vec tanh(Vec x) {
  Vec a = abs(x);
  Vec big = 1.0f - 2.0f / (exp(a + a) + 1.0f);
  big = select(x < 0.0f, -big, big);
  Vec z = x * x;
  Vec p = broadcast(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  Vec small = p * z * x + x;
  return select(a < 0.625f, small, select(x != x, x, big));
}

// erf(x) for |x| < 1.
DAY33_INLINE Vec erf_centre(Vec x) {
  const Vec z = x * x;
  Vec p = broadcast(7.853861353153693e-5f);
  p = p * z - 8.010193625184903e-4f;
  p = p * z + 5.188327685732524e-3f;
  p = p * z - 2.685381193529856e-2f;
  p = p * z + 1.128358514861418e-1f;
  p = p * z - 3.761262582423300e-1f;
  p = p * z + 1.128379165726710f;
  return x * p;
}

// 1 - erf(x). The tail is exp(-x^2) / x times a polynomial in 1 / x^2; its relative error grows with x^2.
DAY33_INLINE Vec erfc(Vec x) {
  Vec a = abs(x);
  Vec z = x * x;
  Vec q = 1.0f / a;
  Vec w = q * q;
  Vec near = broadcast(2.326819970068386e-2f);  // 1 <= a < 2
  near = near * w - 1.387039388740657e-1f;
  near = near * w + 3.687424674597105e-1f;
  near = near * w - 5.824733027278666e-1f;
  near = near * w + 6.210004621745983e-1f;
  near = near * w - 4.944515323274145e-1f;
  near = near * w + 3.404879937665872e-1f;
  near = near * w - 2.741127028184656e-1f;
  near = near * w + 5.638259427386472e-1f;
  Vec far = broadcast(-1.047766399936249e+1f);
  far = far * w + 1.297719955372516e+1f;
  far = far * w - 7.495518717768503f;
  far = far * w + 2.921019019210786f;
  far = far * w - 1.015265279202700f;
  far = far * w + 4.218463358204948e-1f;
  far = far * w - 2.820767439740514e-1f;
  far = far * w + 5.641895067754075e-1f;
  Vec tail = exp(-z) * q * select(a < 2.0f, near, far);
  tail = select(x < 0.0f, 2.0f - tail, tail);
  return select(a < 1.0f, 1.0f - erf_centre(x), tail);
}

}  // namespace day33::DAY33_ISA

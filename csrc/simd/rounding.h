// Rounding to whole numbers for a Vec, on every instruction set. Magnitudes from 2^23 on are whole already; NaN,
// infinity and the sign of zero are kept.
#pragma once

#include "simd/math.h"

namespace day33::DAY33_ISA {

constexpr float kWholeFrom = 8388608.0f;  // 2^23

// `magnitude` with the sign of x.
DAY33_INLINE Vec with_sign_of(Vec x, Vec magnitude) {
  return as_float((as_int(x) & static_cast<int32_t>(0x80000000)) | as_int(magnitude));
}

DAY33_INLINE Vec trunc(Vec x) {
  const Vec a = abs(x);
  const VecI small = a < kWholeFrom;
  return select(small, with_sign_of(x, to_float(to_int(select(small, a, broadcast(0.0f))))), x);
}

// To the nearest, ties to even: adding 2^23 leaves no room for fraction bits.
DAY33_INLINE Vec round(Vec x) {
  const Vec a = abs(x);
  return select(a < kWholeFrom, with_sign_of(x, (a + kWholeFrom) - kWholeFrom), x);
}

DAY33_INLINE Vec floor(Vec x) {
  const Vec t = trunc(x);
  return select(t > x, t - 1.0f, t);
}

DAY33_INLINE Vec ceil(Vec x) {
  const Vec t = trunc(x);
  return select(t < x, with_sign_of(x, abs(t + 1.0f)), t);
}

}  // namespace day33::DAY33_ISA

// Sums of float vectors in double precision: each lane has its own accumulator, and the accumulators are added in a
// fixed order at the end.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "simd/vec.h"

namespace day33::DAY33_ISA {

// As many doubles as one register of the instruction set holds.
typedef double VecD __attribute__((vector_size(4 * DAY33_LANES)));
typedef float HalfVec __attribute__((vector_size(2 * DAY33_LANES)));

struct WideVec {
  VecD low, high;
};

// GCC 12 turns __builtin_convertvector to double into twice as many instructions as there are, hence the intrinsics.
DAY33_INLINE WideVec widen(Vec v) {
#if defined(__SSE2__) && DAY33_LANES == 4
  return {(VecD)_mm_cvtps_pd((__m128)v), (VecD)_mm_cvtps_pd(_mm_movehl_ps((__m128)v, (__m128)v))};
#else
  union {
    Vec whole;
    HalfVec half[2];
  } parts = {v};
#if DAY33_LANES == 16
  constexpr __mmask8 kAll = 0xff;  // GCC 12 warns of the form without a mask
  return {(VecD)_mm512_maskz_cvtps_pd(kAll, (__m256)parts.half[0]),
          (VecD)_mm512_maskz_cvtps_pd(kAll, (__m256)parts.half[1])};
#elif DAY33_LANES == 8
  return {(VecD)_mm256_cvtps_pd((__m128)parts.half[0]), (VecD)_mm256_cvtps_pd((__m128)parts.half[1])};
#else
  return {__builtin_convertvector(parts.half[0], VecD), __builtin_convertvector(parts.half[1], VecD)};
#endif
#endif
}

DAY33_INLINE Vec narrow(VecD low, VecD high) {
  union {
    Vec whole;
    HalfVec half[2];
  } parts;
  parts.half[0] = __builtin_convertvector(low, HalfVec);
  parts.half[1] = __builtin_convertvector(high, HalfVec);
  return parts.whole;
}

struct WideSum {
  VecD low = {}, high = {};

  inline __attribute__((always_inline)) void add(WideVec v) {
    low += v.low;
    high += v.high;
  }
  inline __attribute__((always_inline)) void add(Vec v) { add(widen(v)); }
  inline __attribute__((always_inline)) double lane(int i) const {
    return i < kLanes / 2 ? low[i] : high[i - kLanes / 2];
  }
  // The sum of all lanes, adding halves to halves: a shorter dependency chain than in total().
  inline __attribute__((always_inline)) double folded() const {
    const VecD both = low + high;
    double part[kLanes / 2];
    for (int i = 0; i < kLanes / 2; ++i) part[i] = both[i];
    for (int half = kLanes / 4; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) part[i] += part[i + half];
    return part[0];
  }
  // The sum of the first `count` lanes, from left to right.
  inline __attribute__((always_inline)) double total(int count = kLanes) const {
    double result = 0.0;
    for (int i = 0; i < count; ++i) result += lane(i);
    return result;
  }
};

}  // namespace day33::DAY33_ISA

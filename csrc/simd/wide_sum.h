// Sums of float vectors in double precision: each lane has its own accumulator, and the accumulators are added in a
// fixed order at the end.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

// As many doubles as one register of the instruction set holds.
typedef double VecD __attribute__((vector_size(4 * DAY33_LANES)));
typedef float HalfVec __attribute__((vector_size(2 * DAY33_LANES)));

struct WideVec {
  VecD low, high;
};

// GCC 12 turns __builtin_convertvector to double into twice as many instructions as there are, hence its builtins
// (not their names in <immintrin.h>: that header takes half a second of every file).
DAY33_INLINE WideVec widen(Vec v) {
#if defined(__SSE2__) && !defined(__clang__) && DAY33_LANES == 4
  return {__builtin_ia32_cvtps2pd(v), __builtin_ia32_cvtps2pd(__builtin_shufflevector(v, v, 2, 3, 2, 3))};
#else
  union {
    Vec whole;
    HalfVec half[2];
  } parts = {v};
#if defined(__SSE2__) && !defined(__clang__) && DAY33_LANES == 16
  constexpr int kAll = 0xff, kCurrentRounding = 4;
  return {__builtin_ia32_cvtps2pd512_mask(parts.half[0], VecD{}, kAll, kCurrentRounding),
          __builtin_ia32_cvtps2pd512_mask(parts.half[1], VecD{}, kAll, kCurrentRounding)};
#elif defined(__SSE2__) && !defined(__clang__) && DAY33_LANES == 8
  return {__builtin_ia32_cvtps2pd256(parts.half[0]), __builtin_ia32_cvtps2pd256(parts.half[1])};
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

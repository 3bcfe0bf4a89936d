// sin, cos and tan for a Vec, within 2 ulp for every float.
//
// x is reduced to r in [-pi/4, pi/4] by whole quarter turns in double, with pi/2 in two parts of which the first has 33
// bits: its product with the number of turns is exact, and so the difference keeps its relative error below 2^-30 even
// next to a multiple of pi/2. From kLargeAngle on, libm reduces the angle. The polynomials are those of Cephes (S.
// Moshier, single precision: sinf, cosf).
#pragma once

#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {

constexpr float kLargeAngle = 1048576.0f;
// With two doubles in a vector, libm is faster.
constexpr bool kFewLanes = kLanes == 4;

struct QuarterTurns {
  Vec rest;
  VecI turns;
};

DAY33_INLINE QuarterTurns quarter_turns(Vec x) {
  typedef int32_t HalfVecI __attribute__((vector_size(2 * DAY33_LANES)));
  const double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to the nearest integer
  const WideVec wide = widen(x);
  union {
    Vec whole;
    HalfVec half[2];
  } rest;
  union {
    VecI whole;
    HalfVecI half[2];
  } turns;
  const VecD parts[2] = {wide.low, wide.high};
  for (int i = 0; i < 2; ++i) {
    const VecD shifted = parts[i] * 0.63661977236758134308 + magic;
    const VecD turn = shifted - magic;
    const VecD near = parts[i] - turn * 1.57079632673412561417;
    rest.half[i] = __builtin_convertvector(near - turn * 6.07710050650619224932e-11, HalfVec);
    turns.half[i] = __builtin_convertvector(turn, HalfVecI);
  }
  return {rest.whole, turns.whole};
}

DAY33_INLINE Vec sin_reduced(Vec r) {
  const Vec z = r * r;
  Vec p = broadcast(-1.9515295891e-4f);
  p = p * z + 8.3321608736e-3f;
  p = p * z - 1.6666654611e-1f;
  return p * z * r + r;
}

DAY33_INLINE Vec cos_reduced(Vec r) {
  const Vec z = r * r;
  Vec p = broadcast(2.443315711809948e-5f);
  p = p * z - 1.388731625493765e-3f;
  p = p * z + 4.166664568298827e-2f;
  return p * z * z - z * 0.5f + 1.0f;
}

// The sine of the angle that is `ahead` quarter turns further.
DAY33_INLINE Vec sin_ahead(const QuarterTurns& q, int ahead) {
  const VecI turns = q.turns + ahead;
  const Vec y = select((turns & 1) == 1, cos_reduced(q.rest), sin_reduced(q.rest));
  return as_float(as_int(y) ^ ((turns & 2) << 30));
}

// Lanes with a large angle, infinity or NaN, which count as 0 in the fast path.
DAY33_INLINE VecI is_large_angle(Vec x) { return ~(abs(x) < kLargeAngle); }

DAY33_INLINE Vec sin(Vec x) {
  if constexpr (kFewLanes) return each_lane(x, [](float v) { return __builtin_sinf(v); });
  const VecI large = is_large_angle(x);
  const Vec y = sin_ahead(quarter_turns(select(large, broadcast(0.0f), x)), 0);
  if (!any(large)) return select(x == 0.0f, x, y);
  return select(large, each_lane(x, [](float v) { return __builtin_sinf(v); }), select(x == 0.0f, x, y));
}

DAY33_INLINE Vec cos(Vec x) {
  if constexpr (kFewLanes) return each_lane(x, [](float v) { return __builtin_cosf(v); });
  const VecI large = is_large_angle(x);
  const Vec y = sin_ahead(quarter_turns(select(large, broadcast(0.0f), x)), 1);
  if (!any(large)) return y;
  return select(large, each_lane(x, [](float v) { return __builtin_cosf(v); }), y);
}

DAY33_INLINE Vec tan(Vec x) {
  if constexpr (kFewLanes) return each_lane(x, [](float v) { return __builtin_tanf(v); });
  const VecI large = is_large_angle(x);
  const QuarterTurns q = quarter_turns(select(large, broadcast(0.0f), x));
  const VecI odd = (q.turns & 1) == 1;
  const Vec s = sin_reduced(q.rest), c = cos_reduced(q.rest);
  const Vec y = select(x == 0.0f, x, select(odd, -c, s) / select(odd, s, c));
  if (!any(large)) return y;
  return select(large, each_lane(x, [](float v) { return __builtin_tanf(v); }), y);
}

}  // namespace day33::DAY33_ISA

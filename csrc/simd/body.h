// One loop body for vectors and for single floats. A kernel whose lanes are independent is written once, as a generic
// lambda over Wide (a vector) and Narrow (one float). over_inner() calls it with full vectors, then with shorter ones,
// and with single floats for the remainder.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

// A vector of kWidth floats: a full register, or a half or a quarter of one where few floats are left.
template <int kWidth>
struct Wide {
  typedef float Float __attribute__((vector_size(4 * kWidth)));
  typedef int32_t Int __attribute__((vector_size(4 * kWidth)));
  typedef float FloatUnaligned __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));
  typedef int32_t IntUnaligned __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));
  DAY33_INLINE Float load(const float* p) { return *reinterpret_cast<const FloatUnaligned*>(p); }
  DAY33_INLINE Int load(const int32_t* p) { return *reinterpret_cast<const IntUnaligned*>(p); }
  DAY33_INLINE void store(float* p, Float v) { *reinterpret_cast<FloatUnaligned*>(p) = v; }
  DAY33_INLINE void store(int32_t* p, Int v) { *reinterpret_cast<IntUnaligned*>(p) = v; }
  DAY33_INLINE Float fill(float s) { return s - Float{}; }
  DAY33_INLINE Int fill(int32_t s) { return s - Int{}; }
  DAY33_INLINE Int count_from(int32_t s) {  // s, s + 1, s + 2 ...
    constexpr int32_t kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return load(kNumbers) + s;
  }
  DAY33_INLINE Float choose(Int mask, Float a, Float b) { return mask ? a : b; }
  DAY33_INLINE Int choose(Int mask, Int a, Int b) { return mask ? a : b; }
  DAY33_INLINE Float where(Int mask, Float v) { return (Float)(mask & (Int)v); }
};

struct Narrow {
  using Float = float;
  using Int = int32_t;
  static constexpr int kWidth = 1;
  DAY33_INLINE float load(const float* p) { return *p; }
  DAY33_INLINE int32_t load(const int32_t* p) { return *p; }
  DAY33_INLINE void store(float* p, float v) { *p = v; }
  DAY33_INLINE void store(int32_t* p, int32_t v) { *p = v; }
  DAY33_INLINE float fill(float s) { return s; }
  DAY33_INLINE int32_t fill(int32_t s) { return s; }
  DAY33_INLINE int32_t count_from(int32_t s) { return s; }
  DAY33_INLINE float choose(bool mask, float a, float b) { return mask ? a : b; }
  DAY33_INLINE int32_t choose(bool mask, int32_t a, int32_t b) { return mask ? a : b; }
  DAY33_INLINE float where(bool mask, float v) { return mask ? v : 0.0f; }
};

// Calls body(w, i), where w is a Wide or a Narrow, for i from 0 to inner in steps of the width of w.
template <typename Body>
DAY33_INLINE void over_inner(int64_t inner, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= inner; i += kLanes) body(Wide<kLanes>{}, i);
  if constexpr (kLanes > 8)
    if (i + 8 <= inner) body(Wide<8>{}, i), i += 8;
  if constexpr (kLanes > 4)
    if (i + 4 <= inner) body(Wide<4>{}, i), i += 4;
  for (; i < inner; ++i) body(Narrow{}, i);
}

DAY33_INLINE void copy_floats(float* to, const float* from, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) { w.store(to + i, w.load(from + i)); });
}
DAY33_INLINE void zero_floats(float* p, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) { w.store(p + i, w.fill(0.0f)); });
}

}  // namespace day33::DAY33_ISA

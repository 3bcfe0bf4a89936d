// One body, two widths. A kernel whose lanes are independent is written once as a generic lambda over Wide (a
// vector) and Narrow (one float); over_inner() runs the vectors first and the rest float by float.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

struct Wide {
  using Float = Vec;
  using Int = VecI;
  static constexpr int kWidth = kLanes;
  DAY33_INLINE Vec load(const float* p) { return DAY33_ISA::load(p); }
  DAY33_INLINE VecI load(const int32_t* p) { return load_i(p); }
  DAY33_INLINE void store(float* p, Vec v) { DAY33_ISA::store(p, v); }
  DAY33_INLINE void store(int32_t* p, VecI v) { store_i(p, v); }
  DAY33_INLINE Vec fill(float s) { return broadcast(s); }
  DAY33_INLINE VecI fill(int32_t s) { return broadcast_i(s); }
  DAY33_INLINE Vec choose(VecI mask, Vec a, Vec b) { return select(mask, a, b); }
  DAY33_INLINE VecI choose(VecI mask, VecI a, VecI b) { return select_i(mask, a, b); }
  DAY33_INLINE Vec where(VecI mask, Vec v) { return keep_where(mask, v); }
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
  DAY33_INLINE float choose(bool mask, float a, float b) { return mask ? a : b; }
  DAY33_INLINE int32_t choose(bool mask, int32_t a, int32_t b) { return mask ? a : b; }
  DAY33_INLINE float where(bool mask, float v) { return mask ? v : 0.0f; }
};

// body(Wide or Narrow, i) for i over [0, inner) in steps of the width.
template <typename Body>
DAY33_INLINE void over_inner(int64_t inner, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= inner; i += kLanes) body(Wide{}, i);
  for (; i < inner; ++i) body(Narrow{}, i);
}

DAY33_INLINE void copy_floats(float* to, const float* from, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) { w.store(to + i, w.load(from + i)); });
}
DAY33_INLINE void zero_floats(float* p, int64_t n) {
  over_inner(n, [=](auto w, int64_t i) { w.store(p + i, w.fill(0.0f)); });
}

}  // namespace day33::DAY33_ISA

// A Vec lane by lane, for functions and cases that are rare.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

template <typename Function>
DAY33_INLINE Vec each_lane(Vec x, Function function) {
  alignas(sizeof(Vec)) float part[kLanes];
  store(part, x);
  for (int i = 0; i < kLanes; ++i) part[i] = function(part[i]);
  return load(part);
}

template <typename Function>
DAY33_INLINE Vec each_lane(Vec x, Vec y, Function function) {
  alignas(sizeof(Vec)) float part[kLanes], other[kLanes];
  store(part, x);
  store(other, y);
  for (int i = 0; i < kLanes; ++i) part[i] = function(part[i], other[i]);
  return load(part);
}

// Whether any lane of a mask is set.
DAY33_INLINE bool any(VecI mask) {
  typedef int64_t Pairs __attribute__((vector_size(4 * DAY33_LANES)));
  const Pairs pairs = (Pairs)mask;
  int64_t all = 0;
  for (int i = 0; i < kLanes / 2; ++i) all |= pairs[i];
  return all != 0;
}

}  // namespace day33::DAY33_ISA

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
#if DAY33_LANES >= 16
  typedef int32_t Half __attribute__((vector_size(32)));
  const Half half = __builtin_shufflevector(mask, mask, 0, 1, 2, 3, 4, 5, 6, 7) |
                    __builtin_shufflevector(mask, mask, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  const VecI half = mask;
#endif
  typedef int32_t Quarter __attribute__((vector_size(16)));
#if DAY33_LANES >= 8
  const Quarter four =
      __builtin_shufflevector(half, half, 0, 1, 2, 3) | __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
  const Quarter four = half;
#endif
  typedef int64_t Pair __attribute__((vector_size(16)));
  const Pair pair = (Pair)four;
  return (pair[0] | pair[1]) != 0;
}

}  // namespace day33::DAY33_ISA

// Exchanges rows and columns of as many vectors as a vector has lanes.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

// Interleave the first halves (low) or the second halves (high) of two vectors.
DAY33_INLINE Vec interleave_low(Vec a, Vec b) {
#if DAY33_LANES == 4
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#elif DAY33_LANES == 8
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#else
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#endif
}
DAY33_INLINE Vec interleave_high(Vec a, Vec b) {
#if DAY33_LANES == 4
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#elif DAY33_LANES == 8
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#endif
}

// Transposes kLanes x kLanes in place. Interleaving the first half of the vectors with the second moves the top bit of
// the row number to the bottom of the column number; after log2(kLanes) rounds, rows and columns are exchanged.
DAY33_INLINE void transpose(Vec (&v)[kLanes]) {
  for (int round = 1; round < kLanes; round *= 2) {
    Vec next[kLanes];
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = interleave_low(v[i], v[i + kLanes / 2]);
      next[2 * i + 1] = interleave_high(v[i], v[i + kLanes / 2]);
    }
    for (int i = 0; i < kLanes; ++i) v[i] = next[i];
  }
}

}  // namespace day33::DAY33_ISA

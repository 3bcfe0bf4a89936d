// Integer dot products: int8 weights times int16 activations, summed in int32. Every instruction set gives the same
// integers.
#pragma once

#include "simd/vec.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace day33::DAY33_ISA {

typedef int8_t Bytes __attribute__((vector_size(2 * DAY33_LANES), aligned(1), may_alias));
typedef int16_t VecS __attribute__((vector_size(4 * DAY33_LANES)));
typedef int16_t HalfVecS __attribute__((vector_size(2 * DAY33_LANES)));
typedef int16_t HalfVecSUnaligned __attribute__((vector_size(2 * DAY33_LANES), aligned(2), may_alias));

// 2 * kLanes bytes as int16, two of them in each lane.
DAY33_INLINE VecI load_byte_pairs(const int8_t* p) {
#if defined(__x86_64__) && !defined(__SSE4_1__)
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return (VecI)_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
#else
  return (VecI) __builtin_convertvector(*reinterpret_cast<const Bytes*>(p), VecS);
#endif
}

// Two int16 in every lane.
DAY33_INLINE VecI broadcast_pair(const int16_t* p) {
  int32_t both;
  __builtin_memcpy(&both, p, sizeof both);
  return broadcast_i(both);
}

// sum + w[0] * x[0] + w[1] * x[1] in each lane, which holds two int16 of each.
DAY33_INLINE VecI add_pair_products(VecI sum, VecI w, VecI x) {
#if defined(__AVX512BW__) && DAY33_LANES == 16
  return sum + (VecI)_mm512_madd_epi16((__m512i)w, (__m512i)x);
#elif defined(__AVX2__) && DAY33_LANES == 8
  return sum + (VecI)_mm256_madd_epi16((__m256i)w, (__m256i)x);
#elif defined(__x86_64__) && DAY33_LANES == 4
  return sum + (VecI)_mm_madd_epi16((__m128i)w, (__m128i)x);
#else
  return sum + ((w << 16) >> 16) * ((x << 16) >> 16) + (w >> 16) * (x >> 16);
#endif
}

// Lanes in [-32768, 32767] to int16.
DAY33_INLINE void store_short(int16_t* p, VecI v) {
  *reinterpret_cast<HalfVecSUnaligned*>(p) = __builtin_convertvector(v, HalfVecS);
}

}  // namespace day33::DAY33_ISA

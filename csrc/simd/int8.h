// Integer dot products with int32 sums: int8 weights times activations stored as int16 or as unsigned bytes. The
// results are the same integers on every instruction set.
#pragma once

#include "simd/vec.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace day33::DAY33_ISA {

typedef int8_t Bytes __attribute__((vector_size(2 * DAY33_LANES), aligned(1), may_alias));
typedef int16_t VecS __attribute__((vector_size(4 * DAY33_LANES)));
typedef int16_t HalfVecS __attribute__((vector_size(2 * DAY33_LANES)));
typedef uint8_t UnsignedBytes __attribute__((vector_size(DAY33_LANES)));
typedef uint8_t UnsignedBytesUnaligned __attribute__((vector_size(DAY33_LANES), aligned(1), may_alias));
typedef int16_t HalfVecSUnaligned __attribute__((vector_size(2 * DAY33_LANES), aligned(2), may_alias));

// Loads 2 * kLanes bytes and widens them to int16, two per lane.
DAY33_INLINE VecI load_byte_pairs(const int8_t* p) {
  // GCC 12 splits __builtin_convertvector to a whole register into four conversions, hence the intrinsics.
#if defined(__AVX512BW__) && DAY33_LANES == 16
  return (VecI)_mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__AVX2__) && DAY33_LANES == 8
  return (VecI)_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(__x86_64__) && DAY33_LANES == 4
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return (VecI)_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
#else
  return (VecI) __builtin_convertvector(*reinterpret_cast<const Bytes*>(p), VecS);
#endif
}

// Loads four bytes (two int16 values, or four bytes) and repeats them in every lane.
DAY33_INLINE VecI broadcast_word(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return broadcast_i(word);
}

// Per lane: sum + w[0] * x[0] + w[1] * x[1], where a lane of w and of x holds two int16 values.
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

// Narrow and store the lanes of v, which must lie in [-32768, 32767] for int16 and in [0, 255] for bytes.
DAY33_INLINE void store_short(int16_t* p, VecI v) {
  *reinterpret_cast<HalfVecSUnaligned*>(p) = __builtin_convertvector(v, HalfVecS);
}
DAY33_INLINE void store_byte(uint8_t* p, VecI v) {
  *reinterpret_cast<UnsignedBytesUnaligned*>(p) = __builtin_convertvector(v, UnsignedBytes);
}

// Per lane: sum + w[0] * x[0] + ... + w[3] * x[3], with signed bytes in w and unsigned bytes in x. The AVX-512 version
// uses an instruction that only some AVX-512 machines have, so callers must check has_byte_dot_product() (core/isa.h)
// first. It is written in assembly, since the compiler's intrinsic would require the whole function to be compiled for
// such machines.
DAY33_INLINE VecI add_quad_products(VecI sum, VecI w, VecI x) {
#if defined(__AVX512BW__) && DAY33_LANES == 16
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
  return sum;
#else
  for (int i = 0; i < 4; ++i) sum += ((w << (24 - 8 * i)) >> 24) * ((x >> (8 * i)) & 255);
  return sum;
#endif
}

}  // namespace day33::DAY33_ISA

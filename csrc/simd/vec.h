// One float vector per instruction set, written once with the vector extensions that GCC and Clang share.
//
// Only files that CMake compiles once per instruction set include this header. For each of them the build defines
// DAY33_ISA (a namespace: baseline, avx2, avx512, neon) and DAY33_LANES (floats per vector). Everything is in that
// namespace. Neither this header nor any file that includes it may instantiate a template of the standard library: the
// linker merges such code across files, and an AVX-512 copy of std::min could then run on a machine without AVX-512.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(DAY33_ISA) || !defined(DAY33_LANES)
#error "compile per instruction set: see day33_add_kernels() in CMakeLists.txt"
#endif

namespace day33::DAY33_ISA {

inline constexpr int kLanes = DAY33_LANES;

typedef float Vec __attribute__((vector_size(4 * DAY33_LANES)));
typedef int32_t VecI __attribute__((vector_size(4 * DAY33_LANES)));
typedef uint32_t VecU __attribute__((vector_size(4 * DAY33_LANES)));
typedef float VecUnaligned __attribute__((vector_size(4 * DAY33_LANES), aligned(4), may_alias));
typedef int32_t VecIUnaligned __attribute__((vector_size(4 * DAY33_LANES), aligned(4), may_alias));

#define DAY33_INLINE static inline __attribute__((always_inline))

DAY33_INLINE Vec load(const float* p) { return *reinterpret_cast<const VecUnaligned*>(p); }
DAY33_INLINE void store(float* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
DAY33_INLINE VecI load_i(const int32_t* p) { return *reinterpret_cast<const VecIUnaligned*>(p); }
DAY33_INLINE void store_i(int32_t* p, VecI v) { *reinterpret_cast<VecIUnaligned*>(p) = v; }
// Keeps a value that was loaded in a register: GCC would rather load it again for each instruction that reads it.
DAY33_INLINE void keep_in_register(Vec& v) {
#if defined(__SSE2__)
  asm("" : "+v"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
}
// s - 0 equals s for every s, including -0 (s + 0 does not), so the compiler can drop the subtraction.
DAY33_INLINE Vec broadcast(float s) { return s - Vec{}; }
DAY33_INLINE VecI broadcast_i(int32_t s) { return s - VecI{}; }

// Loads the first `count` lanes from memory and sets the others to `fill`. For tails: never reads past p + count.
DAY33_INLINE Vec load_first(const float* p, int count, float fill = 0.0f) {
  Vec v = broadcast(fill);
  for (int i = 0; i < count; ++i) v[i] = p[i];
  return v;
}
DAY33_INLINE void store_first(float* p, Vec v, int count) {
  for (int i = 0; i < count; ++i) p[i] = v[i];
}

// mask ? a : b per lane; each lane of `mask` is all ones or all zeros, as a comparison of two vectors returns it.
DAY33_INLINE Vec select(VecI mask, Vec a, Vec b) { return mask ? a : b; }
DAY33_INLINE VecI select_i(VecI mask, VecI a, VecI b) { return mask ? a : b; }
// Reinterpret the bits: a cast between vector types of the same size does not convert values.
DAY33_INLINE Vec as_float(VecI v) { return (Vec)v; }
DAY33_INLINE VecI as_int(Vec v) { return (VecI)v; }
// v where the mask is set, +0 elsewhere: a bitwise and with the mask of a comparison.
DAY33_INLINE Vec keep_where(VecI mask, Vec v) { return as_float(mask & as_int(v)); }

// A NaN in `a` is kept, since a comparison with NaN is false.
DAY33_INLINE Vec at_least(Vec a, float low) { return select(a < low, broadcast(low), a); }
DAY33_INLINE Vec at_most(Vec a, float high) { return select(a > high, broadcast(high), a); }
DAY33_INLINE Vec abs(Vec a) { return as_float(as_int(a) & 0x7fffffff); }

// The sum of the lanes in a fixed order (halves are added to halves), so that the result is the same on every run.
DAY33_INLINE float sum_lanes(Vec v) {
#if DAY33_LANES >= 16
  typedef float Half __attribute__((vector_size(32)));
  const Half half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  const Vec half = v;
#endif
  typedef float Quarter __attribute__((vector_size(16)));
#if DAY33_LANES >= 8
  const Quarter four =
      __builtin_shufflevector(half, half, 0, 1, 2, 3) + __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
  const Quarter four = half;
#endif
  return (four[0] + four[2]) + (four[1] + four[3]);
}
DAY33_INLINE float max_lanes(Vec v) {
#if DAY33_LANES >= 16
  typedef float Half __attribute__((vector_size(32)));
  const Half a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
             b = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Half half = ((b > a) | (b != b)) ? b : a;
#else
  const Vec half = v;
#endif
  typedef float Quarter __attribute__((vector_size(16)));
#if DAY33_LANES >= 8
  const Quarter c = __builtin_shufflevector(half, half, 0, 1, 2, 3),
                d = __builtin_shufflevector(half, half, 4, 5, 6, 7);
  const Quarter four = ((d > c) | (d != d)) ? d : c;
#else
  const Quarter four = half;
#endif
  float best = four[0];
  for (int i = 1; i < 4; ++i) best = four[i] > best || four[i] != four[i] ? four[i] : best;
  return best;
}

template <typename T>
DAY33_INLINE constexpr T min_of(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
DAY33_INLINE constexpr T max_of(T a, T b) {
  return a < b ? b : a;
}

}  // namespace day33::DAY33_ISA

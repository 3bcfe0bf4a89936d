// What the CPU can do and the operating system saves, asked of both. The compilers' __builtin_cpu_supports is in a
// library that Clang does not link on Windows, and that Zig lacks.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>

namespace day33 {

struct CpuFeatures {
  bool avx2_and_fma = false;
  bool avx512 = false;       // F, BW, DQ, VL
  bool avx512_vnni = false;  // sums of products of bytes
};

inline CpuFeatures cpu_features() {
  // Bits of Intel's manual, volume 2, CPUID; volume 1, 13.2 for the states that XCR0 names.
  constexpr uint32_t kFma = 1u << 12, kOsXsave = 1u << 27;                               // leaf 1, ECX
  constexpr uint32_t kAvx2 = 1u << 5;                                                    // leaf 7, EBX
  constexpr uint32_t kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;                // leaf 7, EBX: F, DQ, BW, VL
  constexpr uint32_t kVnni = 1u << 11;                                                   // leaf 7, ECX
  constexpr uint32_t kSavesAvx = 1u << 1 | 1u << 2, kSavesAvx512 = 7u << 5 | kSavesAvx;  // XCR0

  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kOsXsave) || !(c & kFma)) return {};
  uint32_t saved = 0, high = 0;
  asm volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if ((saved & kSavesAvx) != kSavesAvx || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return {};
  CpuFeatures found;
  found.avx2_and_fma = (b & kAvx2) != 0;
  found.avx512 = (b & kAvx512) == kAvx512 && (saved & kSavesAvx512) == kSavesAvx512;
  found.avx512_vnni = found.avx512 && (c & kVnni) != 0;
  return found;
}

}  // namespace day33
#endif

// Philox4x32-10, a counter-based random generator: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers:
// as easy as 1, 2, 3" (SC 2011). Each lane has its own counter; all share the key.
#pragma once

#include "simd/vec.h"

namespace day33::DAY33_ISA {

// High and low halves of the 64-bit products.
DAY33_INLINE void multiply_wide(VecU a, uint32_t factor, VecU& high, VecU& low) {
  uint32_t in[kLanes], out[kLanes];
  for (int i = 0; i < kLanes; ++i) in[i] = a[i];
  for (int i = 0; i < kLanes; ++i) out[i] = static_cast<uint32_t>((static_cast<uint64_t>(in[i]) * factor) >> 32);
  for (int i = 0; i < kLanes; ++i) high[i] = out[i];
  low = a * factor;
}

// Replaces the counter of each lane with four random words.
DAY33_INLINE void philox4x32(VecU (&word)[4], uint64_t key) {
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    VecU high0, low0, high1, low1;
    multiply_wide(word[0], 0xD2511F53u, high0, low0);
    multiply_wide(word[2], 0xCD9E8D57u, high1, low1);
    word[0] = high1 ^ word[1] ^ key0;
    word[1] = low1;
    word[2] = high0 ^ word[3] ^ key1;
    word[3] = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

}  // namespace day33::DAY33_ISA

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

// Random words for the elements [begin, end) of a tile [features][lanes], where `begin` is a multiple of 64: calls
// body(word, feature), where word[k] has the words of the vector at feature + 16 k. They depend only on the key, the
// stream, the element's number and its sample's. Philox gives four words per counter. Features are taken in blocks of
// 64: counter 16 * block + j of a sample gives the words of its features 64 * block + {0, 16, 32, 48} + j. So in both
// layouts the words of a vector belong to contiguous elements.
template <typename Body>
DAY33_INLINE void each_random(int64_t begin, int64_t end, int lanes, uint64_t key, uint32_t stream,
                              int64_t first_sample, Body body) {
  VecU low, high, number;
  for (int i = 0; i < kLanes; ++i) {
    const uint64_t sample = static_cast<uint64_t>(first_sample) + (lanes == 1 ? 0 : i);
    low[i] = static_cast<uint32_t>(sample);
    high[i] = static_cast<uint32_t>(sample >> 32);
    number[i] = lanes == 1 ? i : 0;
  }
  const int step = lanes == 1 ? kLanes : 1;  // counters per vector
  for (int64_t block = begin / 64; block * 64 < end; ++block)
    for (int j = 0; j < 16 && block * 64 + j < end; j += step) {
      const uint64_t counter = static_cast<uint64_t>(block) * 16 + j;  // j + kLanes <= 16: no carry within the vector
      VecU word[4] = {number + static_cast<uint32_t>(counter),
                      VecU{} + static_cast<uint32_t>(counter >> 32) + (stream << 24), low, high};
      philox4x32(word, key);
      body(word, block * 64 + j);
    }
}

// The vector at a feature of [features][lanes], where fewer may be left.
DAY33_INLINE Vec load_feature(const float* x, int64_t feature, int64_t features, int lanes) {
  const int64_t rest = features - feature;
  return lanes != 1 || rest >= kLanes ? load(x + feature * lanes) : load_first(x + feature, static_cast<int>(rest));
}
DAY33_INLINE void store_feature(float* x, int64_t feature, int64_t features, int lanes, Vec v) {
  const int64_t rest = features - feature;
  if (lanes != 1 || rest >= kLanes)
    store(x + feature * lanes, v);
  else
    store_first(x + feature, v, static_cast<int>(rest));
}

// A number in [0, 1) of 24 bits.
DAY33_INLINE Vec uniform(VecU word) { return __builtin_convertvector((VecI)(word >> 8), Vec) * 5.9604644775390625e-8f; }

}  // namespace day33::DAY33_ISA

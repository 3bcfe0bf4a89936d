// Philox4x32-10, the counter-based random generator of simd/philox.h, one counter at a time, for code outside the
// kernels. J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
#pragma once

#include <array>
#include <cstdint>

namespace day33 {

inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> word, uint64_t key) {
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * word[0], product1 = uint64_t{0xCD9E8D57u} * word[2];
    word = {static_cast<uint32_t>(product1 >> 32) ^ word[1] ^ key0, static_cast<uint32_t>(product1),
            static_cast<uint32_t>(product0 >> 32) ^ word[3] ^ key1, static_cast<uint32_t>(product0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return word;
}

// A number in [0, 1) that depends only on key, stream and position.
inline double uniform(uint64_t key, uint64_t stream, uint64_t position) {
  const auto word = philox4x32({static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32),
                                static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
                               key);
  return static_cast<double>((uint64_t{word[0]} << 21) ^ (word[1] >> 11)) * 0x1p-53;
}

}  // namespace day33

// The key of an op's random numbers.
#pragma once

#include <cstdint>

namespace day33 {

// From the seed of a run and that of an op. The factor keeps the keys of different pairs apart.
inline uint64_t random_key(uint64_t run, uint64_t op) { return run + op * 0x9E3779B97F4A7C15u; }

}  // namespace day33

// Random numbers, in training and in inference.
#pragma once

#include <memory>
#include <string>

#include "ops/op.h"

namespace day33 {

Distribution parse_distribution(const std::string& name);

// Keyed by the seed of the call, `seed`, the number of the sample and that of the element.
std::unique_ptr<Op> make_random(Distribution kind, int y, int64_t size, uint64_t seed);

// The key of an op's random numbers. The factor keeps those of different pairs of an op's seed and a call's seed apart.
inline uint64_t random_key(uint64_t call_seed, uint64_t op_seed) { return call_seed + op_seed * 0x9E3779B97F4A7C15u; }

}  // namespace day33

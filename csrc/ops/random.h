// Random numbers, in training and in inference.
#pragma once

#include <memory>
#include <string>

#include "ops/op.h"

namespace day33 {

Distribution parse_distribution(const std::string& name);

// Keyed by the seed of the call, `seed`, the number of the sample and that of the element.
std::unique_ptr<Op> make_random(Distribution kind, int y, int64_t size, uint64_t seed);

}  // namespace day33

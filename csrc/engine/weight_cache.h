// Packed weights, kept between the calls of programs for inference.
#pragma once

#include <cstdint>
#include <memory>

#include "core/aligned_buffer.h"

namespace day33 {

class Program;

using PackedWeights = std::shared_ptr<const AlignedBuffer>;

// What `program` packed from the parameters of `owner` in this version; null if it is not in the cache.
PackedWeights find_packed(const Program* program, uint64_t owner, uint64_t version);

// Keeps the weights in place of those of other versions. The cache holds at most 256 MB, except that the latest weights
// are always kept; the least recently used are dropped first.
void keep_packed(const Program* program, uint64_t owner, uint64_t version, PackedWeights weights);

// Must be called before a program is destroyed.
void forget_packed(const Program* program);

}  // namespace day33

// Packed weights, kept between the calls of programs for inference.
#pragma once

#include <cstdint>
#include <memory>

#include "core/aligned_buffer.h"

namespace day33 {

class Program;

using PackedWeights = std::shared_ptr<const AlignedBuffer>;

// What `program` packed from the parameters of `owner` in this version; null if that is not there (any more).
PackedWeights find_packed(const Program* program, uint64_t owner, uint64_t version);

// Keeps them in place of other versions. Together they stay below 256 MB, but for the latest: the longest unused go
// first.
void keep_packed(const Program* program, uint64_t owner, uint64_t version, PackedWeights weights);

// Before a program ends.
void forget_packed(const Program* program);

}  // namespace day33

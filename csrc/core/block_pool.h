// Memory that is used again. Asking the system for large blocks on every call costs more than many a network: each new
// page has to be cleared. So blocks that a call is done with wait here for the next one, of whatever plan.
#pragma once

#include <cstdint>
#include <memory>

#include "core/aligned_buffer.h"

namespace day33 {

// At least `floats` floats, not cleared. For `exact`, for those who keep the block long, at most an eighth more.
std::unique_ptr<AlignedBuffer> lease_block(int64_t floats, bool exact = false);

// Keeps the block for later. Together, blocks that wait stay below 768 MB: the oldest go first.
void return_block(std::unique_ptr<AlignedBuffer> block);

// Like lease_block(floats, true); the block comes back by itself when the last owner lets go of it.
std::shared_ptr<AlignedBuffer> lease_shared_block(int64_t floats);

}  // namespace day33

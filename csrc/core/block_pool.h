// A pool of memory blocks for reuse. Asking the system for large blocks on every call costs more than running many a
// network, because each new page has to be cleared. So the blocks that a call has finished with are kept here for later
// calls, of any plan.
#pragma once

#include <cstdint>
#include <memory>

#include "core/aligned_buffer.h"

namespace day33 {

// Returns a block of at least `floats` floats, not cleared. With `exact`, meant for callers that keep the block for
// long, it is at most an eighth larger.
std::unique_ptr<AlignedBuffer> lease_block(int64_t floats, bool exact = false);

// Keeps the block for reuse. The kept blocks are limited to 768 MB in total; the oldest are freed first.
void return_block(std::unique_ptr<AlignedBuffer> block);

// Like lease_block(floats, true), but the block is returned automatically when its last owner is destroyed.
std::shared_ptr<AlignedBuffer> lease_shared_block(int64_t floats);

}  // namespace day33

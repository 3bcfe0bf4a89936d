// States that last from one call of a plan to the next: parameters with one row per sample of a batch, which an op
// reads and another one writes. Each sample has its own row, so that tiles do not meet.
#pragma once

#include <memory>

#include "ops/op.h"

namespace day33 {

// y is the row of the sample.
std::unique_ptr<Op> make_state(int y, int slot, int64_t size);
// The row of the sample becomes x. y is a copy of x, so that there is an output.
std::unique_ptr<Op> make_keep_state(int x, int y, int slot, int64_t size);

}  // namespace day33

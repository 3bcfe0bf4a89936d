// Rows of a table by number.
#pragma once

#include <memory>

#include "ops/op.h"

namespace day33 {

// int32 [rows] -> [rows][E], from the parameter `table` (V, E). Running it throws std::invalid_argument for numbers
// outside [0, V).
std::unique_ptr<Op> make_embedding(int ids, int y, int table, int64_t rows, int64_t V, int64_t E);

}  // namespace day33

// Dense layers.
#pragma once

#include <memory>
#include <vector>

#include "ops/op.h"

namespace day33 {

// [rows][C] -> [rows][O]; outputs {y}, or {y, sums} with an activation whose backward reads its input; parameters
// {kernel (C, O), or (O, C) if it is transposed, bias or -1}.
std::unique_ptr<Op> make_dense(int x, std::vector<int> outputs, int kernel, int bias, int64_t rows, int64_t C,
                               int64_t O, bool transposed, ActivationSpec activation);

}  // namespace day33

// Ops that reduce axes to one value.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace day33 {

Reduce parse_reduce(const std::string& name);

// `axes` of x: sorted, each once, at least one. prod takes only axes that lie next to each other (or have size 1).
std::unique_ptr<Op> make_reduce(Reduce kind, int x, int y, DType dtype, const Shape& shape,
                                const std::vector<int64_t>& axes);

}  // namespace day33

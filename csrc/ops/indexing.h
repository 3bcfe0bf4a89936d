// Ops on indices that are values of the plan: gathering by them, and one-hot vectors of them.
#pragma once

#include <memory>

#include "ops/op.h"

namespace day33 {

// x is [outer][cells][inner], of any dtype; indices count from the end where they are negative. The indices are
// (count), and y is [outer][count][inner]; or, with `each`, indices and y are [outer][count][inner].
struct Gathering {
  int64_t outer, cells, inner, count;
  bool each;
};
std::unique_ptr<Op> make_gather(int x, int indices, int y, const Gathering& gathering);

// [outer][inner] to [outer][depth][inner]: 1 where the index is met, which is nowhere for one outside [0, depth).
std::unique_ptr<Op> make_one_hot(int indices, int y, int64_t outer, int64_t depth, int64_t inner);

}  // namespace day33

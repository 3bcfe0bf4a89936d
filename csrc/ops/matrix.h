// Products of matrices that are both values of the plan.
#pragma once

#include <memory>
#include <vector>

#include "ops/op.h"

namespace day33 {

// y[i] = a[a_of[i]] b[b_of[i]], of matrices (M, K), (K, N) and (M, N).
struct MatrixProduct {
  int64_t M, N, K;
  int64_t a_count, b_count;  // matrices of a and of b
  std::vector<int64_t> a_of, b_of;
};
std::unique_ptr<Op> make_matmul(int a, int b, int y, const MatrixProduct& product);

}  // namespace day33

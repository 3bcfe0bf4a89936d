// Products of matrices, element by element.
#pragma once

#include "reference/array.h"

namespace day33::reference {

// (M, K) times (K, N).
inline Values matmul(int64_t M, int64_t N, int64_t K, const Values& a, const Values& b) {
  Values c(static_cast<size_t>(M * N), 0.0);
  for (int64_t m = 0; m < M; ++m)
    for (int64_t n = 0; n < N; ++n)
      for (int64_t k = 0; k < K; ++k) c[m * N + n] += a[m * K + k] * b[k * N + n];
  return c;
}

inline Values transposed(int64_t rows, int64_t columns, const Values& x) {
  Values y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) y[c * rows + r] = x[r * columns + c];
  return y;
}

}  // namespace day33::reference

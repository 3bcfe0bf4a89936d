// y (rows, O) = x (rows, I) kernel (I, O) + bias (O), and its gradients.
#pragma once

#include "reference/array.h"

namespace day33::reference {

struct Dense {
  int64_t rows, I, O;
};

inline Values dense(const Dense& d, const Values& x, const Values& kernel, const Values& bias) {
  Values y(static_cast<size_t>(d.rows * d.O), 0.0);
  for (int64_t r = 0; r < d.rows; ++r)
    for (int64_t o = 0; o < d.O; ++o) {
      double sum = bias.empty() ? 0.0 : bias[o];
      for (int64_t i = 0; i < d.I; ++i) sum += x[r * d.I + i] * kernel[i * d.O + o];
      y[r * d.O + o] = sum;
    }
  return y;
}

inline Values dense_dx(const Dense& d, const Values& dy, const Values& kernel) {
  Values dx(static_cast<size_t>(d.rows * d.I), 0.0);
  for (int64_t r = 0; r < d.rows; ++r)
    for (int64_t i = 0; i < d.I; ++i)
      for (int64_t o = 0; o < d.O; ++o) dx[r * d.I + i] += dy[r * d.O + o] * kernel[i * d.O + o];
  return dx;
}

inline Values dense_dkernel(const Dense& d, const Values& x, const Values& dy) {
  Values dkernel(static_cast<size_t>(d.I * d.O), 0.0);
  for (int64_t r = 0; r < d.rows; ++r)
    for (int64_t i = 0; i < d.I; ++i)
      for (int64_t o = 0; o < d.O; ++o) dkernel[i * d.O + o] += x[r * d.I + i] * dy[r * d.O + o];
  return dkernel;
}

inline Values dense_dbias(const Dense& d, const Values& dy) {
  Values dbias(static_cast<size_t>(d.O), 0.0);
  for (int64_t r = 0; r < d.rows; ++r)
    for (int64_t o = 0; o < d.O; ++o) dbias[o] += dy[r * d.O + o];
  return dbias;
}

}  // namespace day33::reference

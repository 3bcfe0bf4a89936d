// One step of an LSTM cell, logits, and rounding to int8 levels, straight from the formulas.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "reference/array.h"

namespace day33::reference {

struct CellState {
  Values h, c;
};

inline double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// z (4U) holds the pre-activations of the gates i, f, c, o one after the other, c (U) the cell state. Returns the next
// h and c.
inline CellState lstm_cell(const Values& z, const Values& c) {
  const size_t U = c.size();
  CellState next{Values(U), Values(U)};
  for (size_t u = 0; u < U; ++u) {
    next.c[u] = logistic(z[U + u]) * c[u] + logistic(z[u]) * std::tanh(z[2 * U + u]);
    next.h[u] = logistic(z[3 * U + u]) * std::tanh(next.c[u]);
  }
  return next;
}

// y (O) += x (K) w (K, O).
inline void add_product(const Values& x, const Values& w, Values& y) {
  const size_t O = y.size();
  for (size_t k = 0; k < x.size(); ++k)
    for (size_t o = 0; o < O; ++o) y[o] += x[k] * w[k * O + o];
}

// Each value as a multiple of step = (largest magnitude) / 127, rounded to nearest, ties to even.
struct Levels {
  double step;
  std::vector<int64_t> level;
};
inline Levels int8_levels(const Values& x) {
  Levels result{0.0, std::vector<int64_t>(x.size(), 0)};
  for (double v : x) result.step = std::max(result.step, std::fabs(v));
  result.step /= 127.0;
  for (size_t i = 0; i < x.size(); ++i)
    if (result.step > 0.0) result.level[i] = std::llrint(x[i] / result.step);
  return result;
}

}  // namespace day33::reference

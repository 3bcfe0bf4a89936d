// Reductions and running values along the middle axis of [outer][K][inner], and their gradients.
#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "reference/array.h"

namespace day33::reference {

struct Middle {
  int64_t outer, K, inner;
  size_t at(int64_t o, int64_t k, int64_t i) const { return static_cast<size_t>((o * K + k) * inner + i); }
  size_t result(int64_t o, int64_t i) const { return static_cast<size_t>(o * inner + i); }
};

inline double reduce_column(const std::string& kind, const Middle& m, const Values& x, int64_t o, int64_t i) {
  const double inf = std::numeric_limits<double>::infinity();
  double y = kind == "prod" || kind == "all" ? 1.0 : kind == "max" ? -inf : kind == "min" ? inf : 0.0;
  for (int64_t k = 0; k < m.K; ++k) {
    const double v = x[m.at(o, k, i)];
    if (kind == "sum" || kind == "mean") y += v;
    if (kind == "prod") y *= v;
    if (kind == "max" && (v > y || v != v) && y == y) y = v;
    if (kind == "min" && (v < y || v != v) && y == y) y = v;
    if (kind == "any" && v != 0.0) y = 1.0;
    if (kind == "all" && v == 0.0) y = 0.0;
  }
  return kind == "mean" ? y / static_cast<double>(m.K) : y;
}

inline Values reduce(const std::string& kind, const Middle& m, const Values& x) {
  Values y(static_cast<size_t>(m.outer * m.inner));
  for (int64_t o = 0; o < m.outer; ++o)
    for (int64_t i = 0; i < m.inner; ++i) y[m.result(o, i)] = reduce_column(kind, m, x, o, i);
  return y;
}

// A product's derivative is the product of the others; that of an extreme is shared by all that attain it.
inline Values reduce_backward(const std::string& kind, const Middle& m, const Values& x, const Values& dy) {
  Values dx(x.size());
  for (int64_t o = 0; o < m.outer; ++o)
    for (int64_t i = 0; i < m.inner; ++i) {
      const double y = reduce_column(kind, m, x, o, i), d = dy[m.result(o, i)];
      double ties = 0.0;
      for (int64_t k = 0; k < m.K; ++k) ties += x[m.at(o, k, i)] == y;
      for (int64_t k = 0; k < m.K; ++k) {
        double slope = kind == "mean" ? 1.0 / static_cast<double>(m.K) : 1.0;
        if (kind == "max" || kind == "min") slope = x[m.at(o, k, i)] == y ? 1.0 / ties : 0.0;
        if (kind == "prod")
          for (int64_t j = 0; j < m.K; ++j) slope *= j == k ? 1.0 : x[m.at(o, j, i)];
        dx[m.at(o, k, i)] = d * slope;
      }
    }
  return dx;
}

// The index of the first largest (or smallest) value, or of the first NaN.
inline std::vector<int64_t> arg_reduce(bool largest, const Middle& m, const Values& x) {
  std::vector<int64_t> y(static_cast<size_t>(m.outer * m.inner));
  for (int64_t o = 0; o < m.outer; ++o)
    for (int64_t i = 0; i < m.inner; ++i) {
      int64_t best = 0;
      for (int64_t k = 1; k < m.K; ++k) {
        const double v = x[m.at(o, k, i)], b = x[m.at(o, best, i)];
        if (b != b) break;
        if (v != v || (largest ? v > b : v < b)) best = k;
      }
      y[m.result(o, i)] = best;
    }
  return y;
}

inline Values cumulate(bool product, bool reverse, const Middle& m, const Values& x) {
  Values y(x.size());
  for (int64_t o = 0; o < m.outer; ++o)
    for (int64_t i = 0; i < m.inner; ++i)
      for (int64_t k = 0; k < m.K; ++k) {
        double total = product ? 1.0 : 0.0;
        for (int64_t j = 0; j < m.K; ++j) {
          if (reverse ? j < k : j > k) continue;
          total = product ? total * x[m.at(o, j, i)] : total + x[m.at(o, j, i)];
        }
        y[m.at(o, k, i)] = total;
      }
  return y;
}

inline Values cumprod_backward(const Middle& m, const Values& x, const Values& dy) {
  Values dx(x.size(), 0.0);
  for (int64_t o = 0; o < m.outer; ++o)
    for (int64_t i = 0; i < m.inner; ++i)
      for (int64_t k = 0; k < m.K; ++k)
        for (int64_t end = k; end < m.K; ++end) {
          double others = dy[m.at(o, end, i)];
          for (int64_t j = 0; j <= end; ++j) others *= j == k ? 1.0 : x[m.at(o, j, i)];
          dx[m.at(o, k, i)] += others;
        }
  return dx;
}

}  // namespace day33::reference

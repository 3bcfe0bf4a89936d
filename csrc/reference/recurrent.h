// Recurrent layers straight from their formulas: y is (N, T, U), for an LSTM (N, T + 1, U) with the last cell state as
// the additional row. Gradients are central differences, which in double precision are accurate to about 1e-9.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reference/activations.h"
#include "reference/array.h"

namespace day33::reference {

enum class Recurrence { lstm, gru_reset_after, gru_reset_before, simple };

struct Recurrent {
  Recurrence kind;
  int64_t N, T, E, U;
  Values x, kernel, recurrent, bias;
  std::vector<int32_t> mask;    // (N, T), or empty
  std::vector<Values> initial;  // (N, U) each, or none
  Function activation = Function::tanh, recurrent_activation = Function::sigmoid;
};

inline int64_t gates(Recurrence kind) { return kind == Recurrence::lstm ? 4 : kind == Recurrence::simple ? 1 : 3; }

namespace recurrent_detail {

// sum over k of v[k] * weights[k][column] for weights with `width` columns.
inline double product(const double* v, int64_t length, const Values& weights, int64_t width, int64_t column) {
  double sum = 0.0;
  for (int64_t k = 0; k < length; ++k) sum += v[k] * weights[k * width + column];
  return sum;
}

}  // namespace recurrent_detail

inline Values recurrent(const Recurrent& r) {
  using recurrent_detail::product;
  const auto gate = [&](double v) { return activation(r.recurrent_activation, 0.0, v); };
  const auto active = [&](double v) { return activation(r.activation, 0.0, v); };
  const int64_t U = r.U, G = gates(r.kind) * U, rows = r.T + (r.kind == Recurrence::lstm ? 1 : 0);
  Values y(static_cast<size_t>(r.N * rows * U), 0.0);
  for (int64_t n = 0; n < r.N; ++n) {
    Values h(U, 0.0), c(U, 0.0);
    if (!r.initial.empty()) std::copy_n(r.initial[0].data() + n * U, U, h.data());
    if (r.initial.size() > 1) std::copy_n(r.initial[1].data() + n * U, U, c.data());
    for (int64_t t = 0; t < r.T; ++t) {
      if (r.mask.empty() || r.mask[n * r.T + t] != 0) {
        const double* x = r.x.data() + (n * r.T + t) * r.E;
        const auto input = [&](int64_t g) {
          return product(x, r.E, r.kernel, G, g) + (r.bias.empty() ? 0 : r.bias[g]);
        };
        const auto state = [&](int64_t g) { return product(h.data(), U, r.recurrent, G, g); };
        const auto sum = [&](int64_t g) { return input(g) + state(g); };
        const double* state_bias = r.bias.empty() ? nullptr : r.bias.data() + G;
        Values next(U), reset(U);
        for (int64_t u = 0; u < U && r.kind == Recurrence::gru_reset_before; ++u) reset[u] = gate(sum(U + u)) * h[u];
        for (int64_t u = 0; u < U; ++u) {
          if (r.kind == Recurrence::simple) next[u] = active(sum(u));
          if (r.kind == Recurrence::lstm) {
            c[u] = gate(sum(U + u)) * c[u] + gate(sum(u)) * active(sum(2 * U + u));
            next[u] = gate(sum(3 * U + u)) * active(c[u]);
          }
          if (r.kind == Recurrence::gru_reset_before) {
            const double z = gate(sum(u));
            const double candidate = active(input(2 * U + u) + product(reset.data(), U, r.recurrent, G, 2 * U + u));
            next[u] = z * h[u] + (1.0 - z) * candidate;
          }
          if (r.kind == Recurrence::gru_reset_after) {
            const auto own = [&](int64_t g) { return state(g) + (state_bias == nullptr ? 0.0 : state_bias[g]); };
            const double z = gate(input(u) + own(u)), reset_gate = gate(input(U + u) + own(U + u));
            next[u] = z * h[u] + (1.0 - z) * active(input(2 * U + u) + reset_gate * own(2 * U + u));
          }
        }
        h = next;
      }
      std::copy(h.begin(), h.end(), y.begin() + (n * rows + t) * U);
    }
    if (r.kind == Recurrence::lstm) std::copy(c.begin(), c.end(), y.begin() + (n * rows + r.T) * U);
  }
  return y;
}

// d sum(y * dy) / d values, where `values` is a member of r.
inline Values recurrent_gradient(Recurrent r, Values Recurrent::* values, const Values& dy) {
  Values gradient((r.*values).size());
  const auto objective = [&] {
    const Values y = recurrent(r);
    double sum = 0.0;
    for (size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
  };
  constexpr double kStep = 1e-5;
  for (size_t i = 0; i < gradient.size(); ++i) {
    const double value = (r.*values)[i];
    (r.*values)[i] = value + kStep;
    const double above = objective();
    (r.*values)[i] = value - kStep;
    gradient[i] = (above - objective()) / (2.0 * kStep);
    (r.*values)[i] = value;
  }
  return gradient;
}

}  // namespace day33::reference

// One optimizer step on one weight.
#pragma once

#include <cmath>

namespace day33::reference {

struct SgdState {
  double weight, velocity;
};
inline SgdState sgd(SgdState s, double g, double rate, double momentum, bool nesterov) {
  s.velocity = momentum * s.velocity - rate * g;
  s.weight += nesterov ? momentum * s.velocity - rate * g : s.velocity;
  return s;
}

struct AdadeltaState {
  double weight, squares, deltas;
};
inline AdadeltaState adadelta(AdadeltaState s, double g, double rate, double rho, double epsilon) {
  s.squares = rho * s.squares + (1.0 - rho) * g * g;
  const double delta = -std::sqrt(s.deltas + epsilon) / std::sqrt(s.squares + epsilon) * g;
  s.deltas = rho * s.deltas + (1.0 - rho) * delta * delta;
  s.weight += rate * delta;
  return s;
}

struct AdamState {
  double weight, m, v;
};
// `rate` already includes the bias correction.
inline AdamState adam(AdamState s, double g, double rate, double beta_1, double beta_2, double epsilon) {
  s.m = beta_1 * s.m + (1.0 - beta_1) * g;
  s.v = beta_2 * s.v + (1.0 - beta_2) * g * g;
  s.weight -= rate * s.m / (std::sqrt(s.v) + epsilon);
  return s;
}

}  // namespace day33::reference

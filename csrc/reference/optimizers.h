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
  double weight, m, v, v_max;
};
// `rate` already includes the bias correction.
inline AdamState adam(AdamState s, double g, double rate, double beta_1, double beta_2, double epsilon, bool amsgrad) {
  s.m = beta_1 * s.m + (1.0 - beta_1) * g;
  s.v = beta_2 * s.v + (1.0 - beta_2) * g * g;
  s.v_max = std::fmax(s.v_max, s.v);
  s.weight -= rate * s.m / (std::sqrt(amsgrad ? s.v_max : s.v) + epsilon);
  return s;
}

// With the schedule of momentums u_t = beta_1 (1 - 0.96^t / 2), whose product up to step t is `product`.
struct NadamState {
  double weight, m, v, product;
};
inline NadamState nadam(NadamState s, double g, double rate, double beta_1, double beta_2, double epsilon, int t) {
  const double now = beta_1 * (1.0 - 0.5 * std::pow(0.96, t)), next = beta_1 * (1.0 - 0.5 * std::pow(0.96, t + 1));
  s.product *= now;
  s.m = beta_1 * s.m + (1.0 - beta_1) * g;
  s.v = beta_2 * s.v + (1.0 - beta_2) * g * g;
  const double m_hat = next * s.m / (1.0 - s.product * next) + (1.0 - now) * g / (1.0 - s.product);
  s.weight -= rate * m_hat / (std::sqrt(s.v / (1.0 - std::pow(beta_2, t))) + epsilon);
  return s;
}

struct AdamaxState {
  double weight, m, u;
};
inline AdamaxState adamax(AdamaxState s, double g, double rate, double beta_1, double beta_2, double epsilon, int t) {
  s.m = beta_1 * s.m + (1.0 - beta_1) * g;
  s.u = std::fmax(beta_2 * s.u, std::fabs(g));
  s.weight -= rate / (1.0 - std::pow(beta_1, t)) * s.m / (s.u + epsilon);
  return s;
}

struct RmsPropState {
  double weight, velocity, momentum, mean;
};
inline RmsPropState rmsprop(RmsPropState s, double g, double rate, double rho, double momentum, double epsilon,
                            bool centred) {
  s.velocity = rho * s.velocity + (1.0 - rho) * g * g;
  s.mean = rho * s.mean + (1.0 - rho) * g;
  s.momentum = momentum * s.momentum + rate * g / std::sqrt(s.velocity - (centred ? s.mean * s.mean : 0.0) + epsilon);
  s.weight -= s.momentum;
  return s;
}

struct AdagradState {
  double weight, squares;
};
inline AdagradState adagrad(AdagradState s, double g, double rate, double epsilon) {
  s.squares += g * g;
  s.weight -= rate * g / std::sqrt(s.squares + epsilon);
  return s;
}

struct LionState {
  double weight, m;
};
inline LionState lion(LionState s, double g, double rate, double beta_1, double beta_2) {
  const double direction = beta_1 * s.m + (1.0 - beta_1) * g;
  s.weight -= direction > 0.0 ? rate : direction < 0.0 ? -rate : 0.0;
  s.m = beta_2 * s.m + (1.0 - beta_2) * g;
  return s;
}

struct FtrlState {
  double weight, squares, linear;
};
inline FtrlState ftrl(FtrlState s, double g, double rate, double exponent, double l1, double l2, double shrinkage) {
  const double before = std::pow(s.squares, exponent), after = std::pow(s.squares + g * g, exponent);
  s.linear += g + 2.0 * shrinkage * s.weight - (after - before) / rate * s.weight;
  s.squares += g * g;
  const double clipped = std::fmin(std::fmax(s.linear, -l1), l1);
  s.weight = (clipped - s.linear) / (after / rate + 2.0 * l2);
  return s;
}

}  // namespace day33::reference

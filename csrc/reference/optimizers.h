// One optimizer step on one weight.
#pragma once

#include <cmath>

namespace day33::reference {

// The gradient of a weight, which may be the sum of several slices, with the squares and the magnitudes of these.
struct Gradient {
  double sum = 0.0, squares = 0.0, magnitudes = 0.0;
  Gradient(double slice) { add(slice); }
  void add(double slice) {
    sum += slice;
    squares += slice * slice;
    magnitudes += std::fabs(slice);
  }
};

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
inline AdadeltaState adadelta(AdadeltaState s, const Gradient& g, double rate, double rho, double epsilon) {
  s.squares = rho * s.squares + (1.0 - rho) * g.squares;
  const double scale = std::sqrt(s.deltas + epsilon) / std::sqrt(s.squares + epsilon), delta = -scale * g.sum;
  s.deltas = rho * s.deltas + (1.0 - rho) * scale * scale * g.squares;
  s.weight += rate * delta;
  return s;
}

struct AdamState {
  double weight, m, v, v_max;
};
// `rate` already includes the bias correction.
inline AdamState adam(AdamState s, const Gradient& g, double rate, double beta_1, double beta_2, double epsilon,
                      bool amsgrad) {
  s.m = beta_1 * s.m + (1.0 - beta_1) * g.sum;
  s.v = beta_2 * s.v + (1.0 - beta_2) * g.squares;
  s.v_max = std::fmax(s.v_max, s.v);
  s.weight -= rate * s.m / (std::sqrt(amsgrad ? s.v_max : s.v) + epsilon);
  return s;
}

// With the schedule of momentums u_t = beta_1 (1 - 0.96^t / 2), whose product up to step t is `product`.
struct NadamState {
  double weight, m, v, product;
};
inline NadamState nadam(NadamState s, const Gradient& g, double rate, double beta_1, double beta_2, double epsilon,
                        int t) {
  const double now = beta_1 * (1.0 - 0.5 * std::pow(0.96, t)), next = beta_1 * (1.0 - 0.5 * std::pow(0.96, t + 1));
  s.product *= now;
  s.m = beta_1 * s.m + (1.0 - beta_1) * g.sum;
  s.v = beta_2 * s.v + (1.0 - beta_2) * g.squares;
  const double m_hat = next * s.m / (1.0 - s.product * next) + (1.0 - now) * g.sum / (1.0 - s.product);
  s.weight -= rate * m_hat / (std::sqrt(s.v / (1.0 - std::pow(beta_2, t))) + epsilon);
  return s;
}

struct AdamaxState {
  double weight, m, u;
};
inline AdamaxState adamax(AdamaxState s, const Gradient& g, double rate, double beta_1, double beta_2, double epsilon,
                          int t) {
  s.m = beta_1 * s.m + (1.0 - beta_1) * g.sum;
  s.u = std::fmax(beta_2 * s.u, g.magnitudes);
  s.weight -= rate / (1.0 - std::pow(beta_1, t)) * s.m / (s.u + epsilon);
  return s;
}

struct RmsPropState {
  double weight, velocity, momentum, mean;
};
inline RmsPropState rmsprop(RmsPropState s, const Gradient& g, double rate, double rho, double momentum, double epsilon,
                            bool centred) {
  s.velocity = rho * s.velocity + (1.0 - rho) * g.squares;
  s.mean = rho * s.mean + (1.0 - rho) * g.sum;
  s.momentum =
      momentum * s.momentum + rate * g.sum / std::sqrt(s.velocity - (centred ? s.mean * s.mean : 0.0) + epsilon);
  s.weight -= s.momentum;
  return s;
}

struct AdagradState {
  double weight, squares;
};
inline AdagradState adagrad(AdagradState s, const Gradient& g, double rate, double epsilon) {
  s.squares += g.squares;
  s.weight -= rate * g.sum / std::sqrt(s.squares + epsilon);
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
inline FtrlState ftrl(FtrlState s, const Gradient& g, double rate, double exponent, double l1, double l2,
                      double shrinkage) {
  const double before = std::pow(s.squares, exponent), after = std::pow(s.squares + g.squares, exponent);
  s.linear += g.sum + 2.0 * shrinkage * s.weight - (after - before) / rate * s.weight;
  s.squares += g.squares;
  const double clipped = std::fmin(std::fmax(s.linear, -l1), l1);
  s.weight = (clipped - s.linear) / (after / rate + 2.0 * l2);
  return s;
}

}  // namespace day33::reference

// Activations and softmax. Backward passes use the derivative at the input x, where most kernels use the output.
#pragma once

#include <cmath>

#include "reference/array.h"

namespace day33::reference {

enum class Function {
  linear,
  relu,
  leaky_relu,
  elu,
  sigmoid,
  tanh,
  relu6,
  selu,
  exponential,
  softplus,
  softsign,
  log_sigmoid,
  hard_sigmoid,
  gelu,
  gelu_tanh,
  silu,
  hard_silu,
  mish,
};

// The constants of selu (G. Klambauer et al., 2017) in double precision.
constexpr double kSeluScale = 1.0507009873554804934, kSeluAlpha = 1.6732632423543772848;

inline double activation(Function f, double alpha, double x) {
  switch (f) {
    case Function::linear:
      return x;
    case Function::relu:
      return x > 0.0 || std::isnan(x) ? x : 0.0;
    case Function::leaky_relu:
      return x > 0.0 ? x : alpha * x;
    case Function::elu:
      return x > 0.0 ? x : alpha * std::expm1(x);
    case Function::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case Function::tanh:
      return std::tanh(x);
    case Function::relu6:  // alpha is the upper bound
      return x <= 0.0 ? 0.0 : x >= alpha ? alpha : x;
    case Function::selu:
      return kSeluScale * (x > 0.0 ? x : kSeluAlpha * std::expm1(x));
    case Function::exponential:
      return std::exp(x);
    case Function::softplus:
      return x > 0.0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    case Function::softsign:
      return x / (1.0 + std::fabs(x));
    case Function::log_sigmoid:
      return -activation(Function::softplus, 0.0, -x);
    case Function::hard_sigmoid:
      return activation(Function::relu6, 6.0, x + 3.0) / 6.0;
    case Function::gelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Function::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Function::silu:
      return x / (1.0 + std::exp(-x));
    case Function::hard_silu:
      return x * activation(Function::hard_sigmoid, 0.0, x);
    case Function::mish:
      return x * std::tanh(activation(Function::softplus, 0.0, x));
  }
  return x;
}

// At the kink, relu, leaky relu and elu have their left derivative and selu its right one; the derivative is 0 at both
// ends of relu6 and of hard sigmoid.
inline double activation_derivative(Function f, double alpha, double x) {
  switch (f) {
    case Function::linear:
      return 1.0;
    case Function::relu:
      return x > 0.0 ? 1.0 : 0.0;
    case Function::leaky_relu:
      return x > 0.0 ? 1.0 : alpha;
    case Function::elu:
      return x > 0.0 ? 1.0 : alpha * std::exp(x);
    case Function::sigmoid:
      return std::exp(-std::fabs(x)) / std::pow(1.0 + std::exp(-std::fabs(x)), 2);
    case Function::tanh:
      return 1.0 / (std::cosh(x) * std::cosh(x));
    case Function::relu6:
      return x > 0.0 && x < alpha ? 1.0 : 0.0;
    case Function::selu:
      return kSeluScale * (x >= 0.0 ? 1.0 : kSeluAlpha * std::exp(x));
    case Function::exponential:
      return std::exp(x);
    case Function::softplus:
      return activation(Function::sigmoid, 0.0, x);
    case Function::softsign:
      return 1.0 / std::pow(1.0 + std::fabs(x), 2);
    case Function::log_sigmoid:
      return activation(Function::sigmoid, 0.0, -x);
    case Function::hard_sigmoid:
      return x > -3.0 && x < 3.0 ? 1.0 / 6.0 : 0.0;
    case Function::gelu:
      return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::acos(-1.0));
    case Function::gelu_tanh: {
      const double c = std::sqrt(2.0 / std::acos(-1.0)), u = c * (x + 0.044715 * x * x * x);
      return 0.5 * (1.0 + std::tanh(u)) + 0.5 * x * c * (1.0 + 3.0 * 0.044715 * x * x) / std::pow(std::cosh(u), 2);
    }
    case Function::silu: {
      const double s = activation(Function::sigmoid, 0.0, x);
      return s + x * s * (1.0 - s);
    }
    case Function::hard_silu:
      return activation(Function::hard_sigmoid, 0.0, x) + x * activation_derivative(Function::hard_sigmoid, 0.0, x);
    case Function::mish: {
      const double t = std::tanh(activation(Function::softplus, 0.0, x));
      return t + x * (1.0 - t * t) * activation(Function::sigmoid, 0.0, x);
    }
  }
  return 1.0;
}

// Softmax of one row.
inline Values softmax(const Values& x) {
  double largest = x[0], sum = 0.0;
  for (double v : x) largest = std::fmax(largest, v);
  Values y;
  for (double v : x) y.push_back(std::exp(v - largest));
  for (double v : y) sum += v;
  for (double& v : y) v /= sum;
  return y;
}

// dx_j = sum_i dy_i dy_i/dx_j with the Jacobian y_i (delta_ij - y_j).
inline Values softmax_backward(const Values& x, const Values& dy) {
  const Values y = softmax(x);
  Values dx(x.size(), 0.0);
  for (size_t j = 0; j < x.size(); ++j)
    for (size_t i = 0; i < x.size(); ++i) dx[j] += dy[i] * y[i] * ((i == j ? 1.0 : 0.0) - y[j]);
  return dx;
}

inline Values log_softmax(const Values& x) {
  double largest = x[0], sum = 0.0;
  for (double v : x) largest = std::fmax(largest, v);
  for (double v : x) sum += std::exp(v - largest);
  Values y;
  for (double v : x) y.push_back(v - largest - std::log(sum));
  return y;
}

// The Jacobian is delta_ij - softmax_j.
inline Values log_softmax_backward(const Values& x, const Values& dy) {
  const Values p = softmax(x);
  Values dx = dy;
  for (size_t j = 0; j < x.size(); ++j)
    for (double d : dy) dx[j] -= d * p[j];
  return dx;
}

}  // namespace day33::reference

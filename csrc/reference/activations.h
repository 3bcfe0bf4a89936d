// Activations and softmax. Backward passes differentiate at the input x, where the kernels use the output.
#pragma once

#include <cmath>

#include "reference/array.h"

namespace day33::reference {

enum class Function { linear, relu, leaky_relu, elu, sigmoid, tanh };

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
  }
  return x;
}

// At the kink of relu, leaky relu and elu the left derivative counts.
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
  }
  return 1.0;
}

// One row.
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

}  // namespace day33::reference

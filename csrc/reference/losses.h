// Losses of one row of C predictions, and their gradients with respect to the predictions, as Keras 3 defines them.
#pragma once

#include <cmath>
#include <limits>

#include "reference/array.h"

namespace day33::reference {

struct Loss {
  double value = 0.0;
  Values gradient;
};

// Probabilities are clipped to Keras's epsilon and 1 - epsilon, rounded to float32.
inline constexpr double kClipLow = static_cast<double>(1e-7f);
inline constexpr double kClipHigh = static_cast<double>(static_cast<float>(1.0 - 1e-7));

inline double clipped(double p) { return p < kClipLow ? kClipLow : p > kClipHigh ? kClipHigh : p; }
inline double clip_derivative(double p) { return p >= kClipLow && p <= kClipHigh ? 1.0 : 0.0; }

inline Loss binary_crossentropy(const Values& p, const Values& t) {
  Loss loss{0.0, Values(p.size())};
  const double C = static_cast<double>(p.size());
  for (size_t c = 0; c < p.size(); ++c) {
    const double q = clipped(p[c]);
    loss.value -= (t[c] * std::log(q) + (1.0 - t[c]) * std::log(1.0 - q)) / C;
    loss.gradient[c] = clip_derivative(p[c]) * -(t[c] / q - (1.0 - t[c]) / (1.0 - q)) / C;
  }
  return loss;
}

inline Loss binary_crossentropy_logits(const Values& z, const Values& t) {
  Loss loss{0.0, Values(z.size())};
  const double C = static_cast<double>(z.size());
  for (size_t c = 0; c < z.size(); ++c) {
    loss.value += (std::fmax(z[c], 0.0) - z[c] * t[c] + std::log1p(std::exp(-std::fabs(z[c])))) / C;
    loss.gradient[c] = (1.0 / (1.0 + std::exp(-z[c])) - t[c]) / C;
  }
  return loss;
}

inline Loss mean_squared_error(const Values& p, const Values& t) {
  Loss loss{0.0, Values(p.size())};
  const double C = static_cast<double>(p.size());
  for (size_t c = 0; c < p.size(); ++c) {
    loss.value += (p[c] - t[c]) * (p[c] - t[c]) / C;
    loss.gradient[c] = 2.0 * (p[c] - t[c]) / C;
  }
  return loss;
}

inline Loss mean_absolute_error(const Values& p, const Values& t) {
  Loss loss{0.0, Values(p.size())};
  const double C = static_cast<double>(p.size());
  for (size_t c = 0; c < p.size(); ++c) {
    loss.value += std::fabs(p[c] - t[c]) / C;
    loss.gradient[c] = p[c] > t[c] ? 1.0 / C : p[c] < t[c] ? -1.0 / C : 0.0;
  }
  return loss;
}

// -sum t log clip(p / sum p). The gradient takes both the clipping and the quotient into account.
inline Loss categorical_crossentropy(const Values& p, const Values& t) {
  double sum = 0.0;
  for (double v : p) sum += v;
  Loss loss{0.0, Values(p.size(), 0.0)};
  for (size_t c = 0; c < p.size(); ++c) {
    const double q = p[c] / sum;
    loss.value -= t[c] * std::log(clipped(q));
    const double dq = -t[c] / clipped(q) * clip_derivative(q);
    for (size_t j = 0; j < p.size(); ++j) loss.gradient[j] += dq * ((j == c ? 1.0 : 0.0) / sum - p[c] / (sum * sum));
  }
  return loss;
}

// sum t (log sum exp z - z). TensorFlow's gradient is softmax(z) - t, which is exact if the targets sum to one.
inline Loss categorical_crossentropy_logits(const Values& z, const Values& t) {
  double largest = z[0], sum = 0.0;
  for (double v : z) largest = std::fmax(largest, v);
  for (double v : z) sum += std::exp(v - largest);
  Loss loss{0.0, Values(z.size())};
  for (size_t c = 0; c < z.size(); ++c) {
    loss.value += t[c] * (std::log(sum) + largest - z[c]);
    loss.gradient[c] = std::exp(z[c] - largest) / sum - t[c];
  }
  return loss;
}

// The result for a label outside [0, C): NaN everywhere.
inline Loss not_a_class(size_t C) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {nan, Values(C, nan)};
}

inline Loss sparse_categorical_crossentropy_logits(const Values& z, int64_t label) {
  if (label < 0 || label >= static_cast<int64_t>(z.size())) return not_a_class(z.size());
  Values target(z.size(), 0.0);
  target[label] = 1.0;
  return categorical_crossentropy_logits(z, target);
}

// Keras uses log(clip(p)) as the logits.
inline Loss sparse_categorical_crossentropy(const Values& p, int64_t label) {
  Values logits;
  for (double v : p) logits.push_back(std::log(clipped(v)));
  Loss loss = sparse_categorical_crossentropy_logits(logits, label);
  for (size_t c = 0; c < p.size(); ++c) loss.gradient[c] *= clip_derivative(p[c]) / clipped(p[c]);
  return loss;
}

}  // namespace day33::reference

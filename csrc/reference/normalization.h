// Batch normalisation with batch statistics, layer normalisation, and the global average. x has rows of C channels.
#pragma once

#include <cmath>

#include "reference/array.h"

namespace day33::reference {

struct Moments {
  Values mean, variance;  // variance divides by the number of rows
};

inline Moments moments(const Values& x, int64_t C) {
  const int64_t rows = static_cast<int64_t>(x.size()) / C;
  Moments m{Values(C, 0.0), Values(C, 0.0)};
  for (int64_t c = 0; c < C; ++c) {
    for (int64_t r = 0; r < rows; ++r) m.mean[c] += x[r * C + c] / static_cast<double>(rows);
    for (int64_t r = 0; r < rows; ++r)
      m.variance[c] += std::pow(x[r * C + c] - m.mean[c], 2) / static_cast<double>(rows);
  }
  return m;
}

inline Values batch_norm(const Values& x, int64_t C, const Values& gamma, const Values& beta, double epsilon) {
  const Moments m = moments(x, C);
  Values y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i % static_cast<size_t>(C);
    y[i] = gamma[c] * (x[i] - m.mean[c]) / std::sqrt(m.variance[c] + epsilon) + beta[c];
  }
  return y;
}

struct BatchNormGradients {
  Values dx, dgamma, dbeta;
};

// S. Ioffe, C. Szegedy, "Batch normalization" (2015), section 3, step by step through variance and mean.
inline BatchNormGradients batch_norm_backward(const Values& x, int64_t C, const Values& gamma, double epsilon,
                                              const Values& dy) {
  const Moments m = moments(x, C);
  const int64_t rows = static_cast<int64_t>(x.size()) / C;
  BatchNormGradients g{Values(x.size()), Values(C, 0.0), Values(C, 0.0)};
  for (int64_t c = 0; c < C; ++c) {
    const double deviation = std::sqrt(m.variance[c] + epsilon);
    double dvariance = 0.0, dmean = 0.0;
    for (int64_t r = 0; r < rows; ++r) {
      const double centred = x[r * C + c] - m.mean[c], d = dy[r * C + c];
      g.dgamma[c] += d * centred / deviation;
      g.dbeta[c] += d;
      dvariance += d * gamma[c] * centred * -0.5 / std::pow(deviation, 3);
      dmean -= d * gamma[c] / deviation;
    }
    for (int64_t r = 0; r < rows; ++r)
      g.dx[r * C + c] = dy[r * C + c] * gamma[c] / deviation +
                        dvariance * 2.0 * (x[r * C + c] - m.mean[c]) / static_cast<double>(rows) +
                        dmean / static_cast<double>(rows);
  }
  return g;
}

// Normalises each row as batch normalisation does each column: rows and channels exchange roles.
inline Values layer_norm(const Values& x, int64_t C, const Values& gamma, const Values& beta, double epsilon) {
  Values y;
  for (size_t row = 0; row < x.size(); row += static_cast<size_t>(C)) {
    const Values values(x.begin() + row, x.begin() + row + C);
    const Moments m = moments(values, 1);
    for (int64_t c = 0; c < C; ++c)
      y.push_back(gamma[c] * (values[c] - m.mean[0]) / std::sqrt(m.variance[0] + epsilon) + beta[c]);
  }
  return y;
}

// dx by the Jacobian of the normalised row, dxhat_i / dx_j = (delta_ij - 1/C - xhat_i xhat_j / C) / deviation.
inline BatchNormGradients layer_norm_backward(const Values& x, int64_t C, const Values& gamma, double epsilon,
                                              const Values& dy) {
  BatchNormGradients g{Values(x.size(), 0.0), Values(C, 0.0), Values(C, 0.0)};
  const double count = static_cast<double>(C);
  for (size_t row = 0; row < x.size(); row += static_cast<size_t>(C)) {
    const Values values(x.begin() + row, x.begin() + row + C);
    const Moments m = moments(values, 1);
    const double deviation = std::sqrt(m.variance[0] + epsilon);
    Values xhat;
    for (double v : values) xhat.push_back((v - m.mean[0]) / deviation);
    for (int64_t i = 0; i < C; ++i) {
      g.dgamma[i] += dy[row + i] * xhat[i];
      g.dbeta[i] += dy[row + i];
      for (int64_t j = 0; j < C; ++j)
        g.dx[row + j] +=
            dy[row + i] * gamma[i] * ((i == j ? 1.0 : 0.0) - 1.0 / count - xhat[i] * xhat[j] / count) / deviation;
    }
  }
  return g;
}

inline Values global_average(const Values& x, int64_t C) { return moments(x, C).mean; }

inline Values global_average_backward(const Values& dy, int64_t pixels) {
  Values dx;
  for (int64_t p = 0; p < pixels; ++p)
    for (double d : dy) dx.push_back(d / static_cast<double>(pixels));
  return dx;
}

}  // namespace day33::reference

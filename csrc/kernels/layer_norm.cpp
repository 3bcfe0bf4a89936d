// Layer normalisation: each row [C][lanes] is normalised by its own moments, per lane. With xhat = (x - mean) inv_std
// and g = dy gamma, dx = inv_std (g - mean(g) - xhat mean(g xhat)) (J. Ba, J. Kiros, G. Hinton, 2016).
#include "kernels/kernels.h"
#include "simd/math.h"
#include "simd/row.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

// The mean over C per lane; for a ChannelRow, the mean of the row in every lane.
DAY33_INLINE Vec mean_of(LanesRow row, const WideSum& sum) {
  const double count = static_cast<double>(row.C);
  Vec mean;
  for (int i = 0; i < kLanes; ++i) mean[i] = static_cast<float>(sum.lane(i) / count);
  return mean;
}
DAY33_INLINE Vec mean_of(ChannelRow row, const WideSum& sum) {
  return broadcast(static_cast<float>(sum.folded() / static_cast<double>(row.C)));
}

// 1 / sqrt(v). In a ChannelRow all lanes hold the same number, so only one root is computed.
DAY33_INLINE Vec inverse_root(LanesRow, Vec v) { return 1.0f / sqrt(v); }
DAY33_INLINE Vec inverse_root(ChannelRow, Vec v) { return broadcast(1.0f / __builtin_sqrtf(v[0])); }

// The elements of w [C] for a step; `fill` if w is null.
template <typename Step>
DAY33_INLINE Vec weight_at(LanesRow, Step at, const float* w, float fill) {
  return broadcast(w == nullptr ? fill : w[at.offset / kLanes]);
}
template <typename Step>
DAY33_INLINE Vec weight_at(ChannelRow, Step at, const float* w, float fill) {
  return w == nullptr ? broadcast(fill) : at.load(w, fill);
}

struct Moments {
  Vec mean, inv_std;
};

// A sum that is widened to double once per four vectors: widening each vector would cost more than everything else.
struct BlockSum {
  WideSum sum;
  Vec block = {};
  int count = 0;
  inline __attribute__((always_inline)) void add(Vec v) {
    block += v;
    if (++count == 4) flush();
  }
  inline __attribute__((always_inline)) void flush() {
    sum.add(block);
    block = Vec{};
    count = 0;
  }
};

template <typename Row>
DAY33_INLINE Moments moments(Row row, const float* x, float epsilon) {
  BlockSum sum, squares;
  row.each([&](auto at) { sum.add(at.load(x, 0.0f)); });
  sum.flush();
  const Vec mean = mean_of(row, sum.sum);
  row.each([&](auto at) {
    const Vec d = at.keep(at.load(x, 0.0f) - mean);
    squares.add(d * d);
  });
  squares.flush();
  return {mean, inverse_root(row, mean_of(row, squares.sum) + epsilon)};
}

template <typename Row>
DAY33_INLINE void normalise_row(Row row, const float* x, const float* gamma, const float* beta, float epsilon,
                                float* y) {
  const Moments m = moments(row, x, epsilon);
  row.each([&](auto at) {
    const Vec scale = m.inv_std * weight_at(row, at, gamma, 1.0f);
    at.store(y, (at.load(x, 0.0f) - m.mean) * scale + weight_at(row, at, beta, 0.0f));
  });
}

template <typename Row>
DAY33_INLINE void normalise_row_backward(Row row, const float* x, const float* gamma, const float* dy, float epsilon,
                                         float* dx, float* dgamma, float* dbeta) {
  const Moments m = moments(row, x, epsilon);
  const auto xhat = [&](auto at) { return (at.load(x, 0.0f) - m.mean) * m.inv_std; };
  if (dgamma != nullptr)
    row.each([&](auto at) { at.store(dgamma, at.load(dgamma, 0.0f) + at.load(dy, 0.0f) * xhat(at)); });
  if (dbeta != nullptr) row.each([&](auto at) { at.store(dbeta, at.load(dbeta, 0.0f) + at.load(dy, 0.0f)); });
  if (dx == nullptr) return;
  WideSum plain, scaled;
  row.each([&](auto at) {
    const Vec g = at.load(dy, 0.0f) * weight_at(row, at, gamma, 1.0f);  // 0 beyond the end of the row
    plain.add(g);
    scaled.add(g * xhat(at));
  });
  const Vec mean_g = mean_of(row, plain), mean_g_xhat = mean_of(row, scaled);
  row.each([&](auto at) {
    const Vec g = at.load(dy, 0.0f) * weight_at(row, at, gamma, 1.0f);
    at.store(dx, (g - mean_g - xhat(at) * mean_g_xhat) * m.inv_std);
  });
}

}  // namespace

void layer_norm_forward(const float* x, const float* gamma, const float* beta, float epsilon, float* y, int64_t rows,
                        int64_t C, int lanes) {
  for (int64_t row = 0; row < rows; ++row, x += C * lanes, y += C * lanes) {
    if (lanes == 1)
      normalise_row(ChannelRow{C}, x, gamma, beta, epsilon, y);
    else
      normalise_row(LanesRow{C}, x, gamma, beta, epsilon, y);
  }
}

void layer_norm_backward(const float* x, const float* gamma, const float* dy, float epsilon, float* dx, float* dgamma,
                         float* dbeta, int64_t rows, int64_t C, int lanes) {
  for (int64_t row = 0; row < rows; ++row, x += C * lanes, dy += C * lanes) {
    if (lanes == 1)
      normalise_row_backward(ChannelRow{C}, x, gamma, dy, epsilon, dx, dgamma, dbeta);
    else
      normalise_row_backward(LanesRow{C}, x, gamma, dy, epsilon, dx, dgamma, dbeta);
    if (dx != nullptr) dx += C * lanes;
  }
}

}  // namespace day33::DAY33_ISA

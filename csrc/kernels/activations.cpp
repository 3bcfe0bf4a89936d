// Activations on contiguous floats, and softmax over the last axis; forward and backward.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/math.h"
#include "simd/row.h"

namespace day33::DAY33_ISA {
namespace {

// Softmax is no function of one element: it counts as linear here, and softmax_forward does its work.
template <Activation kKind>
DAY33_INLINE Vec activate(Vec x, float alpha) {
  if constexpr (kKind == Activation::relu) return at_least(x, 0.0f);
  if constexpr (kKind == Activation::leaky_relu) return select(x < 0.0f, x * alpha, x);
  if constexpr (kKind == Activation::elu) return select(x < 0.0f, expm1(x) * alpha, x);
  if constexpr (kKind == Activation::sigmoid) return sigmoid(x);
  if constexpr (kKind == Activation::tanh) return tanh(x);
  return x;
}

// dy times the derivative at the input whose output was y.
template <Activation kKind>
DAY33_INLINE Vec activate_backward(Vec y, Vec dy, float alpha) {
  if constexpr (kKind == Activation::relu) return keep_where(y > 0.0f, dy);
  if constexpr (kKind == Activation::leaky_relu) return select(y > 0.0f, dy, dy * alpha);
  if constexpr (kKind == Activation::elu) return select(y > 0.0f, dy, dy * (y + alpha));
  if constexpr (kKind == Activation::sigmoid) return dy * (y * (1.0f - y));
  if constexpr (kKind == Activation::tanh) return dy * (1.0f - y * y);
  return dy;
}

template <Activation kKind>
DAY33_INLINE void forward(float alpha, const float* x, float* y, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, activate<kKind>(load(x + i), alpha));
  const int rest = static_cast<int>(n - i);
  if (rest > 0) store_first(y + i, activate<kKind>(load_first(x + i, rest), alpha), rest);
}

template <Activation kKind>
DAY33_INLINE void backward(float alpha, const float* y, const float* dy, float* dx, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(dx + i, activate_backward<kKind>(load(y + i), load(dy + i), alpha));
  const int rest = static_cast<int>(n - i);
  if (rest > 0)
    store_first(dx + i, activate_backward<kKind>(load_first(y + i, rest), load_first(dy + i, rest), alpha), rest);
}

template <typename Row>
DAY33_INLINE void softmax_row(Row row, const float* x, float* y) {
  const float inf = __builtin_inff();
  Vec largest = broadcast(-inf);
  row.each([&](auto at) { largest = greater_of(largest, at.load(x, -inf)); });
  largest = row.reduce_max(largest);
  Vec sum = broadcast(0.0f);
  row.each([&](auto at) {
    const Vec e = exp(at.load(x, -inf) - largest);
    sum += at.keep(e);
    at.store(y, e);
  });
  const Vec factor = 1.0f / row.reduce_sum(sum);
  row.each([&](auto at) { at.store(y, at.load(y, 0.0f) * factor); });
}

template <typename Row>
DAY33_INLINE void softmax_row_backward(Row row, const float* y, const float* dy, float* dx) {
  Vec dot = broadcast(0.0f);
  row.each([&](auto at) { dot += at.load(y, 0.0f) * at.load(dy, 0.0f); });
  dot = row.reduce_sum(dot);
  row.each([&](auto at) { at.store(dx, at.load(y, 0.0f) * (at.load(dy, 0.0f) - dot)); });
}

}  // namespace

void activation_forward(Activation kind, float alpha, const float* x, float* y, int64_t n) {
  switch (kind) {
    case Activation::relu:
      return forward<Activation::relu>(alpha, x, y, n);
    case Activation::leaky_relu:
      return forward<Activation::leaky_relu>(alpha, x, y, n);
    case Activation::elu:
      return forward<Activation::elu>(alpha, x, y, n);
    case Activation::sigmoid:
      return forward<Activation::sigmoid>(alpha, x, y, n);
    case Activation::tanh:
      return forward<Activation::tanh>(alpha, x, y, n);
    case Activation::linear:
    case Activation::softmax:
      break;
  }
  if (x != y) copy_floats(y, x, n);
}

void activation_backward(Activation kind, float alpha, const float* y, const float* dy, float* dx, int64_t n) {
  switch (kind) {
    case Activation::relu:
      return backward<Activation::relu>(alpha, y, dy, dx, n);
    case Activation::leaky_relu:
      return backward<Activation::leaky_relu>(alpha, y, dy, dx, n);
    case Activation::elu:
      return backward<Activation::elu>(alpha, y, dy, dx, n);
    case Activation::sigmoid:
      return backward<Activation::sigmoid>(alpha, y, dy, dx, n);
    case Activation::tanh:
      return backward<Activation::tanh>(alpha, y, dy, dx, n);
    case Activation::linear:
    case Activation::softmax:
      break;
  }
  if (dx != dy) copy_floats(dx, dy, n);
}

void softmax_forward(const float* x, float* y, int64_t rows, int64_t C, int lanes) {
  for (int64_t row = 0; row < rows; ++row, x += C * lanes, y += C * lanes) {
    if (lanes == 1)
      softmax_row(ChannelRow{C}, x, y);
    else
      softmax_row(LanesRow{C}, x, y);
  }
}

void softmax_backward(const float* y, const float* dy, float* dx, int64_t rows, int64_t C, int lanes) {
  for (int64_t row = 0; row < rows; ++row, y += C * lanes, dy += C * lanes, dx += C * lanes) {
    if (lanes == 1)
      softmax_row_backward(ChannelRow{C}, y, dy, dx);
    else
      softmax_row_backward(LanesRow{C}, y, dy, dx);
  }
}

}  // namespace day33::DAY33_ISA

// Activations on contiguous floats, and softmax over the last axis; forward and backward.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/math.h"
#include "simd/row.h"

namespace day33::DAY33_ISA {
namespace {

constexpr float kSeluScale = 1.05070098735548049342f, kSeluAlpha = 1.67326324235437728481f;
constexpr float kSqrtHalf = 0.70710678118654752440f, kSqrtTwoOverPi = 0.79788456080286535588f;
constexpr float kGeluCubic = 0.044715f;

DAY33_INLINE Vec hard_sigmoid(Vec x) { return at_most(at_least(x + 3.0f, 0.0f), 6.0f) / 6.0f; }
DAY33_INLINE Vec log1p_exp_minus_abs(Vec x) { return log1p_of_fraction(exp(-abs(x))); }
DAY33_INLINE Vec normal_cdf(Vec x) { return erfc(x * -kSqrtHalf) * 0.5f; }
DAY33_INLINE Vec gelu_tanh_of(Vec x) { return tanh((x + x * x * x * kGeluCubic) * kSqrtTwoOverPi); }
// For mish: tanh(softplus(x)) = n / (n + 2) with e = exp(x) and n = e (e + 2). In float this is 1 for x >= 20, so x is
// capped there, long before n^2 overflows.
DAY33_INLINE Vec exp_to_20(Vec x) { return exp(at_most(x, 20.0f)); }

// Softmax and log-softmax are not functions of a single element: they count as linear here and have their own kernels.
template <Activation kKind>
DAY33_INLINE Vec activate(Vec x, float alpha) {
  if constexpr (kKind == Activation::relu) return at_least(x, 0.0f);
  if constexpr (kKind == Activation::leaky_relu) return select(x < 0.0f, x * alpha, x);
  if constexpr (kKind == Activation::elu) return select(x < 0.0f, expm1(x) * alpha, x);
  if constexpr (kKind == Activation::sigmoid) return sigmoid(x);
  if constexpr (kKind == Activation::tanh) return tanh(x);
  if constexpr (kKind == Activation::relu6) return at_most(at_least(x, 0.0f), alpha);
  if constexpr (kKind == Activation::selu) return select(x < 0.0f, expm1(x) * kSeluAlpha, x) * kSeluScale;
  if constexpr (kKind == Activation::exponential) return exp(x);
  if constexpr (kKind == Activation::softplus) return at_least(x, 0.0f) + log1p_exp_minus_abs(x);
  if constexpr (kKind == Activation::softsign) return x / (1.0f + abs(x));
  if constexpr (kKind == Activation::log_sigmoid) return at_most(x, 0.0f) - log1p_exp_minus_abs(x);
  if constexpr (kKind == Activation::hard_sigmoid) return hard_sigmoid(x);
  if constexpr (kKind == Activation::gelu) return x * normal_cdf(x);
  if constexpr (kKind == Activation::gelu_tanh) return x * 0.5f * (1.0f + gelu_tanh_of(x));
  if constexpr (kKind == Activation::silu) return x * sigmoid(x);
  if constexpr (kKind == Activation::hard_silu) return x * hard_sigmoid(x);
  if constexpr (kKind == Activation::mish) {
    const Vec e = exp_to_20(x), n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
  }
  return x;
}

// dy times the derivative at the input. `y` is the output, or the input for gelu, gelu_tanh, silu, hard_silu and mish.
template <Activation kKind>
DAY33_INLINE Vec activate_backward(Vec y, Vec dy, float alpha) {
  if constexpr (kKind == Activation::relu) return keep_where(y > 0.0f, dy);
  if constexpr (kKind == Activation::leaky_relu) return select(y > 0.0f, dy, dy * alpha);
  if constexpr (kKind == Activation::elu) return select(y > 0.0f, dy, dy * (y + alpha));
  if constexpr (kKind == Activation::sigmoid) return dy * (y * (1.0f - y));
  if constexpr (kKind == Activation::tanh) return dy * (1.0f - y * y);
  if constexpr (kKind == Activation::relu6) return keep_where((y > 0.0f) & (y < alpha), dy);
  if constexpr (kKind == Activation::selu) return select(y < 0.0f, dy * (y + kSeluScale * kSeluAlpha), dy * kSeluScale);
  if constexpr (kKind == Activation::exponential) return dy * y;
  if constexpr (kKind == Activation::softplus) return dy * -expm1(-y);
  if constexpr (kKind == Activation::softsign) return dy * (1.0f - abs(y)) * (1.0f - abs(y));
  if constexpr (kKind == Activation::log_sigmoid) return dy * -expm1(y);
  if constexpr (kKind == Activation::hard_sigmoid) return keep_where((y > 0.0f) & (y < 1.0f), dy / 6.0f);
  const Vec x = y;
  if constexpr (kKind == Activation::gelu) {
    const Vec density = exp(x * x * -0.5f) * (0.5f * kSqrtTwoOverPi);
    return dy * (normal_cdf(x) + x * density);
  }
  if constexpr (kKind == Activation::gelu_tanh) {
    const Vec t = gelu_tanh_of(x);
    const Vec slope = (1.0f + x * x * (3.0f * kGeluCubic)) * kSqrtTwoOverPi;
    return dy * 0.5f * (1.0f + t + x * (1.0f - t * t) * slope);
  }
  if constexpr (kKind == Activation::silu) {
    const Vec s = sigmoid(x);
    return dy * (s * (1.0f + x * (1.0f - s)));
  }
  if constexpr (kKind == Activation::hard_silu)
    return dy * (hard_sigmoid(x) + keep_where((x > -3.0f) & (x < 3.0f), x / 6.0f));
  if constexpr (kKind == Activation::mish) {
    const Vec e = exp_to_20(x), n = e * (e + 2.0f), q = 1.0f / (n + 2.0f);
    const Vec one_minus_tanh_squared = 4.0f * (n + 1.0f) * q * q;
    return dy * (n * q + x * (e / (1.0f + e)) * one_minus_tanh_squared);
  }
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

template <typename Row>
DAY33_INLINE void log_softmax_row(Row row, const float* x, float* y) {
  const float inf = __builtin_inff();
  Vec largest = broadcast(-inf);
  row.each([&](auto at) { largest = greater_of(largest, at.load(x, -inf)); });
  largest = row.reduce_max(largest);
  Vec sum = broadcast(0.0f);
  row.each([&](auto at) { sum += at.keep(exp(at.load(x, -inf) - largest)); });
  const Vec log_sum = log(row.reduce_sum(sum));
  row.each([&](auto at) { at.store(y, at.load(x, 0.0f) - largest - log_sum); });
}

template <typename Row>
DAY33_INLINE void log_softmax_row_backward(Row row, const float* y, const float* dy, float* dx) {
  Vec sum = broadcast(0.0f);
  row.each([&](auto at) { sum += at.load(dy, 0.0f); });
  sum = row.reduce_sum(sum);
  row.each([&](auto at) { at.store(dx, at.load(dy, 0.0f) - exp(at.load(y, 0.0f)) * sum); });
}

// Calls body(row, offset) for each row, where row is a LanesRow or a ChannelRow.
template <typename Body>
DAY33_INLINE void each_row(int64_t rows, int64_t C, int lanes, Body body) {
  for (int64_t row = 0; row < rows; ++row) {
    if (lanes == 1)
      body(ChannelRow{C}, row * C);
    else
      body(LanesRow{C}, row * C * kLanes);
  }
}

}  // namespace

#define DAY33_EACH_ELEMENTWISE(CASE) \
  CASE(relu)                         \
  CASE(leaky_relu)                   \
  CASE(elu)                          \
  CASE(sigmoid)                      \
  CASE(tanh)                         \
  CASE(relu6)                        \
  CASE(selu)                         \
  CASE(exponential)                  \
  CASE(softplus)                     \
  CASE(softsign)                     \
  CASE(log_sigmoid)                  \
  CASE(hard_sigmoid)                 \
  CASE(gelu)                         \
  CASE(gelu_tanh)                    \
  CASE(silu)                         \
  CASE(hard_silu)                    \
  CASE(mish)

void activation_forward(Activation kind, float alpha, const float* x, float* y, int64_t n) {
#define DAY33_CASE(name) \
  case Activation::name: \
    return forward<Activation::name>(alpha, x, y, n);
  switch (kind) {
    DAY33_EACH_ELEMENTWISE(DAY33_CASE)
    case Activation::linear:
    case Activation::softmax:
    case Activation::log_softmax:
      break;
  }
#undef DAY33_CASE
  if (x != y) copy_floats(y, x, n);
}

void activation_backward(Activation kind, float alpha, const float* y, const float* dy, float* dx, int64_t n) {
#define DAY33_CASE(name) \
  case Activation::name: \
    return backward<Activation::name>(alpha, y, dy, dx, n);
  switch (kind) {
    DAY33_EACH_ELEMENTWISE(DAY33_CASE)
    case Activation::linear:
    case Activation::softmax:
    case Activation::log_softmax:
      break;
  }
#undef DAY33_CASE
  if (dx != dy) copy_floats(dx, dy, n);
}

void softmax_forward(const float* x, float* y, int64_t rows, int64_t C, int lanes) {
  each_row(rows, C, lanes, [=](auto row, int64_t at) { softmax_row(row, x + at, y + at); });
}

void softmax_backward(const float* y, const float* dy, float* dx, int64_t rows, int64_t C, int lanes) {
  each_row(rows, C, lanes, [=](auto row, int64_t at) { softmax_row_backward(row, y + at, dy + at, dx + at); });
}

void log_softmax_forward(const float* x, float* y, int64_t rows, int64_t C, int lanes) {
  each_row(rows, C, lanes, [=](auto row, int64_t at) { log_softmax_row(row, x + at, y + at); });
}

void log_softmax_backward(const float* y, const float* dy, float* dx, int64_t rows, int64_t C, int lanes) {
  each_row(rows, C, lanes, [=](auto row, int64_t at) { log_softmax_row_backward(row, y + at, dy + at, dx + at); });
}

}  // namespace day33::DAY33_ISA

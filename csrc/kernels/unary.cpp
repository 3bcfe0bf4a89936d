// Functions of one element and their derivatives, on contiguous words.
#include "kernels/kernels.h"
#include "simd/arcs.h"
#include "simd/body.h"
#include "simd/lanes.h"
#include "simd/math.h"
#include "simd/power.h"
#include "simd/rounding.h"
#include "simd/trigonometry.h"

namespace day33::DAY33_ISA {
namespace {

constexpr float kTwoOverRootPi = 1.12837916709551257390f, kLn2 = 0.69314718055994530942f,
                kLn10 = 2.30258509299404568402f;

// (e + 1 / e) / 2 or the difference, with e = exp(|x|); where e would overflow early, as the product of two roots.
template <int kSign>
DAY33_INLINE Vec hyperbolic(Vec a) {
  const VecI large = a > 88.0f;
  const Vec e = exp(select(large, a * 0.5f, a)), half = e * 0.5f;
  return select(large, half * e, half + (0.5f * kSign) / e);
}

DAY33_INLINE Vec sinh(Vec x) {
  const Vec z = x * x;
  Vec p = broadcast(1.0f / 362880.0f);  // Taylor's series; the next term is below 2^-25 for |x| <= 1
  p = p * z + 1.0f / 5040.0f;
  p = p * z + 1.0f / 120.0f;
  p = p * z + 1.0f / 6.0f;
  return select(abs(x) <= 1.0f, p * z * x + x, with_sign_of(x, hyperbolic<-1>(abs(x))));
}

DAY33_INLINE Vec erf(Vec x) {
  const Vec a = abs(x);
  return select(a < 1.0f, erf_centre(x), with_sign_of(x, 1.0f - erfc(a)));
}

DAY33_INLINE Vec truth(VecI mask) { return as_float(mask & 1); }

// Of the kinds with a truth, the bits of an int32.
template <Unary kKind>
DAY33_INLINE Vec function_of(Vec x) {
#define DAY33_LIBM(name, function) \
  if constexpr (kKind == Unary::name) return each_lane(x, [](float v) { return function(v); });
  DAY33_LIBM(asinh, __builtin_asinhf)
  DAY33_LIBM(acosh, __builtin_acoshf)
  DAY33_LIBM(atanh, __builtin_atanhf)
#undef DAY33_LIBM
  if constexpr (kKind == Unary::negative) return -x;
  if constexpr (kKind == Unary::abs) return abs(x);
  // x - x is NaN for NaN and +0 for both zeros.
  if constexpr (kKind == Unary::sign)
    return select(x > 0.0f, broadcast(1.0f), select(x < 0.0f, broadcast(-1.0f), x - x));
  if constexpr (kKind == Unary::square) return x * x;
  if constexpr (kKind == Unary::sqrt) return sqrt(x);
  if constexpr (kKind == Unary::rsqrt) return 1.0f / sqrt(x);
  if constexpr (kKind == Unary::reciprocal) return 1.0f / x;
  if constexpr (kKind == Unary::exp) return exp(x);
  if constexpr (kKind == Unary::exp2) return exp2(x);
  if constexpr (kKind == Unary::expm1) return select(x == 0.0f, x, expm1(x));
  if constexpr (kKind == Unary::log) return log(x);
  if constexpr (kKind == Unary::log2) return log2(x);
  if constexpr (kKind == Unary::log10) return log10(x);
  if constexpr (kKind == Unary::log1p) return log1p(x);
  if constexpr (kKind == Unary::sin) return sin(x);
  if constexpr (kKind == Unary::cos) return cos(x);
  if constexpr (kKind == Unary::tan) return tan(x);
  if constexpr (kKind == Unary::asin) return asin(x);
  if constexpr (kKind == Unary::acos) return acos(x);
  if constexpr (kKind == Unary::atan) return atan(x);
  if constexpr (kKind == Unary::sinh) return sinh(x);
  if constexpr (kKind == Unary::cosh) return hyperbolic<1>(abs(x));
  if constexpr (kKind == Unary::erf) return erf(x);
  if constexpr (kKind == Unary::floor) return floor(x);
  if constexpr (kKind == Unary::ceil) return ceil(x);
  if constexpr (kKind == Unary::round) return round(x);
  if constexpr (kKind == Unary::trunc) return trunc(x);
  if constexpr (kKind == Unary::isnan) return truth(x != x);
  if constexpr (kKind == Unary::isinf) return truth(abs(x) == __builtin_inff());
  if constexpr (kKind == Unary::isfinite) return truth(abs(x) < __builtin_inff());
  if constexpr (kKind == Unary::logical_not) return truth(x == 0.0f);
}

// The derivative at x, where the function is y. As TensorFlow defines it: that of abs is 0 at 0.
template <Unary kKind>
DAY33_INLINE Vec slope_of(Vec x, Vec y) {
  if constexpr (kKind == Unary::negative) return broadcast(-1.0f);
  if constexpr (kKind == Unary::abs) return function_of<Unary::sign>(x);
  if constexpr (kKind == Unary::square) return x + x;
  if constexpr (kKind == Unary::sqrt) return 0.5f / y;
  if constexpr (kKind == Unary::rsqrt) return -0.5f * y * (y * y);
  if constexpr (kKind == Unary::reciprocal) return -y * y;
  if constexpr (kKind == Unary::exp) return y;
  if constexpr (kKind == Unary::exp2) return y * kLn2;
  if constexpr (kKind == Unary::expm1) return exp(x);
  if constexpr (kKind == Unary::log) return 1.0f / x;
  if constexpr (kKind == Unary::log2) return (1.0f / kLn2) / x;
  if constexpr (kKind == Unary::log10) return (1.0f / kLn10) / x;
  if constexpr (kKind == Unary::log1p) return 1.0f / (1.0f + x);
  if constexpr (kKind == Unary::sin) return cos(x);
  if constexpr (kKind == Unary::cos) return -sin(x);
  if constexpr (kKind == Unary::tan) return 1.0f + y * y;
  if constexpr (kKind == Unary::asin) return 1.0f / sqrt((1.0f - x) * (1.0f + x));
  if constexpr (kKind == Unary::acos) return -1.0f / sqrt((1.0f - x) * (1.0f + x));
  if constexpr (kKind == Unary::atan) return 1.0f / (1.0f + x * x);
  if constexpr (kKind == Unary::sinh) return hyperbolic<1>(abs(x));
  if constexpr (kKind == Unary::cosh) return sinh(x);
  if constexpr (kKind == Unary::asinh) return 1.0f / sqrt(1.0f + x * x);
  if constexpr (kKind == Unary::acosh) return 1.0f / sqrt((x - 1.0f) * (x + 1.0f));
  if constexpr (kKind == Unary::atanh) return 1.0f / ((1.0f - x) * (1.0f + x));
  if constexpr (kKind == Unary::erf) return kTwoOverRootPi * exp(-x * x);
  return broadcast(0.0f);
}

template <Unary kKind>
DAY33_INLINE void forward(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(y + i, function_of<kKind>(load(x + i)));
}

// The gradient of x. Of roots it is 0 where that of y is, however steep they are there, as in TensorFlow: so the
// deviation of equal numbers has a gradient.
template <Unary kKind>
DAY33_INLINE Vec gradient_of(Vec x, Vec y, Vec dy) {
  const Vec dx = dy * slope_of<kKind>(x, y);
  if constexpr (kKind == Unary::sqrt || kKind == Unary::rsqrt) return select(dy == 0.0f, broadcast(0.0f), dx);
  return dx;
}

template <Unary kKind>
DAY33_INLINE void backward(const float* x, const float* y, const float* dy, float* dx, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store(dx + i, gradient_of<kKind>(load(x + i), load(y + i), load(dy + i)));
}

// Whole numbers wrap around, as those of NumPy and TensorFlow do.
DAY33_INLINE int32_t wrapped(uint32_t v) { return static_cast<int32_t>(v); }

template <Unary kKind>
DAY33_INLINE int32_t function_of_int(int32_t x) {
  const uint32_t u = static_cast<uint32_t>(x);
  if constexpr (kKind == Unary::negative) return wrapped(-u);
  if constexpr (kKind == Unary::abs) return x < 0 ? wrapped(-u) : x;
  if constexpr (kKind == Unary::sign) return (x > 0) - (x < 0);
  if constexpr (kKind == Unary::square) return wrapped(u * u);
  if constexpr (kKind == Unary::logical_not) return x == 0;
  return x;
}

// Both take whole vectors only, so that each function is compiled once and not again for the elements that are left.
void forward_vectors(Unary kind, const float* x, float* y, int64_t n) {
#define DAY33_CASE(name, trait) \
  case Unary::name:             \
    return forward<Unary::name>(x, y, n);
  switch (kind) { DAY33_UNARIES(DAY33_CASE) }
#undef DAY33_CASE
}

void backward_vectors(Unary kind, const float* x, const float* y, const float* dy, float* dx, int64_t n) {
#define DAY33_CASE(name, trait)                                                        \
  case Unary::name:                                                                    \
    if constexpr (Trait::trait == Trait::of_input || Trait::trait == Trait::of_output) \
      backward<Unary::name>(x, y, dy, dx, n);                                          \
    return;
  switch (kind) { DAY33_UNARIES(DAY33_CASE) }
#undef DAY33_CASE
}

// The last elements, fewer than a vector, in a vector of their own.
struct Rest {
  float v[kLanes] = {};
  Rest(const float* from, int64_t count) { copy_floats(v, from, count); }
};

}  // namespace

void unary_forward(Unary kind, const float* x, float* y, int64_t n) {
  const int64_t rest = n % kLanes, whole = n - rest;
  if (whole > 0) forward_vectors(kind, x, y, whole);
  if (rest == 0) return;
  const Rest last(x + whole, rest);
  float result[kLanes];
  forward_vectors(kind, last.v, result, kLanes);
  copy_floats(y + whole, result, rest);
}

void unary_backward(Unary kind, const float* x, const float* y, const float* dy, float* dx, int64_t n) {
  const int64_t rest = n % kLanes, whole = n - rest;
  if (whole > 0) backward_vectors(kind, x, y, dy, dx, whole);
  if (rest == 0) return;
  const Rest last_x(x + whole, rest), last_y(y + whole, rest), last_dy(dy + whole, rest);
  float result[kLanes];
  backward_vectors(kind, last_x.v, last_y.v, last_dy.v, result, kLanes);
  copy_floats(dx + whole, result, rest);
}

void unary_int(Unary kind, const int32_t* x, int32_t* y, int64_t n) {
#define DAY33_CASE(name)                                                       \
  case Unary::name:                                                            \
    for (int64_t i = 0; i < n; ++i) y[i] = function_of_int<Unary::name>(x[i]); \
    return;
  switch (kind) {
    DAY33_CASE(negative)
    DAY33_CASE(abs)
    DAY33_CASE(sign)
    DAY33_CASE(square)
    DAY33_CASE(logical_not)
    default:
      return;  // the builder asks for no other
  }
#undef DAY33_CASE
}

// Whole numbers are cut off as the conversion of SSE and NumPy does: what int32 does not hold becomes -2^31.
void float_to_int(const float* x, int32_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    y[i] = x[i] >= -2147483648.0f && x[i] < 2147483648.0f ? static_cast<int32_t>(x[i]) : INT32_MIN;
}
void int_to_float(const int32_t* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i]);
}
void float_to_bool(const float* x, int32_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] != 0.0f;
}
void int_to_bool(const int32_t* x, int32_t* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] != 0;
}

}  // namespace day33::DAY33_ISA

// Optimizer steps, in place. Each rule is that of the Keras 3 optimizer of the same name.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/math.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

// Applies step(weight, gradient, s) to kLanes elements at a time, where s are the kSlots values of the optimizer's
// state. The tail goes through the same vector code, so that the bits of an element do not depend on where a thread's
// share begins.
template <int kSlots, typename Step>
DAY33_INLINE void over_elements(float* weight, const float* gradient, float* const (&slots)[kSlots], int64_t n,
                                Step step) {
  int64_t i = 0;
  Vec s[kSlots];
  for (; i + kLanes <= n; i += kLanes) {
    Vec w = load(weight + i);
    for (int k = 0; k < kSlots; ++k) s[k] = load(slots[k] + i);
    step(w, load(gradient + i), s);
    store(weight + i, w);
    for (int k = 0; k < kSlots; ++k) store(slots[k] + i, s[k]);
  }
  const int rest = static_cast<int>(n - i);
  if (rest == 0) return;
  Vec w = load_first(weight + i, rest);
  for (int k = 0; k < kSlots; ++k) s[k] = load_first(slots[k] + i, rest);
  step(w, load_first(gradient + i, rest), s);
  store_first(weight + i, w, rest);
  for (int k = 0; k < kSlots; ++k) store_first(slots[k] + i, s[k], rest);
}

DAY33_INLINE Vec larger(Vec a, Vec b) { return select((b > a) | (b != b), b, a); }  // NaN in either is kept

// x^exponent for x >= 0.
DAY33_INLINE Vec power(Vec x, float exponent) {
  if (exponent == 0.5f) return sqrt(x);
  if (exponent == 1.0f) return x;
  if (exponent == 0.0f) return broadcast(1.0f);
  return exp(log(x) * exponent);
}

}  // namespace

// velocity <- momentum * velocity - lr * g; w <- w + velocity, or with Nesterov w <- w + momentum * velocity - lr * g.
// Without momentum (null velocity), w <- w - lr * g.
void sgd_step(const SgdArgs& args, float* weight, const float* gradient, float* velocity, int64_t n) {
  const float rate = args.learning_rate, momentum = args.momentum;
  if (velocity == nullptr)
    return over_inner(
        n, [=](auto w, int64_t i) { w.store(weight + i, w.load(weight + i) - w.load(gradient + i) * rate); });
  if (args.nesterov)
    return over_elements(weight, gradient, {velocity}, n, [=](Vec& w, Vec g, Vec(&s)[1]) {
      s[0] = s[0] * momentum - g * rate;
      w += s[0] * momentum - g * rate;
    });
  over_elements(weight, gradient, {velocity}, n, [=](Vec& w, Vec g, Vec(&s)[1]) {
    s[0] = s[0] * momentum - g * rate;
    w += s[0];
  });
}

// M. Zeiler, "ADADELTA: an adaptive learning rate method" (2012), with Keras's learning rate.
void adadelta_step(const AdadeltaArgs& args, float* weight, const float* gradient, float* squares, float* deltas,
                   int64_t n) {
  // 1 - rho is computed in double, as in Keras: 1 - 0.95f would already be off in the seventh digit.
  const float rate = args.learning_rate, rho = static_cast<float>(args.rho), epsilon = args.epsilon;
  const float rest = static_cast<float>(1.0 - args.rho);
  over_elements(weight, gradient, {squares, deltas}, n, [=](Vec& w, Vec g, Vec(&s)[2]) {
    s[0] = s[0] * rho + g * g * rest;
    const Vec delta = -(sqrt(s[1] + epsilon) * g / sqrt(s[0] + epsilon));
    s[1] = s[1] * rho + delta * delta * rest;
    w += delta * rate;
  });
}

// D. Kingma, J. Ba, "Adam: a method for stochastic optimization" (2015), in the form with epsilon hat. With v_max, the
// root is that of the largest v so far: S. Reddi et al., "On the convergence of Adam and beyond" (2018).
void adam_step(const AdamArgs& args, float* weight, const float* gradient, float* m, float* v, float* v_max,
               int64_t n) {
  const float rate = args.learning_rate, epsilon = args.epsilon;
  const float rest_1 = static_cast<float>(1.0 - args.beta_1), rest_2 = static_cast<float>(1.0 - args.beta_2);
  if (v_max == nullptr)
    return over_elements(weight, gradient, {m, v}, n, [=](Vec& w, Vec g, Vec(&s)[2]) {
      s[0] += (g - s[0]) * rest_1;
      s[1] += (g * g - s[1]) * rest_2;
      w -= s[0] * rate / (sqrt(s[1]) + epsilon);
    });
  over_elements(weight, gradient, {m, v, v_max}, n, [=](Vec& w, Vec g, Vec(&s)[3]) {
    s[0] += (g - s[0]) * rest_1;
    s[1] += (g * g - s[1]) * rest_2;
    s[2] = larger(s[2], s[1]);
    w -= s[0] * rate / (sqrt(s[2]) + epsilon);
  });
}

// T. Dozat, "Incorporating Nesterov momentum into Adam" (2016).
void nadam_step(const NadamArgs& args, float* weight, const float* gradient, float* m, float* v, int64_t n) {
  const float rest_1 = static_cast<float>(1.0 - args.beta_1), rest_2 = static_cast<float>(1.0 - args.beta_2);
  const float of_m = args.momentum_rate, of_g = args.gradient_rate, of_v = args.velocity_scale, epsilon = args.epsilon;
  over_elements(weight, gradient, {m, v}, n, [=](Vec& w, Vec g, Vec(&s)[2]) {
    s[0] += (g - s[0]) * rest_1;
    s[1] += (g * g - s[1]) * rest_2;
    w -= (s[0] * of_m + g * of_g) / (sqrt(s[1] * of_v) + epsilon);
  });
}

// Kingma and Ba (2015), section 7.1: Adam with the maximum norm.
void adamax_step(const AdamaxArgs& args, float* weight, const float* gradient, float* m, float* u, int64_t n) {
  const float rate = args.learning_rate, beta_2 = args.beta_2, epsilon = args.epsilon;
  const float rest = static_cast<float>(1.0 - args.beta_1);
  over_elements(weight, gradient, {m, u}, n, [=](Vec& w, Vec g, Vec(&s)[2]) {
    s[0] += (g - s[0]) * rest;
    s[1] = larger(s[1] * beta_2, abs(g));
    w -= s[0] * rate / (s[1] + epsilon);
  });
}

// G. Hinton, "Neural networks for machine learning" (2012), lecture 6e; centred as in A. Graves, "Generating sequences
// with recurrent neural networks" (2013), section 2: mean_g is the running mean of g, null for the plain rule.
void rmsprop_step(const RmsPropArgs& args, float* weight, const float* gradient, float* velocity, float* momentum,
                  float* mean_g, int64_t n) {
  const float rate = args.learning_rate, rho = static_cast<float>(args.rho), epsilon = args.epsilon;
  const float rest = static_cast<float>(1.0 - args.rho), keep = args.momentum;
  const auto variance = [=](Vec& v, Vec g) { return v = v * rho + g * g * rest; };
  const auto centred = [=](Vec& v, Vec& mean, Vec g) {
    v = v * rho + g * g * rest;
    mean = mean * rho + g * rest;
    return v - mean * mean;
  };
  const auto move = [=](Vec& w, Vec& m, Vec g, Vec root) {
    m = m * keep + g * rate / root;
    w -= m;
  };
  if (momentum == nullptr && mean_g == nullptr)
    over_elements(weight, gradient, {velocity}, n,
                  [=](Vec& w, Vec g, Vec(&s)[1]) { w -= g * rate / sqrt(variance(s[0], g) + epsilon); });
  else if (mean_g == nullptr)
    over_elements(weight, gradient, {velocity, momentum}, n,
                  [=](Vec& w, Vec g, Vec(&s)[2]) { move(w, s[1], g, sqrt(variance(s[0], g) + epsilon)); });
  else if (momentum == nullptr)
    over_elements(weight, gradient, {velocity, mean_g}, n,
                  [=](Vec& w, Vec g, Vec(&s)[2]) { w -= g * rate / sqrt(centred(s[0], s[1], g) + epsilon); });
  else
    over_elements(weight, gradient, {velocity, momentum, mean_g}, n,
                  [=](Vec& w, Vec g, Vec(&s)[3]) { move(w, s[1], g, sqrt(centred(s[0], s[2], g) + epsilon)); });
}

// J. Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization" (2011).
void adagrad_step(const AdagradArgs& args, float* weight, const float* gradient, float* squares, int64_t n) {
  const float rate = args.learning_rate, epsilon = args.epsilon;
  over_elements(weight, gradient, {squares}, n, [=](Vec& w, Vec g, Vec(&s)[1]) {
    s[0] += g * g;
    w -= g * rate / sqrt(s[0] + epsilon);
  });
}

// X. Chen et al., "Symbolic discovery of optimization algorithms" (2023).
void lion_step(const LionArgs& args, float* weight, const float* gradient, float* m, int64_t n) {
  const float rate = args.learning_rate;
  const float beta_1 = static_cast<float>(args.beta_1), beta_2 = static_cast<float>(args.beta_2);
  const float rest_1 = static_cast<float>(1.0 - args.beta_1), rest_2 = static_cast<float>(1.0 - args.beta_2);
  over_elements(weight, gradient, {m}, n, [=](Vec& w, Vec g, Vec(&s)[1]) {
    const Vec c = s[0] * beta_1 + g * rest_1;
    // The sign of 0 is 0, that of NaN is NaN: both are c itself.
    w -= select(c > 0.0f, broadcast(rate), select(c < 0.0f, broadcast(-rate), c));
    s[0] = s[0] * beta_2 + g * rest_2;
  });
}

// H. McMahan et al., "Ad click prediction: a view from the trenches" (2013), with shrinkage as in TensorFlow's rule.
void ftrl_step(const FtrlArgs& args, float* weight, const float* gradient, float* squares, float* linear, int64_t n) {
  const float inverse_rate = 1.0f / args.learning_rate, exponent = args.exponent, l1 = args.l1;
  const float twice_l2 = 2.0f * args.l2, shrinkage = 2.0f * args.l2_shrinkage;
  over_elements(weight, gradient, {squares, linear}, n, [=](Vec& w, Vec g, Vec(&s)[2]) {
    const Vec after = s[0] + g * g, root = power(after, exponent);
    s[1] += g + w * shrinkage - (root - power(s[0], exponent)) * inverse_rate * w;
    s[0] = after;
    w = (at_most(at_least(s[1], -l1), l1) - s[1]) / (root * inverse_rate + twice_l2);
  });
}

void running_mean(const float* x, float* mean, double keep, int64_t n) {
  const float of_mean = static_cast<float>(keep), of_x = static_cast<float>(1.0 - keep);
  over_inner(n, [=](auto w, int64_t i) { w.store(mean + i, w.load(mean + i) * of_mean + w.load(x + i) * of_x); });
}

double sum_of_squares(const float* x, int64_t n) {
  WideSum sum;
  int64_t i = 0;
  const auto add = [&](Vec v) {
    const WideVec wide = widen(v);
    sum.add(WideVec{wide.low * wide.low, wide.high * wide.high});
  };
  for (; i + kLanes <= n; i += kLanes) add(load(x + i));
  if (i < n) add(load_first(x + i, static_cast<int>(n - i)));
  return sum.total();
}

double add_penalty(float l1, float l2, const float* weight, float* gradient, int64_t n) {
  WideSum sum;
  const float twice = 2.0f * l2;
  const Vec zero{}, one = broadcast(1.0f);
  const auto add = [&](Vec w) {
    sum.add(abs(w) * l1 + w * w * l2);
    const Vec sign = select(w > zero, one, select(w < zero, -one, zero));
    return sign * l1 + w * twice;
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec dw = add(load(weight + i));
    if (gradient != nullptr) store(gradient + i, load(gradient + i) + dw);
  }
  if (i < n) {
    const int rest = static_cast<int>(n - i);
    const Vec dw = add(load_first(weight + i, rest));
    if (gradient != nullptr) store_first(gradient + i, load_first(gradient + i, rest) + dw, rest);
  }
  return sum.total();
}

}  // namespace day33::DAY33_ISA

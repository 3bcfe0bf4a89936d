// Optimizer steps, in place. Each rule is that of the Keras 3 optimizer of the same name.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/math.h"
#include "simd/wide_sum.h"

namespace day33::DAY33_ISA {
namespace {

// What a rule takes for g^2, and for |g|: of a gradient that is one slice, these are functions of it ...
struct OneSlice {
  static OneSlice at(const float*, int64_t) { return {}; }
  Vec square(Vec g) const { return g * g; }
  Vec magnitude(Vec g) const { return abs(g); }
  Vec square_of_scaled(Vec scaled, Vec /*scale*/) const { return scaled * scaled; }  // scaled: scale * g
};
// ... and of a sum of slices they are the sums over the slices, which an array holds. A rule takes one of the two.
struct ManySlices {
  Vec sum;
  static ManySlices at(const float* sums, int64_t i) { return {load(sums + i)}; }
  Vec square(Vec) const { return sum; }
  Vec magnitude(Vec) const { return sum; }
  Vec square_of_scaled(Vec, Vec scale) const { return scale * scale * sum; }
};

// Applies step(g, s, slices) to whole vectors, where s are values of the kArrays arrays of weights and state. It is not
// inlined: an expression with several products can be contracted to FMAs in several ways, and a copy of this code might
// choose another one.
template <int kArrays, typename Slices, typename Step>
__attribute__((noinline)) void over_vectors(const float* gradient, const float* slice_sums, float* const* arrays,
                                            int64_t n, Step step) {
  Vec s[kArrays];
  for (int64_t i = 0; i < n; i += kLanes) {
    for (int k = 0; k < kArrays; ++k) s[k] = load(arrays[k] + i);
    step(load(gradient + i), s, Slices::at(slice_sums, i));
    for (int k = 0; k < kArrays; ++k) store(arrays[k] + i, s[k]);
  }
}

// Applies step(g, s, slices) to n elements. The tail is padded to a vector and goes through the same code, so that the
// bits of an element do not depend on where a thread's share begins.
template <int kArrays, typename Slices, typename Step>
DAY33_INLINE void over_slices(const float* gradient, const float* slice_sums, float* const (&arrays)[kArrays],
                              int64_t n, Step step) {
  const int64_t whole = n / kLanes * kLanes;
  over_vectors<kArrays, Slices>(gradient, slice_sums, arrays, whole, step);
  const int rest = static_cast<int>(n - whole);
  if (rest == 0) return;
  float padded[kArrays + 2][kLanes], *pointers[kArrays];
  store(padded[kArrays], load_first(gradient + whole, rest));
  if (slice_sums != nullptr) store(padded[kArrays + 1], load_first(slice_sums + whole, rest));
  for (int k = 0; k < kArrays; ++k) {
    pointers[k] = padded[k];
    store(padded[k], load_first(arrays[k] + whole, rest));
  }
  int64_t count = kLanes;
  asm("" : "+r"(count));  // unknown to the compiler, which else could make a copy for this number
  over_vectors<kArrays, Slices>(padded[kArrays], padded[kArrays + 1], pointers, count, step);
  for (int k = 0; k < kArrays; ++k) copy_floats(arrays[k] + whole, padded[k], rest);
}

// Applies step(g, s) of a rule that takes no square of g.
template <int kArrays, typename Step>
DAY33_INLINE void over_elements(const float* gradient, float* const (&arrays)[kArrays], int64_t n, Step step) {
  over_slices<kArrays, OneSlice>(gradient, nullptr, arrays, n, [=](Vec g, Vec(&s)[kArrays], OneSlice) { step(g, s); });
}

// Applies step(g, s, slices): slice_sums are null for a gradient that is one slice.
template <int kArrays, typename Step>
DAY33_INLINE void over_elements(const float* gradient, const float* slice_sums, float* const (&arrays)[kArrays],
                                int64_t n, Step step) {
  if (slice_sums == nullptr)
    over_slices<kArrays, OneSlice>(gradient, nullptr, arrays, n, step);
  else
    over_slices<kArrays, ManySlices>(gradient, slice_sums, arrays, n, step);
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
    over_elements(gradient, {weight}, n, [=](Vec g, Vec(&s)[1]) { s[0] -= g * rate; });
  else if (args.nesterov)
    over_elements(gradient, {weight, velocity}, n, [=](Vec g, Vec(&s)[2]) {
      auto& [w, v] = s;
      v = v * momentum - g * rate;
      w += v * momentum - g * rate;
    });
  else
    over_elements(gradient, {weight, velocity}, n, [=](Vec g, Vec(&s)[2]) {
      auto& [w, v] = s;
      v = v * momentum - g * rate;
      w += v;
    });
}

// M. Zeiler, "ADADELTA: an adaptive learning rate method" (2012), with Keras's learning rate.
void adadelta_step(const AdadeltaArgs& args, float* weight, const float* gradient, const float* slice_sums,
                   float* squares, float* deltas, int64_t n) {
  // 1 - rho is computed in double, as in Keras: 1 - 0.95f would already be off in the seventh digit.
  const float rate = args.learning_rate, rho = static_cast<float>(args.rho), epsilon = args.epsilon;
  const float rest = static_cast<float>(1.0 - args.rho);
  over_elements(gradient, slice_sums, {weight, squares, deltas}, n, [=](Vec g, Vec(&s)[3], auto slices) {
    auto& [w, a, d] = s;
    a = a * rho + slices.square(g) * rest;
    const Vec delta = -(sqrt(d + epsilon) * g / sqrt(a + epsilon));
    d = d * rho + slices.square_of_scaled(delta, sqrt(d + epsilon) / sqrt(a + epsilon)) * rest;
    w += delta * rate;
  });
}

// D. Kingma, J. Ba, "Adam: a method for stochastic optimization" (2015), in the form with epsilon hat. With v_max, the
// root is that of the largest v so far: S. Reddi et al., "On the convergence of Adam and beyond" (2018).
void adam_step(const AdamArgs& args, float* weight, const float* gradient, const float* slice_sums, float* m, float* v,
               float* v_max, int64_t n) {
  const float rate = args.learning_rate, epsilon = args.epsilon;
  const float rest_1 = static_cast<float>(1.0 - args.beta_1), rest_2 = static_cast<float>(1.0 - args.beta_2);
  if (v_max == nullptr)
    over_elements(gradient, slice_sums, {weight, m, v}, n, [=](Vec g, Vec(&s)[3], auto slices) {
      auto& [w, vm, vv] = s;
      vm += (g - vm) * rest_1;
      vv += (slices.square(g) - vv) * rest_2;
      w -= vm * rate / (sqrt(vv) + epsilon);
    });
  else
    over_elements(gradient, slice_sums, {weight, m, v, v_max}, n, [=](Vec g, Vec(&s)[4], auto slices) {
      auto& [w, vm, vv, top] = s;
      vm += (g - vm) * rest_1;
      vv += (slices.square(g) - vv) * rest_2;
      top = larger(top, vv);
      w -= vm * rate / (sqrt(top) + epsilon);
    });
}

// T. Dozat, "Incorporating Nesterov momentum into Adam" (2016).
void nadam_step(const NadamArgs& args, float* weight, const float* gradient, const float* slice_sums, float* m,
                float* v, int64_t n) {
  const float rest_1 = static_cast<float>(1.0 - args.beta_1), rest_2 = static_cast<float>(1.0 - args.beta_2);
  const float of_m = args.momentum_rate, of_g = args.gradient_rate, of_v = args.velocity_scale, epsilon = args.epsilon;
  over_elements(gradient, slice_sums, {weight, m, v}, n, [=](Vec g, Vec(&s)[3], auto slices) {
    auto& [w, vm, vv] = s;
    vm += (g - vm) * rest_1;
    vv += (slices.square(g) - vv) * rest_2;
    w -= (vm * of_m + g * of_g) / (sqrt(vv * of_v) + epsilon);
  });
}

// Kingma and Ba (2015), section 7.1: Adam with the maximum norm.
void adamax_step(const AdamaxArgs& args, float* weight, const float* gradient, const float* slice_sums, float* m,
                 float* u, int64_t n) {
  const float rate = args.learning_rate, beta_2 = args.beta_2, epsilon = args.epsilon;
  const float rest = static_cast<float>(1.0 - args.beta_1);
  over_elements(gradient, slice_sums, {weight, m, u}, n, [=](Vec g, Vec(&s)[3], auto slices) {
    auto& [w, vm, vu] = s;
    vm += (g - vm) * rest;
    vu = larger(vu * beta_2, slices.magnitude(g));
    w -= vm * rate / (vu + epsilon);
  });
}

// G. Hinton, "Neural networks for machine learning" (2012), lecture 6e; centred as in A. Graves, "Generating sequences
// with recurrent neural networks" (2013), section 2: mean_g is the running mean of g, null for the plain rule.
void rmsprop_step(const RmsPropArgs& args, float* weight, const float* gradient, const float* slice_sums,
                  float* velocity, float* momentum, float* mean_g, int64_t n) {
  const float rate = args.learning_rate, rho = static_cast<float>(args.rho), epsilon = args.epsilon;
  const float rest = static_cast<float>(1.0 - args.rho), keep = args.momentum;
  // The step for the running means of g^2 and, centred, of g.
  const auto scaled = [=](Vec& v, Vec g, auto slices) {
    v = v * rho + slices.square(g) * rest;
    return g * rate / sqrt(v + epsilon);
  };
  const auto centred = [=](Vec& v, Vec& mean, Vec g, auto slices) {
    v = v * rho + slices.square(g) * rest;
    mean = mean * rho + g * rest;
    return g * rate / sqrt(v - mean * mean + epsilon);
  };
  if (momentum == nullptr && mean_g == nullptr)
    over_elements(gradient, slice_sums, {weight, velocity}, n,
                  [=](Vec g, Vec(&s)[2], auto slices) { s[0] -= scaled(s[1], g, slices); });
  else if (mean_g == nullptr)
    over_elements(gradient, slice_sums, {weight, velocity, momentum}, n, [=](Vec g, Vec(&s)[3], auto slices) {
      auto& [w, v, m] = s;
      m = m * keep + scaled(v, g, slices);
      w -= m;
    });
  else if (momentum == nullptr)
    over_elements(gradient, slice_sums, {weight, velocity, mean_g}, n,
                  [=](Vec g, Vec(&s)[3], auto slices) { s[0] -= centred(s[1], s[2], g, slices); });
  else
    over_elements(gradient, slice_sums, {weight, velocity, momentum, mean_g}, n, [=](Vec g, Vec(&s)[4], auto slices) {
      auto& [w, v, m, mean] = s;
      m = m * keep + centred(v, mean, g, slices);
      w -= m;
    });
}

// J. Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization" (2011).
void adagrad_step(const AdagradArgs& args, float* weight, const float* gradient, const float* slice_sums,
                  float* squares, int64_t n) {
  const float rate = args.learning_rate, epsilon = args.epsilon;
  over_elements(gradient, slice_sums, {weight, squares}, n, [=](Vec g, Vec(&s)[2], auto slices) {
    auto& [w, a] = s;
    a += slices.square(g);
    w -= g * rate / sqrt(a + epsilon);
  });
}

// X. Chen et al., "Symbolic discovery of optimization algorithms" (2023).
void lion_step(const LionArgs& args, float* weight, const float* gradient, float* m, int64_t n) {
  const float rate = args.learning_rate;
  const float beta_1 = static_cast<float>(args.beta_1), beta_2 = static_cast<float>(args.beta_2);
  const float rest_1 = static_cast<float>(1.0 - args.beta_1), rest_2 = static_cast<float>(1.0 - args.beta_2);
  over_elements(gradient, {weight, m}, n, [=](Vec g, Vec(&s)[2]) {
    auto& [w, vm] = s;
    const Vec c = vm * beta_1 + g * rest_1;
    // The sign of 0 is 0, that of NaN is NaN: both are c itself.
    w -= select(c > 0.0f, broadcast(rate), select(c < 0.0f, broadcast(-rate), c));
    vm = vm * beta_2 + g * rest_2;
  });
}

// H. McMahan et al., "Ad click prediction: a view from the trenches" (2013), with shrinkage as in TensorFlow's rule.
void ftrl_step(const FtrlArgs& args, float* weight, const float* gradient, const float* slice_sums, float* squares,
               float* linear, int64_t n) {
  const float inverse_rate = 1.0f / args.learning_rate, exponent = args.exponent, l1 = args.l1;
  const float twice_l2 = 2.0f * args.l2, shrinkage = 2.0f * args.l2_shrinkage;
  over_elements(gradient, slice_sums, {weight, squares, linear}, n, [=](Vec g, Vec(&s)[3], auto slices) {
    auto& [w, a, z] = s;
    const Vec after = a + slices.square(g), root = power(after, exponent);
    z += g + w * shrinkage - (root - power(a, exponent)) * inverse_rate * w;
    a = after;
    w = (at_most(at_least(z, -l1), l1) - z) / (root * inverse_rate + twice_l2);
  });
}

void running_mean(const float* x, float* mean, double keep, int64_t n) {
  const float of_mean = static_cast<float>(keep), of_x = static_cast<float>(1.0 - keep);
  over_elements(x, {mean}, n, [=](Vec v, Vec(&s)[1]) { s[0] = s[0] * of_mean + v * of_x; });
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

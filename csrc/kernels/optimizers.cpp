// Optimizer steps, in place. Each rule is that of the Keras 3 optimizer of the same name.
#include "kernels/kernels.h"
#include "simd/body.h"
#include "simd/math.h"

namespace day33::DAY33_ISA {
namespace {

// Applies step(weight, gradient, a, b) to kLanes elements at a time, where a and b are the optimizer's state, of which
// kSlots (at most two) are used. The tail goes through the same vector code, so that the bits of an element do not
// depend on where a thread's share begins.
template <int kSlots, typename Step>
DAY33_INLINE void over_elements(float* weight, const float* gradient, float* a, float* b, int64_t n, Step step) {
  int64_t i = 0;
  Vec none = broadcast(0.0f);
  for (; i + kLanes <= n; i += kLanes) {
    Vec w = load(weight + i), va = kSlots > 0 ? load(a + i) : none, vb = kSlots > 1 ? load(b + i) : none;
    step(w, load(gradient + i), va, vb);
    store(weight + i, w);
    if (kSlots > 0) store(a + i, va);
    if (kSlots > 1) store(b + i, vb);
  }
  const int rest = static_cast<int>(n - i);
  if (rest == 0) return;
  Vec w = load_first(weight + i, rest);
  Vec va = kSlots > 0 ? load_first(a + i, rest) : none, vb = kSlots > 1 ? load_first(b + i, rest) : none;
  step(w, load_first(gradient + i, rest), va, vb);
  store_first(weight + i, w, rest);
  if (kSlots > 0) store_first(a + i, va, rest);
  if (kSlots > 1) store_first(b + i, vb, rest);
}

}  // namespace

// velocity <- momentum * velocity - lr * g; w <- w + velocity, or with Nesterov w <- w + momentum * velocity - lr * g.
// Without momentum (null velocity), w <- w - lr * g.
void sgd_step(const SgdArgs& args, float* weight, const float* gradient, float* velocity, int64_t n) {
  const float rate = args.learning_rate, momentum = args.momentum;
  if (velocity == nullptr) {
    over_elements<0>(weight, gradient, nullptr, nullptr, n, [=](Vec& w, Vec g, Vec&, Vec&) { w -= g * rate; });
  } else if (args.nesterov) {
    over_elements<1>(weight, gradient, velocity, nullptr, n, [=](Vec& w, Vec g, Vec& v, Vec&) {
      v = v * momentum - g * rate;
      w += v * momentum - g * rate;
    });
  } else {
    over_elements<1>(weight, gradient, velocity, nullptr, n, [=](Vec& w, Vec g, Vec& v, Vec&) {
      v = v * momentum - g * rate;
      w += v;
    });
  }
}

// M. Zeiler, "ADADELTA: an adaptive learning rate method" (2012), with Keras's learning rate.
void adadelta_step(const AdadeltaArgs& args, float* weight, const float* gradient, float* squares, float* deltas,
                   int64_t n) {
  // 1 - rho is computed in double, as in Keras: 1 - 0.95f would already be off in the seventh digit.
  const float rate = args.learning_rate, rho = static_cast<float>(args.rho), epsilon = args.epsilon;
  const float rest = static_cast<float>(1.0 - args.rho);
  over_elements<2>(weight, gradient, squares, deltas, n, [=](Vec& w, Vec g, Vec& a, Vec& d) {
    a = a * rho + g * g * rest;
    const Vec delta = -(sqrt(d + epsilon) * g / sqrt(a + epsilon));
    d = d * rho + delta * delta * rest;
    w += delta * rate;
  });
}

// D. Kingma, J. Ba, "Adam: a method for stochastic optimization" (2015), in the form with epsilon hat.
void adam_step(const AdamArgs& args, float* weight, const float* gradient, float* m, float* v, int64_t n) {
  const float rate = args.learning_rate, epsilon = args.epsilon;
  const float rest_1 = static_cast<float>(1.0 - args.beta_1), rest_2 = static_cast<float>(1.0 - args.beta_2);
  over_elements<2>(weight, gradient, m, v, n, [=](Vec& w, Vec g, Vec& vm, Vec& vv) {
    vm += (g - vm) * rest_1;
    vv += (g * g - vv) * rest_2;
    w -= vm * rate / (sqrt(vv) + epsilon);
  });
}

}  // namespace day33::DAY33_ISA
